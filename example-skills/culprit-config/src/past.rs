//! What the series did whenever a setting had the same value: before the change, and after it was set back.

use negawatt_skill::stats::{ar1, effective_size, median};
use negawatt_skill::timing::ChangeTime;
use negawatt_skill::{Candidate as Kind, ChangePoint, Series, Shape, Timestamp, Window};

use crate::candidate::{Candidate, Timelines};

/// What is known of the past of settings and of the series.
#[derive(Debug)]
pub struct Past<'a> {
    /// What each setting did.
    pub timelines: &'a Timelines<'a>,
    /// The incident's series; may be empty.
    pub series: &'a Series,
    /// The change that explains the incident.
    pub change: &'a ChangePoint,
    /// When it began.
    pub began: &'a ChangeTime,
    /// The standard deviation of the series from one observation to the next.
    noise: f64,
}

/// A stretch in which the setting, if it is the cause, foretells another level than otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Trial {
    window: Window,
    /// Whether the cause was there, before the change; else it was away, after the change.
    present: bool,
}

/// What the trials say.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Natural logarithm of how much likelier it is if this is the cause.
    pub log_odds: f64,
    /// One sentence.
    pub reason: String,
}

/// The most that it may say for a candidate.
const MOST: f64 = 4.0;
/// And against it: where the metric stays although the cause was taken away; and where the cause did nothing before, which
/// may have needed something else as well.
const STAYED: f64 = -3.5;
const NOTHING: f64 = -2.5;
/// Observations without which a stretch says nothing, and how many are left out at its beginning for caches to fill.
const FEWEST: usize = 3;
const SETTLING: usize = 2;

/// Whether a candidate's value was live before a time, so that what the series did then tells something.
pub fn reaches_before(candidate: &Candidate, timelines: &Timelines<'_>, start: Timestamp) -> bool {
    let after = &candidate.values.1;
    candidate.kind == Kind::Config
        && timelines
            .of(&candidate.service, &candidate.name)
            .iter()
            .any(|other| other.time < start && (other.after == *after || other.before == *after))
}

impl<'a> Past<'a> {
    /// Puts together what is known.
    pub fn new(
        timelines: &'a Timelines<'a>,
        series: &'a Series,
        change: &'a ChangePoint,
        began: &'a ChangeTime,
    ) -> Past<'a> {
        let jumps: Vec<f64> = series.values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        // The median of |N(0, 2σ²)| is 0.6745·√2·σ.
        let noise = median(&jumps).unwrap_or_default() / (0.6745 * std::f64::consts::SQRT_2);
        Past { timelines, series, change, began, noise }
    }

    /// What the past says of a candidate; absent where it says nothing.
    pub fn of(&self, candidate: &Candidate) -> Option<Told> {
        // A drift has no level to come back to.
        if self.series.is_empty() || self.change.shape != Shape::Step {
            return None;
        }
        let trials = self.trials(candidate);
        let told: Vec<(f64, Trial)> =
            trials.into_iter().filter_map(|trial| Some((self.weigh(trial)?, trial))).collect();
        let log_odds = told.iter().map(|(odds, _)| odds).sum::<f64>().clamp(STAYED, MOST);
        let (_, trial) = told.iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
        let reason = match (trial.present, log_odds > 0.0) {
            (true, true) => "The metric had the level of after the change when it had the same value before.",
            (true, false) => "It had the same value before, and the metric did not have the level of after the change.",
            (false, true) => "When it ended or was set back, the metric went back as well.",
            (false, false) => "It ended or was set back, and the metric did not go back.",
        };
        Some(Told { log_odds, reason: reason.into() })
    }

    fn trials(&self, candidate: &Candidate) -> Vec<Trial> {
        let first = self.series.times.first().copied().unwrap_or_default();
        let last = self.series.times.last().map_or(0, |last| last.saturating_add(1));
        let mut trials = Vec::new();
        let mut add = |start: Timestamp, end: Timestamp, present: bool| {
            let window = Window { start: start.max(first), end: end.min(last) };
            // Only what is surely on one side of the change.
            let apart =
                if present { self.began.before(window.end) < 0.05 } else { self.began.before(window.start) > 0.95 };
            if apart && window.start < window.end {
                trials.push(Trial { window, present });
            }
        };
        if candidate.kind == Kind::Experiment {
            if let Some(end) = candidate.end.filter(|_| candidate.began_in_reach) {
                add(end, last, false);
            }
            return trials;
        }
        let timeline = self.timelines.of(&candidate.service, &candidate.name);
        let (before, after) = &candidate.values;
        if let Some(oldest) = timeline.first().filter(|oldest| oldest.before == *after && oldest.time < candidate.start)
        {
            add(first, oldest.time, true);
        }
        for (at, change) in timeline.iter().enumerate() {
            let end = timeline.get(at + 1).map_or(last, |next| next.time);
            if change.time < candidate.start && change.after == *after {
                add(change.time, end, true);
            } else if change.time > candidate.start && change.after == *before {
                add(change.time, end, false);
            }
        }
        trials
    }

    /// How much likelier the level of a stretch is if the candidate is the cause.
    ///
    /// Normal about each of the two levels, with the error of the stretch's median and a part of the change's size for
    /// what else moves.
    fn weigh(&self, trial: Trial) -> Option<f64> {
        /// Of the change's size.
        const ELSE: f64 = 0.3;
        let (low, high) = (self.change.before, self.change.after);
        let range = self.series.range(trial.window);
        let values = self.series.values.get((range.start + SETTLING).min(range.end)..range.end)?;
        if values.len() < FEWEST {
            return None;
        }
        let level = median(values)?;
        let nearer_low = |level: f64| (level - low).abs() < (level - high).abs();
        if !trial.present {
            // What had gone back already does not go back because of this.
            let before = &self.series.values[range.start.saturating_sub(values.len().min(10))..range.start];
            if median(before).is_none_or(nearer_low) {
                return None;
            }
        }
        let independent = effective_size(values.len(), ar1(&[values]));
        let variance = 1.57 * self.noise * self.noise / independent + (ELSE * (high - low)).powi(2);
        let foretold = if trial.present { (high, low) } else { (low, high) };
        let odds =
            ((level - foretold.1).powi(2) - (level - foretold.0).powi(2)) / (2.0 * variance.max(f64::MIN_POSITIVE));
        odds.is_finite().then(|| odds.clamp(if trial.present { NOTHING } else { STAYED }, MOST))
    }
}
