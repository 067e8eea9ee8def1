//! The skill `went-away`: dismisses changes after which the series came back to its old level, and stayed there for at least as
//! long as it had been away.

pub mod excursion;

use negawatt_skill::prelude::*;
use negawatt_skill::season::Season;

use crate::excursion::{Excursion, Level, excursion};

negawatt_skill::skill!(investigate);

/// Below this a dismissal is not worth telling.
const LIKELY: f64 = 0.5;

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let hurts = |change: &ChangePoint| case.harm(change) > 0.0 && change.shape != Shape::Variance;
    let mut changes: Vec<_> = case.change_points().filter(|change| change.shape != Shape::Variance).collect();
    changes.sort_by_key(|change| change.time);
    if !changes.iter().any(|change| hurts(change)) {
        return Ok(Vec::new());
    }
    let window = case.incident.window;
    let mut series = case.series()?;
    let cuts = cuts(&series, changes.iter().map(|change| change.time));
    let earlier = case.earlier(&series)?;
    if let Some(season) = Season::explaining(&series, &earlier, &cuts) {
        season.take_off(&mut series);
    }
    let down = case.metric()?.worse == Direction::Down;
    if down {
        series.values.iter_mut().for_each(|value| *value = -*value);
    }
    let levels: Vec<Level> = changes.iter().map(|change| Level::after(change, down)).collect();
    let mut findings = Vec::new();
    for (index, change) in changes.iter().enumerate().filter(|(_, change)| hurts(change)) {
        let found = excursion(&series, &levels, index, window.end).filter(|found| found.confidence > LIKELY);
        findings.extend(found.map(|found| finding(change, &found, window)));
    }
    Ok(findings)
}

/// Where the changes cut a series.
fn cuts(series: &Series, times: impl Iterator<Item = Timestamp>) -> Vec<usize> {
    let mut cuts: Vec<usize> = times.map(|time| series.times.partition_point(|other| *other < time)).collect();
    cuts.retain(|cut| (1..series.len()).contains(cut));
    cuts.dedup();
    cuts
}

fn finding(change: &Found<ChangePoint>, excursion: &Excursion, window: Window) -> Finding {
    let detail = format!(
        "The level left {} at {}, was away for {} and has been back since {}, for {} until {}; it is {} of the change away from \
         what it was.",
        digits(change.before, 4),
        rfc3339(change.time),
        time::length(excursion.away),
        rfc3339(excursion.back_at),
        time::length(excursion.back),
        rfc3339(window.end),
        percent(excursion.remaining)
    );
    let summary = format!(
        "It went away: back at its old level since {}, {} after it was gone for {}.",
        rfc3339(excursion.back_at),
        time::length(excursion.back),
        time::length(excursion.away)
    );
    let dismissal = Dismissal { reason: DismissalReason::WentAway, detail, of: Some(change.id.into()) };
    Finding::new(dismissal, excursion.confidence, summary).because([change.id])
}
