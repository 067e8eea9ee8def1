//! A season of any shape, learned from earlier periods or from the window itself.

use negawatt_skill::season::{PERIODS, Season};
use negawatt_skill::stats::{mean, median, solve};
use negawatt_skill::{Duration, Series};

use crate::candidates::{candidates, likely};
use crate::clean::{Clean, clean};
use crate::cost::{Costs, Trend, segments};
use crate::model::{Model, select, select_roughly};
use crate::partition::partition;
use crate::season::residuals;

/// The part of the variation that periods must predict of each other, so that a season is looked into.
const FROM_EARLIER: f64 = 0.25;
const WITHIN: f64 = 0.1;
/// The season of a window may be this many times that of the time before.
const AMPLITUDES: (f64, f64) = (0.5, 1.7);
/// How often season and changes are estimated in turns.
const TURNS: usize = 2;
/// Phases of a period that are told apart in a window: to see where it changes, and then.
const COARSE: usize = 24;
const FINE: usize = 288;
/// Places and number of the changes that a window's season is first estimated beside.
const GRID: usize = 32;
const BESIDE: usize = 3;
/// What each of them must gain, in natural logarithms of the number of observations.
const GAIN: f64 = 3.5;
/// Where the middle of a series spans less than this part of its level, a season added is a season multiplied.
const SMALL: f64 = 0.2;
/// A season is looked for in a window of at most so many observations; of more, in means of neighbours.
const ENOUGH: usize = 4000;

/// A series without its season, and its description.
pub struct Deseasoned {
    /// The series without the season, in units of its noise.
    pub values: Vec<f64>,
    /// Its description.
    pub model: Model,
    /// How many parameters the season took from the series itself.
    pub spent: usize,
}

/// How a season acts: added to the level, or multiplied with it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Added,
    Multiplied,
}

/// A season as it is taken off.
#[derive(Clone, Debug)]
struct Pattern {
    season: Season,
    action: Action,
    amplitude: f64,
}

/// The series without a season and its description, where that has a lesser criterion than `best`. `earlier` is what is known of
/// before; where it shows a season, that one is taken, else the window must show its own.
///
/// Whether a season is added or multiplied, its size, and the changes beside it are chosen together by the criterion of
/// [`select`], as harmonic seasons are. What earlier periods predict costs one parameter, its size; what is learned from the
/// window one for every phase.
pub fn deseason(times: &[i64], clean: &Clean, earlier: &Series, best: &Model) -> Option<Deseasoned> {
    let window = Window::new(times, clean);
    let coarse = window.coarse();
    let small = coarse.as_ref().unwrap_or(&window);
    let plain = match coarse {
        Some(ref coarse) => select(&coarse.values, clean.range, &candidates(&coarse.values)),
        None => best.clone(),
    };
    let (pattern, deseasoned) = match from_earlier(small, earlier) {
        Some(seasons) => small.with_earlier(&seasons, &plain),
        None => small.with_own(&plain),
    }?;
    if coarse.is_none() {
        return Some(deseasoned);
    }
    let values = window.without(&pattern)?;
    let mut model = select(&values, clean.range, &candidates(&values));
    model.criterion += deseasoned.spent as f64 * (values.len() as f64).ln();
    (model.criterion < best.criterion).then_some(Deseasoned { values, model, spent: deseasoned.spent })
}

/// The season of earlier periods that leaves least of the window about its median, as an addend and as a factor.
fn from_earlier(window: &Window, earlier: &Series) -> Option<Vec<(Season, Action)>> {
    let deviation = |season: &Season| {
        let left: Vec<f64> = window
            .series
            .times
            .iter()
            .zip(&window.series.values)
            .map(|(time, value)| value - season.at(*time))
            .collect();
        let middle = median(&left).unwrap_or_default();
        left.iter().map(|left| (left - middle).abs()).sum::<f64>()
    };
    let (season, _) = PERIODS
        .into_iter()
        .filter_map(|period| Season::of(earlier, period))
        .filter(|season| season.share >= FROM_EARLIER)
        .map(|season| (deviation(&season), season))
        .min_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(deviation, season)| (season, deviation))?;
    let period = season.period;
    let mut seasons = vec![(smooth(season).0, Action::Added)];
    if window.varies() && earlier.values.iter().all(|value| *value > 0.0) {
        let season = Season::of(&logarithms(earlier), period);
        seasons.extend(season.map(|season| (smooth(season).0, Action::Multiplied)));
    }
    Some(seasons)
}

/// What is looked at: the cleaned series in its own unit and in units of its noise.
struct Window {
    series: Series,
    values: Vec<f64>,
    scale: f64,
    centre: f64,
    range: f64,
}

impl Window {
    fn new(times: &[i64], clean: &Clean) -> Window {
        let values = clean.values.iter().map(|value| value * clean.scale + clean.centre).collect();
        let series = Series { times: times.to_vec(), values };
        Window { series, values: clean.values.clone(), scale: clean.scale, centre: clean.centre, range: clean.range }
    }

    /// Means of neighbours, where there are more observations than it takes.
    fn coarse(&self) -> Option<Window> {
        let width = self.values.len().div_ceil(ENOUGH);
        if width < 2 {
            return None;
        }
        let means = |values: &[f64]| -> Vec<f64> { values.chunks(width).filter_map(mean).collect() };
        // Offsets are short enough to be summed.
        let times = self.series.times.chunks(width).map(|times| {
            let offsets = times.iter().map(|time| i128::from(*time) - i128::from(times[0])).sum::<i128>();
            times[0].saturating_add((offsets / times.len() as i128) as i64)
        });
        let series = Series { times: times.collect(), values: means(&self.series.values) };
        Some(Window { series, values: means(&self.values), ..*self })
    }

    /// Whether the series is positive and spans so much that it matters how a season acts.
    fn varies(&self) -> bool {
        self.range * self.scale > SMALL * self.centre.abs() && self.series.values.iter().all(|value| *value > 0.0)
    }

    /// The values without a pattern, in units of the noise; absent where they are not numbers.
    fn without(&self, pattern: &Pattern) -> Option<Vec<f64>> {
        let season: Vec<f64> = self.series.times.iter().map(|time| pattern.season.at(*time)).collect();
        let middle = mean(&season)?;
        let raw = self.series.values.iter().zip(&season).map(|(value, season)| {
            let season = pattern.amplitude * (season - middle);
            match pattern.action {
                Action::Added => value - season,
                // Factors whose geometric mean is 1 leave the likelihood as it is.
                Action::Multiplied => value * (-season).exp(),
            }
        });
        let values: Vec<f64> = raw.map(|raw| (raw - self.centre) / self.scale).collect();
        values.iter().all(|value| value.is_finite()).then_some(values)
    }

    /// In what unit a season acts.
    fn acted_on(&self, action: Action) -> Series {
        match action {
            Action::Added => self.series.clone(),
            Action::Multiplied => logarithms(&self.series),
        }
    }

    /// Describes the series with a season of earlier periods.
    fn with_earlier(&self, seasons: &[(Season, Action)], plain: &Model) -> Option<(Pattern, Deseasoned)> {
        let mut best = None;
        for (season, action) in seasons {
            let acted_on = self.acted_on(*action).values;
            let shape: Vec<f64> = self.series.times.iter().map(|time| season.at(*time)).collect();
            self.in_turns(plain, &mut best, |model| {
                let amplitude = model.map_or(1.0, |model| amplitude(&acted_on, &shape, model));
                Some((Pattern { season: season.clone(), action: *action, amplitude }, 1))
            });
        }
        best
    }

    /// Describes the series with a season that it shows by itself.
    fn with_own(&self, plain: &Model) -> Option<(Pattern, Deseasoned)> {
        let period = PERIODS
            .into_iter()
            .filter_map(|period| Season::of(&self.series, period))
            .filter(|season| season.share >= WITHIN)
            .max_by(|left, right| left.share.total_cmp(&right.share))?
            .period;
        let cuts = beside(&self.series, period)?;
        let seen = usize::try_from(period / self.series.spacing()?.max(1)).unwrap_or(FINE);
        let actions = if self.varies() { &[Action::Added, Action::Multiplied][..] } else { &[Action::Added] };
        let mut best = None;
        for action in actions {
            let acted_on = self.acted_on(*action);
            self.in_turns(plain, &mut best, |model| {
                let changes = model.map_or(&cuts, |model| &model.changes);
                let (season, parameters) = smooth(Season::between(&acted_on, changes, period, seen.min(FINE))?.0);
                Some((Pattern { season, action: *action, amplitude: 1.0 }, parameters))
            });
        }
        best
    }

    /// Estimates pattern and changes in turns, and keeps what is better than the plain description and the best so far.
    fn in_turns(
        &self,
        plain: &Model,
        best: &mut Option<(Pattern, Deseasoned)>,
        pattern: impl Fn(Option<&Model>) -> Option<(Pattern, usize)>,
    ) {
        let mut last: Option<Model> = None;
        for _ in 0..TURNS {
            let Some((pattern, spent)) = pattern(last.as_ref()) else { return };
            let Some(values) = self.without(&pattern) else { return };
            let mut model = select_roughly(&values, self.range, &likely(&values));
            model.criterion += spent as f64 * (self.values.len() as f64).ln();
            let settled = last.as_ref().is_some_and(|last| last.changes == model.changes);
            last = Some(model.clone());
            if model.criterion < best.as_ref().map_or(plain.criterion, |(_, best)| best.model.criterion) {
                *best = Some((pattern, Deseasoned { values, model, spent }));
            }
            if settled {
                return;
            }
        }
    }
}

/// How many times the shape is in the values: least squares on what the model's segments leave of both.
fn amplitude(values: &[f64], shape: &[f64], model: &Model) -> f64 {
    let left = |series: &[f64]| {
        let costs = Costs::new(series, model.trend, 0.0);
        let fits: Vec<_> = segments(&model.changes, series.len()).map(|(start, end)| costs.fit(start, end)).collect();
        residuals(series, &model.changes, &fits)
    };
    let (values, shape) = (left(values), left(shape));
    let product: f64 = values.iter().zip(&shape).map(|(value, shape)| value * shape).sum();
    let square: f64 = shape.iter().map(|shape| shape * shape).sum();
    if square > 0.0 { (product / square).clamp(AMPLITUDES.0, AMPLITUDES.1) } else { 1.0 }
}

/// A few changes of level beside which the season of a series is best told: one after the other, each where level and season
/// together leave least.
fn beside(series: &Series, period: Duration) -> Option<Vec<usize>> {
    let n = series.len();
    let left = |cuts: &[usize]| Season::between(series, cuts, period, COARSE).map(|(_, left)| left);
    let mut cuts: Vec<usize> = Vec::new();
    let mut least = left(&cuts)?;
    while cuts.len() < BESIDE {
        let with = |place: usize| {
            let mut cuts = cuts.clone();
            cuts.insert(cuts.partition_point(|cut| *cut < place), place);
            cuts
        };
        let places = (1..GRID).map(|step| step * n / GRID).filter(|place| *place > 0 && !cuts.contains(place));
        let best = places
            .filter_map(|place| Some((left(&with(place))?, place)))
            .min_by(|one, other| one.0.total_cmp(&other.0));
        match best {
            Some((left, place)) if n as f64 * (least / left.max(f64::MIN_POSITIVE)).ln() > GAIN * (n as f64).ln() => {
                (least, cuts) = (left, with(place));
            }
            _ => break,
        }
    }
    Some(cuts)
}

/// A season in the fewest words that say it: sines, levels or lines by phase, whichever has the least criterion of Schwarz; and
/// how many parameters that takes.
fn smooth(season: Season) -> (Season, usize) {
    let (phases, values): (Vec<f64>, Vec<f64>) = season.knots().iter().copied().unzip();
    let m = values.len() as f64;
    let noise = clean(&values).map_or(0.0, |clean| 0.5 * clean.scale * clean.scale);
    let criterion = |fitted: &[f64], parameters: usize| {
        let left: f64 = values.iter().zip(fitted).map(|(value, fitted)| (value - fitted).powi(2)).sum();
        m * (left / m).max(1e-12).ln() + parameters as f64 * m.ln()
    };
    let mut described: Vec<(Vec<f64>, usize)> = Vec::new();
    for harmonics in [1, 2, 4].into_iter().filter(|harmonics| 2 * harmonics + 1 < values.len()) {
        described.extend(sines(&phases, &values, harmonics).map(|fitted| (fitted, 2 * harmonics)));
    }
    for trend in [Trend::Level, Trend::Line] {
        let costs = Costs::new(&values, trend, 0.0);
        // A place is a parameter, too.
        let parameters = trend.parameters() + 1;
        let all: Vec<usize> = (1..values.len()).collect();
        let changes = partition(&costs, &all, noise.max(1e-12), 2.0 * parameters as f64 * m.ln(), trend.shortest());
        let fitted = segments(&changes, values.len()).flat_map(|(start, end)| {
            let fit = costs.fit(start, end);
            (start..end).map(move |index| fit.at(index))
        });
        described.push((fitted.collect(), parameters * (changes.len() + 1)));
    }
    let valued = described.into_iter().map(|(fitted, parameters)| (criterion(&fitted, parameters), fitted, parameters));
    match valued.min_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((_, fitted, parameters)) => (season.with_values(fitted), parameters),
        None => (season, values.len()),
    }
}

/// The least-squares sum of sines and cosines of a period's first harmonics.
fn sines(phases: &[f64], values: &[f64], harmonics: usize) -> Option<Vec<f64>> {
    let columns: Vec<Vec<f64>> = (0..=2 * harmonics)
        .map(|column| {
            let wave = |phase: &f64| {
                let angle = std::f64::consts::TAU * column.div_ceil(2) as f64 * phase;
                if column % 2 == 0 { angle.cos() } else { angle.sin() }
            };
            phases.iter().map(wave).collect()
        })
        .collect();
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let matrix = columns.iter().map(|row| columns.iter().map(|column| product(row, column)).collect()).collect();
    let weights = solve(matrix, columns.iter().map(|column| product(column, values)).collect())?;
    let at = |index: usize| columns.iter().zip(&weights).map(|(column, weight)| column[index] * weight).sum();
    Some((0..values.len()).map(at).collect())
}

fn logarithms(series: &Series) -> Series {
    Series { times: series.times.clone(), values: series.values.iter().map(|value| value.ln()).collect() }
}
