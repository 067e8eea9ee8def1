//! What is left of a case's budget, drawn on by all of its steps that run at the same time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits::CaseLimits;

/// What is left for the steps of one wave. It is only ever emptied: who was refused once is refused again.
#[derive(Debug)]
pub struct SharedBudget {
    tool_calls: AtomicU64,
    read_bytes: AtomicU64,
    ends: Option<Instant>,
    /// The budget of the whole case, for messages.
    whole: CaseLimits,
}

impl SharedBudget {
    /// What is `left` of a `whole` budget, from now on.
    pub fn new(left: &CaseLimits, whole: &CaseLimits) -> SharedBudget {
        SharedBudget {
            tool_calls: AtomicU64::new(left.tool_calls.into()),
            read_bytes: AtomicU64::new(left.read_bytes),
            ends: Instant::now().checked_add(left.time),
            whole: whole.clone(),
        }
    }

    /// Takes one call of a tool; `false` where none is left.
    pub(crate) fn draw_call(&self) -> bool {
        self.tool_calls.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Takes so many bytes. Where fewer are left it takes those, so that the record shows the budget as spent, and tells how many
    /// they were.
    pub(crate) fn draw_bytes(&self, bytes: u64) -> Result<(), u64> {
        let left = self.read_bytes.update(Relaxed, Relaxed, |left| left.saturating_sub(bytes));
        if left >= bytes { Ok(()) } else { Err(left) }
    }

    /// Wall time that is left.
    pub(crate) fn time_left(&self) -> Duration {
        self.ends.map_or(Duration::MAX, |ends| ends.saturating_duration_since(Instant::now()))
    }

    /// Why there was no call of a tool left.
    pub(crate) fn no_calls(&self) -> String {
        format!("the {} calls of tools that the case may make are spent", self.whole.tool_calls)
    }

    /// Why there were too few bytes left.
    pub(crate) fn no_bytes(&self) -> String {
        format!("the {} bytes that the case may ask and read are spent", self.whole.read_bytes)
    }

    /// Why there was no time left.
    pub(crate) fn no_time(&self) -> String {
        format!("the {:?} of wall time that the case may take were over", self.whole.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(tool_calls: u32, read_bytes: u64) -> SharedBudget {
        let left = CaseLimits { tool_calls, read_bytes, ..CaseLimits::default() };
        SharedBudget::new(&left, &CaseLimits::default())
    }

    #[test]
    fn it_gives_what_it_has_and_no_more() {
        let budget = budget(2, 10);
        assert_eq!(
            [budget.draw_call(), budget.draw_call(), budget.draw_call(), budget.draw_call()],
            [true, true, false, false]
        );
        assert_eq!(budget.draw_bytes(7), Ok(()));
        assert_eq!(budget.draw_bytes(3), Ok(()));
        assert_eq!(budget.draw_bytes(0), Ok(()));
        assert_eq!(budget.draw_bytes(1), Err(0));
    }

    #[test]
    fn what_does_not_fit_empties_it() {
        let budget = budget(1, 10);
        assert_eq!(budget.draw_bytes(11), Err(10));
        assert_eq!(budget.draw_bytes(1), Err(0));
    }

    #[test]
    fn many_who_draw_at_once_get_no_more_than_it_has() {
        let budget = budget(1_000, 1_000);
        let drawn: usize = std::thread::scope(|scope| {
            let draw = || (0..500).filter(|_| budget.draw_call() && budget.draw_bytes(1).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(drawn, 1_000);
    }
}
