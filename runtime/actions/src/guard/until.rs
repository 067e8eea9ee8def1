//! Until when examinations may go on.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Until when commands may run, all together: until somebody stops them, and until a time where there is one. What runs then is ended at
/// once, and nothing is begun any more. Clones are stopped together.
#[derive(Debug, Clone, Default)]
pub struct Until {
    deadline: Option<Instant>,
    stopped: Arc<(Mutex<bool>, Condvar)>,
}

/// Why nothing runs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Over {
    /// Somebody stopped it.
    Stopped,
    /// The time was over.
    Late,
}

impl fmt::Display for Over {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Over::Stopped => "the guard was interrupted",
            Over::Late => {
                "the time that the guard has for a case was over (review.guard_time); to approve the proposal asks the guard of it alone, with all of \
                 that time"
            }
        })
    }
}

impl Until {
    /// The same, and no longer than so long from now.
    pub fn within(&self, time: Duration) -> Until {
        let deadline = Instant::now().checked_add(time);
        let deadline = [self.deadline, deadline].into_iter().flatten().min();
        Until { deadline, stopped: self.stopped.clone() }
    }

    /// Ends what runs, and lets nothing begin any more.
    pub fn stop(&self) {
        *self.lock() = true;
        self.wake();
    }

    /// Whether somebody stopped it.
    pub fn is_stopped(&self) -> bool {
        *self.lock()
    }

    /// Why nothing may run any more; nothing while it may.
    pub(super) fn over(&self) -> Option<Over> {
        match (self.is_stopped(), self.deadline) {
            (true, _) => Some(Over::Stopped),
            (_, Some(deadline)) if deadline <= Instant::now() => Some(Over::Late),
            _ => None,
        }
    }

    /// What is found, which is looked for whenever somebody [wakes](Until::wake) this; nothing after so long, or when it is over.
    pub(super) fn wait<T>(&self, time: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
        let end = [self.deadline, Instant::now().checked_add(time)].into_iter().flatten().min();
        let mut stopped = self.lock();
        loop {
            let left = end.map_or(time, |end| end.saturating_duration_since(Instant::now()));
            match found() {
                None if !*stopped && !left.is_zero() => {}
                found => return found,
            }
            let (_, woken) = &*self.stopped;
            stopped = woken.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has whoever waits look again.
    pub(super) fn wake(&self) {
        // Nobody is between a look and the wait for the next one.
        drop(self.lock());
        self.stopped.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stopped.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_nearer_end_counts() {
        let never = Until::default();
        assert_eq!(never.over(), None);
        assert_eq!(never.within(Duration::MAX).over(), None);
        let late = never.within(Duration::ZERO).within(LONG);
        assert_eq!((late.over(), late.wait(LONG, || None::<()>)), (Some(Over::Late), None));
        assert_eq!(never.over(), None, "only its own time is over");
        late.stop();
        assert_eq!((never.over(), late.over()), (Some(Over::Stopped), Some(Over::Stopped)));
    }

    #[test]
    fn who_waits_hears_what_is_found_and_that_it_was_stopped() {
        let until = Until::default();
        let (send, found) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let until_then = until.within(LONG);
            let waiting = scope.spawn(move || until_then.wait(LONG, || found.try_recv().ok()));
            send.send(7).unwrap();
            until.wake();
            assert_eq!(waiting.join().unwrap(), Some(7));
        });
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| until.wait(LONG, || None::<()>));
            until.stop();
            assert_eq!(waiting.join().unwrap(), None);
        });
        // What is there is not lost.
        assert_eq!(until.wait(LONG, || Some(1)), Some(1));
    }
}
