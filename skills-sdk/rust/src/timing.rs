//! When a change began, as well as a series tells, and what that says of a cause that came at a certain time.
//!
//! The place of a change is known only to within some observations: the error is of the order of (noise / size of the
//! change)² of them, whatever the length of the series (Bai, "Estimation of a Change Point in Multiple Regression Models",
//! Review of Economics and Statistics 79(4), 1997). So a cause is weighed against all places that the series allows, each as
//! probable as the observations make it.

mod place;

use crate::{Case, ChangePoint, Duration, Series, Shape, Timestamp, Window, time};

/// How causes of one kind come before what they cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Causes {
    /// The time from a cause to what is seen of it: a mixture of log-logistic distributions of shape 1, as medians in
    /// seconds and weights, which add up to 1. Such a mixture falls about as 1/delay: no scale is preferred strongly.
    pub delays: &'static [(f64, f64)],
    /// Prior odds that one of them, rather than anything else, is the cause of a change of the window it is in.
    pub prior: f64,
    /// The most that time alone may say for all of them together, as odds.
    pub most: f64,
}

/// A stretch in which the change may have begun.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    from: Timestamp,
    to: Timestamp,
    /// How probable it is that it did.
    weight: f64,
}

/// When a change began: a probability for each stretch between observations.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeTime {
    places: Vec<Place>,
    spacing: Duration,
}

/// Observations on either side that are looked at; beyond, no change is so badly placed.
const REACH: usize = 1000;
/// Stretches less probable than this are left out.
const LEAST: f64 = 1e-4;
/// How often an observation stands for the time after its time stamp instead of the time before: sources that count in
/// intervals differ in which end they name.
const STAMPED_AT_START: f64 = 0.2;
/// The part of the probability that spreads around, because no model of noise is right.
const DOUBT: f64 = 0.002;
/// Of a drift, the part of the probability that lies about the onset as it was given: who found it may know of seasons.
const GIVEN: f64 = 0.3;
/// How the doubtful part falls from one observation to the next.
const FALL: f64 = 0.6;

impl ChangeTime {
    /// From the series that changed: with finite values, around the change and up to the changes next to it, which are among
    /// `others`. Absent where fewer than two observations are on either side.
    ///
    /// Of a step, the likelihood of each place with the levels given, noise that remembers (first-order autoregression) and
    /// heavy tails; of a drift, that of a broken line. Time O(n), of at most 2,000 observations.
    pub fn of_series(
        series: &Series,
        change: &ChangePoint,
        others: impl IntoIterator<Item = Timestamp>,
    ) -> Option<ChangeTime> {
        let index = series.times.partition_point(|&time| time < change.time);
        let (mut start, mut end) = (index.saturating_sub(REACH), index.saturating_add(REACH).min(series.len()));
        for other in others {
            let at = series.times.partition_point(|&time| time < other);
            if other < change.time {
                start = start.max(at);
            } else if other > change.time {
                end = end.min(at);
            }
        }
        let index = index.checked_sub(start).filter(|index| *index >= 2)?;
        let (times, values) = (series.times.get(start..end)?, series.values.get(start..end)?);
        if values.len() < index + 2 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let losses = match change.shape {
            Shape::Step => place::of_step(values, index, change.after - change.before),
            Shape::Drift => place::of_drift(values, index),
            // Where spread changes, level says nothing.
            Shape::Variance => return None,
        };
        let spacing = series.slice(Window { start: times[0], end: *times.last()? }).spacing()?;
        let before = |at: usize| times[at].saturating_sub(times[at - 1]) as f64;
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        // A longer stretch without observations is likelier to hold it.
        let likely = |at: usize| if at == 0 { 0.0 } else { before(at) * (least - losses[at]).exp() };
        let mut weights: Vec<f64> = (0..times.len()).map(likely).collect();
        normalise(&mut weights);
        if change.shape == Shape::Drift {
            let scale = ((times.len() - index) as f64 / 10.0).max(2.0);
            let mut given: Vec<f64> = (0..times.len()).map(|at| (-(at.abs_diff(index) as f64) / scale).exp()).collect();
            normalise(&mut given);
            weights.iter_mut().zip(given).for_each(|(weight, given)| *weight = (1.0 - GIVEN) * *weight + GIVEN * given);
        }
        spread(&mut weights);
        Some(ChangeTime::between(times, &weights, spacing)).filter(|time| !time.places.is_empty())
    }

    /// Where no series tells: around a time, with an error of about one spacing of observations.
    pub fn about(change: Timestamp, spacing: Duration) -> ChangeTime {
        const SIDE: i64 = 8;
        let spacing = spacing.max(1);
        let step = i64::try_from(spacing).unwrap_or(i64::MAX);
        let times: Vec<Timestamp> =
            (-SIDE - 1..=SIDE).map(|at| change.saturating_add(step.saturating_mul(at))).collect();
        let mut weights: Vec<f64> = (-SIDE - 1..=SIDE).map(|at| (-(at as f64).abs()).exp()).collect();
        weights[0] = 0.0;
        normalise(&mut weights);
        ChangeTime::between(&times, &weights, spacing)
    }

    /// From the probability of each observation to be the first one after the change.
    fn between(times: &[Timestamp], weights: &[f64], spacing: Duration) -> ChangeTime {
        let mut places: Vec<Place> = (1..times.len())
            .map(|at| Place {
                from: times[at - 1],
                to: times[at],
                weight: (1.0 - STAMPED_AT_START) * weights[at] + STAMPED_AT_START * weights[at - 1],
            })
            .collect();
        if let (Some(&last), Some(&weight)) = (times.last(), weights.last()) {
            places.push(Place {
                from: last,
                to: last.saturating_add_unsigned(spacing),
                weight: STAMPED_AT_START * weight,
            });
        }
        places.retain(|place| place.weight >= LEAST && place.to > place.from);
        let whole: f64 = places.iter().map(|place| place.weight).sum();
        places.iter_mut().for_each(|place| place.weight /= whole.max(f64::MIN_POSITIVE));
        ChangeTime { places, spacing }
    }

    /// How well it is known, as the end of a clause about the change: ` (10 min between observations)`, or where it is less well
    /// known than that, `, which began between 2026-11-10 13:50 and 16:40 UTC as far as the noise tells`.
    pub fn told(&self) -> String {
        let known = self.interval(0.9);
        if known.length() > self.spacing.max(1).saturating_mul(3) {
            format!(", which began between {} as far as the noise tells", time::between(known))
        } else {
            format!(" ({} between observations)", time::length(self.spacing))
        }
    }

    /// The usual time from one observation to the next around the change.
    pub fn spacing(&self) -> Duration {
        self.spacing
    }

    /// The window, in whole stretches between observations and cut at both ends alike, that holds the beginning with at least
    /// this probability.
    pub fn interval(&self, probability: f64) -> Window {
        let tail = (1.0 - probability) / 2.0;
        let (mut start, mut end, mut below) = (None, 0, 0.0);
        for place in &self.places {
            below += place.weight;
            if start.is_none() && below > tail {
                start = Some(place.from);
            }
            end = place.to;
            if below >= 1.0 - tail {
                break;
            }
        }
        Window { start: start.unwrap_or(end), end }
    }

    /// The part of a window in which something can have come that caused the change.
    pub fn reach(&self, window: Window) -> Window {
        let latest = self.places.last().map_or(window.end, |place| place.to);
        Window { start: window.start, end: window.end.min(latest).max(window.start) }
    }

    /// The probability that the change began before a time.
    pub fn before(&self, time: Timestamp) -> f64 {
        let part = |place: &Place| {
            let width = seconds(place.to.saturating_sub(place.from));
            place.weight * (seconds(time.saturating_sub(place.from)) / width).clamp(0.0, 1.0)
        };
        self.places.iter().map(part).sum()
    }

    /// How probable the change is where it was seen, per second, given a cause at a time that lasted until `end`. Very small,
    /// never 0, for one that came later.
    ///
    /// After its end a cause counts little: what it left behind, as in caches.
    pub fn density(&self, cause: Timestamp, end: Option<Timestamp>, causes: &Causes) -> f64 {
        const LEFT_BEHIND: f64 = 0.05;
        let until = |time: Timestamp| {
            let whole = delayed(seconds(time.saturating_sub(cause)), causes.delays);
            let lasting = end.filter(|end| *end < time);
            lasting.map_or(whole, |end| {
                let inside = delayed(seconds(end.saturating_sub(cause)), causes.delays);
                inside + LEFT_BEHIND * (whole - inside)
            })
        };
        let part = |place: &Place| {
            place.weight * (until(place.to) - until(place.from)) / seconds(place.to.saturating_sub(place.from))
        };
        self.places.iter().map(part).sum::<f64>() + 1e-10
    }
}

impl Case {
    /// When one of the case's changes began, as well as the incident's series tells; where it does not, about when it was seen.
    pub fn change_time(&self, change: &ChangePoint, series: &Series) -> ChangeTime {
        /// Without a series, observations are taken to be as many in a window as charts show.
        const OBSERVATIONS: Duration = 300;
        let others = self.change_points().map(|other| other.time);
        ChangeTime::of_series(series, change, others)
            .unwrap_or_else(|| ChangeTime::about(change.time, self.incident.window.length() / OBSERVATIONS))
    }
}

/// Natural logarithms of the odds that each of several causes of one kind is the cause of a change, as far as their times
/// tell: from densities as of [`ChangeTime::density`], and how much each counts among them, from 0 to 1, for other reasons.
///
/// Other causes strike at any time of the window. Causes that came together share what speaks for all of them, so that
/// together they never have more than [`Causes::most`].
pub fn log_odds(densities: &[f64], counts: &[f64], window: Window, causes: &Causes) -> Vec<f64> {
    let length = seconds(i64::try_from(window.length()).unwrap_or(i64::MAX)).max(1.0);
    // The window holds both the cause and the change: delays that do not fit into it are out of question.
    let fits = delayed(length, causes.delays);
    let odds: Vec<f64> = densities.iter().map(|density| causes.prior * density * length / fits).collect();
    let all: f64 = odds.iter().zip(counts).map(|(odds, counts)| counts * odds.min(causes.most)).sum();
    let shared = (all / causes.most).max(1.0).ln();
    odds.iter().map(|odds| (odds.ln().min(causes.most.ln()) - shared).max(-LEAST_LIKELY)).collect()
}

/// Time alone never says more than that against a cause.
const LEAST_LIKELY: f64 = 7.0;

/// The probability that a delay in seconds is at most this long.
fn delayed(delay: f64, delays: &[(f64, f64)]) -> f64 {
    if delay <= 0.0 { 0.0 } else { delays.iter().map(|(median, weight)| weight * delay / (delay + median)).sum() }
}

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

fn normalise(weights: &mut [f64]) {
    let whole: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= whole.max(f64::MIN_POSITIVE));
}

/// Spreads the part [`DOUBT`] of the weights to both sides, falling geometrically.
fn spread(weights: &mut [f64]) {
    let mut around = weights.to_vec();
    let mut carried = 0.0;
    for (around, weight) in around.iter_mut().zip(weights.iter()) {
        carried = FALL * carried + weight;
        *around = carried;
    }
    carried = 0.0;
    for (around, weight) in around.iter_mut().zip(weights.iter()).rev() {
        *around += FALL * carried;
        carried = FALL * carried + weight;
    }
    let scale = DOUBT * (1.0 - FALL) / (1.0 + FALL);
    weights.iter_mut().zip(around).for_each(|(weight, around)| *weight = (1.0 - DOUBT) * *weight + scale * around);
}

#[cfg(test)]
#[path = "timing_tests.rs"]
mod tests;
