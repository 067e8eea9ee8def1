//! Blocking work of the sources, off the threads that serve skills.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use negawatt_host::model::{Answer, Error};

/// A source that the host and the threads that work for it own together.
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub fn new(source: T) -> Shared<T> {
        Shared(Arc::new(source))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Whether anybody still waits for an answer.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says that nobody waits any more.
    pub fn say(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An error once nobody waits any more. Work looks here between two files, commits or series.
    pub fn check(&self) -> Answer<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Cancelled("the step is over".to_owned())) } else { Ok(()) }
    }
}

/// Says stop when the future that holds it ends or is dropped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.say();
    }
}

/// Runs work that reads files on a thread of its own. A panic in it costs this answer and nothing else. A thread cannot
/// be ended from outside: when the future is dropped, the work finds out through [`Stop`].
pub async fn blocking<T: Send + 'static>(work: impl FnOnce(&Stop) -> Answer<T> + Send + 'static) -> Answer<T> {
    let guard = StopOnDrop(Stop::default());
    let stop = guard.0.clone();
    // What it tells the log is of the step that asks.
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(|| work(&stop))).await {
        Ok(answer) => answer,
        Err(error) if error.is_cancelled() => Err(Error::Cancelled("the host is shutting down".to_owned())),
        Err(_) => {
            Err(Error::Internal("a source failed while it read its data; this is a defect of the host".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::mpsc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_ends_when_nobody_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inside = runtime.enter();
        let (said, heard) = mpsc::channel();
        let mut answer = Box::pin(blocking(move |stop| {
            let outcome: Answer<()> = loop {
                if let Err(error) = stop.check() {
                    break Err(error);
                }
                std::thread::yield_now();
            };
            let _ = said.send(outcome.clone());
            outcome
        }));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(answer);
        let outcome = heard.recv_timeout(Duration::from_secs(60));
        drop(inside);
        // Dropped without waiting for a thread that never stops.
        runtime.shutdown_background();
        assert!(matches!(outcome, Ok(Err(Error::Cancelled(_)))), "{outcome:?}");
    }
}
