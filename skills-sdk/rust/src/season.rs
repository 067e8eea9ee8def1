//! What comes back by the hour, day or week.

use crate::stats::{mad, solve};
use crate::{Duration, Series, Timestamp, time};

/// Periods of the calendar that services live by, in microseconds, the shortest first.
pub const PERIODS: [Duration; 3] = [time::HOUR as u64, time::DAY as u64, time::WEEK as u64];

/// A season: by how much the values lie above or below their level at each phase of a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Season {
    /// How often it comes back.
    pub period: Duration,
    /// The part of the variation within periods, from 0 to 1, that the others of these periods predict; 0 where that was not
    /// asked.
    pub share: f64,
    /// How many periods it was learned from.
    pub cycles: f64,
    /// Phases (parts of the period, rising) and what the season is there.
    knots: Vec<(f64, f64)>,
}

/// What is left of large residuals when a season is learned, in scales.
const REACH: f64 = 3.0;
/// The shortest stretch that a season is learned from, in periods; a bit less than two, since windows end a bit early.
const TWICE: f64 = 1.9;
/// The fewest phases that show a season, the most that are told apart (five minutes of a week), and as many as it takes to see
/// whether there is one.
const FEWEST_PHASES: u64 = 5;
const MOST_PHASES: u64 = 2016;
const ENOUGH_PHASES: u64 = 48;
/// The part of the variation that periods must predict of each other, so that it is a season.
const PREDICTED: f64 = 0.25;
/// A period is learned from its most recent cycles: seasons change with those who make them.
const MOST_CYCLES: u64 = 60;

impl Season {
    /// The season at a time, in the series' unit; straight between the phases that were seen.
    pub fn at(&self, time: Timestamp) -> f64 {
        let phase = phase(time, self.period);
        let next = self.knots.partition_point(|(other, _)| *other <= phase);
        let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) else { return 0.0 };
        let before = if next == 0 { (last.0 - 1.0, last.1) } else { self.knots[next - 1] };
        let after = self.knots.get(next).copied().unwrap_or((first.0 + 1.0, first.1));
        let part = (phase - before.0) / (after.0 - before.0).max(f64::MIN_POSITIVE);
        before.1 + part.clamp(0.0, 1.0) * (after.1 - before.1)
    }

    /// The phases that were seen, as parts of the period by rising time, and what the season is at each.
    pub fn knots(&self) -> &[(f64, f64)] {
        &self.knots
    }

    /// The same season with other values at its phases, as many as [`Season::knots`] has.
    pub fn with_values(mut self, values: impl IntoIterator<Item = f64>) -> Season {
        self.knots.iter_mut().zip(values).for_each(|(knot, value)| knot.1 = value);
        self
    }

    /// The season of a period in a series whose level changes at `cuts` (indices, rising), told in `phases` parts, and the sum
    /// of squares that level and season leave.
    ///
    /// Least squares of one level for each segment and one value for each phase together, so that neither takes what is the
    /// other's. Large residuals count as three scales the second time (Huber, "Robust Estimation of a Location Parameter",
    /// Annals of Mathematical Statistics 35 (1964), p. 73). Absent where the series does not show the phases.
    pub fn between(series: &Series, cuts: &[usize], period: Duration, phases: usize) -> Option<(Season, f64)> {
        let layout = Layout::of(series, cuts, period, phases)?;
        let mut effects = layout.fit(&series.values)?;
        let left = layout.residuals(&series.values, &effects);
        let reach = REACH * mad(&left)?;
        if reach > 0.0 {
            let excess = |(value, left): (&f64, &f64)| value - left + left.clamp(-reach, reach);
            let bounded: Vec<f64> = series.values.iter().zip(&left).map(excess).collect();
            effects = layout.fit(&bounded)?;
        }
        let squares = layout.residuals(&series.values, &effects).iter().map(|left| left * left).sum();
        let cycles = span(series) / period as f64;
        Some((Season { period, share: 0.0, cycles, knots: layout.knots(&effects) }, squares))
    }

    /// The season of a period in a series whose level may differ from one period to the next, as far as the periods predict
    /// each other. Absent where fewer than two were seen, or each too seldom.
    ///
    /// `share` is found by learning from every other period and predicting the rest, and the other way round: in noise it is 0,
    /// since what is learned from noise predicts nothing.
    pub fn of(series: &Series, period: Duration) -> Option<Season> {
        let last = *series.times.last()?;
        let recent =
            crate::Window { start: last.saturating_sub_unsigned(MOST_CYCLES * period), end: last.saturating_add(1) };
        let series = series.slice(recent);
        let phases = (period / series.spacing()?.max(1)).min(MOST_PHASES);
        if phases < FEWEST_PHASES || span(&series) < TWICE * period as f64 {
            return None;
        }
        let cycle = |time: Timestamp| last.abs_diff(time) / period;
        let level = without_trend(&series, cycle);
        let enough = phases.min(ENOUGH_PHASES * period.div_ceil(time::DAY.unsigned_abs())) as usize;
        // A slope is the same in every period, and no season; nor is a step that a slope was taken for.
        let share = predicted(&series, cycle, period, enough)?.min(predicted(&level, cycle, period, enough)?);
        let (season, _) = Season::between(&level, &turns(&level, cycle), period, phases as usize)?;
        Some(Season { share, ..season })
    }

    /// The season that describes a series which changes at `cuts` (indices, rising): that of the time before, where its periods
    /// predict each other, else the series' own. Absent where neither makes the description better by more than it costs (n ln of
    /// the sum of squares, and ln n for each parameter: Schwarz, "Estimating the Dimension of a Model", Annals of Statistics 6
    /// (1978), p. 461).
    pub fn explaining(series: &Series, earlier: &Series, cuts: &[usize]) -> Option<Season> {
        let n = series.len() as f64;
        let squares = |values: &[f64]| deviations(values, cuts).iter().map(|left| left * left).sum::<f64>();
        let criterion = |season: &Season, parameters: usize| {
            let left: Vec<f64> =
                series.times.iter().zip(&series.values).map(|(time, value)| value - season.at(*time)).collect();
            n * squares(&left).max(f64::MIN_POSITIVE).ln() + parameters as f64 * n.ln()
        };
        let plain = n * squares(&series.values).max(f64::MIN_POSITIVE).ln();
        let mut known = PERIODS.into_iter().filter_map(|period| Season::of(earlier, period)).map(|season| (season, 1));
        let mut own = PERIODS.into_iter().filter_map(|period| {
            let share = Season::of(series, period)?.share;
            let phases = (period / series.spacing()?.max(1)).min(24) as usize;
            let (season, _) = Season::between(series, cuts, period, phases)?;
            Some((Season { share, ..season }, phases))
        });
        let best = |seasons: &mut dyn Iterator<Item = (Season, usize)>| {
            let kept = seasons.filter(|(season, _)| season.share >= PREDICTED);
            let valued = kept.map(|(season, parameters)| (criterion(&season, parameters), season));
            let best = valued.min_by(|one, other| one.0.total_cmp(&other.0));
            best.filter(|(criterion, _)| *criterion < plain).map(|(_, season)| season)
        };
        best(&mut known).or_else(|| best(&mut own))
    }

    /// Takes the season off a series; the mean stays.
    pub fn take_off(&self, series: &mut Series) {
        let season: Vec<f64> = series.times.iter().map(|time| self.at(*time)).collect();
        let middle = crate::stats::mean(&season).unwrap_or_default();
        series.values.iter_mut().zip(season).for_each(|(value, season)| *value -= season - middle);
    }

    /// What a season leaves of the variation about the levels between cuts, and that variation: sums of squares that large
    /// deviations count less in.
    fn unexplained(&self, series: &Series, cuts: &[usize]) -> (f64, f64) {
        let left: Vec<f64> =
            series.times.iter().zip(&series.values).map(|(time, value)| value - self.at(*time)).collect();
        let plain = deviations(&series.values, cuts);
        let reach = REACH * mad(&plain).filter(|scale| *scale > 0.0).unwrap_or(f64::INFINITY);
        let squares = |deviations: &[f64]| deviations.iter().map(|left| left.abs().min(reach).powi(2)).sum::<f64>();
        (squares(&deviations(&left, cuts)), squares(&plain))
    }
}

/// Where a cycle ends and the next begins.
fn turns(series: &Series, cycle: impl Fn(Timestamp) -> u64) -> Vec<usize> {
    (1..series.len()).filter(|index| cycle(series.times[*index]) != cycle(series.times[index - 1])).collect()
}

/// The part of the variation within cycles that is predicted by every other cycle.
fn predicted(series: &Series, cycle: impl Fn(Timestamp) -> u64, period: Duration, phases: usize) -> Option<f64> {
    let side = |odd: u64| {
        let kept = series.times.iter().zip(&series.values).filter(|(time, _)| cycle(**time) % 2 == odd);
        let (times, values) = kept.map(|(time, value)| (*time, *value)).unzip();
        let series = Series { times, values };
        let turns = turns(&series, &cycle);
        (series, turns)
    };
    let ((even, even_turns), (odd, odd_turns)) = (side(0), side(1));
    let (from_even, _) = Season::between(&even, &even_turns, period, phases)?;
    let (from_odd, _) = Season::between(&odd, &odd_turns, period, phases)?;
    let (left_of_even, all_of_even) = from_odd.unexplained(&even, &even_turns);
    let (left_of_odd, all_of_odd) = from_even.unexplained(&odd, &odd_turns);
    let all = all_of_even + all_of_odd;
    Some(if all > 0.0 { (1.0 - (left_of_even + left_of_odd) / all).clamp(0.0, 1.0) } else { 0.0 })
}

/// A series without its slope: the median of the slopes between the medians of its cycles (Sen, "Estimates of the Regression
/// Coefficient Based on Kendall's Tau", JASA 63 (1968), p. 1379).
fn without_trend(series: &Series, cycle: impl Fn(Timestamp) -> u64) -> Series {
    let ends: Vec<usize> = turns(series, cycle).into_iter().chain([series.len()]).collect();
    let mut start = 0;
    let mut levels = Vec::with_capacity(ends.len());
    for end in ends {
        let middle = series.times[(start + end) / 2];
        levels.extend(crate::stats::median(&series.values[start..end]).map(|level| (middle as f64, level)));
        start = end;
    }
    let pairs = (0..levels.len()).flat_map(|one| (one + 1..levels.len()).map(move |other| (one, other)));
    let slopes: Vec<f64> =
        pairs.map(|(one, other)| (levels[other].1 - levels[one].1) / (levels[other].0 - levels[one].0)).collect();
    let slope = crate::stats::median(&slopes).filter(|slope| slope.is_finite()).unwrap_or_default();
    let first = series.times.first().copied().unwrap_or_default();
    let values =
        series.times.iter().zip(&series.values).map(|(time, value)| value - slope * time.abs_diff(first) as f64);
    Series { times: series.times.clone(), values: values.collect() }
}

/// Deviations from the means between cuts.
fn deviations(values: &[f64], cuts: &[usize]) -> Vec<f64> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain(std::iter::once(values.len()));
    let mut deviations = Vec::with_capacity(values.len());
    for (start, end) in starts.zip(ends) {
        let segment = &values[start..end];
        let mean = crate::stats::mean(segment).unwrap_or_default();
        deviations.extend(segment.iter().map(|value| value - mean));
    }
    deviations
}

/// The part of a period that has passed at a time, from 0 to 1; periods begin at multiples from 1970-01-05 on, a Monday.
fn phase(time: Timestamp, period: Duration) -> f64 {
    let since = i128::from(time) - i128::from(4 * time::DAY);
    since.rem_euclid(i128::from(period.max(1))) as f64 / period.max(1) as f64
}

fn span(series: &Series) -> f64 {
    match (series.times.first(), series.times.last()) {
        (Some(first), Some(last)) => {
            let steps = (series.len() - 1).max(1) as f64;
            last.abs_diff(*first) as f64 * (steps + 1.0) / steps
        }
        _ => 0.0,
    }
}

/// Which segment and which phase each observation belongs to.
struct Layout {
    segment: Vec<usize>,
    phase: Vec<usize>,
    position: Vec<f64>,
    segments: usize,
    phases: usize,
    /// How many observations each segment has in each phase, segment by segment.
    counts: Vec<f64>,
    /// How many observations each phase has.
    in_phase: Vec<f64>,
}

impl Layout {
    fn of(series: &Series, cuts: &[usize], period: Duration, phases: usize) -> Option<Layout> {
        let segments = cuts.len() + 1;
        if phases == 0 || series.len() < segments + phases.min(FEWEST_PHASES as usize) {
            return None;
        }
        let position: Vec<f64> = series.times.iter().map(|&time| phase(time, period)).collect();
        let phase: Vec<usize> =
            position.iter().map(|position| ((position * phases as f64) as usize).min(phases - 1)).collect();
        let mut segment = Vec::with_capacity(series.len());
        for index in 0..series.len() {
            let last = segment.last().copied().unwrap_or(0);
            segment.push(if cuts.get(last) == Some(&index) { last + 1 } else { last });
        }
        let (mut counts, mut in_phase) = (vec![0.0; segments * phases], vec![0.0; phases]);
        for (segment, phase) in segment.iter().zip(&phase) {
            counts[segment * phases + phase] += 1.0;
            in_phase[*phase] += 1.0;
        }
        Some(Layout { segment, phase, position, segments, phases, counts, in_phase })
    }

    /// The level of each segment and the value of each phase by least squares. The phases are eliminated from the normal
    /// equations, so that only the segments are solved for.
    fn fit(&self, values: &[f64]) -> Option<Effects> {
        let (segments, phases) = (self.segments, self.phases);
        let mut right = vec![0.0; segments];
        let mut of_phase = vec![0.0; phases];
        for (index, value) in values.iter().enumerate() {
            right[self.segment[index]] += value;
            of_phase[self.phase[index]] += value;
        }
        let mut matrix = vec![vec![0.0; segments]; segments];
        for (segment, row) in self.counts.chunks(phases).enumerate() {
            // The common level belongs to the phases; a bit of an observation settles that.
            matrix[segment][segment] += (1.0 + 1e-5) * row.iter().sum::<f64>();
            for phase in (0..phases).filter(|phase| row[*phase] > 0.0) {
                let part = row[phase] / self.in_phase[phase];
                right[segment] -= part * of_phase[phase];
                for (other, cell) in matrix[segment].iter_mut().enumerate() {
                    *cell -= part * self.counts[other * phases + phase];
                }
            }
        }
        let levels = solve(matrix, right)?;
        for (segment, phase) in self.segment.iter().zip(&self.phase) {
            of_phase[*phase] -= levels[*segment];
        }
        let seasonal = of_phase.iter().zip(&self.in_phase).map(|(sum, count)| sum / count.max(1.0)).collect();
        Some(Effects { levels, seasonal })
    }

    fn residuals(&self, values: &[f64], effects: &Effects) -> Vec<f64> {
        let fitted = self.segment.iter().zip(&self.phase);
        let fitted = fitted.map(|(segment, phase)| effects.levels[*segment] + effects.seasonal[*phase]);
        values.iter().zip(fitted).map(|(value, fitted)| value - fitted).collect()
    }

    /// The phases that were seen, each where its observations mostly are, and their values less their mean over the
    /// observations.
    fn knots(&self, effects: &Effects) -> Vec<(f64, f64)> {
        let mut positions = vec![0.0; self.phases];
        for (phase, position) in self.phase.iter().zip(&self.position) {
            positions[*phase] += position;
        }
        let weighted: f64 = effects.seasonal.iter().zip(&self.in_phase).map(|(value, count)| value * count).sum();
        let mean = weighted / self.phase.len().max(1) as f64;
        let seen = (0..self.phases).filter(|phase| self.in_phase[*phase] > 0.0);
        seen.map(|phase| (positions[phase] / self.in_phase[phase], effects.seasonal[phase] - mean)).collect()
    }
}

struct Effects {
    levels: Vec<f64>,
    seasonal: Vec<f64>,
}

#[cfg(test)]
#[path = "season_tests.rs"]
mod tests;
