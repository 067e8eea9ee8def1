//! Which commits a branch reaches, and when they landed.

use std::collections::VecDeque;

use gix::ObjectId;
use gix::hashtable::HashSet;
use gix::objs::CommitRefIter;
use negawatt_host::model::{Answer, Timestamp, Window};

use super::repository::Reader;

/// All commits that a tip reaches. Dates are no guide through a history (a rebase leaves children older than their
/// parents), so all of it is walked once.
pub struct History {
    pub tip: ObjectId,
    /// The newest first; of the same second, children before parents.
    by_time: Vec<(i64, ObjectId)>,
    reached: HashSet<ObjectId>,
    /// Whether everything that is there could be read; if not, it is walked again the next time.
    pub complete: bool,
}

impl History {
    /// Walks from the tip to the roots. What is missing or cannot be read ends it there, as in a shallow clone.
    pub fn walk(reader: &Reader<'_>) -> Answer<History> {
        let mut history = History { tip: reader.tip, by_time: Vec::new(), reached: HashSet::default(), complete: true };
        history.reached.insert(reader.tip);
        let mut open = VecDeque::from([reader.tip]);
        while let Some(id) = open.pop_front() {
            reader.stop.check()?;
            let found = reader.git.try_find_object(id).unwrap_or_else(|error| {
                let _logged = reader.repository.damaged(error);
                history.complete = false;
                None
            });
            let Some(object) = found.filter(|object| object.kind == gix::objs::Kind::Commit) else {
                history.reached.remove(&id);
                continue;
            };
            let commit = CommitRefIter::from_bytes(&object.data, id.kind());
            let seconds = commit.committer().map_or(0, |committer| committer.seconds());
            history.by_time.push((seconds, id));
            open.extend(commit.parent_ids().filter(|parent| history.reached.insert(*parent)));
        }
        history.by_time.sort_by_key(|(seconds, _)| std::cmp::Reverse(*seconds));
        Ok(history)
    }

    /// Whether the tip reaches a commit.
    pub fn reaches(&self, id: &ObjectId) -> bool {
        self.reached.contains(id)
    }

    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.by_time.len()
    }

    /// The commit that landed last; the tip where none could be read.
    pub fn newest(&self) -> ObjectId {
        self.by_time.first().map_or(self.tip, |(_, id)| *id)
    }

    /// The commits that landed in a window, the newest first.
    pub fn inside(&self, window: &Window) -> &[(i64, ObjectId)] {
        let from = self.by_time.partition_point(|(seconds, _)| micros(*seconds) >= window.end);
        let until = self.by_time.partition_point(|(seconds, _)| micros(*seconds) >= window.start);
        &self.by_time[from..until.max(from)]
    }
}

/// Seconds as a date of the contract; dates from far outside end at its limits.
pub fn micros(seconds: i64) -> Timestamp {
    seconds.saturating_mul(1_000_000)
}
