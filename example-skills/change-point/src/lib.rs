//! The skill `change-point`: every change of the level of an incident's series, upward and downward, in order.

pub mod candidates;
pub mod clean;
pub mod cost;
pub mod detect;
pub mod drift;
pub mod model;
pub mod partition;
pub mod pattern;
pub mod season;
pub mod validate;
pub mod visible;

use negawatt_skill::prelude::*;

use crate::detect::{Change, SUREST, detect_after};
use crate::visible::Visible;

negawatt_skill::skill!(investigate);

/// The fewest observations that anything is said about.
const FEWEST: usize = 15;
/// A series that begins after this part of the window tells little of before.
const LATE: f64 = 0.25;
const METHOD: &str = "penalised likelihood of levels or lines with AR(1) noise (PELT), F-test at 1 %";

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let window = case.incident.window;
    let mut series = case.series()?;
    check(&series, window)?;
    let begins_late = begins_late(&series, window);
    if begins_late {
        match case.series_over(window.with_look_back(window.length())) {
            Ok(longer) => series = longer,
            Err(error) if error.is_absence() => {}
            Err(error) => return Err(error),
        }
    }
    let detected = detect_after(&series.times, &series.values, || earlier(case, &series))?;
    if let Some(change) = detected.changes.iter().find(|change| is_beyond_telling(change)) {
        let large = if is_huge(change.before) { change.before } else { change.after };
        return Err(Error::Invalid(format!(
            "the series has a level of {}, and no measurement is as large",
            digits(large, 3)
        )));
    }
    let inside = |change: &&Change| (window.start..window.end).contains(&series.times[change.index]);
    let mut told: Vec<_> = detected.changes.iter().filter(inside).collect();
    let most = case.budget.findings as usize;
    if told.len() > most {
        // All of them would be none: what a call may return has a limit.
        log::warn(format!("of {} changes the {most} largest are told", told.len()));
        told.sort_by(|a, b| (b.after - b.before).abs().total_cmp(&(a.after - a.before).abs()));
        told.truncate(most);
        told.sort_by_key(|change| change.index);
    }
    let findings: Vec<_> = told.into_iter().map(|change| finding(&series, change)).collect();
    match series.times.first() {
        Some(&first) if findings.is_empty() && begins_late && first >= window.start => Err(Error::NotFound(format!(
            "the series begins only at {}, after {} of the window, and does not change: nothing is known of before; \
             let the window begin later, or give older data",
            rfc3339(first),
            percent(late_by(first, window))
        ))),
        _ if findings.is_empty() => Ok(detected.visible.iter().map(|visible| noise(&series, visible)).collect()),
        _ => Ok(findings),
    }
}

fn is_beyond_telling(change: &Change) -> bool {
    is_huge(change.before) || is_huge(change.after)
}

/// Whether a host refuses a level, as no measurement.
fn is_huge(level: f64) -> bool {
    !level.is_finite() || level.abs() > 1e100
}

/// That nothing changed, as sure as the series allows.
fn noise(series: &Series, visible: &Visible) -> Finding {
    let detail = if visible.missed >= 1.0 {
        "The level moves all through the window: nothing is known of before, and no change would have shown.".to_owned()
    } else {
        format!(
            "No change beyond chance in {} observations, in which a step of {} in the middle would mostly have been found.",
            series.len(),
            percent(visible.least)
        )
    };
    let body = Dismissal { reason: DismissalReason::Noise, detail: detail.clone(), of: None };
    Finding::new(body, visible.confidence().min(SUREST), detail)
}

/// What is known of the series before its window, unless it begins there already.
fn earlier(case: &Case, series: &Series) -> Result<Series, Error> {
    let begins_earlier = series.times.first().is_some_and(|first| *first < case.incident.window.start);
    if begins_earlier {
        return Ok(Series::default());
    }
    case.earlier(series)
}

fn check(series: &Series, window: Window) -> Result<(), Error> {
    if series.len() >= FEWEST {
        return Ok(());
    }
    Err(Error::NotFound(format!(
        "{} observations between {} and {}, and a change cannot be told from chance with fewer than {FEWEST}: widen \
         the window, or give data at a finer resolution",
        series.len(),
        rfc3339(window.start),
        rfc3339(window.end)
    )))
}

fn begins_late(series: &Series, window: Window) -> bool {
    series.times.first().is_some_and(|&first| late_by(first, window) > LATE)
}

/// The part of the window before a time.
fn late_by(time: Timestamp, window: Window) -> f64 {
    time.saturating_sub(window.start) as f64 / window.end.saturating_sub(window.start).max(1) as f64
}

fn finding(series: &Series, change: &Change) -> Finding {
    let time = series.times[change.index];
    let body = ChangePoint {
        time,
        before: change.before,
        after: change.after,
        p_value: change.p_value,
        method: METHOD.into(),
        shape: if change.drift { Shape::Drift } else { Shape::Step },
    };
    let verb = match (change.drift, change.after > change.before) {
        (false, true) => "rose",
        (false, false) => "fell",
        (true, true) => "began to rise",
        (true, false) => "began to fall",
    };
    let relative = body.relative();
    let relative = if relative.is_finite() {
        format!(", {}", negawatt_skill::format::signed_percent(relative))
    } else {
        String::new()
    };
    let summary = format!(
        "The level {verb} from {} to {}{relative} at {} (p = {}).",
        digits(change.before, 4),
        digits(change.after, 4),
        rfc3339(time),
        digits(change.p_value, 2)
    );
    Finding::new(body, change.confidence(), summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn hours(first: i64, last: i64) -> Series {
        Series {
            times: (first..last).map(|hour| hour * HOUR).collect(),
            values: (first..last).map(|hour| hour as f64).collect(),
        }
    }

    #[test]
    fn too_little_data_is_said_with_its_number() {
        let window = Window { start: 0, end: 100 * HOUR };
        assert!(check(&hours(0, 15), window).is_ok());
        let Err(Error::NotFound(text)) = check(&hours(0, 14), window) else { panic!("14 observations are too few") };
        assert!(text.starts_with("14 observations between 1970-01-01T00:00:00Z and"), "{text}");
    }

    #[test]
    fn a_series_may_begin_late() {
        let window = Window { start: 0, end: 100 * HOUR };
        assert!(!begins_late(&hours(20, 100), window));
        assert!(begins_late(&hours(60, 100), window));
    }

    #[test]
    fn that_nothing_changed_is_said_with_what_would_have_shown() {
        let say = |missed| noise(&hours(0, 20), &Visible { least: 0.0321, missed });
        assert_eq!(
            say(0.25).summary,
            "No change beyond chance in 20 observations, in which a step of 3.21 % in the middle would mostly have been found."
        );
        assert_eq!((say(0.25).confidence, say(0.0).confidence, say(1.0).confidence), (0.8, 0.99, 0.5));
        assert!(say(1.0).summary.contains("moves all through the window"));
    }

    #[test]
    fn a_finding_says_what_changed() {
        let change = Change { index: 2, before: 0.0121, after: 0.0135, p_value: 1e-9, drift: false, believed: 1.0 };
        let finding = finding(&hours(0, 20), &change);
        assert_eq!(
            finding.summary,
            "The level rose from 0.0121 to 0.0135, +11.6 % at 1970-01-01T02:00:00Z (p = 1e-9)."
        );
        assert_eq!(finding.confidence, 0.99);
    }
}
