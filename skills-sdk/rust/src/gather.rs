//! Fetching records of which there may be more than fit: the nearest to the change first, in parts.

use crate::{Error, Timestamp, Window};

/// Records that are kept: those nearest to the change. Nothing was caused by one with ten thousand others in between.
const MOST: usize = 10_000;

/// What may be spent on fetching.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Questions; at least one is asked. A source may read its whole file for each: a dozen is plenty.
    pub questions: u32,
    /// Bytes of texts after which no more is asked for.
    pub bytes: u64,
}

/// What a kind of record is to whoever fetches it.
pub struct Records<T, K> {
    /// When it happened.
    pub time: fn(&T) -> Timestamp,
    /// Bytes of its texts.
    pub bytes: fn(&T) -> usize,
    /// What is kept of it.
    pub keep: fn(T) -> K,
}

/// What was fetched.
#[derive(Debug, PartialEq)]
pub struct Gathered<K> {
    /// Records, in any order.
    pub kept: Vec<K>,
    /// Why there may be others that are not among them; absent where all were read.
    pub missing: Option<String>,
    /// Questions that it took.
    pub questions: u32,
}

impl<K> Gathered<K> {
    /// One sentence on what is missing, if anything is.
    pub fn warning(&self, what: &str) -> Option<String> {
        let missing = self.missing.as_ref()?;
        Some(format!("only {} {what} nearest to the change were read: {missing}", self.kept.len()))
    }
}

/// Calls of tools that are left to a skill which goes on without what it cannot have.
#[derive(Debug)]
pub struct Purse(u32);

impl Purse {
    /// So many calls.
    pub fn new(calls: u32) -> Purse {
        Purse(calls)
    }

    /// How many are left.
    pub fn left(&self) -> u32 {
        self.0
    }

    /// Takes out calls that were made without it.
    pub fn spend(&mut self, calls: u32) {
        self.0 = self.0.saturating_sub(calls);
    }

    /// What a tool answers; absent where no call is left, and where what was asked for cannot be had. A cancelled case ends the work,
    /// and a limit that is reached ends all asking.
    pub fn ask<T>(&mut self, call: impl FnOnce() -> Result<T, Error>) -> Result<Option<T>, Error> {
        Ok(self.answer(call)?.ok())
    }

    /// The same, with the reason where there is no answer.
    pub fn answer<T>(&mut self, call: impl FnOnce() -> Result<T, Error>) -> Result<Result<T, Error>, Error> {
        let Some(left) = self.0.checked_sub(1) else {
            return Ok(Err(Error::OverBudget("no call of a tool is left".into())));
        };
        self.0 = left;
        match call() {
            Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
            Err(Error::OverBudget(text)) => {
                self.0 = 0;
                Ok(Err(Error::OverBudget(text)))
            }
            answer => Ok(answer),
        }
    }
}

/// Records of a window.
///
/// What is too much for one answer is asked for in halves, of which the nearer one to the change comes first; so a flood costs
/// what is far away, and only where there are more than `most` allows or ten thousand. What was read stays where the rest cannot be had;
/// the source's error where nothing can, and where the case is cancelled.
pub fn gather<T, K>(
    window: Window,
    change: Timestamp,
    most: Most,
    records: &Records<T, K>,
    mut ask: impl FnMut(Window) -> Result<Vec<T>, Error>,
) -> Result<Gathered<K>, Error> {
    let (mut kept, mut read) = (Vec::new(), 0_u64);
    // Whether something was left out already, and what the source said last where it refused.
    let (mut cut, mut refused) = (false, None);
    let mut open = vec![window];
    let mut questions = 0;
    while questions < most.questions.max(1) {
        let nearest = (0..open.len()).min_by_key(|&at| distance(&open[at], change));
        let Some(next) = nearest.map(|at| open.swap_remove(at)) else { break };
        questions += 1;
        match ask(next) {
            Ok(mut answer) => {
                read += answer.iter().map(|record| (records.bytes)(record) as u64).sum::<u64>();
                let room = MOST - kept.len();
                if answer.len() > room {
                    cut = true;
                    answer.sort_by_key(|record| (records.time)(record).abs_diff(change));
                    answer.truncate(room);
                }
                kept.extend(answer.into_iter().map(records.keep));
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
        if kept.len() == MOST || read >= most.bytes {
            break;
        }
    }
    let missing = match refused {
        Some(error) if kept.is_empty() => return Err(error),
        _ if !cut && open.is_empty() => None,
        _ if kept.len() == MOST || read >= most.bytes => Some("no more fit".to_owned()),
        refused => refused.map(|error| error.text().to_owned()),
    };
    Ok(Gathered { kept, missing, questions })
}

/// From the change to the nearest time of a window.
fn distance(window: &Window, change: Timestamp) -> u64 {
    if window.contains(change) {
        0
    } else {
        window.start.abs_diff(change).min(window.end.saturating_sub(1).abs_diff(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Records<i64, i64> = Records { time: |time| *time, bytes: |_| 10, keep: |time| time };
    const WINDOW: Window = Window { start: 0, end: 1_000 };
    const QUESTIONS: u32 = 12;
    const ALL: Most = Most { questions: QUESTIONS, bytes: u64::MAX };
    const FEW: Most = Most { bytes: 10, ..ALL };

    /// All records of a window, unless they are more than so many.
    fn source(all: &[i64], most: usize, asked: &mut Vec<Window>, window: Window) -> Result<Vec<i64>, Error> {
        asked.push(window);
        let inside: Vec<i64> = all.iter().copied().filter(|time| window.contains(*time)).collect();
        if inside.len() > most { Err(Error::OverBudget("too much".into())) } else { Ok(inside) }
    }

    #[test]
    fn what_is_too_much_is_asked_for_in_halves_and_the_nearest_first() {
        let all: Vec<i64> = (0..1_000).step_by(10).collect();
        let mut asked = Vec::new();
        let mut found = gather(WINDOW, 300, ALL, &TIMES, |window| source(&all, 30, &mut asked, window)).unwrap();
        found.kept.sort_unstable();
        assert_eq!(found, Gathered { kept: all, missing: None, questions: 7 }, "nothing twice, nothing left out");
        let starts: Vec<_> = asked.iter().map(|window| (window.start, window.end)).collect();
        assert_eq!(starts, [(0, 1_000), (0, 500), (250, 500), (0, 250), (500, 1_000), (500, 750), (750, 1_000)]);
    }

    #[test]
    fn a_flood_costs_what_is_far_away() {
        // At one instant there is more than any answer holds.
        let mut all = vec![900; 50];
        all.extend([290, 700, 999]);
        let mut asked = Vec::new();
        let found = gather(WINDOW, 300, ALL, &TIMES, |window| source(&all, 30, &mut asked, window)).unwrap();
        assert_eq!((found.kept[0], found.kept[1], asked.len()), (290, 700, QUESTIONS as usize));
        assert_eq!(found.missing.as_deref(), Some("too much"));
        // Questions, bytes and records have an end, too.
        let three = Most { questions: 3, ..ALL };
        let found = gather(WINDOW, 300, three, &TIMES, |window| source(&all, 30, &mut asked, window)).unwrap();
        assert_eq!((found.questions, found.missing.as_deref()), (3, Some("too much")));
        let mut asked = Vec::new();
        let found = gather(WINDOW, 300, FEW, &TIMES, |window| source(&all, 2, &mut asked, window)).unwrap();
        assert_eq!(
            found,
            Gathered { kept: vec![290], missing: Some("no more fit".into()), questions: asked.len() as u32 }
        );
        let many: Vec<i64> = (0..MOST as i64 + 5).collect();
        let window = Window { start: 0, end: i64::MAX };
        let found = gather(window, MOST as i64, ALL, &TIMES, |window| source(&many, MOST + 5, &mut asked, window));
        let found = found.unwrap();
        assert_eq!((found.kept.len(), found.kept.iter().min()), (MOST, Some(&5)));
        let warning = found.warning("records").expect("five are missing");
        assert!(warning.starts_with("only 10000 records") && warning.ends_with("no more fit"), "{warning}");
    }

    #[test]
    fn what_was_read_stays_where_the_rest_cannot_be_had() {
        let all: Vec<i64> = (0..1_000).step_by(10).collect();
        let mut asked = Vec::new();
        let mut then = |error: Error| {
            asked.clear();
            gather(WINDOW, 300, ALL, &TIMES, |window| {
                if asked.len() == 3 { Err(error.clone()) } else { source(&all, 30, &mut asked, window) }
            })
        };
        let found = then(Error::Unavailable("away".into())).unwrap();
        assert_eq!(found.kept, (250..500).step_by(10).collect::<Vec<i64>>());
        assert_eq!(found.missing.as_deref(), Some("away"));
        assert_eq!(then(Error::Cancelled("enough".into())), Err(Error::Cancelled("enough".into())));
    }

    #[test]
    fn errors_are_told_where_nothing_can_be_had() {
        let too_much = gather(WINDOW, 300, FEW, &TIMES, |_| Err(Error::OverBudget("spent".into())));
        assert_eq!(too_much, Err(Error::OverBudget("spent".into())));
        let away = gather(WINDOW, 300, FEW, &TIMES, |_| Err(Error::Unavailable("away".into())));
        assert_eq!(away, Err(Error::Unavailable("away".into())));
        let instant = gather(Window { start: 5, end: 6 }, 5, FEW, &TIMES, |_| Err(Error::OverBudget("spent".into())));
        assert!(instant.is_err(), "an instant has no halves");
    }

    #[test]
    fn a_purse_is_emptied_by_a_limit_and_by_its_calls() {
        let mut purse = Purse::new(2);
        assert_eq!((purse.ask(|| Ok(1)), purse.left()), (Ok(Some(1)), 1));
        assert_eq!(purse.ask::<()>(|| Err(Error::NotFound("no".into()))), Ok(None));
        assert_eq!(purse.ask(|| Ok(1)), Ok(None), "none is left");
        assert!(matches!(purse.answer(|| Ok(1)), Ok(Err(Error::OverBudget(text))) if text.contains("is left")));
        let gone = Error::NotFound("no".into());
        assert_eq!(Purse::new(1).answer::<()>(|| Err(gone.clone())), Ok(Err(gone)));
        let mut purse = Purse::new(9);
        purse.spend(2);
        assert_eq!(purse.left(), 7);
        assert_eq!((purse.ask::<()>(|| Err(Error::OverBudget("spent".into()))), purse.left()), (Ok(None), 0));
        assert!(Purse::new(1).ask::<()>(|| Err(Error::Cancelled("by hand".into()))).is_err());
    }
}
