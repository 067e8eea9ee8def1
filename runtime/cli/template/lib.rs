//! Suspects a service whose own metric moved together with the incident's.

use negawatt_skill::metrics::Selector;
use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

/// Of services that moved together, about one in so many did so without being the cause.
const COINCIDENCE: f64 = 20.0;

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    // The board: what other skills found. Nothing to explain is an answer, not an error.
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };

    // A tool: the incident's metric, averaged per service. The host shows only services that belong to the case.
    let metric = case.metric()?;
    let by_service = Aggregate { operation: Aggregation::Avg, by: vec!["service".into()] };
    let selector = Selector { matchers: Vec::new(), aggregate: Some(by_service), ..metric.selector() };

    let mut findings = Vec::new();
    for found in metrics::query(&selector, case.incident.window, None)? {
        let Some(service) = found.label("service").map(str::to_owned) else { continue };
        let series = Series::from(found);
        let (before, after) = series.split(change.time);
        let Some(shift) = stats::mean_shift(before, after) else { continue };
        let same_direction = shift.difference * (change.after - change.before) > 0.0;
        if service == case.incident.service || shift.p_value > 0.01 || !same_direction {
            continue;
        }
        let reason = format!("{service} moved by {} at the same time (p = {:.0e}).", digits(shift.difference, 3), shift.p_value);
        let suspect = Suspect {
            candidate: Candidate::Service,
            id: service,
            repository: None,
            author: None,
            files: Vec::new(),
            reason: reason.clone(),
            log_odds: COINCIDENCE.ln(),
            extra: Vec::new(),
        };
        findings.push(Finding::new(suspect, stats::confidence(shift.p_value), reason).because([change.id]));
    }
    Ok(findings)
}
