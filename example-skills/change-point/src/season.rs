//! What comes back by the day, week or year.

use negawatt_skill::stats::solve;

use crate::cost::{Fit, segments};

/// Periods of the calendar in microseconds (a day, a week, a year), and how much of them must have been seen.
///
/// The second time is what tells a season from a change. But nearly everything that people use has a day, and a window of hours
/// shows a part of it.
const PERIODS: [(f64, f64); 3] = [(86_400e6, 0.4), (7.0 * 86_400e6, TWICE), (365.2425 * 86_400e6, TWICE)];
/// So many cycles are as good as two.
const TWICE: f64 = 1.9;
/// Sines and cosines of a season that came twice, as far as the sampling shows them; of a part only the fundamental is taken,
/// which is smooth where a step is not.
const HARMONICS: usize = 4;
/// The fewest observations that show a period.
const OBSERVATIONS: f64 = 5.0;

/// A season as columns to regress on: sines and cosines of one period at each observation.
pub struct Season {
    columns: Vec<Vec<f64>>,
    period: f64,
    /// How often it was seen.
    pub cycles: f64,
}

impl Season {
    /// The seasons that a series observed at these times (microseconds, rising) could show, the shortest first: the
    /// periods of the calendar that it spans and samples often enough.
    pub fn possible(times: &[i64]) -> Vec<Season> {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return Vec::new() };
        let span = (i128::from(last) - i128::from(first)) as f64;
        let step = span / times.len() as f64;
        let shown =
            PERIODS.into_iter().filter(|(period, part)| span >= part * period && step * OBSERVATIONS <= *period);
        let season = |(period, _): (f64, f64)| {
            let cycles = span / period;
            let sampled = (0.5 * period / step).ceil() as usize - 1;
            let harmonics = if cycles < TWICE { 1 } else { HARMONICS.min(sampled) };
            Season { columns: Season::columns(times, period, harmonics), period, cycles }
        };
        shown.map(season).collect()
    }

    fn columns(times: &[i64], period: f64, harmonics: usize) -> Vec<Vec<f64>> {
        let mut columns = Vec::new();
        for harmonic in 1..=harmonics {
            let angles =
                times.iter().map(|&time| std::f64::consts::TAU * harmonic as f64 * (time as f64 / period).fract());
            let (sines, cosines) = angles.map(f64::sin_cos).unzip();
            columns.extend([sines, cosines]);
        }
        columns
    }

    /// After how many microseconds it comes back.
    pub fn period(&self) -> f64 {
        self.period
    }

    /// Whether it was seen twice, about.
    pub fn is_whole(&self) -> bool {
        self.cycles >= TWICE
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.columns.len()
    }

    /// The season of `values` between changes: least squares of what is left when each segment's own fit is taken off
    /// both the values and the columns, where `fit` gives the fits of a series between its change points (Frisch and
    /// Waugh, "Partial Time Regressions as Compared with Individual Trends", Econometrica 1 (1933), p. 387). Absent
    /// where it cannot be told.
    pub fn estimate(&self, values: &[f64], changes: &[usize], fit: impl Fn(&[f64]) -> Vec<Fit>) -> Option<Vec<f64>> {
        let left = |series: &[f64]| residuals(series, changes, &fit(series));
        let values = left(values);
        let columns: Vec<Vec<f64>> = self.columns.iter().map(|column| left(column)).collect();
        let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
        let matrix: Vec<Vec<f64>> =
            columns.iter().map(|row| columns.iter().map(|column| product(row, column)).collect()).collect();
        let right: Vec<f64> = columns.iter().map(|column| product(column, &values)).collect();
        let weights = solve(matrix, right)?;
        let mut season = vec![0.0; values.len()];
        for (column, weight) in self.columns.iter().zip(weights) {
            season.iter_mut().zip(column).for_each(|(season, value)| *season += weight * value);
        }
        Some(season)
    }
}

/// What fits of the segments leave of a series.
pub fn residuals(values: &[f64], changes: &[usize], fits: &[Fit]) -> Vec<f64> {
    let mut left = Vec::with_capacity(values.len());
    for ((start, end), fit) in segments(changes, values.len()).zip(fits) {
        left.extend((start..end).map(|index| values[index] - fit.at(index)));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::{Costs, Trend};

    #[test]
    fn a_season_is_told_from_a_step() {
        let times: Vec<i64> = (0..144).map(|hour| hour * 3_600_000_000).collect();
        let season = |hour: usize| (std::f64::consts::TAU * hour as f64 / 24.0).sin();
        let values: Vec<f64> = (0..144).map(|hour| season(hour) + if hour < 50 { 0.0 } else { 3.0 }).collect();
        let possible = Season::possible(&times);
        assert_eq!(possible.len(), 1, "six days show a day, not a week");
        let fits = |series: &[f64]| {
            let costs = Costs::new(series, Trend::Level, 0.0);
            vec![costs.fit(0, 50), costs.fit(50, 144)]
        };
        let found = possible[0].estimate(&values, &[50], fits).expect("enough observations");
        for (hour, found) in found.iter().enumerate() {
            assert!((found - season(hour)).abs() < 1e-9);
        }
    }
}
