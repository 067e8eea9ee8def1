//! The host: loads skills, compiles each once, and calls them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use negawatt_package::Tool;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::aot::AotCache;
use crate::bindings::AllPre;
use crate::call::{self, CallState, Envelope, Outcome, Status};
use crate::child::Child;
use crate::compile::compile;
use crate::grants::{Denial, Refusal, Rights};
use crate::limits::{Fuel, HostLimits, Limits, MAX_CALLS};
use crate::record::lock;
use crate::skill::{Digest, LoadError, Origin, Skill};
use crate::{engine, scan, tools, validate, wasi};

/// Why there is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox cannot be set up on this machine: {0}")]
pub struct HostError(String);

impl HostError {
    fn of(error: wasmtime::Error) -> HostError {
        HostError(error.root_cause().to_string())
    }
}

/// How a host is set up.
#[derive(Debug, Clone, Default)]
pub struct HostConfig {
    /// Where compiled code is kept; without it, or where it cannot be trusted, only in memory.
    pub cache: Option<PathBuf>,
    /// What all skills together may use.
    pub limits: HostLimits,
    /// Compiles what is not bundled, in a process of its own; without it this process does.
    pub compiler: Option<Child>,
}

/// Loads and calls skills. One for a process; cheap to share.
pub struct Host {
    engine: Engine,
    /// The one that counts instructions, made when a grant first asks for that.
    counting: OnceLock<Engine>,
    cache: Option<AotCache>,
    limits: HostLimits,
    compiler: Option<Child>,
    ready: Mutex<HashMap<Ready, Arc<Prepared>>>,
    /// What could not be compiled: nobody waits for that twice.
    failed: Mutex<HashMap<Ready, LoadError>>,
    /// One component is compiled at a time, on all cores, and no component twice.
    compiling: Arc<tokio::sync::Mutex<()>>,
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
        let engine = engine::new(false).map_err(HostError::of)?;
        let cache = cache.and_then(|path| {
            AotCache::open(&path, limits.compiled_bytes)
                .inspect_err(|reason| tracing::warn!("compiled code is not kept between runs: {reason}"))
                .ok()
        });
        let places = Semaphore::new(limits.calls.min(MAX_CALLS) as usize);
        let (ready, failed, compiling) = Default::default();
        Ok(Host { engine, counting: OnceLock::new(), cache, limits, compiler, ready, failed, compiling, places })
    }

    /// Whether compiled code can be kept in a folder; the error says why it cannot be trusted. Makes the folder if it is not
    /// there.
    pub fn check_cache(folder: &Path) -> Result<(), String> {
        AotCache::open(folder, u64::MAX).map(drop)
    }

    /// Validates and compiles a skill, or takes it from the cache, and checks the type of what it exports. So does the first
    /// call.
    ///
    /// Takes as long as compiling does: call it where blocking is allowed.
    pub fn compile(&self, skill: &Skill) -> Result<(), LoadError> {
        self.prepare(skill, Ready { digest: skill.digest, counted: false }).map(drop)
    }

    /// What all skills together may use.
    pub fn limits(&self) -> &HostLimits {
        &self.limits
    }

    fn engine(&self, counted: bool) -> Result<&Engine, HostError> {
        match (counted, self.counting.get()) {
            (false, _) => Ok(&self.engine),
            (true, Some(engine)) => Ok(engine),
            (true, None) => {
                let engine = engine::new(true).map_err(HostError::of)?;
                Ok(self.counting.get_or_init(|| engine))
            }
        }
    }

    /// A skill that is ready, or whose code is in the cache; the error of one that could not be compiled.
    fn cached(&self, skill: &Skill, ready: Ready) -> Result<Option<Arc<Prepared>>, LoadError> {
        if let Some(prepared) = lock(&self.ready).get(&ready) {
            return Ok(Some(prepared.clone()));
        }
        if let Some(error) = lock(&self.failed).get(&ready) {
            return Err(error.clone());
        }
        let engine = self.engine(ready.counted)?;
        let component = self.cache.as_ref().and_then(|cache| cache.load(engine, &skill.digest));
        component.map(|component| self.link(skill, ready, &component)).transpose()
    }

    /// The same, and else it is compiled.
    fn prepare(&self, skill: &Skill, ready: Ready) -> Result<Arc<Prepared>, LoadError> {
        if let Some(prepared) = self.cached(skill, ready)? {
            return Ok(prepared);
        }
        let engine = self.engine(ready.counted)?;
        let made = self.make(engine, skill, ready.counted).and_then(|component| self.link(skill, ready, &component));
        if let Err(error) = &made
            && error.is_its_own()
        {
            lock(&self.failed).insert(ready, error.clone());
        }
        made
    }

    fn link(&self, skill: &Skill, ready: Ready, component: &Component) -> Result<Arc<Prepared>, LoadError> {
        let linker = linker(component.engine(), &skill.imports.tools).map_err(not_a_skill)?;
        let instance = linker.instantiate_pre(component).and_then(AllPre::new).map_err(not_a_skill)?;
        let places = Arc::new(Semaphore::new(self.limits.calls_per_skill.min(MAX_CALLS) as usize));
        // Of two that were prepared at the same time the first stays: it may have given places away.
        Ok(lock(&self.ready).entry(ready).or_insert_with(|| Arc::new(Prepared { instance, places })).clone())
    }

    /// Compiles, and keeps the code.
    fn make(&self, engine: &Engine, skill: &Skill, counted: bool) -> Result<Component, LoadError> {
        let wasm = skill.wasm()?;
        if skill.origin == Origin::Loaded {
            scan::component(&wasm, &self.limits)?;
        }
        let code = match (&self.compiler, skill.origin) {
            (Some(compiler), Origin::Loaded) => compile(compiler, &wasm, counted, &self.limits)?,
            _ => engine.precompile_component(&wasm).map_err(not_a_skill)?,
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
        if let Some(prepared) = lock(&self.ready).get(&ready) {
            return Ok(prepared.clone());
        }
        let prepared = async {
            let (host, cached) = (self.clone(), skill.clone());
            if let Some(prepared) = blocking(move || host.cached(&cached, ready)).await? {
                return Ok(prepared);
            }
            let alone = self.compiling.clone().lock_owned().await;
            let (host, skill) = (self.clone(), skill.clone());
            // Until it is compiled, also where nobody waits for it any more.
            let prepare = move || {
                let _alone = alone;
                host.prepare(&skill, ready)
            };
            blocking(prepare).await
        };
        prepared.await.map_err(|error: LoadError| {
            let status = if error.is_its_own() { Status::Invalid } else { Status::Error };
            Outcome::without_call(status, error.to_string())
        })
    }

    /// Calls a skill in a fresh sandbox and checks what it returns. Never fails: how it ended is part of the outcome.
    pub async fn call(self: &Arc<Self>, skill: &Arc<Skill>, rights: &Rights, envelope: Envelope) -> Outcome {
        if !skill.imports.tools.is_subset(&rights.tools) {
            let missing = skill.imports.tools.difference(&rights.tools).copied().collect();
            let denial = Denial { skill: skill.manifest.name.clone(), reasons: vec![Refusal::NotGranted(missing)] };
            return Outcome::without_call(Status::Denied, denial.to_string());
        }
        let cancel = envelope.cancel.clone();
        let budget = envelope.budget.clone();
        let case_over = async {
            match &budget {
                Some(budget) => tokio::time::sleep(budget.time_left()).await,
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
                let text = budget.as_ref().map_or_else(String::new, |budget| budget.no_time());
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

fn not_a_skill(error: wasmtime::Error) -> LoadError {
    LoadError::NotASkill(format!("{error:#}"))
}

/// Work that a task must not do itself.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let failed = |_| HostError("compiling failed".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// The base and these tools, and nothing else.
fn linker(engine: &Engine, tools: &BTreeSet<Tool>) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    tools::link_ungranted(&mut linker)?;
    tools.iter().try_for_each(|tool| tools::link(*tool, &mut linker))?;
    Ok(linker)
}
