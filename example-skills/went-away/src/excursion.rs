//! How a series left its level, and whether it is back.

use negawatt_skill::stats::{chance_odds, mad, mean, mean_shift, median, student_t_sf};
use negawatt_skill::{ChangePoint, Duration, Series, Shape, Timestamp};

/// The surest that anybody may be of a return.
const SUREST: f64 = 0.998;
/// A stretch whose mean is above the old level by more than this part of the change is away.
const AWAY: f64 = 0.25;
/// A level that is half of the change above the old one is not back.
const NOT_BACK: f64 = 0.5;
/// What remains of a change is of no interest below this part of it, and this part of the noise.
const NEGLIGIBLE: f64 = 0.05;
const OF_NOISE: f64 = 0.25;
/// How many times as probable a full return is as a partial one, before the remaining difference was tested.
const FULL_RETURNS: f64 = 500.0;
/// The fewest observations of a level.
const FEWEST: usize = 4;
/// How far single observations may lie from the median of their level, in scales.
const REACH: f64 = 3.5;
/// A series that ends so many spacings before the window's end is known until the window's end.
const PUNCTUAL: u64 = 3;
/// Ends of a slow return that are tried.
const ENDS: usize = 200;

/// What the series does from one change on; up is what hurts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The first observation after the change.
    pub start: Timestamp,
    /// The level before the change.
    pub before: f64,
    /// The level that it led to.
    pub after: f64,
    /// Whether it leads there slowly.
    pub slow: bool,
}

impl Level {
    /// What a change led to; turned around where less is worse.
    pub fn after(change: &ChangePoint, down: bool) -> Level {
        let sign = if down { -1.0 } else { 1.0 };
        Level {
            start: change.time,
            before: sign * change.before,
            after: sign * change.after,
            slow: change.shape == Shape::Drift,
        }
    }
}

/// A series that left its level and came back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excursion {
    /// The first observation at the old level again, where it stays until the end.
    pub back_at: Timestamp,
    /// How long it was away in all, in microseconds.
    pub away: Duration,
    /// How long it has been back.
    pub back: Duration,
    /// The part of the change that is left; negative where the level is better than before.
    pub remaining: f64,
    /// How probable it is that the old level is reached.
    pub confidence: f64,
}

/// The excursion that begins with one of the changes; absent where the series is not back, was away for longer than it has been
/// back, or shows too little of either level.
///
/// `levels` are all changes by rising time, `end` is the window's. The return is tested as an equivalence: one-sided against the
/// hypothesis that half of the change remains (Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power
/// Approach", Journal of Pharmacokinetics and Biopharmaceutics 15 (1987), p. 657), with standard errors that allow for neighbours that are
/// alike ([`mean_shift`]). A partial return is told by its p-value, as in Sellke, Bayarri and Berger, The American Statistician 55
/// (2001), p. 62.
pub fn excursion(series: &Series, levels: &[Level], index: usize, end: Timestamp) -> Option<Excursion> {
    let left = levels[index];
    let height = left.after - left.before;
    let place = |time: Timestamp| series.times.partition_point(|other| *other < time);
    let begin = place(levels[..index].last().map_or(Timestamp::MIN, |level| level.start));
    let first = place(left.start);
    let before = bounded(series.values.get(begin..first)?);
    let old = mean(&before)?;
    let stretches = stretches(series, levels, index, old);
    let is_away = |stretch: &(usize, usize)| {
        mean(&bounded(&series.values[stretch.0..stretch.1])).is_none_or(|mean| mean > old + AWAY * height)
    };
    let back_from = stretches.iter().rposition(is_away)? + 1;
    let back_at = stretches.get(back_from)?.0;
    let until = known_until(series, end)?;
    let time_of = |index: usize| series.times.get(index).copied().unwrap_or(until);
    let away: Duration = stretches[..back_from]
        .iter()
        .filter(|stretch| is_away(stretch))
        .map(|(from, to)| time_of(*to).abs_diff(time_of(*from)))
        .sum();
    let back = until.abs_diff(time_of(back_at));
    let after = bounded(&series.values[back_at..]);
    if back < away || before.len() < FEWEST || after.len() < FEWEST {
        return None;
    }
    let shift = mean_shift(&before, &after)?;
    let above = |margin: f64| {
        let distance = (shift.difference - margin) / shift.standard_error.max(f64::MIN_POSITIVE);
        student_t_sf(distance, shift.degrees_of_freedom)
    };
    let not_half = above(NOT_BACK * height);
    let noise = mad(&before).unwrap_or_default();
    let p_value = above((NEGLIGIBLE * height).min(OF_NOISE * noise));
    let full = FULL_RETURNS * chance_odds(p_value);
    let confidence = (not_half * full / (1.0 + full)).min(SUREST);
    Some(Excursion { back_at: time_of(back_at), away, back, remaining: shift.difference / height, confidence })
}

/// The stretches between the changes from one change on, as half-open pairs of indices; one in which the level comes back slowly is
/// cut where it arrives.
fn stretches(series: &Series, levels: &[Level], index: usize, old: f64) -> Vec<(usize, usize)> {
    let place = |level: &Level| series.times.partition_point(|other| *other < level.start);
    let mut stretches = Vec::new();
    for (level, next) in levels[index..].iter().zip(levels[index + 1..].iter().map(Some).chain([None])) {
        let (start, end) = (place(level), next.map_or(series.len(), place));
        let arrives = if level.slow && level.after < level.before {
            arrival(&series.values[start..end], level.before, old)
        } else {
            0
        };
        stretches.extend([(start, start + arrives), (start + arrives, end)].into_iter().filter(|(from, to)| from < to));
    }
    stretches
}

/// How many observations it takes to come from one level to another along a straight line, by least squares.
fn arrival(values: &[f64], from: f64, to: f64) -> usize {
    let stride = values.len().div_ceil(ENDS).max(1);
    let left = |arrives: usize| -> f64 {
        let fitted = |index: usize| from + (to - from) * (index as f64 / arrives.max(1) as f64).min(1.0);
        values.iter().enumerate().map(|(index, value)| (value - fitted(index)).powi(2)).sum()
    };
    let ends = (0..=values.len()).step_by(stride);
    ends.map(|arrives| (left(arrives), arrives)).min_by(|one, other| one.0.total_cmp(&other.0)).map_or(0, |best| best.1)
}

/// Until when the series is known: one spacing after its last observation, or the window's end where that is near.
fn known_until(series: &Series, end: Timestamp) -> Option<Timestamp> {
    let last = *series.times.last()?;
    let spacing = series.spacing()?;
    if end.abs_diff(last) <= PUNCTUAL * spacing {
        Some(end)
    } else {
        Some(last.saturating_add_unsigned(spacing).min(end))
    }
}

/// Values with single outliers brought in.
fn bounded(values: &[f64]) -> Vec<f64> {
    let (Some(middle), Some(scale)) = (median(values), mad(values)) else { return values.to_vec() };
    if scale <= 0.0 {
        return values.to_vec();
    }
    values.iter().map(|value| value.clamp(middle - REACH * scale, middle + REACH * scale)).collect()
}
