//! Cases that run now: who waits for them, how they are stopped, and how many there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use negawatt_casebook::{Cancelled, Case, CaseId, Casebook, CasebookError, Event};
use negawatt_host::json::IncidentFile;
use negawatt_host::text::printable;
use negawatt_host::time;
use negawatt_planner::{Progress, Watcher};
use negawatt_telemetry::Trace;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::program::{Program, Seen};
use crate::progress::line;
use crate::tell::{ToolError, blocking};

/// Cases and single steps that run at the same time for all clients together.
const PLACES: u32 = 8;

/// How long the end of the program waits for what it stopped to be recorded.
const PATIENCE: Duration = Duration::from_secs(10);

/// Cases that run now.
#[derive(Clone)]
pub(crate) struct Running {
    cases: Arc<Mutex<HashMap<CaseId, OneRunning>>>,
    places: Arc<Semaphore>,
    /// The end of the program.
    stop: CancellationToken,
}

/// A case that runs.
#[derive(Clone)]
pub(crate) struct OneRunning {
    cancel: CancellationToken,
    /// Cancelled when it does not run any more.
    over: CancellationToken,
    /// What happened last.
    pub(crate) now: String,
}

impl OneRunning {
    /// Waits until it is over, at most so long.
    pub(crate) async fn wait(&self, most: Duration) {
        // That it is not over then is an answer.
        let _ = tokio::time::timeout(most, self.over.cancelled()).await;
    }
}

impl Running {
    pub(crate) fn new() -> Running {
        Running {
            cases: Arc::default(),
            places: Arc::new(Semaphore::new(PLACES as usize)),
            stop: CancellationToken::new(),
        }
    }

    fn cases(&self) -> MutexGuard<'_, HashMap<CaseId, OneRunning>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for something that runs.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, ToolError> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            ToolError::new(format!("{PLACES} cases and skills run already, which is all that may at a time"))
                .help("wait until one is over, then ask again")
        })
    }

    /// What ends one thing that runs; the end of the program does as well.
    pub(crate) fn token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// The case, while it runs here.
    pub(crate) fn get(&self, case: &CaseId) -> Option<OneRunning> {
        self.cases().get(case).cloned()
    }

    /// Stops a case, if it runs here.
    pub(crate) fn cancel(&self, case: &CaseId) -> bool {
        self.get(case).map(|one| one.cancel.cancel()).is_some()
    }

    /// Opens a case and runs it to its end, whoever waits for it. One that is stopped by the end of the program stays open; one that a client
    /// cancels is over.
    pub(crate) async fn start(
        &self,
        program: &Program,
        incident: IncidentFile,
        watcher: Watcher,
    ) -> Result<(CaseId, JoinHandle<Result<Case, ToolError>>), ToolError> {
        let place = self.place()?;
        let (runtime, book, began) = ((program.runtime)(), program.book.clone(), Instant::now());
        let (opening, into, here) = (runtime.clone(), book.clone(), Handle::current());
        let log = blocking(move || {
            let mut opened = here.block_on(opening.opened(&into, incident))?;
            opened.extra.push((OPENED_BY.to_owned(), AGENT.to_owned()));
            Ok(into.open_case(opened)?)
        });
        let log = log.await?;
        let id = log.case().id;
        (program.observe)(&Seen::Opened(id));
        let (cancel, over) = (self.token(), CancellationToken::new());
        let one = OneRunning { cancel: cancel.clone(), over: over.clone(), now: "it was opened".to_owned() };
        self.cases().insert(id, one);
        let (running, program) = (self.clone(), program.clone());
        let runs = tokio::spawn(Trace::now().around(async move {
            let watcher = running.noting(id, watcher);
            let ran = runtime.begin(log, watcher, cancel.clone()).await;
            let took = began.elapsed();
            let done = match ran {
                Ok(case) if case.end.is_none() && cancel.is_cancelled() && !running.stop.is_cancelled() => {
                    blocking(move || Ok(end(&book, &id)?)).await
                }
                Ok(case) => Ok(carried_on(&program, case).await),
                Err(error) => Err(ToolError::from(error)),
            };
            if let Err(error) = &done {
                tracing::warn!("the case {id}: {}", printable(&error.to_string()));
            }
            running.cases().remove(&id);
            let verdict = done.as_ref().ok().and_then(|case| case.concluded()).map(|concluded| concluded.verdict);
            (program.observe)(&Seen::Ended(id, verdict, took));
            over.cancel();
            drop(place);
            done
        }));
        Ok((id, runs))
    }

    /// A watcher that also notes what happened last.
    fn noting(&self, id: CaseId, watcher: Watcher) -> Watcher {
        let running = self.clone();
        Arc::new(move |progress: &Progress| {
            if let Some(one) = running.cases().get_mut(&id) {
                one.now = line(progress);
            }
            watcher(progress);
        })
    }

    /// Stops all that runs, and waits until it is recorded.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, self.places.acquire_many(PLACES)).await.is_err() {
            tracing::warn!("what ran was not over after {PATIENCE:?}");
        }
    }
}

/// What a case's first event says of who opened it.
const OPENED_BY: &str = "opened-by";
const AGENT: &str = "agent";

/// Whether an agent opened a case: others' are not for agents to end.
pub(crate) fn is_of_agent(case: &Case) -> bool {
    let extra = case.opened.iter().flat_map(|opened| &opened.extra);
    extra.into_iter().any(|(name, value)| (name.as_str(), value.as_str()) == (OPENED_BY, AGENT))
}

/// Ends a case that nobody wants any more.
pub(crate) fn end(book: &Casebook, id: &CaseId) -> Result<Case, CasebookError> {
    let mut log = book.resume(id)?;
    if log.case().end.is_none() {
        let reason = "its client cancelled it, or went away".to_owned();
        let wall_ms = u64::try_from(time::now().saturating_sub(log.case().opened_at) / 1_000).unwrap_or_default();
        log.append(Event::Cancelled(Cancelled { reason, wall_ms }))?;
    }
    log.release()
}

/// The case after what the program does with verdicts. What does not work there costs the case nothing.
async fn carried_on(program: &Program, case: Case) -> Case {
    if case.concluded().is_none() {
        return case;
    }
    let before = case.clone();
    (program.carry_on)(case).await.unwrap_or_else(|error| {
        tracing::warn!("the case {} was not carried on: {}", before.id, printable(&error));
        before
    })
}
