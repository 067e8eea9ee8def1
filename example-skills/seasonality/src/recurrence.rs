//! Whether a change was there before, at the same phase.

use negawatt_skill::season::{PERIODS, Season};
use negawatt_skill::stats::{chance_odds, mad, mean, median, student_t_sf, variance};
use negawatt_skill::{Duration, Series, Timestamp, Window, time};

/// The surest that anybody may be of a season.
const SUREST: f64 = 0.998;
/// The most other periods that are looked at.
const MOST: i64 = 28;
/// The nearest ones, whose level must be the same.
const NEAREST: usize = 3;
/// Of a stretch in another period, so much must be known, and so many observations.
const KNOWN: f64 = 0.5;
const FEWEST: usize = 2;
/// How much the rise of a season differs from period to period before any was seen (a tenth of it), and how many periods that is
/// worth.
const USUAL_SPREAD: f64 = 0.1;
const WORTH: f64 = 4.0;
/// A season that leaves so much of a change does not explain it.
const UNEXPLAINED: f64 = 0.4;
/// The part of a change that must show within half a period on either side, to be compared with other periods.
const SHOWN: f64 = 0.35;
/// What is left of a change is of no interest below this part of it.
const NEGLIGIBLE: f64 = 0.1;
/// How many times as probable it is that a season which explains most of a change explains all of it, before what is left was
/// tested.
const WHOLE: f64 = 500.0;
/// The part of the window's variation that a season must explain, to be the reason why anybody looked.
const CLEAR: f64 = 0.5;
/// What periods must predict of each other beyond that, divided by their number: two waves are alike by chance, ten are not.
const CHANCE: f64 = 0.8;

/// A change of level between its neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// The change before it, or the window's start.
    pub from: Timestamp,
    /// The first observation after it.
    pub at: Timestamp,
    /// The change after it, or the window's end.
    pub until: Timestamp,
    /// By how much the level changed, without a season if one was taken off.
    pub height: f64,
}

/// A change that comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrence {
    /// After how long.
    pub period: Duration,
    /// In how many other periods it was looked for.
    pub periods: usize,
    /// By how much the level changes at this phase of other periods, on average.
    pub usual: f64,
    /// By how much it changed now.
    pub now: f64,
    /// How probable it is that the season explains the change.
    pub confidence: f64,
}

/// Whether a change comes back by the hour, day or week, and which explains it best; absent where no other period is known.
pub fn recurrence(series: &Series, rise: &Rise) -> Option<Recurrence> {
    let found = PERIODS.into_iter().flat_map(|period| {
        let alike = (period == time::DAY.unsigned_abs()).then(|| by_period(series, rise, period, true));
        [alike.flatten(), by_period(series, rise, period, false)].into_iter().flatten()
    });
    found.max_by(|one, other| one.confidence.total_cmp(&other.confidence))
}

/// The means of a series on both sides of a change, or of its phase in another period.
#[derive(Clone, Copy)]
struct Sides {
    before: f64,
    after: f64,
}

/// Compares the change with the same phases of other periods: of working days or of weekends only, where `alike`.
///
/// What is left of the change, its rise and its level after it less those of the other periods, is predicted to be 0 with the
/// spread of the other periods (with a prior worth four periods: normal-inverse-gamma, Gelman et al., "Bayesian Data Analysis",
/// 3rd ed. (2013), section 3.3). It is tested as an equivalence, one-sided against the hypothesis that two fifths of the change are left
/// (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987), p. 657), and against nothing being left.
fn by_period(series: &Series, rise: &Rise, period: Duration, alike: bool) -> Option<Recurrence> {
    let half = period / 2;
    let before = Window { start: rise.from.max(rise.at.saturating_sub_unsigned(half)), end: rise.at };
    let after = Window { start: rise.at, end: rise.until.min(rise.at.saturating_add_unsigned(half)) };
    let shifted =
        |window: Window, by: i64| Window { start: window.start.saturating_sub(by), end: window.end.saturating_sub(by) };
    let level = |window: Window, needed: f64| {
        let values = &series.values[series.range(window)];
        (values.len() >= FEWEST && values.len() as f64 >= needed).then(|| mean(values)).flatten()
    };
    let count = |window: Window| expected(series, window, rise);
    let now = Sides { before: level(before, 0.0)?, after: level(after, 0.0)? };
    let weekend = |time: Timestamp| (time.div_euclid(time::DAY) + 3).rem_euclid(7) >= 5;
    let period = i64::try_from(period).ok()?;
    let mut others: Vec<Sides> = Vec::new();
    let known = Window { start: *series.times.first()?, end: series.times.last()?.saturating_add(1) };
    // The nearest first, and of two equally near the earlier one.
    for k in (1..=MOST).flat_map(|k| [k, -k]) {
        let by = k.saturating_mul(period);
        let (before, after) = (shifted(before, by), shifted(after, by));
        if before.start >= known.end || after.end <= known.start || alike && weekend(after.start) != weekend(rise.at) {
            continue;
        }
        let needed = |window: Window| KNOWN * count(window);
        if let (Some(before), Some(after)) = (level(before, needed(before)), level(after, needed(after))) {
            others.push(Sides { before, after });
        }
    }
    if others.is_empty() || alike && others.len() < 2 {
        return None;
    }
    let sign = rise.height.signum();
    let contrasts: Vec<f64> = others.iter().map(|sides| sign * (sides.after - sides.before)).collect();
    let levels: Vec<f64> = others.iter().map(|sides| sign * sides.after).collect();
    let rose = sign * (now.after - now.before);
    let height = rose.min(rise.height.abs());
    if rose <= SHOWN * rise.height.abs() {
        return None;
    }
    let noise = noise_of_mean(series, before) + noise_of_mean(series, after);
    let of_rise = left(rose, &contrasts, &contrasts, rose, noise)?;
    let nearest = &levels[..levels.len().min(NEAREST)];
    let of_level = left(sign * now.after, nearest, &levels, rose, noise)?;
    let probable = |(left, error, degrees): (f64, f64, f64)| {
        let explains = student_t_sf((left - UNEXPLAINED * height) / error, degrees);
        let p_value = student_t_sf((left - NEGLIGIBLE * height) / error, degrees);
        let whole = WHOLE * chance_odds(p_value);
        explains * whole / (1.0 + whole)
    };
    Some(Recurrence {
        period: period.unsigned_abs(),
        periods: others.len(),
        usual: sign * mean(&contrasts)?,
        now: sign * rose,
        confidence: probable(of_rise).min(probable(of_level)).min(SUREST),
    })
}

/// What is left of `now` when the mean of `of` is taken off, its standard error, and the degrees of freedom of that.
fn left(now: f64, of: &[f64], spread_of: &[f64], rose: f64, noise: f64) -> Option<(f64, f64, f64)> {
    let n = spread_of.len() as f64;
    let squares = variance(spread_of).unwrap_or_default() * (n - 1.0);
    let usual = (USUAL_SPREAD * rose).powi(2) + noise;
    let degrees = WORTH + n - 1.0;
    let spread = (WORTH * usual + squares) / degrees;
    let error = (spread * (1.0 + 1.0 / of.len() as f64)).sqrt();
    Some((now - median(of)?, error.max(f64::MIN_POSITIVE), degrees))
}

/// The variance of the mean of a stretch, from the differences of its neighbours.
fn noise_of_mean(series: &Series, window: Window) -> f64 {
    let values = &series.values[series.range(window)];
    let differences: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let scale = mad(&differences).unwrap_or_default() / std::f64::consts::SQRT_2;
    scale * scale / values.len().max(1) as f64
}

/// How many observations a stretch would hold at the resolution of its time; the time before the window may be known less finely.
fn expected(series: &Series, window: Window, rise: &Rise) -> f64 {
    let side = if window.start < rise.from {
        Window { start: i64::MIN, end: rise.from }
    } else {
        Window { start: rise.from, end: i64::MAX }
    };
    let known = series.range(side);
    let times = &series.times[known];
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if last > first => {
            window.length() as f64 * (times.len() - 1) as f64 / last.abs_diff(*first) as f64
        }
        _ => FEWEST as f64,
    }
}

/// How clear a season is as the reason why anybody looked at the observations from `begin` on; absent where it is not.
pub fn clearness(series: &Series, begin: usize, season: &Season) -> Option<f64> {
    if season.share < CLEAR + CHANCE / season.cycles {
        return None;
    }
    let (times, values) = (&series.times[begin..], &series.values[begin..]);
    let left: Vec<f64> = times.iter().zip(values).map(|(time, value)| value - season.at(*time)).collect();
    let share = 1.0 - variance(&left)? / variance(values).filter(|variance| *variance > 0.0)?;
    (share >= CLEAR).then(|| (1.0 - 2.0 * (1.0 - season.share) / (1.0 + season.cycles)).min(SUREST))
}
