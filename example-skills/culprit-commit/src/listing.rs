//! The commits of a window, of which there may be more than one answer holds.

use negawatt_skill::changes::Commit;
use negawatt_skill::gather::{Gathered, Most, Records, gather};
use negawatt_skill::{Error, Timestamp, Window};

/// Bytes of commits after which no more are asked for: what a sandbox has room to rank.
const MOST_BYTES: u64 = 8 << 20;
/// Questions at most.
const QUESTIONS: u32 = 12;

const COMMITS: Records<Commit, Commit> = Records { time: |commit| commit.time, bytes: size, keep: |commit| commit };

/// The commits nearest to the change, the newest first.
pub fn list(
    window: Window,
    change: Timestamp,
    most_calls: u32,
    ask: impl FnMut(Window) -> Result<Vec<Commit>, Error>,
) -> Result<Gathered<Commit>, Error> {
    let most = Most { questions: QUESTIONS.min(most_calls), bytes: MOST_BYTES };
    let mut listing = gather(window, change, most, &COMMITS, ask)?;
    // Stable: commits of the same second stay in the order of their history.
    listing.kept.sort_by_key(|commit| std::cmp::Reverse(commit.time));
    Ok(listing)
}

/// Bytes of a commit's texts.
fn size(commit: &Commit) -> usize {
    let files = commit.files.iter().map(|file| file.path.len() + file.old_path.as_ref().map_or(0, String::len));
    commit.subject.len() + commit.body.len() + files.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_those_of_one_second_as_they_were_listed() {
        let commit = |id: &str, time| Commit {
            id: id.into(),
            repository: "default".into(),
            parents: Vec::new(),
            author: String::new(),
            author_time: time,
            time,
            subject: String::new(),
            body: String::new(),
            files: Vec::new(),
        };
        let all = [commit("d", 30), commit("b", 20), commit("c", 20), commit("a", 10)];
        let mut asked = 0;
        let listing = list(Window { start: 0, end: 40 }, 25, 100, |window| {
            asked += 1;
            let inside: Vec<_> = all.iter().filter(|commit| window.contains(commit.time)).cloned().collect();
            if inside.len() > 3 { Err(Error::OverBudget("too much".into())) } else { Ok(inside) }
        });
        let listing = listing.unwrap();
        let ids: Vec<_> = listing.kept.iter().map(|commit| commit.id.as_str()).collect();
        assert_eq!((ids, asked, listing.missing), (vec!["d", "b", "c", "a"], 3, None));
        let few = list(Window { start: 0, end: 40 }, 25, 1, |_| Err(Error::OverBudget("too much".into())));
        assert!(few.is_err(), "one question, and no answer to it");
    }
}
