//! Whether a service's series shifted with the incident.

use crate::stats::{mad, median, quantile};
use crate::{Direction, Series, Timestamp};

/// The change of the incident, as every series is asked about it.
#[derive(Clone, Copy, Debug)]
pub struct Onset {
    /// The first observation after it.
    pub time: Timestamp,
    /// Where what is after it ends: at the next change, or with the data.
    pub until: Timestamp,
    /// Whether it grows slowly, so that its end tells more than its beginning.
    pub drift: bool,
    /// Whether only what lasts until then counts.
    pub lasting: bool,
    /// The direction that hurts.
    pub worse: Direction,
}

/// How a series moved at an onset. Differences are positive in the direction that hurts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The level before, in the metric's unit.
    pub before: f64,
    /// The level after, in the metric's unit.
    pub after: f64,
    /// By how much it got worse, beyond what it mostly does.
    pub difference: f64,
    /// The usual size of such differences where nothing happened.
    pub scale: f64,
    /// Observations after the onset that were looked at.
    pub after_count: usize,
}

/// Observations before the onset that are needed.
pub const FEWEST: usize = 12;
/// Observations after it that are looked at, at most.
const MOST_AFTER: usize = 20;
/// So many times as many must be there before, so that what is usual is known.
const BEFORE_TO_AFTER: usize = 6;
/// The fewest that a level is taken from, so that one odd one is none.
const LEAST_LEVEL: usize = 3;
/// Places before the onset that the same is measured at, at most.
const PLACES: usize = 100;

/// By how much a series shifted at an onset; absent with too few observations before, or none after.
///
/// The difference is the level just after less the level just before or less the level of all before, whichever is less: a step
/// differs from both, while a trend, a season or another level since earlier differs from one only. What is usual is measured by
/// doing the same at up to 100 places before the onset, which needs no assumption of how neighbours depend on each other or how
/// heavy the tails are (a reference distribution of the series' own past: Box, Hunter and Hunter, "Statistics for
/// Experimenters", 2nd ed. (2005), section 3.1). A difference as great as the greatest of them is as rare as that one, no more. The
/// fewer such differences do not overlap, the less is known of what is usual, and the more is taken for it.
pub fn shift(series: &Series, onset: &Onset) -> Option<Shift> {
    let sign = sign(onset.worse);
    let values: Vec<f64> = series.values.iter().map(|value| sign * value).collect();
    let start = series.times.partition_point(|&time| time < onset.time);
    let end = series.times.partition_point(|&time| time < onset.until).max(start);
    let count = (end - start).min(LEAST_LEVEL.max(start / BEFORE_TO_AFTER)).min(MOST_AFTER);
    if start < FEWEST || count == 0 {
        return None;
    }
    let local = count.max(LEAST_LEVEL);
    let past = &values[..start];
    let far = middle(past)?;
    let after = if onset.drift { &values[end - count..end] } else { &values[start..start + count] };
    let difference = |before: &[f64], after: &[f64]| {
        let after = middle(after)?;
        Some((after - median(before)?).min(after - far))
    };
    let places = start - count + 1 - local;
    let every = places.div_ceil(PLACES).max(1);
    let usual: Vec<f64> = (local..local + places)
        .step_by(every)
        .filter_map(|place| difference(&past[place - local..place], &past[place..place + count]))
        .collect();
    let centre = median(&usual)?;
    // Where most differences are equal, the median is blind to the rare ones. 1.645 is the normal quantile of 95 %.
    let scale = mad(&usual)?.max((quantile(&usual, 0.95)? - centre) / 1.645);
    let scale = scale.max((quantile(&usual, 1.0)? - centre) / greatest(places as f64 / count as f64));
    let scale = scale * (1.0 + (count + local) as f64 / places as f64);
    let mut difference = difference(&past[start - local..], after)? - centre;
    if scale == 0.0 {
        // Where there was never any difference, nothing is known of how large rare ones are: most must differ, and not one by much.
        difference = difference.min(quantile(after, 0.5 - 0.5 / count as f64)? - far);
    }
    if onset.lasting {
        difference = difference.min(median(&values[start..end])? - median(past)?);
    }
    Some(Shift { before: sign * far, after: sign * middle(after)?, difference, scale, after_count: count })
}

/// About the greatest of so many differences, in scales: what Student's distribution with three degrees of freedom exceeds with a
/// probability of one in as many, by its tail 2 √3 / (π x³).
fn greatest(count: f64) -> f64 {
    (2.0 * 3.0_f64.sqrt() / std::f64::consts::PI * count.max(2.0)).cbrt()
}

/// 1 where more is worse, −1 where less is.
pub fn sign(worse: Direction) -> f64 {
    match worse {
        Direction::Up => 1.0,
        Direction::Down => -1.0,
    }
}

/// The mean of the middle half: that of all below four values, and next to outliers hardly moved.
fn middle(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quarter = sorted.len() / 4;
    crate::stats::mean(&sorted[quarter..sorted.len() - quarter])
}

/// The natural logarithm of how much more probable a difference of `z` scales is if the service shifted than if not, between −3
/// and about 7.
///
/// Student's distribution with three degrees of freedom, since tails are heavy and what a level does by itself is poorly known,
/// against the same ten times as wide, to the side that hurts. Their ratio stays bounded however large the difference, so that no
/// series is ever certain by itself (on heavy tails: O'Hagan, "On Outlier Rejection Phenomena in Bayes Inference", JRSS B 41
/// (1979), p. 358). One in twenty services at fault shows nothing in its metric.
pub fn evidence(z: f64) -> f64 {
    const WIDTH: f64 = 10.0;
    const HIDDEN: f64 = 0.05;
    // Beyond, the squares overflow and nothing changes any more.
    let z = z.clamp(-1e6, 1e6);
    let shifted = 2.0 * student3(z / WIDTH) / WIDTH * crate::stats::normal_sf(-z);
    (HIDDEN + (1.0 - HIDDEN) * shifted / student3(z)).ln()
}

/// The density of Student's distribution with three degrees of freedom.
fn student3(x: f64) -> f64 {
    6.0 * 3.0_f64.sqrt() / (std::f64::consts::PI * (3.0 + x * x).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl Iterator<Item = f64>) -> Series {
        let values: Vec<f64> = values.collect();
        Series { times: (0..values.len() as i64).collect(), values }
    }

    fn onset(time: Timestamp) -> Onset {
        Onset { time, until: i64::MAX, drift: false, lasting: false, worse: Direction::Up }
    }

    fn noise(index: usize) -> f64 {
        [0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.9][index * index % 7]
    }

    #[test]
    fn a_step_at_the_onset_stands_out_and_one_elsewhere_does_not() {
        let step_at = |place| series((0..80).map(move |index| noise(index) + if index < place { 0.0 } else { 9.0 }));
        let at = |place| shift(&step_at(place), &onset(60)).map(|shift| shift.difference / shift.scale);
        assert!(at(60).is_some_and(|z| z > 5.0), "{:?}", at(60));
        for elsewhere in [30, 75] {
            assert!(at(elsewhere).is_some_and(|z| z < 2.0), "{elsewhere}: {:?}", at(elsewhere));
        }
    }

    #[test]
    fn only_the_direction_that_hurts_counts() {
        let falls = series((0..70).map(|index| if index < 60 { 100.0 } else { 97.0 }));
        let up = shift(&falls, &onset(60)).expect("enough data");
        assert!(up.difference < 0.0);
        let down = shift(&falls, &Onset { worse: Direction::Down, ..onset(60) }).expect("enough data");
        assert_eq!((down.before, down.after, down.difference, down.scale), (100.0, 97.0, 3.0, 0.0));
    }

    #[test]
    fn a_drift_is_looked_at_where_it_leads() {
        let drift =
            series((0..200).map(|index| noise(index) + if index < 140 { 0.0 } else { 0.1 * (index - 140) as f64 }));
        let slow = shift(&drift, &Onset { drift: true, ..onset(140) }).expect("enough data");
        let fast = shift(&drift, &onset(140)).expect("enough data");
        assert!(slow.difference > 2.0 * fast.difference, "{slow:?} {fast:?}");
    }

    #[test]
    fn what_was_seen_before_is_not_rare() {
        let spike = |places: &'static [usize]| {
            series((0..70).map(move |index| if places.contains(&index) { 9.0 } else { 0.01 * noise(index) }))
        };
        let z = |places| shift(&spike(places), &onset(67)).map(|shift| shift.difference / shift.scale);
        assert!(z(&[67, 68, 69]).is_some_and(|z| z > 100.0), "{:?}", z(&[67, 68, 69]));
        assert!(z(&[30, 67]).is_some_and(|z| z < 4.0), "{:?}", z(&[30, 67]));
    }

    #[test]
    fn one_odd_observation_after_a_constant_past_is_no_shift() {
        let drops = |places: &'static [usize]| {
            series((0..70).map(move |index| if places.contains(&index) { 9.0 } else { 0.0 }))
        };
        let by = |places| shift(&drops(places), &onset(67)).map(|shift| shift.difference);
        assert_eq!((by(&[67]), by(&[68, 69])), (Some(0.0), Some(6.0)));
    }

    #[test]
    fn what_went_away_did_not_last() {
        let bump = series((0..90).map(|index| noise(index) + if (60..70).contains(&index) { 9.0 } else { 0.0 }));
        let by = |lasting| shift(&bump, &Onset { lasting, ..onset(60) }).map(|shift| shift.difference);
        assert!(by(false).is_some_and(|by| by > 8.0), "{:?}", by(false));
        assert!(by(true).is_some_and(|by| by < 2.0), "{:?}", by(true));
    }

    #[test]
    fn too_little_data_says_nothing() {
        let flat = series((0..60).map(noise));
        assert_eq!(shift(&flat, &onset(FEWEST as i64 - 1)), None);
        assert_eq!(shift(&flat, &onset(60)), None);
        assert!(shift(&flat, &onset(FEWEST as i64)).is_some());
        assert_eq!(shift(&Series::default(), &onset(0)), None);
    }

    #[test]
    fn evidence_rises_and_is_bounded() {
        let at: Vec<f64> = [-50.0, 0.0, 2.0, 5.0, 20.0, 1e9].iter().map(|&z| evidence(z)).collect();
        assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "{at:?}");
        assert!(at[0] > -3.1 && at[1] < -1.0 && at[5] < 8.0, "{at:?}");
    }
}
