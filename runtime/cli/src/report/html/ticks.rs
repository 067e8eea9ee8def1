//! Where an axis has marks, and what stands beside them.

use negawatt_host::model::{Timestamp, Window};
use negawatt_host::time::{parse_rfc3339, rfc3339};

use super::super::numbers::digits;

/// A mark of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick<T> {
    /// Where it is.
    pub at: T,
    /// What stands beside it.
    pub label: String,
}

/// More marks than this are too many.
const MOST: usize = 8;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Distances of marks that people count in, up to four weeks.
const STEPS: [i64; 20] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];

/// Distances in months.
const MONTHS: [i64; 9] = [1, 3, 6, 12, 24, 60, 120, 240, 600];

const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Round values from one to another; the least and the greatest where there are none.
pub fn of_values(low: f64, high: f64) -> Vec<Tick<f64>> {
    const WANTED: f64 = 5.0;
    let least = (high / WANTED) - (low / WANTED);
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= least);
    let ends = || [low, high].map(|at| Tick { at, label: digits(at) }).to_vec();
    let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return ends() };
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // Beyond what a number can tell apart there are no round values.
    if first.abs().max(last.abs()) > 1e9 || !(1.0..=10.0).contains(&(last - first + 1.0)) {
        return ends();
    }
    (first as i64..=last as i64)
        .map(|n| {
            let at = n as f64 * step;
            Tick { at, label: digits(at) }
        })
        .collect()
}

/// Round instants of a window, in UTC: times of the day, days, months or years.
pub fn of_times(window: Window) -> Vec<Tick<Timestamp>> {
    let fits = |step: i64| window.end.abs_diff(window.start) / step.unsigned_abs() < MOST as u64;
    if let Some(step) = STEPS.into_iter().find(|step| fits(*step)) {
        // Weeks begin on Mondays, which the first day of 1970 was not.
        let shift = if step >= 7 * DAY { 4 * DAY } else { 0 };
        let below = window.start.saturating_sub(shift).div_euclid(step).saturating_mul(step).saturating_add(shift);
        let instants = (0..=MOST as i64 + 1).map(|n| below.saturating_add(n * step));
        let inside = instants.filter(|time| window.contains(*time));
        return inside.map(|at| Tick { at, label: label(at, step) }).collect();
    }
    let (Some(first), Some(last)) = (month(window.start), month(window.end)) else { return Vec::new() };
    let fits = |step: &i64| (last - first) / step < MOST as i64;
    let Some(step) = MONTHS.into_iter().find(fits) else { return Vec::new() };
    let months = (first.div_euclid(step)..=last.div_euclid(step)).map(|n| n * step);
    let instant = |month: i64| {
        let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
        let at = parse_rfc3339(&format!("{year:04}-{:02}-01T00:00:00Z", month + 1))?;
        let label = if step % 12 == 0 { year.to_string() } else { format!("{} {year}", NAMES[month as usize]) };
        Some(Tick { at, label })
    };
    months.filter_map(instant).filter(|tick| window.contains(tick.at)).collect()
}

/// Months since the year 0.
fn month(time: Timestamp) -> Option<i64> {
    let text = rfc3339(time);
    let mut parts = text.get(..7)?.split('-');
    let (year, month): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (1..=12).contains(&month).then_some(year * 12 + month - 1)
}

/// An instant as short as a distance allows; the day where a day begins.
fn label(time: Timestamp, step: i64) -> String {
    let text = rfc3339(time);
    let (Some(month), Some(day)) = (text.get(5..7), text.get(8..10)) else { return text };
    let month = month.parse().ok().and_then(|month: usize| NAMES.get(month.wrapping_sub(1)));
    match (time.rem_euclid(DAY), month) {
        (0, Some(month)) if step >= MINUTE => format!("{month} {}", day.trim_start_matches('0')),
        _ if step < MINUTE => text.get(11..19).unwrap_or(&text).to_owned(),
        _ => text.get(11..16).unwrap_or(&text).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(low: f64, high: f64) -> Vec<String> {
        of_values(low, high).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn values_are_round() {
        assert_eq!(values(0.0113, 0.0171), ["0.012", "0.014", "0.016"]);
        assert_eq!(values(-0.3, 1.0), ["0", "0.5", "1"]);
        assert_eq!(values(0.0, 50.0), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(values(f64::MIN, f64::MAX), ["-1e308", "0", "1e308"]);
        assert_eq!(values(1.0, 1.0), ["1", "1"]);
        assert_eq!(values(1e15, 1e15 + 1.0), ["1e15", "1e15"]);
    }

    fn times(start: &str, end: &str) -> Vec<String> {
        let time = |text: &str| parse_rfc3339(text).unwrap();
        of_times(Window { start: time(start), end: time(end) }).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn times_are_round() {
        let two_days = times("2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z");
        assert_eq!(two_days, ["Nov 18", "12:00", "Nov 19", "12:00"]);
        assert_eq!(
            times("2026-11-18T10:07:00Z", "2026-11-18T10:40:00Z"),
            ["10:10", "10:15", "10:20", "10:25", "10:30", "10:35"]
        );
        assert_eq!(times("2026-11-18T10:07:00Z", "2026-11-18T10:07:03Z"), ["10:07:00", "10:07:01", "10:07:02"]);
        assert_eq!(
            times("2026-11-01T00:00:00Z", "2026-12-06T00:00:00Z"),
            ["Nov 2", "Nov 9", "Nov 16", "Nov 23", "Nov 30"]
        );
        assert_eq!(
            times("2026-08-15T00:00:00Z", "2026-12-31T00:00:00Z"),
            ["Sep 2026", "Oct 2026", "Nov 2026", "Dec 2026"]
        );
        assert_eq!(times("1965-02-01T00:00:00Z", "1995-01-01T00:00:00Z"), ["1970", "1975", "1980", "1985", "1990"]);
    }

    #[test]
    fn any_window_has_few_marks() {
        for (start, end) in [(i64::MIN, i64::MAX), (0, 1), (-5, 5), (i64::MAX - 9, i64::MAX), (i64::MIN, i64::MIN + 9)]
        {
            assert!(of_times(Window { start, end }).len() <= MOST + 1, "{start} to {end}");
        }
        for days in 1..4_000 {
            let ticks = of_times(Window { start: 17 * HOUR, end: 17 * HOUR + days * DAY });
            assert!((2..=MOST + 1).contains(&ticks.len()), "{days} days: {ticks:?}");
        }
    }
}
