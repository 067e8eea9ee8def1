//! Ranks the services that could be at fault for a regression of a service that calls them.
//!
//! This file fetches through the tools; everything else computes from plain data and runs anywhere: [`quantity`] says whether a
//! metric is one that callees explain, [`gather`] asks for it, [`shift`] measures each service's shift, [`graph`] knows who calls
//! whom, [`rank`] turns both into log-odds, [`report`] into findings.

pub mod gather;
pub mod graph;
pub mod quantity;
pub mod rank;
pub mod report;
pub mod shift;

use negawatt_skill::prelude::*;

use crate::graph::Graph;
use crate::rank::Question;
use crate::shift::{MOST_AFTER, Onset};

negawatt_skill::skill!(investigate);

/// Spacings of the incident's series that are asked for before the change, and at most after it for a drift.
const REACH: i64 = 300;
/// Services that are asked for at most, the nearest first.
const MOST_SERVICES: usize = 2_000;

/// The services that could be at fault; nothing without a topology, for metrics that callees do not explain, and where the data
/// tell nothing.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let metric = case.metric()?;
    if !callees_explain(metric) {
        return Ok(Vec::new());
    }
    let edges = match topology::edges(None) {
        Ok(edges) => edges,
        Err(error) if error.is_absence() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let graph = Graph::new(edges.iter().map(|edge| (edge.caller.as_str(), edge.callee.as_str())));
    let Some(service) = graph.number(&case.incident.service) else { return Ok(Vec::new()) };
    let mut below = graph.below(service);
    below.truncate(MOST_SERVICES);
    if below.is_empty() {
        return Ok(Vec::new());
    }
    let window = case.incident.window;
    let incident = case.series_over(window.with_look_back(window.length()))?;
    let Some(spacing) = incident.spacing().filter(|spacing| *spacing > 0) else { return Ok(Vec::new()) };
    let onset = onset(case, &change, spacing);
    let asked = asked(window, &onset, change.time, spacing);
    let names: Vec<&str> = below.iter().map(|&callee| graph.names[callee].as_str()).collect();
    let found = gather::fetch(metric, &names, |selector| metrics::query(selector, asked, None))?;
    let mut series: std::collections::BTreeMap<usize, Series> =
        found.into_iter().filter_map(|(name, series)| Some((graph.number(&name)?, series.binned(spacing)))).collect();
    series.insert(service, incident.slice(asked).binned(spacing));
    let question = Question { graph: &graph, service, series: &series, onset, harm: case.harm(&change) };
    let Some(ranking) = rank::rank(&question) else { return Ok(Vec::new()) };
    let mut findings = report::report(&ranking, &graph, service, &metric.name, &change.id.to_owned());
    findings.truncate(case.budget.findings as usize);
    Ok(findings)
}

/// Whether a fault of a callee shows in the metric: it is of a whole service, and time or failures.
fn callees_explain(metric: &Metric) -> bool {
    metric.label("function").is_none() && quantity::passes_to_callers(&metric.name)
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
        worse: case.incident.metric.as_ref().map_or(Direction::Up, |metric| metric.worse),
    }
}

/// The stretch that other services are asked for.
fn asked(window: Window, onset: &Onset, change: Timestamp, spacing: Duration) -> Window {
    let spacings = |count: i64| i64::try_from(spacing).unwrap_or(i64::MAX).saturating_mul(count);
    let after = if onset.drift { REACH } else { MOST_AFTER as i64 + 1 };
    Window {
        start: change.saturating_sub(spacings(REACH)).max(window.with_look_back(window.length()).start),
        end: change.saturating_add(spacings(after)).min(window.end),
    }
}
