//! Which description of a series is best: how its segments run, how long its noise remembers, where it changes.

use negawatt_skill::stats::mad;

use crate::clean::{differences, mean_square};
use crate::cost::{Costs, Trend};
use crate::partition::{partition, refine};

/// How long noise may remember. What remembers longer than a coefficient of 0.85 (half gone after four observations) is
/// not noise but the level.
pub const MEMORIES: [f64; 7] = [0.0, 0.2, 0.4, 0.6, 0.7, 0.8, LONGEST];
/// The longest of them.
pub const LONGEST: f64 = 0.85;
/// The same for more than `LONG` observations, which leave time for fewer.
const MEMORIES_OF_LONG_SERIES: [f64; 4] = [0.0, 0.4, 0.7, LONGEST];
const LONG: usize = 5000;
/// What a change point costs, in natural logarithms of the number of observations; found by simulation of stationary
/// noise, where they keep false alarms near 1 %. A change of level adds one parameter and its place, of a line two.
pub const LEVEL_PENALTY: f64 = 3.5;
const LINE_PENALTY: f64 = 5.0;
/// In a short series the memory of its noise is hardly known: with so many observations a change costs twice as much.
const SHORT: f64 = 5.0;
/// A drift takes many observations to be told from noise that remembers: with so many of them it costs twice as much.
const FEW_OF_A_DRIFT: f64 = 50.0;
/// Noise below this part of the series' range is of no interest, and a smooth curve is no succession of steps.
const MATERIAL: f64 = 0.01;
/// More change points than this, and one more in forty observations, are no changes: it is how the series behaves.
const FEW: usize = 4;
const OBSERVATIONS_PER_CHANGE: usize = 40;
/// How often the variance of the noise is estimated anew from what the last segmentation leaves.
const ROUNDS: usize = 4;

/// A description of a series.
#[derive(Clone, Debug)]
pub struct Model {
    /// How segments run.
    pub trend: Trend,
    /// The coefficient of the noise's autoregression.
    pub phi: f64,
    /// The first index of every segment but the first.
    pub changes: Vec<usize>,
    /// What is minimised.
    pub criterion: f64,
}

/// The best description of a series (in units of its noise, whose range is `range`), with changes among `candidates`.
///
/// Minimises n ln(residual sum of squares / n) + penalties over level or line, memory of the noise and change points
/// together, as Shi, Gallagher, Lund and Killick, "A comparison of single and multiple changepoint techniques for time
/// series data", Computational Statistics and Data Analysis 170 (2022), section 3, find best: noise estimated without
/// changes hides them, and changes estimated without memory explain it away.
pub fn select(values: &[f64], range: f64, candidates: &[usize]) -> Model {
    let memories = if values.len() > LONG { &MEMORIES_OF_LONG_SERIES[..] } else { &MEMORIES[..] };
    select_among(memories, values, range, candidates)
}

/// The same with fewer memories of noise to choose from, where many descriptions are compared.
pub fn select_roughly(values: &[f64], range: f64, candidates: &[usize]) -> Model {
    select_among(&MEMORIES_OF_LONG_SERIES, values, range, candidates)
}

fn select_among(memories: &[f64], values: &[f64], range: f64, candidates: &[usize]) -> Model {
    let search = Search { values, range, candidates };
    let best = search.best(memories, None);
    if best.changes.len() <= FEW + values.len() / OBSERVATIONS_PER_CHANGE {
        return best;
    }
    search.restless()
}

/// What a description of a series costs.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// The variance of innovations that is of no interest.
    pub floor: f64,
    /// What one change costs.
    pub per_change: f64,
    /// What a change from level to level costs that takes its time: it has one parameter more, its end.
    pub per_drift: f64,
    /// What the way in which segments run costs.
    of_trend: f64,
    observations: f64,
}

impl Prices {
    /// The prices for one kind of segment and noise in a series of a range.
    pub fn of(costs: &Costs, range: f64) -> Prices {
        let n = costs.len() as f64;
        let penalty = match costs.trend() {
            Trend::Level => LEVEL_PENALTY,
            Trend::Line => LINE_PENALTY,
        };
        let rare = (1.0 + SHORT / n) * n.ln();
        Prices {
            floor: (MATERIAL * range).powi(2) * costs.innovation_share(),
            per_change: penalty * rare - costs.innovation_share().ln(),
            per_drift: (LEVEL_PENALTY + 1.0) * (1.0 + FEW_OF_A_DRIFT / n) * n.ln() - costs.innovation_share().ln(),
            of_trend: (costs.trend().parameters() - 1) as f64 * n.ln() - costs.innovation_share().ln(),
            observations: n,
        }
    }

    /// The criterion of a description that leaves a residual sum of squares after so many changes.
    pub fn criterion(&self, left: f64, changes: usize) -> f64 {
        let noise = left / self.observations + self.floor;
        self.observations * noise.max(1e-6).ln() + self.per_change * changes as f64 + self.of_trend
    }
}

struct Search<'a> {
    values: &'a [f64],
    range: f64,
    candidates: &'a [usize],
}

impl Search<'_> {
    fn best(&self, memories: &[f64], variance: Option<f64>) -> Model {
        let trends = [Trend::Level, Trend::Line];
        let models = trends.into_iter().flat_map(|trend| memories.iter().map(move |&phi| (trend, phi)));
        let models = models.map(|(trend, phi)| self.with(&Costs::new(self.values, trend, phi), phi, variance));
        models.min_by(|left, right| left.criterion.total_cmp(&right.criterion)).unwrap_or(Model {
            trend: Trend::Level,
            phi: 0.0,
            changes: Vec::new(),
            criterion: f64::INFINITY,
        })
    }

    /// A series that changes all the time: what it always does is its noise, so that noise is estimated as if it never
    /// changed.
    fn restless(&self) -> Model {
        let phi = negawatt_skill::stats::ar1(&[self.values]);
        let variance = Costs::new(self.values, Trend::Level, phi).of(0, self.values.len()) / self.values.len() as f64;
        self.best(&[phi], Some(variance))
    }

    /// The best change points for one kind of segment and noise.
    fn with(&self, costs: &Costs, phi: f64, given: Option<f64>) -> Model {
        let n = costs.len() as f64;
        let prices @ Prices { floor, per_change, .. } = Prices::of(costs, self.range);
        let shortest = costs.trend().shortest().max(self.values.len() / 5000);
        let reach = if self.candidates.len() + 1 < self.values.len() { 1 + self.values.len() / 64 } else { 0 };
        let mut variance = given.unwrap_or_else(|| innovations(self.values, phi)).max(floor).max(1e-6);
        let mut best: Option<Model> = None;
        for _ in 0..if given.is_some() { 1 } else { ROUNDS } {
            let mut changes = partition(costs, self.candidates, variance, per_change, shortest);
            if reach > 0 {
                refine(costs, &mut changes, reach, shortest);
            }
            let left = costs.total(&changes);
            let criterion = prices.criterion(given.map_or(left, |given| left.max(given * n)), changes.len());
            let parameters = costs.trend().parameters() * (changes.len() + 1) + 1;
            let estimate = left / (n - parameters as f64).max(1.0) + floor;
            // What was not worth a change to less noise is not worth one to more.
            let settled = best.as_ref().is_some_and(|best| best.changes == changes)
                || changes.is_empty() && estimate >= variance
                || (estimate / variance - 1.0).abs() < 0.02;
            if best.as_ref().is_none_or(|best| criterion < best.criterion) {
                best = Some(Model { trend: costs.trend(), phi, changes, criterion });
            }
            if settled {
                break;
            }
            variance = estimate.max(1e-6);
        }
        best.unwrap_or(Model { trend: costs.trend(), phi, changes: Vec::new(), criterion: f64::INFINITY })
    }
}

/// The variance of the innovations of a first-order autoregression about a level that seldom changes: differencing
/// takes the level away, and the median what is left of its changes.
fn innovations(values: &[f64], phi: f64) -> f64 {
    let innovations: Vec<f64> = values.windows(2).map(|pair| pair[1] - phi * pair[0]).collect();
    let differences = differences(&innovations);
    match mad(&differences) {
        Some(scale) if scale > 0.0 => 0.5 * scale * scale,
        // Most are equal: counts of what is rare, or no noise at all.
        _ => 0.5 * mean_square(&differences),
    }
}
