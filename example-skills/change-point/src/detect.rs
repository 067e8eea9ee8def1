//! Every change of a series.

use negawatt_skill::stats::variance;

use crate::candidates::candidates;
use crate::clean::clean;
use crate::cost::{Costs, Fit, Trend, segments};
use crate::model::{Model, select};
use crate::season::{Season, residuals};
use crate::validate::validate;

/// A change of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The index of the first observation after it.
    pub index: usize,
    /// The level before, in the series' unit.
    pub before: f64,
    /// The level after, in the series' unit; of a drift, where it leads until the next change or the end.
    pub after: f64,
    /// How probable so large a change would be somewhere between its neighbours without one.
    pub p_value: f64,
    /// Whether the level does not jump but its slope changes.
    pub drift: bool,
}

/// Below this part of the variance a season is not looked into.
const SEASON_SHARE: f64 = 0.02;
/// How often season and changes are estimated in turns.
const TURNS: usize = 3;

/// The changes of a series, in order; `times` are in microseconds, rising, `values` finite and as many.
///
/// In four steps: outliers are brought in ([`clean`]); the description of the series by levels or lines and the memory
/// of its noise that has the least criterion is found ([`select`]), with and without a season of the calendar; what
/// could be chance is taken out ([`validate`]). Time is about linear in the number of observations.
pub fn detect(times: &[i64], values: &[f64]) -> Vec<Change> {
    let Some(clean) = clean(values) else { return Vec::new() };
    let mut series = clean.values;
    let mut model = select(&series, clean.range, &candidates(&series));
    for season in Season::possible(times) {
        if let Some((without, better)) = with_season(&season, &series, clean.range, &model) {
            (series, model) = (without, better);
        }
    }
    let costs = Costs::new(&series, model.trend, model.phi);
    let p_values = validate(&costs, &mut model);
    let fits = fits(&costs, &model.changes);
    let edges: Vec<_> = segments(&model.changes, series.len()).collect();
    let raw = |value: f64| value * clean.scale + clean.centre;
    let change = |(place, &p_value): (usize, &f64)| {
        let (left, right) = (&fits[place], &fits[place + 1]);
        let ((start, index), (_, end)) = (edges[place], edges[place + 1]);
        let drift = model.trend == Trend::Line && !jumps(left, right, start, index, end);
        let after = if drift { right.at(end - 1) } else { right.at(index) };
        Change { index, before: raw(left.at(index - 1)), after: raw(after), p_value, drift }
    };
    p_values.iter().enumerate().map(change).collect()
}

/// The series without a season and its description, where they are better with the season than without.
fn with_season(season: &Season, series: &[f64], range: f64, plain: &Model) -> Option<(Vec<f64>, Model)> {
    let cost = season.parameters() as f64 * (series.len() as f64).ln();
    let mut best: Option<(Vec<f64>, Model)> = None;
    // Fewer changes than cycles cannot be the season itself.
    let few = (plain.changes.len() as f64) < season.cycles;
    let mut changes = if few { plain.changes.clone() } else { Vec::new() };
    for turn in 0..TURNS {
        let fits_of = |values: &[f64]| fits(&Costs::new(values, plain.trend, 0.0), &changes);
        let estimate = season.estimate(series, &changes, fits_of)?;
        if turn == 0 && variance(&estimate)? < SEASON_SHARE * variance(&residuals(series, &changes, &fits_of(series)))?
        {
            return None;
        }
        let without: Vec<f64> = series.iter().zip(&estimate).map(|(value, season)| value - season).collect();
        let mut model = select(&without, range, &candidates(&without));
        model.criterion += cost;
        let settled = model.changes == changes;
        changes.clone_from(&model.changes);
        if model.criterion < best.as_ref().map_or(plain.criterion, |(_, best)| best.criterion) {
            best = Some((without, model));
        }
        if settled {
            break;
        }
    }
    best
}

fn fits(costs: &Costs, changes: &[usize]) -> Vec<Fit> {
    segments(changes, costs.len()).map(|(start, end)| costs.fit(start, end)).collect()
}

/// Whether the level jumps, and does not just take another direction: whether two lines meet far from where one follows the other,
/// by more than a tenth of the shorter segment, which is about how well the place of a turn is known.
fn jumps(left: &Fit, right: &Fit, start: usize, index: usize, end: usize) -> bool {
    let jump = right.at(index) - left.at(index);
    let distance = jump / (left.slope - right.slope);
    let near = (0.1 * (index - start).min(end - index) as f64).max(2.0);
    // Parallel lines meet nowhere.
    distance.is_nan() || distance.abs() > near
}
