//! Changes that take their time.

use std::ops::Range;

use crate::cost::{Costs, Ramp, Trend, segments};
use crate::model::{LONGEST, MEMORIES, Model, Prices};

/// A change that takes fewer observations than this is a step.
const SLOW: usize = 5;
/// The places on either end of a ramp that are tried first.
const GRID: usize = 24;
/// The part of a stretch that must be at the level before, so that there is one.
const LEVEL_BEFORE: f64 = 0.05;
/// Slow changes are looked for among so many steps in a row, and not in a series that changes more often than that many times.
const STEPS: usize = 12;
const RESTLESS: usize = 48;
/// Noise that remembers this long goes far without any cause.
const WANDERING: [f64; 3] = [0.95, 0.99, 0.999];
/// How much better than a straight line through all of a series a ramp must be, in natural logarithms of the number of
/// observations.
const TOLD: f64 = 2.0;
/// In a short series that is twice as much: with so many observations.
const FEW: f64 = 50.0;
/// A drift that chance explains with at least this probability is none.
const LEVEL: f64 = 0.01;

/// A slow change, and which changes it replaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// Indices into the changes: those that are nothing but this one. Empty where none was seen.
    pub replaces: Range<usize>,
    /// From level to level.
    pub ramp: Ramp,
    /// How probable so large a gain over one level would be anywhere without a drift.
    pub p_value: f64,
}

/// The slow changes of a series (in units of its noise, of a range) that describe it better than the changes of `model` that
/// they stand for, in order.
///
/// A ramp between two levels is one change with three parameters more than a level: its height, its onset and its end. It is
/// chosen over steps or lines by the same penalised likelihood (continuous segmented regression: Bai and Perron, "Estimating and
/// Testing Linear Models with Multiple Structural Changes", Econometrica 66 (1998), for the search; Muggeo, Statistics in
/// Medicine 22 (2003), p. 3055, for the form), with the noise's memory chosen anew, since a staircase hides it. A series that a
/// wandering level without any change describes as well has no drift.
pub fn drifts(values: &[f64], range: f64, model: &Model) -> Vec<Drift> {
    if let Some((drift, _)) = only_drift(values, range, model) {
        return vec![drift];
    }
    if model.changes.len() > RESTLESS || wanders(model) {
        return Vec::new();
    }
    let costs = Costs::new(values, model.trend, model.phi);
    let stepwise = Prices::of(&costs, range).criterion(costs.total(&model.changes), model.changes.len());
    parts(&costs, range, &model.changes, stepwise)
}

/// Whether the noise remembers for as long as it may: then nearly any way of a series is one that it could take by itself.
fn wanders(model: &Model) -> bool {
    model.phi >= LONGEST
}

/// The one drift that describes a series better than all changes of `model`, and the criterion of that description.
pub fn only_drift(values: &[f64], range: f64, model: &Model) -> Option<(Drift, f64)> {
    let changes = &model.changes;
    if values.len() < 3 * SLOW || changes.len() > RESTLESS {
        return None;
    }
    let costs = Costs::new(values, model.trend, model.phi);
    let prices = Prices::of(&costs, range);
    let mut stepwise = prices.criterion(costs.total(changes), changes.len());
    if changes.is_empty() && model.trend == Trend::Line {
        // A straight line is a drift through all of the window. A level before makes it one of the window's, and is all that
        // must be shown.
        let n = values.len() as f64;
        let told = TOLD * (1.0 + FEW / n) * n.ln();
        stepwise = without_change(values, range, &MEMORIES).min(stepwise + prices.per_drift - told);
    }
    let whole = MEMORIES.into_iter().filter(|phi| *phi < LONGEST).filter_map(|phi| {
        let costs = Costs::new(values, Trend::Level, phi);
        candidate(&costs, range, changes, 0..changes.len())
    });
    let best = whole.min_by(|left, right| left.1.total_cmp(&right.1));
    best.filter(|(drift, criterion)| {
        *criterion < stepwise && drift.p_value <= LEVEL && *criterion < wandering(values, range)
    })
}

/// The criterion of a level that wanders, and never changes.
pub fn wandering(values: &[f64], range: f64) -> f64 {
    without_change(values, range, &WANDERING)
}

/// The least criterion of one level with noise of one of these memories.
fn without_change(values: &[f64], range: f64, memories: &[f64]) -> f64 {
    let criterion = |&phi: &f64| {
        let costs = Costs::new(values, Trend::Level, phi);
        Prices::of(&costs, range).criterion(costs.of(0, values.len()), 0)
    };
    memories.iter().map(criterion).fold(f64::INFINITY, f64::min)
}

/// Slow changes between others: the best one, as long as there is one, none next to another.
fn parts(costs: &Costs, range: f64, changes: &[usize], mut least: f64) -> Vec<Drift> {
    let mut found: Vec<Drift> = Vec::new();
    let mut gained = 0.0;
    loop {
        let free = |candidate: &Range<usize>| {
            found.iter().all(|drift| candidate.end < drift.replaces.start || drift.replaces.end < candidate.start)
        };
        let ranges = (0..changes.len())
            .flat_map(|first| (first + 1..=changes.len().min(first + STEPS)).map(move |end| first..end))
            .filter(|candidate| candidate.len() < changes.len() && free(candidate));
        let best = ranges
            .filter_map(|candidate| self::candidate(costs, range, changes, candidate))
            .filter(|(drift, _)| drift.p_value <= LEVEL)
            .min_by(|left, right| left.1.total_cmp(&right.1));
        match best {
            Some((drift, criterion)) if criterion + gained < least => {
                // Criteria are each of one drift alone; what the drifts gain adds up, nearly.
                let stepwise = Prices::of(costs, range).criterion(costs.total(changes), changes.len());
                gained += criterion - stepwise;
                least = stepwise + gained;
                found.push(drift);
            }
            _ => break,
        }
    }
    found.sort_by_key(|drift| drift.replaces.start);
    found
}

/// The best ramp in place of some of the changes, and the criterion of the description with it.
fn candidate(costs: &Costs, range: f64, changes: &[usize], replaces: Range<usize>) -> Option<(Drift, f64)> {
    let start = if replaces.start == 0 { 0 } else { changes[replaces.start - 1] };
    let end = changes.get(replaces.end).copied().unwrap_or(costs.len());
    let ramp = best_ramp(costs, start, end)?;
    let others: f64 = segments(changes, costs.len())
        .filter(|(from, to)| *to <= start || *from >= end)
        .map(|(from, to)| costs.of(from, to))
        .sum();
    let prices = Prices::of(costs, range);
    let criterion = prices.criterion(others + ramp.left, changes.len() - replaces.len()) + prices.per_drift;
    let p_value = p_value(costs, start, end, &ramp, (others + ramp.left) / costs.len() as f64);
    Some((Drift { replaces, ramp, p_value }, criterion))
}

/// The F-test of a ramp against one level: two parameters give the distribution a closed form and are fewer than a ramp has, so
/// that its ends are paid for by the number of places that they were chosen from (Bonferroni).
fn p_value(costs: &Costs, start: usize, end: usize, ramp: &Ramp, variance: f64) -> f64 {
    let length = (end - start) as f64;
    let gain = (costs.about_level(start, end) - ramp.left).max(0.0) / 2.0;
    let degrees = (length - 5.0).max(1.0);
    let statistic = gain / variance.max(ramp.left / degrees).max(1e-6);
    ((1.0 + 2.0 * statistic / degrees).powf(-0.5 * degrees) * length * length / 8.0).min(1.0)
}

/// The ramp that leaves least of a stretch: on a grid first, then ever closer around the best.
fn best_ramp(costs: &Costs, start: usize, end: usize) -> Option<Ramp> {
    let length = end - start;
    let first = start + ((LEVEL_BEFORE * length as f64) as usize).max(2);
    let last = end - 1;
    if first + SLOW > last {
        return None;
    }
    let at = |knot: usize, until: usize| costs.ramp(start, end, knot, until);
    let mut stride = ((last - first) / GRID).max(1);
    let mut best = at(first, last);
    for knot in (first..=last - SLOW).step_by(stride) {
        for until in (knot + SLOW..=last).step_by(stride) {
            let ramp = at(knot, until);
            if ramp.left < best.left {
                best = ramp;
            }
        }
    }
    while stride > 0 {
        let around = |place: usize| [place.saturating_sub(stride), place, place + stride];
        let mut better = best;
        for knot in around(best.knot).into_iter().filter(|knot| *knot >= first) {
            for until in around(best.until).into_iter().filter(|until| *until >= knot + SLOW && *until <= last) {
                let ramp = at(knot, until);
                if ramp.left < better.left {
                    better = ramp;
                }
            }
        }
        if better == best {
            stride /= 2;
        }
        best = better;
    }
    Some(best)
}
