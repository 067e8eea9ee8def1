//! What cases know already: which changes of which series, and which of them further symptoms can join.

use std::collections::{HashMap, HashSet};

use negawatt_casebook::{Case, CaseId, Casebook, CasebookError, Noted, Symptom, Verdict};
use negawatt_host::Digest;
use negawatt_host::model::{ChangePoint, Timestamp};

/// A change that is so many times as large as a known one is another one, whenever it began.
const MUCH_LARGER: f64 = 2.0;

/// What the cases of the time that is looked at know.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The changes of each series.
    changes: HashMap<Digest, Vec<Change>>,
    /// Cases that can be joined, the oldest first.
    pub cases: Vec<Joinable>,
    /// Cases that cannot be read, each with the reason.
    pub unreadable: Vec<(CaseId, String)>,
    /// Cases that were left before their end.
    pub unfinished: Vec<CaseId>,
}

#[derive(Debug)]
struct Change {
    /// By how much the level changed.
    by: f64,
    /// Until when the series had been seen when the change became a symptom.
    seen: Timestamp,
}

/// A case that a further symptom can join.
#[derive(Debug, Clone)]
pub(crate) struct Joinable {
    pub id: CaseId,
    /// What it is about.
    pub first: Symptom,
    /// Series that a person took out of it.
    pub split: HashSet<Digest>,
}

impl Known {
    /// Of the cases with a change at this time or later.
    pub fn read(book: &Casebook, since: Timestamp) -> Result<Known, CasebookError> {
        let mut known = Known::default();
        for id in book.with_symptoms_since(since)? {
            // A case that cannot be read costs itself, and nothing else.
            match book.load(&id) {
                Ok(case) => known.add(&case),
                Err(error) => known.unreadable.push((id, error.to_string())),
            }
        }
        Ok(known)
    }

    /// Takes in what a case knows.
    pub fn add(&mut self, case: &Case) {
        for Noted { symptom, .. } in &case.symptoms {
            let (by, seen) = (symptom.after - symptom.before, symptom.incident.window.end);
            self.changes.entry(symptom.series()).or_default().push(Change { by, seen });
        }
        let split = case.symptoms.iter().filter(|noted| noted.split.is_some());
        let split = split.map(|noted| noted.symptom.series()).collect();
        let first = case.symptoms.first().map(|noted| noted.symptom.clone());
        // What a case found to be none must not take in a regression.
        let takes_more = case.concluded().is_none_or(|concluded| concluded.verdict == Verdict::Regression);
        self.cases.extend(first.filter(|_| takes_more).map(|first| Joinable { id: case.id, first, split }));
        if case.end.is_none() {
            self.unfinished.push(case.id);
        }
    }

    /// Whether a change is a symptom already.
    ///
    /// Where exactly a change was is seen better and better, and of a slow one the onset moves. So one in the same direction before the
    /// moment until which the series had been seen is what was known then, told anew; unless it is more than twice as large.
    pub fn has(&self, series: &Digest, change: &ChangePoint) -> bool {
        let by = change.after - change.before;
        let is_same = |known: &Change| {
            change.time < known.seen && (known.by > 0.0) == (by > 0.0) && by.abs() <= MUCH_LARGER * known.by.abs()
        };
        self.changes.get(series).is_some_and(|changes| changes.iter().any(is_same))
    }
}

#[cfg(test)]
mod tests {
    use negawatt_host::model::Shape;

    use super::*;

    #[test]
    fn a_much_larger_change_is_another_one_and_a_later_one_too() {
        let series = Digest::of(b"cpu");
        let known = Change { by: 5.0, seen: 100 };
        let known = Known { changes: HashMap::from([(series, vec![known])]), ..Known::default() };
        let change = |time, after| ChangePoint {
            time,
            before: 100.0,
            after,
            p_value: 1e-9,
            method: String::new(),
            shape: Shape::Step,
        };
        let has = |time, after| known.has(&series, &change(time, after));
        assert!(has(90, 105.0) && has(40, 104.0) && has(99, 110.0), "the same, seen better");
        assert!(!has(100, 105.0), "it began after what was seen then");
        assert!(!has(95, 111.0), "more than twice as large");
        assert!(!has(90, 95.0), "in the other direction");
        assert!(!known.has(&Digest::of(b"other"), &change(90, 105.0)));
    }
}
