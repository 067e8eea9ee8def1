//! Confirms a change that is too small to stand out in the incident's own series, by the services that shifted with it.
//!
//! This file fetches through the tools; [`joint`] computes from plain data and runs anywhere.

pub mod joint;

use negawatt_skill::prelude::*;
use negawatt_skill::services::Callees;

use crate::joint::{Joint, Question, joint};

negawatt_skill::skill!(investigate);

/// Observations of the window at most; more are joined.
const FINEST: u64 = 1_000;
/// Services that are asked for at most, the nearest first.
const MOST_SERVICES: usize = 200;
/// Observations that are asked for at most, of all services together.
const MOST_OBSERVATIONS: usize = 500_000;
/// Less probable changes are not told.
const LEAST: f64 = 0.2;
/// How sure one is at most, as for any other change of a series.
const SUREST: f64 = 0.99;

/// The change of the incident's metric that the services that it calls speak for; nothing where one is known already, without a
/// topology, and where nothing speaks for any.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    if case.explaining_change().is_some_and(|change| change.confidence > 0.5) {
        return Ok(Vec::new());
    }
    let metric = case.metric()?;
    let Some(mut callees) = Callees::of(case, MOST_SERVICES)? else { return Ok(Vec::new()) };
    let window = case.incident.window;
    let looked_at = window.with_look_back(window.length());
    let incident = match case.series_over(looked_at) {
        Ok(incident) => incident,
        Err(error) if error.is_absence() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(spacing) = incident.spacing().filter(|spacing| *spacing > 0) else { return Ok(Vec::new()) };
    let spacing = spacing.max(window.length() / FINEST);
    callees.below.truncate((MOST_OBSERVATIONS / incident.len()).max(1));
    let observed = incident;
    let incident = observed.binned(spacing);
    if joint::places(&incident, window, metric.worse).is_empty() {
        return Ok(Vec::new());
    }
    let mut series = callees.series(metric, looked_at, spacing)?;
    series.insert(callees.service, incident);
    let visits = callees.visits(metric, looked_at, spacing)?;
    let question = Question { callees: &callees, series: &series, visits: &visits, window, worse: metric.worse };
    let found = joint(&question).filter(|joint| joint.probability() >= LEAST);
    // Bins begin before what they hold.
    let at = |time| observed.times.get(observed.times.partition_point(|&other| other < time)).copied().unwrap_or(time);
    Ok(found.into_iter().map(|joint| finding(&Joint { time: at(joint.time), ..joint }, &callees)).collect())
}

fn finding(joint: &Joint, callees: &Callees) -> Finding {
    let change = ChangePoint {
        time: joint.time,
        before: joint.before,
        after: joint.after,
        p_value: joint.p_value(),
        method: "joint-shift".into(),
        shape: Shape::Step,
    };
    let summary = format!(
        "The level went from {} to {} at {}, {} times what is usual for it; {}, which it calls, shifted with it, {} times what is \
         usual for that one.",
        digits(joint.before, 4),
        digits(joint.after, 4),
        rfc3339(joint.time),
        digits(joint.z, 2),
        callees.graph.names[joint.with],
        digits(joint.with_z, 2)
    );
    Finding::new(change, joint.probability().min(SUREST), summary)
}
