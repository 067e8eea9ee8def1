//! How much a skill's word counts: how often what it said stood, over the cases of which it is known what became.

use std::collections::HashMap;

use negawatt_casebook::{Casebook, CasebookError, Stood};
use negawatt_host::Digest;
use negawatt_host::model::Timestamp;

/// What is thought of a skill before anything is known of it: as much as of one that was right in four cases of five.
const RIGHT_BEFORE: f64 = 4.0;
const CASES_BEFORE: f64 = 5.0;

/// After so many microseconds a case counts half: 90 days. Code and fleets change, and skills with them.
const HALF_LIFE: f64 = 90.0 * 86_400.0 * 1e6;

/// What is known of a component.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    /// Cases of which it is known whether its word stood.
    pub cases: u64,
    /// The same, where older ones count less.
    pub counted: f64,
    /// Of those, what stood.
    pub stood: f64,
}

impl Reliability {
    /// Takes in a case that became known so many microseconds ago.
    fn add(&mut self, share: f64, age: f64) {
        let counts = 0.5_f64.powf(age.max(0.0) / HALF_LIFE);
        self.cases += 1;
        self.counted += counts;
        self.stood += counts * share.clamp(0.0, 1.0);
    }

    /// How probable it is that its next word stands: the mean of a beta distribution, whose prior is worth five cases (Gelman et al.,
    /// "Bayesian Data Analysis", 3rd ed. (2013), section 2.4).
    pub fn mean(&self) -> f64 {
        (RIGHT_BEFORE + self.stood) / (CASES_BEFORE + self.counted)
    }

    /// What its log odds are multiplied by, from 0 to 1: 1 as long as it is right as often as is thought of everybody, 0 where it is wrong as
    /// often as not. Nobody gains more than its own word, however often it was right.
    pub fn weight(&self) -> f64 {
        let usual = RIGHT_BEFORE / CASES_BEFORE;
        ((self.mean() - 0.5) / (usual - 0.5)).clamp(0.0, 1.0)
    }
}

/// What is known of every component, at a time.
pub fn reliabilities(book: &Casebook, now: Timestamp) -> Result<HashMap<Digest, Reliability>, CasebookError> {
    Ok(of(&book.stood()?, now))
}

fn of(all: &[Stood], now: Timestamp) -> HashMap<Digest, Reliability> {
    let mut known: HashMap<Digest, Reliability> = HashMap::new();
    for stood in all {
        known.entry(stood.digest).or_default().add(stood.share, now as f64 - stood.time as f64);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn after(shares: &[f64], age: i64) -> Reliability {
        let stood = |share: &f64| Stood { skill: "a@1".into(), digest: Digest::of(b"a"), time: 0, share: *share };
        let all: Vec<Stood> = shares.iter().map(stood).collect();
        of(&all, age).remove(&Digest::of(b"a")).unwrap_or_default()
    }

    #[test]
    fn who_is_often_wrong_loses_weight_by_itself() {
        let weights: Vec<f64> = (0..5).map(|wrong| after(&vec![0.0; wrong], 0).weight()).collect();
        assert_eq!((weights[0], weights[3]), (1.0, 0.0));
        assert!(weights.is_sorted_by(|a, b| a > b || *b == 0.0), "{weights:?}");
        // It gains it back as it came: by being right.
        assert!(after(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 0).weight() > 0.4);
    }

    #[test]
    fn who_is_right_has_no_more_than_its_word() {
        assert_eq!(after(&[1.0; 50], 0).weight(), 1.0);
        assert_eq!(after(&[], 0), Reliability::default());
    }

    #[test]
    fn what_was_long_ago_counts_less() {
        let wrong = [0.0; 3];
        assert_eq!(after(&wrong, 90 * DAY).counted, 1.5);
        assert!(after(&wrong, 360 * DAY).weight() > 0.8);
        assert_eq!(after(&wrong, -DAY).counted, 3.0, "a clock that was set back gives nobody more");
    }
}
