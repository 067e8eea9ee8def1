//! What all requests and workers share.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use negawatt_casebook::{Case, CaseId, Casebook, CasebookError};
use negawatt_config::{ConfigError, Serve};
use negawatt_host::model::Severity;
use negawatt_signals::{Courier, Outbox};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::here::Here;
use crate::hooks::Hooks;
use crate::metrics::Metrics;
use crate::notice::Notice;
use crate::program::{Loaded, Program};
use crate::queue::Queue;
use crate::reload::for_the_next_start;

/// Notices that a slow listener may be behind; it is told of what it missed.
const NOTICES: usize = 4_096;

/// What all requests and workers share.
pub struct App {
    /// The program around it.
    pub program: Arc<dyn Program>,
    /// Where all cases are.
    pub book: Casebook,
    /// Cases that wait.
    pub queue: Queue,
    /// Cases that have a verdict, and wait to be carried on. They are on disk, and have a place whatever their number is.
    pub carrying: Queue,
    /// What is counted.
    pub metrics: Metrics,
    /// Cancelled when the server is to end: nothing new is accepted or begun.
    pub closing: CancellationToken,
    /// Cancelled when what is not done by now is to be left for the next start.
    pub parking: CancellationToken,
    /// Held by whoever opens a case.
    pub(crate) opening: tokio::sync::Mutex<()>,
    /// Held by whoever asks what became of proposals.
    pub(crate) following: Arc<tokio::sync::Mutex<()>>,
    reloading: Mutex<()>,
    /// As it was when the server started.
    started: Serve,
    loaded: RwLock<(Arc<Loaded>, Arc<Hooks>)>,
    courier: RwLock<Courier>,
    outbox: Outbox,
    notices: broadcast::Sender<Notice>,
    /// Cases that wait or run here.
    pub(crate) here: Here,
    /// Cases that have a verdict, and that nobody could carry on: the next sweep has them wait again.
    left: Mutex<BTreeSet<CaseId>>,
}

impl App {
    /// With what was loaded, and places for so many cases. What others are told waits in an outbox.
    pub fn new(
        program: Arc<dyn Program>,
        loaded: Loaded,
        book: Casebook,
        most: usize,
        outbox: Outbox,
    ) -> Result<App, ConfigError> {
        let (hooks, courier) =
            (Hooks::of(&loaded.config.serve.webhooks)?, Courier::new(outbox.clone(), &loaded.config.serve.notify)?);
        Ok(App {
            program,
            book,
            queue: Queue::new(most),
            carrying: Queue::new(0),
            metrics: Metrics::default(),
            closing: CancellationToken::new(),
            parking: CancellationToken::new(),
            opening: tokio::sync::Mutex::new(()),
            following: Arc::default(),
            reloading: Mutex::default(),
            started: loaded.config.serve.clone(),
            loaded: RwLock::new((Arc::new(loaded), Arc::new(hooks))),
            courier: RwLock::new(courier),
            outbox,
            notices: broadcast::Sender::new(NOTICES),
            here: Here::default(),
            left: Mutex::default(),
        })
    }

    /// The same casebook, over a connection of its own: who reads much of it there keeps nobody from writing.
    pub fn beside(&self) -> Result<Casebook, CasebookError> {
        Casebook::open(self.book.file().parent().unwrap_or(Path::new(".")))
    }

    /// Configuration, sources and skills as they are now. Whoever has them keeps them, also while others come.
    pub fn loaded(&self) -> Arc<Loaded> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// The webhooks as they are configured now.
    pub fn hooks(&self) -> Arc<Hooks> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Who tells others, as is configured now.
    pub fn courier(&self) -> Courier {
        self.courier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads configuration and skills anew: what begins from now on, the next step of a case that runs too, goes by them. An error leaves all
    /// as it was.
    pub fn reload(&self) -> Result<Arc<Loaded>, String> {
        // One after the other, so that nothing goes on with what was loaded in between and is of use no more.
        let _turn = lock(&self.reloading);
        let before = self.loaded();
        let loaded = Arc::new(self.program.load(Some(&before))?);
        let serve = &loaded.config.serve;
        let hooks = Hooks::of(&serve.webhooks).map_err(|error| error.to_string())?;
        let courier = Courier::new(self.outbox.clone(), &serve.notify).map_err(|error| error.to_string())?;
        for target in courier.left_out(&self.courier()) {
            tracing::warn!(
                "{target} is not in [[serve.notify]] any more: what it was to be told is given up after three days, unless it is named again"
            );
        }
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = (loaded.clone(), Arc::new(hooks));
        *self.courier.write().unwrap_or_else(PoisonError::into_inner) = courier;
        before.runtime.succeeded_by(loaded.runtime.clone());
        self.metrics.reloaded();
        let waits = for_the_next_start(&self.started, &loaded.config.serve);
        if !waits.is_empty() {
            tracing::warn!("what [serve] says of {} now counts from the next start of the server", waits.join(", "));
        }
        Ok(loaded)
    }

    /// Tells whoever listens.
    pub fn tell(&self, notice: Notice) {
        // Nobody has to listen.
        let _ = self.notices.send(notice);
    }

    /// Hears of everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Has a case without a verdict wait for a worker, unless it waits or runs here already. One that is being stopped waits when it is.
    pub fn wait_again(&self, case: &Case) {
        if self.here.expect(case.id) {
            put(&self.queue, case);
        }
    }

    /// Has a case that runs here, and has a verdict, wait for whoever carries it on.
    pub(crate) fn carry_on(&self, case: &Case) {
        self.here.conclude(&case.id);
        put(&self.carrying, case);
    }

    /// Has a case that has a verdict wait for whoever carries it on, unless it waits or runs here already. One that is being stopped waits when
    /// it is.
    pub(crate) fn carry_again(&self, case: &Case) {
        lock(&self.left).remove(&case.id);
        if self.here.expect(case.id) {
            put(&self.carrying, case);
        }
    }

    /// Notes that nobody could carry a case on that has a verdict: it is tried again.
    pub(crate) fn leave(&self, case: CaseId) {
        lock(&self.left).insert(case);
    }

    /// Puts what has no verdict yet, and neither waits nor runs here, into the queue: what an earlier run of the program, or another one
    /// that is gone, left behind. What has a verdict, and could not be carried on, waits for that again.
    pub fn take_up(&self) -> Result<usize, CasebookError> {
        let mut count = 0;
        let left = std::mem::take(&mut *lock(&self.left));
        for case in left {
            match self.book.load(&case) {
                Ok(found) => {
                    self.carry_again(&found);
                    count += 1;
                }
                Err(error) => {
                    tracing::warn!("the case {case} is not carried on: {error}");
                    self.leave(case);
                }
            }
        }
        for case in self.here.left(self.book.unfinished()?) {
            match self.book.load(&case) {
                // It ended since.
                Ok(found) if found.end.is_some() => {}
                Ok(found) => {
                    self.wait_again(&found);
                    count += 1;
                }
                Err(error) => tracing::warn!("the case {case} is not taken up: {error}"),
            }
        }
        Ok(count)
    }

    /// Stops a case that waits or runs here; tells whether it does. It stays where it is until it is resumed.
    pub fn stop(&self, case: &CaseId) -> bool {
        let is_here = self.here.stop(case);
        if is_here {
            self.queue.remove(case);
        }
        is_here
    }

    /// How many cases run here and have no verdict yet.
    pub fn running(&self) -> usize {
        self.here.running()
    }

    /// How many cases have a verdict, and wait here to be carried on or are.
    pub fn carrying(&self) -> usize {
        self.here.carrying()
    }
}

fn put(queue: &Queue, case: &Case) {
    let incident = case.opened.as_ref().map(|opened| &opened.incident);
    let severity = incident.map_or(Severity::Low, |incident| incident.severity);
    queue.put_back(case.id, severity, incident.map_or("", |incident| &incident.service));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
