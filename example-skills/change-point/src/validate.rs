//! Whether a change could be chance.

use std::collections::HashMap;

use negawatt_skill::stats::{mad, student_t_sf};

use crate::clean::{differences, mean_square};
use crate::cost::{Costs, Trend, segments};
use crate::model::Model;
use crate::partition::refine;

/// A change that chance explains with at least this probability is none.
const LEVEL: f64 = 0.01;
/// The gain in heavy-tailed likelihood that a change must bring, in natural logarithms of the number of observations.
const GAIN: f64 = 4.0;
/// How far the other changes may move when one is taken out.
const REACH: usize = 50;

/// Takes out, one after the other, the change that chance explains best, until each one that is left has a p-value of
/// at most 1 % and is needed even if the noise has heavy tails; answers with the p-values of those that stay.
///
/// `spent` parameters were estimated from the series before. Where one is taken out, the others move to their best places and are judged anew.
pub fn validate(costs: &Costs, model: &mut Model, spent: usize) -> Vec<f64> {
    let needed = GAIN * (costs.len() as f64).ln();
    let mut gains = HeavyTailedGains::new(costs, &model.changes);
    loop {
        let p_values = p_values(costs, &model.changes, spent);
        let likely = p_values.iter().enumerate().max_by(|left, right| left.1.total_cmp(right.1));
        let doubtful = likely.filter(|(_, p_value)| **p_value > LEVEL).map(|(index, _)| index).or_else(|| {
            let least =
                gains.of(&model.changes).into_iter().enumerate().min_by(|left, right| left.1.total_cmp(&right.1));
            least.filter(|(_, gain)| *gain < needed).map(|(index, _)| index)
        });
        let Some(index) = doubtful else { return p_values };
        model.changes.remove(index);
        refine(costs, &mut model.changes, REACH, costs.trend().shortest());
    }
}

/// For each change, how probable so large an improvement by one change anywhere between its neighbours would be without
/// any.
///
/// The F-test of a change of all parameters of the segment (Chow, "Tests of Equality Between Sets of Coefficients in
/// Two Linear Regressions", Econometrica 28 (1960), p. 591) on the innovations of generalised least squares, with the
/// greater one of the variances here and in the whole series; times the number of places that it was chosen from
/// (Bonferroni, as in Worsley, "An Improved Bonferroni Inequality", Biometrika 69 (1982), p. 297).
fn p_values(costs: &Costs, changes: &[usize], spent: usize) -> Vec<f64> {
    let parameters = costs.trend().parameters() as f64;
    let in_all = costs.len() as f64 - parameters * (changes.len() + 1) as f64 - 1.0 - spent as f64;
    let variance = costs.total(changes) / in_all.max(1.0);
    let edges: Vec<_> = segments(changes, costs.len()).collect();
    let p_value = |pair: &[(usize, usize)]| {
        let ((start, change), (_, end)) = (pair[0], pair[1]);
        let left = costs.of(start, change) + costs.of(change, end);
        let length = (end - start) as f64;
        let degrees = (length - 2.0 * parameters - 1.0).max(1.0);
        let gain = (costs.of(start, end) - left).max(0.0) / parameters;
        let statistic = gain / variance.max(left / degrees).max(ROUNDING);
        let p_value = match costs.trend() {
            Trend::Level => 2.0 * student_t_sf(statistic.sqrt(), degrees),
            // With two parameters the F distribution has a closed form.
            Trend::Line => (1.0 + 2.0 * statistic / degrees).powf(-0.5 * degrees),
        };
        let places = (length + 1.0 - 2.0 * costs.trend().shortest() as f64).max(1.0);
        (p_value * places).min(1.0)
    };
    edges.windows(2).map(p_value).collect()
}

/// Twice the gain in log-likelihood that a change brings over its two segments joined, if innovations had Student's
/// distribution with three degrees of freedom.
///
/// One large innovation, or a few close together, are a new level to least squares and next to nothing to heavy tails,
/// which grow with the logarithm of its square: Lange, Little and Taylor, "Robust Statistical Modeling Using the t
/// Distribution", JASA 84 (1989), section 2. A level that stays gains with every observation.
struct HeavyTailedGains<'a> {
    costs: &'a Costs<'a>,
    scale: f64,
    /// By the change and its neighbours: most stay when one is taken out.
    known: HashMap<(usize, usize, usize), f64>,
}

impl<'a> HeavyTailedGains<'a> {
    /// Gains in units of the innovations that these changes leave.
    fn new(costs: &'a Costs<'a>, changes: &[usize]) -> Self {
        let innovations: Vec<f64> =
            segments(changes, costs.len()).flat_map(|(start, end)| costs.innovations(start, end)).collect();
        let ordinary = mad(&differences(costs.values())).unwrap_or_default();
        // Where most neighbours are equal, the median is blind to the noise, and the variance of what is rare grows
        // with its level.
        let scale =
            if ordinary > 0.0 { mad(&innovations).unwrap_or_default() } else { 2.0 * mean_square(&innovations).sqrt() };
        HeavyTailedGains { costs, scale: scale.max(ROUNDING.sqrt()), known: HashMap::new() }
    }

    /// The gain of each change.
    fn of(&mut self, changes: &[usize]) -> Vec<f64> {
        let edges: Vec<_> = segments(changes, self.costs.len()).collect();
        let gain = |pair: &[(usize, usize)]| {
            let ((start, change), (_, end)) = (pair[0], pair[1]);
            if let Some(&gain) = self.known.get(&(start, change, end)) {
                return gain;
            }
            let gain = self.loss(start, end) - self.loss(start, change) - self.loss(change, end);
            self.known.insert((start, change, end), gain);
            gain
        };
        edges.windows(2).map(gain).collect()
    }

    fn loss(&self, start: usize, end: usize) -> f64 {
        let innovations = self.costs.innovations(start, end).into_iter();
        innovations.map(|innovation| 4.0 * ((innovation / self.scale).powi(2) / 3.0).ln_1p()).sum()
    }
}

/// A variance below this, in units of the noise's, is rounding.
const ROUNDING: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(index: usize) -> f64 {
        [0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.9][index * index % 7]
    }

    #[test]
    fn a_level_that_stays_is_kept_and_a_blip_is_not() {
        let level = |index: usize| match index {
            30..32 => 5.0,
            60.. => 4.0,
            _ => 0.0,
        };
        let values: Vec<f64> = (0..300).map(|index| level(index) + noise(index)).collect();
        let costs = Costs::new(&values, Trend::Level, 0.0);
        let mut model = Model { trend: Trend::Level, phi: 0.0, changes: vec![15, 30, 32, 60], criterion: 0.0 };
        let p_values = validate(&costs, &mut model, 0);
        assert_eq!(model.changes, [60]);
        assert!(p_values[0] > 0.0 && p_values[0] < 1e-9);
    }
}
