//! Series with gaps.

use std::ops::Range;

use crate::{Duration, Timestamp, Window, metrics, stats};

/// A series: what was observed, and when. A missing observation is a gap, not a zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// When each value was observed, rising, in microseconds since the Unix epoch.
    pub times: Vec<Timestamp>,
    /// The values; as many as times; finite.
    pub values: Vec<f64>,
}

impl From<metrics::Series> for Series {
    /// What is no finite number is no observation. Sources leave it out by themselves; statistics that met one would say NaN.
    fn from(series: metrics::Series) -> Series {
        let (times, values) =
            series.times.into_iter().zip(series.values).filter(|(_, value)| value.is_finite()).unzip();
        Series { times, values }
    }
}

impl Series {
    /// How many observations it has.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The time from one observation to the next as it mostly is: the median of all such times. Absent with fewer than two.
    pub fn spacing(&self) -> Option<Duration> {
        let mut spacings: Vec<Duration> = self.times.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
        spacings.sort_unstable();
        // The lower of two middle ones: a spacing that really occurs.
        spacings.get(spacings.len().checked_sub(1)? / 2).copied()
    }

    /// The gaps: pairs of neighbours, as indices of the first of each, that are more than `times_spacing` usual spacings
    /// apart.
    pub fn gaps(&self, times_spacing: f64) -> Vec<usize> {
        let Some(spacing) = self.spacing() else { return Vec::new() };
        let longest = spacing as f64 * times_spacing;
        let is_gap = |index: &usize| self.times[index + 1].abs_diff(self.times[*index]) as f64 > longest;
        (0..self.len() - 1).filter(is_gap).collect()
    }

    /// The indices of the observations inside a window.
    pub fn range(&self, window: Window) -> Range<usize> {
        let start = self.times.partition_point(|&time| time < window.start);
        let end = self.times.partition_point(|&time| time < window.end);
        start..end.max(start)
    }

    /// The observations inside a window.
    pub fn slice(&self, window: Window) -> Series {
        let range = self.range(window);
        Series { times: self.times[range.clone()].to_vec(), values: self.values[range].to_vec() }
    }

    /// The values before a time, and those from it on.
    pub fn split(&self, time: Timestamp) -> (&[f64], &[f64]) {
        self.values.split_at(self.times.partition_point(|&other| other < time))
    }

    /// The mean of each bin of a width, at the bin's start; bins without an observation are left out.
    ///
    /// Bins begin at multiples of the width from the epoch on, so that series binned alike can be put side by side. A width
    /// of 0 changes nothing.
    pub fn binned(&self, width: Duration) -> Series {
        let Some(width) = i64::try_from(width).ok().filter(|width| *width > 0) else { return self.clone() };
        let mut binned = Series::default();
        let bins = self.times.chunk_by(|left, right| left.div_euclid(width) == right.div_euclid(width));
        let mut start = 0;
        for bin in bins {
            let values = &self.values[start..start + bin.len()];
            binned.times.push(bin[0].div_euclid(width).saturating_mul(width));
            binned.values.push(stats::mean(values).unwrap_or_default());
            start += bin.len();
        }
        binned
    }
}

/// Pearson's correlation of two series where both have values; 0 with fewer than three such, or where one does not vary.
pub fn correlation(left: &Series, right: &Series) -> f64 {
    let at = |time| right.times.binary_search(time).ok().map(|place| right.values[place]);
    let pairs: Vec<(f64, f64)> =
        left.times.iter().zip(&left.values).filter_map(|(time, &value)| Some((value, at(time)?))).collect();
    let n = pairs.len() as f64;
    let (x, y) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / n, sum.1 + pair.1 / n));
    let product: f64 = pairs.iter().map(|pair| (pair.0 - x) * (pair.1 - y)).sum();
    let squares =
        |part: fn(&(f64, f64)) -> f64, mean: f64| pairs.iter().map(|pair| (part(pair) - mean).powi(2)).sum::<f64>();
    let scale = (squares(|pair| pair.0, x) * squares(|pair| pair.1, y)).sqrt();
    if pairs.len() < 3 || scale.is_nan() || scale <= 0.0 { 0.0 } else { product / scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(times: &[i64]) -> Series {
        Series { times: times.to_vec(), values: times.iter().map(|&time| time as f64).collect() }
    }

    #[test]
    fn what_is_not_a_number_is_no_observation() {
        let values = vec![1.0, f64::NAN, 3.0, f64::INFINITY, f64::NEG_INFINITY, 6.0];
        let series = Series::from(metrics::Series { labels: Vec::new(), times: (0..6).collect(), values });
        assert_eq!(series, Series { times: vec![0, 2, 5], values: vec![1.0, 3.0, 6.0] });
    }

    #[test]
    fn spacing_and_gaps_of_an_irregular_series() {
        let series = series(&[0, 10, 20, 31, 100, 110, 120]);
        assert_eq!(series.spacing(), Some(10));
        assert_eq!(series.gaps(2.0), [3]);
        assert_eq!(Series::default().spacing(), None);
        assert_eq!(self::series(&[5]).spacing(), None);
        assert!(self::series(&[5]).gaps(2.0).is_empty());
    }

    #[test]
    fn slices_and_splits_are_half_open() {
        let series = series(&[0, 10, 20, 30]);
        assert_eq!(series.slice(Window { start: 10, end: 30 }).times, [10, 20]);
        assert!(series.slice(Window { start: 40, end: 10 }).is_empty());
        assert_eq!(series.split(10), (&[0.0][..], &[10.0, 20.0, 30.0][..]));
        assert_eq!(series.split(99).1.len(), 0);
    }

    #[test]
    fn series_correlate_where_both_have_values() {
        let of = |times: &[i64], values: &[f64]| Series { times: times.to_vec(), values: values.to_vec() };
        let left = of(&[0, 1, 2, 3, 9], &[1.0, 2.0, 3.0, 4.0, 0.0]);
        assert!((correlation(&left, &of(&[0, 1, 2, 3, 4], &[9.0, 7.0, 5.0, 3.0, 99.0])) + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&left, &of(&[0, 1, 4], &[1.0, 2.0, 3.0])), 0.0);
        assert_eq!(correlation(&left, &of(&[0, 1, 2], &[5.0; 3])), 0.0);
    }

    #[test]
    fn bins_are_means_and_leave_gaps() {
        let binned = series(&[-7, -6, 1, 2, 6, 40]).binned(5);
        assert_eq!(binned.times, [-10, 0, 5, 40]);
        assert_eq!(binned.values, [-6.5, 1.5, 6.0, 40.0]);
        assert_eq!(series(&[1, 2]).binned(0), series(&[1, 2]));
    }
}
