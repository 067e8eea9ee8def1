//! Ranks the services that could be at fault for a regression of a service that calls them.
//!
//! This file fetches through the tools; [`negawatt_skill::services`] ranks, and [`report`] turns the ranking into findings.

pub mod report;

use negawatt_skill::prelude::*;
use negawatt_skill::services::Callees;
use negawatt_skill::services::onsets::rank_over;
use negawatt_skill::services::rank::Question;
use negawatt_skill::services::shift::Onset;

negawatt_skill::skill!(investigate);

/// Spacings of the incident's series that are asked for before the change and after it.
const REACH: i64 = 300;
/// Services that are asked for at most, the nearest first.
const MOST_SERVICES: usize = 2_000;

/// The services that could be at fault; nothing without a topology, for metrics that callees do not explain, and where the data
/// tell nothing.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let metric = case.metric()?;
    let Some(callees) = Callees::of(case, MOST_SERVICES)? else { return Ok(Vec::new()) };
    let window = case.incident.window;
    let incident = case.series_over(window.with_look_back(window.length()))?;
    let Some(spacing) = incident.spacing().filter(|spacing| *spacing > 0) else { return Ok(Vec::new()) };
    let onset = onset(case, &change, spacing);
    let asked = asked(window, change.time, spacing);
    let mut series = callees.series(metric, asked, spacing)?;
    let visits = callees.visits(metric, asked, spacing)?;
    series.insert(callees.service, incident.slice(asked).binned(spacing));
    let Callees { graph, service, .. } = &callees;
    let question =
        Question { graph, service: *service, series: &series, visits: &visits, onset, harm: case.harm(&change) };
    let Some(ranking) = rank_over(&question, Window { end: asked.end, ..window }) else { return Ok(Vec::new()) };
    let mut findings = report::report(&ranking, graph, *service, &metric.name, &change.id.to_owned());
    findings.truncate(case.budget.findings as usize);
    Ok(findings)
}

/// The change as the binned series are asked about it: it ends with the next change, or the window.
fn onset(case: &Case, change: &ChangePoint, spacing: Duration) -> Onset {
    let later = case.change_points().filter(|later| later.time > change.time && later.shape != Shape::Variance);
    let until = later.map(|later| later.time).min().unwrap_or(case.incident.window.end);
    let width = i64::try_from(spacing).unwrap_or(i64::MAX).max(1);
    let bin = |time: Timestamp| time.div_euclid(width).saturating_mul(width);
    Onset {
        time: bin(change.time),
        until: bin(until).max(bin(change.time).saturating_add(width)),
        drift: change.shape == Shape::Drift,
        lasting: false,
        worse: case.incident.metric.as_ref().map_or(Direction::Up, |metric| metric.worse),
    }
}

/// The stretch that other services are asked for.
fn asked(window: Window, change: Timestamp, spacing: Duration) -> Window {
    let reach = i64::try_from(spacing).unwrap_or(i64::MAX).saturating_mul(REACH);
    Window {
        start: change.saturating_sub(reach).max(window.with_look_back(window.length()).start),
        end: change.saturating_add(reach).min(window.end),
    }
}
