//! The few statistics of a pass: how well the time of a change is known.

use negawatt_host::model::{ChangePoint, Duration, Shape};

use crate::alarm::Series;

/// Observations on either side that tell the noise.
const ENOUGH: usize = 240;

/// Half of the interval that holds the place of a change with 95 %, in observations, for noise of the change's own size: Bai,
/// "Estimation of a Change Point in Multiple Regression Models", Review of Economics and Statistics 79 (1997), p. 556.
const BAI: f64 = 11.0;

/// The longest memory of noise that is believed.
const LONGEST: f64 = 0.9;

/// The part of the time since its onset by which that of a slow change is unsure.
const OF_DRIFT: f64 = 0.25;

/// How far from where it was found a change may really have been, in microseconds: the noise about both levels, its memory
/// included, against the change's size; at least one observation.
pub fn within(series: &Series, change: &ChangePoint) -> Duration {
    let at = series.times.partition_point(|time| *time < change.time);
    let (before, after) = series.values.split_at(at);
    let before = left(&before[before.len().saturating_sub(ENOUGH)..]);
    let after = left(&after[..after.len().min(ENOUGH)]);
    let height = change.after - change.before;
    let noise = spread(&before).max(spread(&after));
    let memory = memory(&before).max(memory(&after)).clamp(0.0, LONGEST);
    let observations = 1.0 + BAI * (noise / height).powi(2) * (1.0 + memory) / (1.0 - memory);
    // Of half of either side nobody says that the change could have been there.
    let most = (0.5 * at.min(series.times.len() - at) as f64).max(1.0);
    let observations = if observations.is_finite() { observations.min(most) } else { most };
    let of_step = observations * spacing(&series.times) as f64;
    let since = series.times.last().map_or(0, |last| last.abs_diff(change.time));
    let of_drift = if change.shape == Shape::Drift { OF_DRIFT * since as f64 } else { 0.0 };
    of_step.max(of_drift) as Duration
}

/// By how many standard errors two stretches of a series differ in their level, their noise's memory included; of the first its end, of
/// the second its beginning. 0 where either is empty.
pub(crate) fn standard_errors(before: &[f64], after: &[f64]) -> f64 {
    let before = &before[before.len().saturating_sub(ENOUGH)..];
    let after = &after[..after.len().min(ENOUGH)];
    let (rest, last) = (left(before), left(after));
    let noise = spread(&rest).max(spread(&last));
    let memory = memory(&rest).max(memory(&last)).clamp(0.0, LONGEST);
    let sizes = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
    let error = noise * ((1.0 + memory) / (1.0 - memory) * sizes).sqrt();
    let apart = (median(after) - median(before)).abs();
    let errors = if apart > 0.0 { apart / error } else { 0.0 };
    if errors.is_nan() { 0.0 } else { errors }
}

/// The usual time between observations: the lower median.
pub(crate) fn spacing(times: &[i64]) -> Duration {
    let mut spacings: Vec<u64> = times.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
    let middle = spacings.len().saturating_sub(1) / 2;
    if spacings.is_empty() { 0 } else { *spacings.select_nth_unstable(middle).1 }
}

/// A length of time in words, in its largest unit.
pub(crate) fn duration_words(micros: Duration) -> String {
    let seconds = (micros as f64 / 1e6).round() as u64;
    match seconds {
        0 => "a second".to_owned(),
        1..=119 if !seconds.is_multiple_of(60) => format!("{seconds} s"),
        120..=7_199 | 60 => format!("{} min", (seconds as f64 / 60.0).round()),
        _ => format!("{} h", (seconds as f64 / 3_600.0).round()),
    }
}

/// Values without their median.
fn left(values: &[f64]) -> Vec<f64> {
    let middle = median(values);
    values.iter().map(|value| value - middle).collect()
}

/// The standard deviation that the median deviation tells.
fn spread(left: &[f64]) -> f64 {
    let deviations: Vec<f64> = left.iter().map(|left| left.abs()).collect();
    1.4826 * median(&deviations)
}

/// The correlation of neighbours.
fn memory(left: &[f64]) -> f64 {
    let square: f64 = left.iter().map(|left| left * left).sum();
    let product: f64 = left.windows(2).map(|pair| pair[0] * pair[1]).sum();
    if square > 0.0 { product / square } else { 0.0 }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[half],
        _ => 0.5 * (sorted[half - 1] + sorted[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn step(height: f64, noise: impl Fn(usize) -> f64) -> (Series, ChangePoint) {
        let level = |n: usize| if n < 100 { 100.0 } else { 100.0 + height };
        let series = Series {
            labels: Vec::new(),
            times: (0..200).map(|n| n * MINUTE).collect(),
            values: (0..200).map(|n| level(n) + noise(n)).collect(),
        };
        let (before, after) = (100.0, 100.0 + height);
        let method = String::new();
        (series, ChangePoint { time: 100 * MINUTE, before, after, p_value: 0.0, method, shape: Shape::Step })
    }

    /// A median deviation of 0.5, neighbours opposed.
    fn noise(n: usize) -> f64 {
        [0.5, -0.5, 0.5, -0.5, 1.0, -1.0][n % 6]
    }

    #[test]
    fn the_time_of_a_small_change_is_less_sure() {
        let found = [0.0, 0.74, 7.4].map(|height| {
            let (series, change) = step(height, noise);
            within(&series, &change) / MINUTE.unsigned_abs()
        });
        // The noise's own size: 1 + 11 observations.
        assert_eq!(found, [50, 12, 1]);
        let (series, change) = step(7.4, |_| 0.0);
        assert_eq!(within(&series, &change), MINUTE.unsigned_abs(), "no noise, and still an observation");
    }

    #[test]
    fn levels_differ_by_standard_errors() {
        let of = |height| {
            let (series, _) = step(height, noise);
            standard_errors(&series.values[..100], &series.values[100..])
        };
        // A median deviation of half, a hundred observations on either side.
        assert!((of(1.0) - 1.0 / (1.4826 * 0.5 * 0.02f64.sqrt())).abs() < 1e-9, "{}", of(1.0));
        assert_eq!([of(0.0), standard_errors(&[], &[1.0]), standard_errors(&[1.0], &[])], [0.0; 3]);
        assert_eq!(standard_errors(&[1.0; 9], &[2.0; 9]), f64::INFINITY);
    }

    #[test]
    fn noise_that_remembers_and_a_slow_change_make_it_less_sure() {
        // Of the same size, in runs of twelve.
        let (series, change) = step(0.74, |n| noise(n / 12));
        let remembering = within(&series, &change);
        assert!(remembering > 40 * MINUTE.unsigned_abs(), "{remembering}");
        let (series, change) = step(7.4, noise);
        let drift = ChangePoint { shape: Shape::Drift, ..change };
        assert_eq!(within(&series, &drift), 99 * MINUTE.unsigned_abs() / 4);
    }
}
