//! What is made of each series first: its samples, or the rate or increase of a counter.
//!
//! Ranges and look-backs are open on the left and closed on the right, (t − over, t], as in Prometheus since version 3.0.

use negawatt_host::model::{Answer, Error, Transform};

use super::{Samples, Times};
use crate::blocking::Stop;

/// One series per series, evaluated at the instants of `times`.
pub fn evaluate(series: Vec<Samples>, transform: &Transform, times: &Times, stop: &Stop) -> Answer<Vec<Samples>> {
    let rate = |over: u64, per_second: bool| {
        let over = range(over)?;
        each(&series, stop, |series| increase(series, over, per_second, times))
    };
    match transform {
        Transform::Rate(over) => rate(*over, true),
        Transform::Increase(over) => rate(*over, false),
        _ => each(&series, stop, |series| last_samples(series, times)),
    }
}

/// One series of each, as long as somebody waits.
pub fn each(series: &[Samples], stop: &Stop, evaluate: impl Fn(&Samples) -> Samples) -> Answer<Vec<Samples>> {
    series.iter().map(|series| stop.check().map(|()| evaluate(series))).collect()
}

/// The length of a range in microseconds, as it is used here.
pub fn range(over: u64) -> Answer<i64> {
    match i64::try_from(over).unwrap_or(i64::MAX) {
        0 => Err(Error::Invalid("a transform over 0 seconds; it must look back over at least two samples".to_owned())),
        over => Ok(over),
    }
}

/// The samples in the window; with a step, the last one within the step before each instant.
pub fn last_samples(series: &Samples, times: &Times) -> Samples {
    let mut result = Samples::empty(series.labels.clone());
    let mut until = 0;
    for instant in times.instants(&series.times) {
        until += series.times[until..].partition_point(|time| *time <= instant);
        let Some(last) = until.checked_sub(1) else { continue };
        let fresh = times.step.is_none_or(|step| series.times[last] > instant.saturating_sub(step));
        if fresh {
            result.push(instant, series.values[last]);
        }
    }
    result
}

/// The increase of a counter over a range before each instant; without two samples in it there is none.
///
/// As Prometheus' `extrapolatedRate` (promql/functions.go): resets are added back; the increase between the first and the
/// last sample is extended to the ends of the range, by half a sample's distance where an end is further than 1.1
/// distances away, and at the start no further than to where the counter would have been zero.
pub fn increase(series: &Samples, over: i64, per_second: bool, times: &Times) -> Samples {
    let resets = resets(&series.values);
    let mut result = Samples::empty(series.labels.clone());
    let (mut from, mut until) = (0, 0);
    for instant in times.instants(&series.times) {
        let start = instant.saturating_sub(over);
        from += series.times[from..].partition_point(|time| *time <= start);
        until += series.times[until..].partition_point(|time| *time <= instant);
        if until < from + 2 {
            continue;
        }
        let last = until - 1;
        let (first_time, last_time) = (series.times[from], series.times[last]);
        let grown = series.values[last] - series.values[from] + (resets[last] - resets[from]);
        let sampled = seconds(last_time, first_time);
        let distance = sampled / (last - from) as f64;
        let mut to_start = seconds(first_time, start);
        let mut to_end = seconds(instant, last_time);
        if to_start >= 1.1 * distance {
            to_start = distance / 2.0;
        }
        if grown > 0.0 && series.values[from] >= 0.0 {
            to_start = to_start.min(sampled * (series.values[from] / grown));
        }
        if to_end >= 1.1 * distance {
            to_end = distance / 2.0;
        }
        let grown = grown * ((sampled + to_start + to_end) / sampled);
        result.push(instant, if per_second { grown / (over as f64 / 1e6) } else { grown });
    }
    result
}

/// What the counter had lost in resets up to each sample.
fn resets(values: &[f64]) -> Vec<f64> {
    let mut lost = 0.0;
    let mut before = f64::NEG_INFINITY;
    let add = |value: &f64| {
        if *value < before {
            lost += before;
        }
        before = *value;
        lost
    };
    values.iter().map(add).collect()
}

fn seconds(later: i64, earlier: i64) -> f64 {
    later.abs_diff(earlier) as f64 / 1e6
}
