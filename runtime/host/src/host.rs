//! The host: loads skills, compiles each once, and calls them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use negawatt_package::Tool;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::aot::AotCache;
use crate::bindings::AllPre;
use crate::call::{self, CallState, Envelope, Outcome, Status};
use crate::grants::{Denial, Rights};
use crate::limits::MAX_CALLS;
use crate::skill::{Digest, LoadError, Skill};
use crate::{engine, tools, validate, wasi};

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up on this machine: {0}")]
pub struct HostError(String);

/// Loads and calls skills. One for a process; cheap to share.
pub struct Host {
    engine: Engine,
    cache: Option<AotCache>,
    ready: Mutex<HashMap<Digest, Arc<AllPre<CallState>>>>,
    places: Semaphore,
}

impl Host {
    /// Makes a host that keeps compiled code in a folder; without one, or where it cannot be trusted, only in memory.
    pub fn new(cache: Option<PathBuf>) -> Result<Host, HostError> {
        let engine = engine::new().map_err(|error| HostError(error.root_cause().to_string()))?;
        let cache = cache.and_then(|path| {
            AotCache::open(&path)
                .inspect_err(|reason| tracing::warn!("compiled code is not kept between runs: {reason}"))
                .ok()
        });
        Ok(Host { engine, cache, ready: Mutex::default(), places: Semaphore::new(MAX_CALLS as usize) })
    }

    /// Whether compiled code can be kept in a folder; the error says why it cannot be trusted. Makes the folder if it is not
    /// there.
    pub fn check_cache(folder: &Path) -> Result<(), String> {
        AotCache::open(folder).map(drop)
    }

    /// Validates and compiles a skill, or takes it from the cache, and checks the type of what it exports.
    ///
    /// Takes as long as compiling does: call it where blocking is allowed.
    pub fn compile(&self, skill: &Skill) -> Result<(), LoadError> {
        self.prepare(skill).map(drop)
    }

    fn prepare(&self, skill: &Skill) -> Result<Arc<AllPre<CallState>>, LoadError> {
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = ready().get(&skill.digest) {
            return Ok(instance.clone());
        }
        let not_a_skill = |error: wasmtime::Error| LoadError::NotASkill(format!("{error:#}"));
        let cached = self.cache.as_ref().and_then(|cache| cache.load(&self.engine, &skill.digest));
        let component = match cached {
            Some(component) => component,
            None => {
                let component = Component::new(&self.engine, &skill.wasm).map_err(not_a_skill)?;
                if let Some(cache) = &self.cache {
                    cache.store(&self.engine, &skill.digest, &component);
                }
                component
            }
        };
        let linker = self.linker(&skill.imports.tools).map_err(not_a_skill)?;
        let instance = linker.instantiate_pre(&component).and_then(AllPre::new).map_err(not_a_skill)?;
        let instance = Arc::new(instance);
        ready().insert(skill.digest, instance.clone());
        Ok(instance)
    }

    /// The base and these tools, and nothing else.
    fn linker(&self, tools: &BTreeSet<Tool>) -> wasmtime::Result<Linker<CallState>> {
        let mut linker = Linker::new(&self.engine);
        wasi::link(&mut linker)?;
        tools::link_ungranted(&mut linker)?;
        tools.iter().try_for_each(|tool| tools::link(*tool, &mut linker))?;
        Ok(linker)
    }

    /// Calls a skill in a fresh sandbox and checks what it returns. Never fails: how it ended is part of the outcome.
    pub async fn call(self: &Arc<Self>, skill: &Arc<Skill>, rights: &Rights, envelope: Envelope) -> Outcome {
        if !skill.imports.tools.is_subset(&rights.tools) {
            let missing = skill.imports.tools.difference(&rights.tools).copied().collect();
            let denial = Denial { skill: skill.manifest.name.clone(), missing };
            return Outcome::without_call(Status::Denied, denial.to_string());
        }
        let cancelled = || Outcome::without_call(Status::Cancelled, "the step was cancelled".to_owned());
        let cancel = envelope.cancel.clone();
        let (host, compiled) = (self.clone(), skill.clone());
        let compiling = tokio::task::spawn_blocking(move || host.prepare(&compiled));
        let instance = tokio::select! {
            biased;
            () = cancel.cancelled() => return cancelled(),
            compiled = compiling => match compiled {
                Ok(Ok(instance)) => instance,
                Ok(Err(error)) => return Outcome::without_call(Status::Invalid, error.to_string()),
                Err(_) => return Outcome::without_call(Status::Invalid, "it cannot be compiled".to_owned()),
            },
        };
        let place = tokio::select! {
            biased;
            () = cancel.cancelled() => return cancelled(),
            place = self.places.acquire() => place,
        };
        let case = envelope.case.clone();
        let limits = envelope.limits.clone();
        let mut outcome = call::call(&instance, envelope).await;
        drop(place);
        if outcome.status == Status::Ok
            && let Err(problem) = validate::findings(&outcome.findings, &skill.manifest, &case, &limits)
        {
            outcome.findings.clear();
            outcome.status = problem.status;
            outcome.message = Some(problem.message);
        }
        outcome
    }
}
