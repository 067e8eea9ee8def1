//! The host: loads skills, compiles each once, and calls them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use negawatt_package::Tool;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::aot::AotCache;
use crate::bindings::AllPre;
use crate::call::{self, CallState, Envelope, Outcome, Status};
use crate::compile::Compiler;
use crate::grants::{Denial, Refusal, Rights};
use crate::limits::{Fuel, HostLimits, Limits, MAX_CALLS};
use crate::skill::{Digest, LoadError, Origin, Skill};
use crate::{engine, scan, tools, validate, wasi};

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up on this machine: {0}")]
pub struct HostError(String);

/// How a host is set up.
#[derive(Debug, Clone, Default)]
pub struct HostConfig {
    /// Where compiled code is kept; without it, or where it cannot be trusted, only in memory.
    pub cache: Option<PathBuf>,
    /// What all skills together may use.
    pub limits: HostLimits,
    /// Compiles what is not bundled, in a process of its own; without it this process does.
    pub compiler: Option<Compiler>,
}

/// Loads and calls skills. One for a process; cheap to share.
pub struct Host {
    engine: Engine,
    /// The one that counts instructions, made when a grant first asks for that.
    counting: OnceLock<Engine>,
    cache: Option<AotCache>,
    limits: HostLimits,
    compiler: Option<Compiler>,
    ready: Mutex<HashMap<Ready, Arc<Prepared>>>,
    places: Semaphore,
}

/// What code is ready for: a component, and whether its instructions are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ready {
    digest: Digest,
    counted: bool,
}

/// A skill that can be called.
struct Prepared {
    instance: AllPre<CallState>,
    places: Arc<Semaphore>,
}

impl Host {
    /// Makes a host.
    pub fn new(config: HostConfig) -> Result<Host, HostError> {
        let HostConfig { cache, limits, compiler } = config;
        let engine = engine::new(false).map_err(|error| HostError(error.root_cause().to_string()))?;
        let cache = cache.and_then(|path| {
            AotCache::open(&path)
                .inspect_err(|reason| tracing::warn!("compiled code is not kept between runs: {reason}"))
                .ok()
        });
        let places = Semaphore::new(limits.calls.min(MAX_CALLS) as usize);
        Ok(Host { engine, counting: OnceLock::new(), cache, limits, compiler, ready: Mutex::default(), places })
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
        self.prepare(skill, Ready { digest: skill.digest, counted: false }).map(drop)
    }

    /// What all skills together may use.
    pub fn limits(&self) -> &HostLimits {
        &self.limits
    }

    fn ready(&self) -> MutexGuard<'_, HashMap<Ready, Arc<Prepared>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine(&self, counted: bool) -> wasmtime::Result<&Engine> {
        match (counted, self.counting.get()) {
            (false, _) => Ok(&self.engine),
            (true, Some(engine)) => Ok(engine),
            (true, None) => {
                let engine = engine::new(true)?;
                Ok(self.counting.get_or_init(|| engine))
            }
        }
    }

    fn prepare(&self, skill: &Skill, ready: Ready) -> Result<Arc<Prepared>, LoadError> {
        if let Some(prepared) = self.ready().get(&ready) {
            return Ok(prepared.clone());
        }
        let not_a_skill = |error: wasmtime::Error| LoadError::NotASkill(format!("{error:#}"));
        let engine = self.engine(ready.counted).map_err(not_a_skill)?;
        let cached = self.cache.as_ref().and_then(|cache| cache.load(engine, &skill.digest));
        let component = match cached {
            Some(component) => component,
            None => self.make(engine, skill, ready.counted)?,
        };
        let linker = linker(engine, &skill.imports.tools).map_err(not_a_skill)?;
        let instance = linker.instantiate_pre(&component).and_then(AllPre::new).map_err(not_a_skill)?;
        let places = Arc::new(Semaphore::new(self.limits.calls_per_skill.min(MAX_CALLS) as usize));
        // Of two that were prepared at the same time the first stays: it may have given places away.
        Ok(self.ready().entry(ready).or_insert_with(|| Arc::new(Prepared { instance, places })).clone())
    }

    /// Compiles, and keeps the code.
    fn make(&self, engine: &Engine, skill: &Skill, counted: bool) -> Result<Component, LoadError> {
        let not_a_skill = |error: wasmtime::Error| LoadError::NotASkill(format!("{error:#}"));
        if skill.origin == Origin::Loaded {
            scan::component(&skill.wasm, &self.limits)?;
        }
        let code = match (&self.compiler, skill.origin) {
            (Some(compiler), Origin::Loaded) => compiler.compile(&skill.wasm, counted, &self.limits)?,
            _ => engine.precompile_component(&skill.wasm).map_err(not_a_skill)?,
        };
        if let Some(cache) = &self.cache {
            cache.store(engine, &skill.digest, &code);
        }
        // SAFETY: this very buffer was made by the compiler that is part of this program, here or in a child of the same
        // program, under an engine of the same configuration.
        unsafe { Component::deserialize(engine, code) }.map_err(not_a_skill)
    }

    /// A skill that is ready, or an outcome that says why it is not.
    async fn prepared(self: &Arc<Self>, skill: &Arc<Skill>, limits: &Limits) -> Result<Arc<Prepared>, Outcome> {
        let ready = Ready { digest: skill.digest, counted: limits.fuel != Fuel::UNCOUNTED };
        // Mostly it was called before; a thread of its own is for compiling.
        if let Some(prepared) = self.ready().get(&ready) {
            return Ok(prepared.clone());
        }
        let (host, skill) = (self.clone(), skill.clone());
        match tokio::task::spawn_blocking(move || host.prepare(&skill, ready)).await {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err(error)) => Err(Outcome::without_call(Status::Invalid, error.to_string())),
            Err(_) => Err(Outcome::without_call(Status::Invalid, "it cannot be compiled".to_owned())),
        }
    }

    /// Calls a skill in a fresh sandbox and checks what it returns. Never fails: how it ended is part of the outcome.
    pub async fn call(self: &Arc<Self>, skill: &Arc<Skill>, rights: &Rights, envelope: Envelope) -> Outcome {
        if !skill.imports.tools.is_subset(&rights.tools) {
            let missing = skill.imports.tools.difference(&rights.tools).copied().collect();
            let denial = Denial { skill: skill.manifest.name.clone(), reason: Refusal::NotGranted(missing) };
            return Outcome::without_call(Status::Denied, denial.to_string());
        }
        let cancel = envelope.cancel.clone();
        let purse = envelope.purse.clone();
        let case_over = async {
            match &purse {
                Some(purse) => tokio::time::sleep(purse.time_left()).await,
                None => std::future::pending().await,
            }
        };
        let admitted = async {
            let prepared = self.prepared(skill, &envelope.limits).await?;
            // One skill's calls wait for each other before they wait for a place that others could have.
            let own = prepared.places.clone().acquire_owned().await;
            Ok((prepared, own, self.places.acquire().await))
        };
        let (prepared, own, place) = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                return Outcome::without_call(Status::Cancelled, "the step was cancelled".to_owned());
            }
            () = case_over => {
                let text = purse.as_ref().map_or_else(String::new, |purse| purse.no_time());
                return Outcome { case_spent: true, ..Outcome::without_call(Status::Timeout, text) };
            }
            admitted = admitted => match admitted {
                Ok(admitted) => admitted,
                Err(outcome) => return outcome,
            },
        };
        let case = envelope.case.clone();
        let limits = envelope.limits.clone();
        let mut outcome = call::call(&prepared.instance, &rights.http, envelope).await;
        drop((own, place));
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

/// The base and these tools, and nothing else.
fn linker(engine: &Engine, tools: &BTreeSet<Tool>) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    tools::link_ungranted(&mut linker)?;
    tools.iter().try_for_each(|tool| tools::link(*tool, &mut linker))?;
    Ok(linker)
}
