//! The skill `seasonality`: dismisses changes that come back by the hour, day or week.

pub mod recurrence;

use negawatt_skill::prelude::*;
use negawatt_skill::season::{PERIODS, Season};

use crate::recurrence::{Recurrence, Rise, recurrence};

negawatt_skill::skill!(investigate);

/// The fewest observations of a window that anything is said about.
const FEWEST: usize = 15;
/// Below this a dismissal is not worth telling.
const LIKELY: f64 = 0.5;

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let series = case.series()?;
    if series.len() < FEWEST {
        return Ok(Vec::new());
    }
    let mut all = case.earlier(&series)?;
    let known_before = all.len();
    all.times.extend(&series.times);
    all.values.extend(&series.values);
    let mut changes: Vec<_> = case.change_points().filter(|change| change.shape != Shape::Variance).collect();
    changes.sort_by_key(|change| change.time);
    let explained: Vec<Option<Recurrence>> = (0..changes.len())
        .map(|index| recurrence(&all, &rise(&changes, index, case.incident.window)))
        .map(|found| found.filter(|found| found.confidence > LIKELY))
        .collect();
    let hurts = |change: &ChangePoint| case.harm(change) > 0.0;
    let mut findings: Vec<Finding> = changes
        .iter()
        .zip(&explained)
        .filter(|(change, _)| hurts(change))
        .filter_map(|(change, found)| found.as_ref().map(|found| of_change(change, found)))
        .collect();
    if !changes.iter().any(|change| hurts(change)) && explained.iter().all(Option::is_some) {
        findings.extend(of_window(&all, known_before));
    }
    Ok(findings)
}

/// A change between its neighbours.
fn rise(changes: &[Found<ChangePoint>], index: usize, window: Window) -> Rise {
    let change = &changes[index];
    Rise {
        from: index.checked_sub(1).map_or(window.start, |last| changes[last].time),
        at: change.time,
        until: changes.get(index + 1).map_or(window.end, |next| next.time),
        height: change.after - change.before,
    }
}

fn of_change(change: &Found<ChangePoint>, found: &Recurrence) -> Finding {
    let detail = format!(
        "In {} other periods of {} the level changed by {} on average at this phase, now by {}.",
        found.periods,
        time::length(found.period),
        digits(found.usual, 3),
        digits(found.now, 3)
    );
    let summary = format!(
        "It comes back by the {}: the level changes like this at the same time of other ones.",
        name(found.period)
    );
    let dismissal = Dismissal { reason: DismissalReason::Seasonal, detail, of: Some(change.id.into()) };
    Finding::new(dismissal, found.confidence, summary).because([change.id])
}

/// A clear season as the reason why anybody looked, where nothing else changed.
fn of_window(all: &Series, known_before: usize) -> Option<Finding> {
    let seasons = PERIODS.into_iter().filter_map(|period| Season::of(all, period));
    let clear = seasons.filter_map(|season| Some((recurrence::clearness(all, known_before, &season)?, season)));
    let (confidence, season) = clear.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let detail = format!(
        "The series follows a season by the {}: over {} of them, each predicts {} of the variation of the others, and nothing in \
         the window goes beyond it.",
        name(season.period),
        digits(season.cycles, 2),
        percent(season.share)
    );
    let summary = format!("What the window shows comes back by the {}.", name(season.period));
    let dismissal = Dismissal { reason: DismissalReason::Seasonal, detail, of: None };
    Some(Finding::new(dismissal, confidence, summary))
}

fn name(period: Duration) -> &'static str {
    match i64::try_from(period) {
        Ok(time::HOUR) => "hour",
        Ok(time::DAY) => "day",
        _ => "week",
    }
}
