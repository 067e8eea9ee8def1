//! How much one answer compares. Whoever lands a commit decides what comparing it costs; past these bounds an answer says
//! less of it, and still comes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use negawatt_host::model::{Answer, Error};

/// The most bytes of contents that are compared by lines for one commit, and again for its renames.
pub const MAX_COMMIT_BYTES: u64 = 16 << 20;

/// The most bytes of contents that are compared for one list.
const MAX_LIST_BYTES: u64 = 512 << 20;

/// The most bytes that the commits of one list have: whoever asks has room for several.
const MAX_GIVEN_BYTES: usize = 8 << 20;

/// The contents of a file before and after.
type Pair = (Option<ObjectId>, Option<ObjectId>);

/// The work of one answer, which all of its threads share.
pub struct Work {
    left: AtomicU64,
    given: AtomicUsize,
    counted: Mutex<HashMap<Pair, (u32, u32)>>,
}

impl Work {
    pub fn new() -> Work {
        Work { left: AtomicU64::new(MAX_LIST_BYTES), given: AtomicUsize::new(0), counted: Mutex::default() }
    }

    /// Takes bytes off what may still be compared for a commit and for all. Once there are too many, nothing is left.
    pub fn take(&self, commit: &mut u64, bytes: u64) -> bool {
        let before = *commit;
        *commit = before.saturating_sub(bytes);
        if before < bytes {
            return false;
        }
        let take = |left: u64| Some(left.saturating_sub(bytes));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok_and(|left| left >= bytes)
    }

    /// Whether nothing more may be compared for any commit.
    pub fn is_exhausted(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Adds a commit of so many bytes to the answer; an error once that is more than an answer holds.
    pub fn give(&self, bytes: usize) -> Answer<()> {
        if self.given.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_GIVEN_BYTES {
            return Ok(());
        }
        Err(Error::OverBudget(format!(
            "the commits of the window have more than {} MiB; take a shorter one, or name paths",
            MAX_GIVEN_BYTES >> 20
        )))
    }

    /// Numbers of lines, counted once for the same contents.
    pub fn counted(&self, pair: Pair, count: impl FnOnce() -> Answer<Option<(u32, u32)>>) -> Answer<(u32, u32)> {
        let known = || self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = known().get(&pair) {
            return Ok(*counts);
        }
        // Not under the lock: other threads count other files meanwhile.
        let Some(counts) = count()? else { return Ok((0, 0)) };
        known().insert(pair, counts);
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_for_a_commit_and_for_all() {
        let work = Work::new();
        let mut commit = 10;
        assert!(work.take(&mut commit, 7) && work.take(&mut commit, 3) && !work.take(&mut commit, 1));
        assert!(!work.take(&mut 10, 11) && !work.is_exhausted(), "one commit takes nothing from the others");
        assert!(work.take(&mut u64::MAX.clone(), MAX_LIST_BYTES - 10) && work.is_exhausted());
        assert!(!work.take(&mut u64::MAX.clone(), 1));
    }

    #[test]
    fn the_same_contents_are_counted_once() {
        let work = Work::new();
        assert_eq!(work.counted((None, None), || Ok(None)), Ok((0, 0)), "what could not be counted is not kept");
        assert_eq!(work.counted((None, None), || Ok(Some((1, 2)))), Ok((1, 2)));
        assert_eq!(work.counted((None, None), || panic!("counted again")), Ok((1, 2)));
    }
}
