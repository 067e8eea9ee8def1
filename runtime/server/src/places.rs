//! Work off the threads that answer, and so much of it at a time that threads are left for who is let in.

use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::{AGAIN, Problem};

/// Pages of lists that are made at a time: each may look through many cases, on a thread that every other request needs to be let in.
const MOST_LOOKING: usize = 4;
static LOOKING: Semaphore = Semaphore::const_new(MOST_LOOKING);

/// Pieces of work that waits for others, at a time: each may want further threads, which are not all to be taken by what waits for them.
const MOST_APART: usize = 16;
static APART: Semaphore = Semaphore::const_new(MOST_APART);

/// Incidents that are looked at and opened at a time: each may wait for the disk and for a source on a thread of its own.
const MOST_ENTERING: usize = 16;
static ENTERING: Semaphore = Semaphore::const_new(MOST_ENTERING);

/// Readings of the configuration that are under way or wait for each other. Each may wait until a file is left alone.
const MOST_RELOADING: usize = 4;
static RELOADING: Semaphore = Semaphore::const_new(MOST_RELOADING);

/// What reads all of the casebook, asks all sources or runs a case again: so many at a time, and so many that wait, so that those who look
/// keep no machine and no thread from those who work.
const AT_A_TIME: usize = 2;
const WAITING: usize = 16;
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);
static IN_LINE: Semaphore = Semaphore::const_new(AT_A_TIME + WAITING);

/// A turn to do what takes long. It goes where the work goes: whoever breaks off does not give away what is still worked for them.
pub struct Turn {
    _turn: SemaphorePermit<'static>,
    _in_line: SemaphorePermit<'static>,
}

/// Waits for a turn, on no thread; refused where too many wait already.
pub async fn turn() -> Result<Turn, Problem> {
    let place = IN_LINE
        .try_acquire()
        .map_err(|_| busy(format!("{WAITING} requests wait already for what takes long; that is as many as may")))?;
    let closed = |_| Problem::unavailable("closing", "the server is shutting down").retry_after(AGAIN);
    Ok(Turn { _turn: TURNS.acquire().await.map_err(closed)?, _in_line: place })
}

/// That enough wait already.
fn busy(why: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", why).retry_after(AGAIN)
}

/// Work that waits for the disk.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "host", "the server failed; its log has more");
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// The same for what looks through many cases. Who waits for it takes no thread.
pub async fn looking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    // None of them is ever closed.
    let place = LOOKING.acquire().await;
    blocking(move || {
        let _place = place;
        work()
    })
    .await
}

/// The same for work that waits for others as well, such as a forge. Once begun it is done to its end, also where whoever asked for it is gone.
pub async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let here = tokio::runtime::Handle::current();
    let place = APART.acquire().await;
    blocking(move || {
        let _place = place;
        here.block_on(work)
    })
    .await
}

/// The same for what reads the configuration anew; refused where enough of it waits.
pub async fn reloading<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let place = RELOADING
        .try_acquire()
        .map_err(|_| busy("the configuration is being read, and others wait for that already"))?;
    blocking(move || {
        let _place = place;
        work()
    })
    .await
}

/// A place for an incident on its way in.
pub async fn entering() -> Option<SemaphorePermit<'static>> {
    ENTERING.acquire().await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    use super::*;

    /// Pieces of work of which each waits until as many run as may: fewer come to no end, and of more than that are counted.
    #[derive(Clone)]
    struct Pieces {
        all_there: Arc<Barrier>,
        running: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Pieces {
        fn of(places: usize) -> Pieces {
            Pieces { all_there: Arc::new(Barrier::new(places)), running: Arc::default(), most: Arc::default() }
        }

        fn run(&self) {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            self.all_there.wait();
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_are_done_at_a_time_than_may_be() {
        let (looks, waits) = (Pieces::of(MOST_LOOKING), Pieces::of(MOST_APART));
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..4 * MOST_LOOKING {
            let looks = looks.clone();
            all.spawn(looking(move || {
                looks.run();
                Ok(())
            }));
        }
        for _ in 0..4 * MOST_APART {
            let waits = waits.clone();
            all.spawn(apart(async move {
                waits.run();
                Ok(())
            }));
        }
        assert!(all.join_all().await.iter().all(Result::is_ok));
        assert_eq!(looks.most.load(Ordering::SeqCst), MOST_LOOKING);
        assert_eq!(waits.most.load(Ordering::SeqCst), MOST_APART);
    }

    #[tokio::test]
    async fn who_reads_the_configuration_too_often_is_refused() {
        let mut all = tokio::task::JoinSet::new();
        let (all_there, go) = (Arc::new(Barrier::new(MOST_RELOADING + 1)), Arc::new(Barrier::new(MOST_RELOADING + 1)));
        for _ in 0..MOST_RELOADING {
            let (all_there, go) = (all_there.clone(), go.clone());
            all.spawn(reloading(move || {
                all_there.wait();
                go.wait();
                Ok(())
            }));
        }
        tokio::task::spawn_blocking(move || all_there.wait()).await.unwrap();
        assert_eq!(reloading(|| Ok(())).await.unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
        tokio::task::spawn_blocking(move || go.wait()).await.unwrap();
        assert!(all.join_all().await.iter().all(Result::is_ok));
        assert!(reloading(|| Ok(())).await.is_ok(), "there is a place again");
    }

    #[tokio::test]
    async fn no_more_come_in_at_a_time_than_may() {
        let mut inside = Vec::new();
        for _ in 0..MOST_ENTERING {
            inside.push(entering().await);
        }
        assert!(ENTERING.try_acquire().is_err());
        inside.pop();
        assert!(entering().await.is_some());
    }
}
