//! What strangers are refused is written down, and never so much of it that they fill the disk.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use negawatt_access::{Key, Limiter, Rate};

/// Who nobody knows, in the log.
pub const NOBODY: &str = "nobody";

/// Entries a second in the long run, and at once: of one address, so that none of them hides what others do, and of all.
const OF_ONE: Rate = Rate { per_second: 0.1, burst: 20 };
const OF_ALL: Rate = Rate { per_second: 1.0, burst: 100 };

/// Addresses that are told apart at a time.
const ADDRESSES: usize = 10_000;

/// Counts what strangers were refused.
pub struct Strangers {
    of_one: Limiter,
    of_all: Limiter,
    left_out: AtomicU64,
}

impl Default for Strangers {
    fn default() -> Strangers {
        Strangers {
            of_one: Limiter::new(OF_ONE, ADDRESSES),
            of_all: Limiter::new(OF_ALL, 1),
            left_out: AtomicU64::default(),
        }
    }
}

impl Strangers {
    /// Whether what one at an address was refused is written down, and how many were left out since the last that was.
    pub fn refused(&self, address: Option<IpAddr>, now: Instant) -> Option<u64> {
        let of_one = address.is_none_or(|address| self.of_one.check(&Key::Address(address), now).is_ok());
        if of_one && self.of_all.check(&Key::Principal(NOBODY.to_owned()), now).is_ok() {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.leave_out(1);
        None
    }

    /// So many more are not in the log.
    pub fn leave_out(&self, count: u64) {
        self.left_out.fetch_add(count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_are_written_down_and_the_next_says_how_many_were_not() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        assert!((0..OF_ONE.burst).all(|_| strangers.refused(address(1), now) == Some(0)));
        assert!((0..7).all(|_| strangers.refused(address(1), now).is_none()));
        assert_eq!(strangers.refused(address(2), now), Some(7), "no other one is hidden by that");
        let others = OF_ALL.burst - OF_ONE.burst - 1;
        assert!((0..others).all(|number| strangers.refused(address(3 + number), now) == Some(0)));
        assert_eq!(strangers.refused(address(1_000), now), None);
        strangers.leave_out(2);
        let later = now + Duration::from_secs(1);
        let refused = |number| strangers.refused(address(number), later);
        assert_eq!((refused(1_001), refused(1_002)), (Some(3), None));
    }
}
