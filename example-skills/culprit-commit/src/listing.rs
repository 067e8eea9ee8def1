//! The commits of a window, of which there may be more than one answer holds: those nearest to the change first, in parts.

use negawatt_skill::changes::Commit;
use negawatt_skill::{Error, Timestamp, Window};

/// Commits that are kept: those nearest to the change. Nothing was caused by one with ten thousand others in between.
const MOST: usize = 10_000;
/// Bytes of commits after which no more are asked for: what a sandbox has room to rank.
const MOST_BYTES: usize = 8 << 20;
/// Questions at most.
const QUESTIONS: u32 = 12;

/// What was listed.
#[derive(Debug, Default)]
pub struct Listing {
    /// The newest first.
    pub commits: Vec<Commit>,
    /// Why there may be others that are not among them; absent where all were read.
    pub missing: Option<String>,
    /// Calls that it took.
    pub calls: u32,
}

/// What is too much for one answer is asked for in halves, of which the nearer one to the change comes first: a flood costs
/// what is far away. What was read stays where the rest cannot be had; the source's error where nothing can, and where the
/// case is cancelled.
pub fn list(
    window: Window,
    change: Timestamp,
    most_calls: u32,
    mut ask: impl FnMut(Window) -> Result<Vec<Commit>, Error>,
) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let (mut bytes, mut cut, mut refused) = (0, false, None);
    let mut open = vec![window];
    let far = |window: &Window| {
        let nearest = change.clamp(window.start, window.end.saturating_sub(1).max(window.start));
        nearest.abs_diff(change)
    };
    while listing.calls < QUESTIONS.min(most_calls.max(1)) && listing.commits.len() < MOST && bytes < MOST_BYTES {
        let Some(nearest) = (0..open.len()).min_by_key(|&at| far(&open[at])) else { break };
        let next = open.swap_remove(nearest);
        listing.calls += 1;
        match ask(next) {
            Ok(mut commits) => {
                let room = MOST - listing.commits.len();
                if commits.len() > room {
                    cut = true;
                    commits.sort_by_key(|commit| commit.time.abs_diff(change));
                    commits.truncate(room);
                }
                bytes += commits.iter().map(size).sum::<usize>();
                listing.commits.extend(commits);
            }
            Err(Error::OverBudget(text)) => {
                refused = Some(Error::OverBudget(text));
                let middle = next.start.saturating_add_unsigned(next.length() / 2);
                if middle > next.start {
                    open.extend([Window { end: middle, ..next }, Window { start: middle, ..next }]);
                } else {
                    cut = true;
                }
            }
            Err(Error::Cancelled(text)) => return Err(Error::Cancelled(text)),
            Err(error) => {
                (cut, refused) = (true, Some(error));
                break;
            }
        }
    }
    if cut || !open.is_empty() {
        match refused {
            Some(error) if listing.commits.is_empty() => return Err(error),
            refused => {
                listing.missing = Some(refused.map_or("no more fit".to_owned(), |error| error.text().to_owned()))
            }
        }
    }
    // Stable: commits of the same second stay in the order of their history.
    listing.commits.sort_by_key(|commit| std::cmp::Reverse(commit.time));
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

    const WINDOW: Window = Window { start: 0, end: 1_000 };

    fn commit(time: i64) -> Commit {
        Commit {
            id: time.to_string(),
            repository: "default".into(),
            parents: Vec::new(),
            author: String::new(),
            author_time: time,
            time,
            subject: String::new(),
            body: String::new(),
            files: Vec::new(),
        }
    }

    /// A commit every ten microseconds; so many are served at once.
    fn served(window: Window, most: usize) -> Result<Vec<Commit>, Error> {
        let times = (0..1_000).step_by(10).filter(|time| window.contains(*time));
        let commits: Vec<Commit> = times.map(commit).collect();
        if commits.len() > most { Err(Error::OverBudget("too much".into())) } else { Ok(commits) }
    }

    #[test]
    fn what_is_too_much_comes_in_halves_and_the_nearest_first() {
        let mut asked = Vec::new();
        let listing = list(WINDOW, 300, 100, |window| {
            asked.push((window.start, window.end));
            served(window, 30)
        });
        let listing = listing.unwrap();
        assert_eq!((listing.commits.len(), listing.calls, listing.missing), (100, 7, None));
        assert!(listing.commits.is_sorted_by_key(|commit| std::cmp::Reverse(commit.time)));
        assert_eq!(asked[..4], [(0, 1_000), (0, 500), (250, 500), (0, 250)]);
    }

    #[test]
    fn what_was_read_stays_where_the_rest_cannot_be_had() {
        let few = list(WINDOW, 300, 3, |window| served(window, 30)).unwrap();
        assert_eq!((few.commits.len(), few.missing.as_deref()), (25, Some("too much")));
        let flood =
            list(WINDOW, 300, 100, |window| if window.contains(700) { served(window, 0) } else { served(window, 30) });
        let flood = flood.unwrap();
        assert!(flood.commits.iter().any(|commit| commit.time == 300) && flood.missing.is_some());
        assert!(matches!(list(WINDOW, 300, 100, |window| served(window, 0)), Err(Error::OverBudget(_))));
        let mut asked = 0;
        let cancelled = list(WINDOW, 300, 100, |window| {
            asked += 1;
            if asked == 4 { Err(Error::Cancelled("stop".into())) } else { served(window, 30) }
        });
        assert!(matches!(cancelled, Err(Error::Cancelled(_))));
        assert!(list(WINDOW, 300, 100, |_| Ok(Vec::new())).unwrap().missing.is_none());
    }
}
