//! Every change of a series.

use negawatt_skill::Series;
use negawatt_skill::stats::{self, variance};

use crate::candidates::candidates;
use crate::clean::clean;
use crate::cost::{Costs, Fit, Ramp, Trend, segments};
use crate::drift::{Drift, drifts, only_drift, wandering};
use crate::model::{LEVEL_PENALTY, Model, select};
use crate::pattern::deseason;
use crate::season::{Season, residuals};
use crate::validate::validate;
use crate::visible::Visible;

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
    /// How probable it is that the series changes at all, against a level that wanders without any change.
    pub believed: f64,
}

/// No model of noise is so sure.
pub(crate) const SUREST: f64 = 0.99;

impl Change {
    /// How probable it is that the change is real: as sure as its p-value allows, and no surer than that the series changes at all.
    pub fn confidence(&self) -> f64 {
        negawatt_skill::stats::confidence(self.p_value).min(self.believed).min(SUREST)
    }
}

/// Below this part of the variance a season is not looked into.
const SEASON_SHARE: f64 = 0.02;
/// How often season and changes are estimated in turns.
const TURNS: usize = 3;

/// A turn that leads this many times as far as the jump beside it is what happened.
const TURN: f64 = 2.0;
/// Noise that remembers this long may hide a season.
const LONG_MEMORY: f64 = 0.6;

/// What is found in a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detected {
    /// Its changes, in order.
    pub changes: Vec<Change>,
    /// What it would have shown; absent where it changes, and where that cannot be said: all values are equal, or the level is 0.
    pub visible: Option<Visible>,
}

/// The changes of a series of which nothing earlier is known. See [`detect_after`].
pub fn detect(times: &[i64], values: &[f64]) -> Vec<Change> {
    match detect_after(times, values, || Ok::<_, std::convert::Infallible>(Series::default())) {
        Ok(detected) => detected.changes,
    }
}

/// The changes of a series; `times` are in microseconds, rising, `values` finite and as many. `earlier` gives what is
/// known of the time before, and is asked only where a season could matter; its error is passed on.
///
/// In five steps: outliers are brought in ([`clean`]); the description of the series by levels or lines and the memory
/// of its noise that has the least criterion is found ([`select`]), with and without a season of the calendar, harmonic or of any
/// shape ([`deseason`]); what could be chance is taken out ([`validate`]); what is one slow change becomes one ([`drifts`]). Time is
/// about linear in the number of observations.
pub fn detect_after<E>(
    times: &[i64],
    values: &[f64],
    earlier: impl FnOnce() -> Result<Series, E>,
) -> Result<Detected, E> {
    let Some(clean) = clean(values) else { return Ok(Detected::default()) };
    let mut series = clean.values.clone();
    let mut model = select(&series, clean.range, &candidates(&series));
    let remembers = |model: &Model| !model.changes.is_empty() || model.phi >= LONG_MEMORY;
    let mut known = if remembers(&model) { Known::Unasked(earlier) } else { Known::Answer(Series::default()) };
    for season in Season::possible(times) {
        let Some((without, better)) = with_season(&season, &series, clean.range, &model) else { continue };
        // Of a part of a season it cannot be told whether it comes back: earlier periods know, and a drift may say it as well.
        if !season.is_whole() {
            let drift = only_drift(&series, clean.range, &model);
            if shows(known.get()?, season.period()) || drift.is_some_and(|(_, drift)| drift < better.criterion) {
                continue;
            }
        }
        (series, model) = (without, better);
    }
    let mut spent = 0;
    if remembers(&model)
        && let Some(better) = deseason(times, &clean, known.get()?, &model)
    {
        (series, model, spent) = (better.values, better.model, better.spent);
    }
    let wandering = wandering(&series, clean.range);
    let believed = 1.0 / (1.0 + (0.5 * (model.criterion - wandering)).exp());
    let costs = Costs::new(&series, model.trend, model.phi);
    let p_values = validate(&costs, &mut model, spent);
    let level = stats::mean(&clean.values).map(|mean| mean + clean.centre / clean.scale);
    let resolution = resolution(values) / clean.scale;
    let quiet = level.filter(|_| model.changes.is_empty());
    let visible = quiet.and_then(|level| Visible::of(&costs, &model, clean.range, level, resolution));
    let raw = |value: f64| value * clean.scale + clean.centre;
    let mut changes = steps(&costs, &model, &p_values, believed);
    for drift in drifts(&series, clean.range, &model).into_iter().rev() {
        put(&mut changes, drift, believed);
    }
    changes.iter_mut().for_each(|change| (change.before, change.after) = (raw(change.before), raw(change.after)));
    Ok(Detected { changes, visible })
}

/// The least difference between two values of a series; 0 where there is none.
fn resolution(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let apart = sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|apart| *apart > 0.0);
    apart.reduce(f64::min).unwrap_or(0.0)
}

/// What is known of the time before, asked for when it is needed.
enum Known<F> {
    Unasked(F),
    Answer(Series),
    Failed,
}

impl<E, F: FnOnce() -> Result<Series, E>> Known<F> {
    fn get(&mut self) -> Result<&Series, E> {
        if let Known::Unasked(_) = self
            && let Known::Unasked(ask) = std::mem::replace(self, Known::Failed)
        {
            *self = Known::Answer(ask()?);
        }
        static NOTHING: Series = Series { times: Vec::new(), values: Vec::new() };
        Ok(if let Known::Answer(series) = self { series } else { &NOTHING })
    }
}

/// Whether a series is long enough to show what comes back after a period.
fn shows(series: &Series, period: f64) -> bool {
    let (Some(first), Some(last)) = (series.times.first(), series.times.last()) else { return false };
    last.abs_diff(*first) as f64 >= 1.9 * period
}

/// The changes between the model's segments, in units of the noise.
fn steps(costs: &Costs, model: &Model, p_values: &[f64], believed: f64) -> Vec<Change> {
    let fits = fits(costs, &model.changes);
    let edges: Vec<_> = segments(&model.changes, costs.len()).collect();
    let change = |(place, &p_value): (usize, &f64)| {
        let (left, right) = (&fits[place], &fits[place + 1]);
        let ((start, index), (_, end)) = (edges[place], edges[place + 1]);
        let drift = model.trend == Trend::Line && believed > 0.5 && !jumps(left, right, start, index, end);
        let after = if drift { right.at(end - 1) } else { right.at(index) };
        Change { index, before: left.at(index - 1), after, p_value, drift, believed }
    };
    p_values.iter().enumerate().map(change).collect()
}

/// Puts a drift in the place of the changes that it replaces; its neighbours begin and end at its levels.
fn put(changes: &mut Vec<Change>, drift: Drift, believed: f64) {
    let Ramp { knot, before, after, .. } = drift.ramp;
    if let Some(next) = changes.get_mut(drift.replaces.end) {
        next.before = after;
    }
    if let Some(last) = drift.replaces.start.checked_sub(1).and_then(|last| changes.get_mut(last)) {
        last.after = before;
    }
    let change = Change { index: knot + 1, before, after, p_value: drift.p_value, drift: true, believed };
    changes.splice(drift.replaces, [change]);
}

/// The series without a season and its description, where they are better with the season than without.
fn with_season(season: &Season, series: &[f64], range: f64, plain: &Model) -> Option<(Vec<f64>, Model)> {
    // A part of a season is as rare as a change.
    let rare = if season.is_whole() { 0.0 } else { LEVEL_PENALTY };
    let cost = (season.parameters() as f64 + rare) * (series.len() as f64).ln();
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

/// Whether the level jumps, and does not just take another direction. It takes another direction where two lines meet near the place
/// (nearer than a tenth of the shorter segment, which is about how well the place of a turn is known), or where the turn leads twice
/// as far from the old line as the jump does, or against it: a curve that two lines follow has a jump between them.
fn jumps(left: &Fit, right: &Fit, start: usize, index: usize, end: usize) -> bool {
    let jump = right.at(index) - left.at(index);
    let turned = (right.slope - left.slope) * (end - index) as f64;
    let distance = jump / (left.slope - right.slope);
    let near = (0.1 * (index - start).min(end - index) as f64).max(2.0);
    let meets = distance.abs() <= near;
    // Parallel lines meet nowhere.
    !meets && turned.abs() < if turned * jump < 0.0 { jump.abs() } else { TURN * jump.abs() }
}
