//! By how much one endpoint's series shifted with the change.

use negawatt_skill::Series;
use negawatt_skill::stats::{self, mad, median};
use negawatt_skill::stretches::Around;

/// Observations on each side that are needed.
const FEWEST: usize = 8;
/// Robust standard deviations from its side's median beyond which an observation is moved to there.
const FAR: f64 = 3.0;

/// What was observed before the change and after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Halves {
    before: Vec<f64>,
    after: Vec<f64>,
}

impl Halves {
    /// The mean of both.
    pub fn means(&self) -> Option<(f64, f64)> {
        Some((stats::mean(&self.before)?, stats::mean(&self.after)?))
    }
}

/// The observations of both sides, up to the changes next to it; of a drift, the later half of what came after its onset. Absent
/// where a side has too few.
pub fn halves(series: &Series, around: &Around, is_drift: bool) -> Option<Halves> {
    let mut stretches = around.moments(&series.times);
    if is_drift {
        stretches.after.start += stretches.after.len() / 2;
    }
    let side = |range: std::ops::Range<usize>| series.values.get(range).map(<[f64]>::to_vec);
    let halves = Halves { before: side(stretches.before)?, after: side(stretches.after)? };
    (halves.before.len() >= FEWEST && halves.after.len() >= FEWEST).then_some(halves)
}

/// By how much a series shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The level before, in the metric's unit.
    pub before: f64,
    /// The level after.
    pub after: f64,
    /// The standard error of their difference.
    pub standard_error: f64,
    /// How probable so large a difference would be by chance.
    pub p_value: f64,
}

/// Welch's test with the correction for neighbours that are alike ([`stats::mean_shift`]), of observations that were brought in
/// first: those far from their side's median count as three robust standard deviations from it, so that a few stragglers, which
/// latencies always have, neither make a shift nor hide one.
///
/// Huber, "Robust Statistics" (1981), on winsorised values; the test's own sources are with it.
pub fn shift(halves: &Halves) -> Option<Shift> {
    let (before, after) = (brought_in(&halves.before)?, brought_in(&halves.after)?);
    let tested = stats::mean_shift(&before, &after)?;
    Some(Shift {
        before: stats::mean(&before)?,
        after: stats::mean(&after)?,
        standard_error: tested.standard_error,
        p_value: tested.p_value,
    })
}

fn brought_in(values: &[f64]) -> Option<Vec<f64>> {
    let (middle, spread) = (median(values)?, mad(values)?);
    // Where most are equal, nothing tells what is far.
    let reach = if spread > 0.0 { FAR * spread } else { f64::INFINITY };
    Some(values.iter().map(|value| value.clamp(middle - reach, middle + reach)).collect())
}

#[cfg(test)]
mod tests {
    use negawatt_skill::Dice;

    use super::*;

    fn of(values: Vec<f64>, change: i64, is_drift: bool) -> Option<Shift> {
        let series = Series { times: (0..values.len() as i64).collect(), values };
        shift(&halves(&series, &Around::new(change, [change], 4), is_drift)?)
    }

    #[test]
    fn a_step_is_found_and_stragglers_are_none() {
        let mut dice = Dice::new(1);
        let mut values: Vec<f64> = (0..80).map(|at| 10.0 + f64::from(at >= 40) + 0.3 * dice.normal()).collect();
        let step = of(values.clone(), 40, false).unwrap();
        assert!(step.p_value < 1e-6 && (step.after - step.before - 1.0).abs() < 0.4, "{step:?}");
        values[45] = 900.0;
        values[60] = 700.0;
        let with_stragglers = of(values, 40, false).unwrap();
        assert!((with_stragglers.after - step.after).abs() < 0.3, "{with_stragglers:?}");
        let mut flat: Vec<f64> = (0..80).map(|_| 10.0 + 0.5 * dice.normal()).collect();
        (flat[50], flat[51], flat[70]) = (400.0, 600.0, 500.0);
        assert!(of(flat, 40, false).unwrap().p_value > 0.01);
    }

    #[test]
    fn a_drift_is_seen_where_it_leads() {
        let mut dice = Dice::new(2);
        let values: Vec<f64> =
            (0..80).map(|at| 10.0 + 0.05 * f64::from((at - 40).max(0)) + 0.1 * dice.normal()).collect();
        let (late, whole) = (of(values.clone(), 40, true).unwrap(), of(values, 40, false).unwrap());
        assert!(late.after > whole.after + 0.3, "{late:?} {whole:?}");
    }

    #[test]
    fn equal_values_and_few_of_them_are_no_trouble() {
        assert_eq!(of(vec![1.0; 60], 30, false).map(|shift| shift.p_value), Some(1.0));
        assert_eq!(of(vec![1.0; 20], 15, false), None);
        assert!(of((0..60).map(|at| f64::from(at >= 30)).collect(), 30, false).unwrap().p_value < 1e-9);
    }
}
