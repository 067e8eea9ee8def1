//! What is told of the ranking: one finding for each service that is worth a look.

use negawatt_skill::format::{digits, percent};
use negawatt_skill::services::graph::Graph;
use negawatt_skill::services::rank::{Ranked, Ranking, Seen};
use negawatt_skill::{Candidate, EvidenceId, Finding, Suspect};

/// Services told at most.
const MOST: usize = 5;
/// Services less probable than that are not told.
const LEAST: f64 = 0.05;
/// Some callee must be at least so probable, or none stands out.
const STANDS_OUT: f64 = 0.1;
/// The host bounds what one step can say for a suspect; beyond, all would be alike.
const BOUND: f64 = 8.0;

/// Findings for the likeliest services; none where nothing is known of what the incident's service calls.
///
/// Where no callee stands out, only the incident's own service is told, and only if at least half of those that it calls directly
/// are measured: then the data speak against them.
pub fn report(ranking: &Ranking, graph: &Graph, service: usize, metric: &str, because: &EvidenceId) -> Vec<Finding> {
    let callees = graph.callees(service);
    let measured = callees.iter().filter(|callee| ranking.seen.contains_key(callee)).count();
    let is_clear = |ranked: &Ranked| {
        ranked.service != service
            && ranked.confidence >= STANDS_OUT
            && ranked.seen.is_some_and(|seen| seen.evidence > 0.0)
    };
    let stands_out = ranking.all.iter().any(is_clear);
    if !stands_out && (measured == 0 || 2 * measured < callees.len()) {
        return Vec::new();
    }
    let told = |ranked: &&Ranked| if stands_out { ranked.confidence >= LEAST } else { ranked.service == service };
    let greatest = ranking.all.iter().map(|ranked| ranked.log_odds).fold(0.0, f64::max);
    let mut findings = Vec::new();
    for ranked in ranking.all.iter().filter(told).take(MOST) {
        let reason = if ranked.service == service {
            of_itself(ranking, graph, service, stands_out)
        } else {
            reason(ranked, ranking, graph, metric)
        };
        let name = &graph.names[ranked.service];
        let summary = format!("{name} ({} likely): {reason}", percent(ranked.confidence));
        let suspect = Suspect {
            candidate: Candidate::Service,
            id: name.clone(),
            repository: None,
            author: None,
            files: Vec::new(),
            reason,
            // All less the same: their probabilities among each other stay.
            log_odds: ranked.log_odds - (greatest - BOUND).max(0.0),
            extra: Vec::new(),
        };
        findings.push(Finding::new(suspect, ranked.confidence, summary).because([because.clone()]));
    }
    findings
}

fn of_itself(ranking: &Ranking, graph: &Graph, service: usize, stands_out: bool) -> String {
    let seen: Vec<_> = graph.callees(service).iter().filter_map(|callee| ranking.seen.get(callee)).collect();
    if stands_out {
        return "the incident shows here, and what it calls may have shifted by chance".into();
    }
    let shifted = seen.iter().filter(|seen| seen.evidence > 0.0).count();
    match shifted {
        0 => format!("the incident shows here, and none of the {} measured services that it calls shifted", seen.len()),
        _ => format!(
            "the incident shows here, and {shifted} of the {} measured services that it calls shifted, too little to explain it",
            seen.len()
        ),
    }
}

fn reason(ranked: &Ranked, ranking: &Ranking, graph: &Graph, metric: &str) -> String {
    let Some(seen) = ranked.seen else {
        let likeliest = ranking.all.iter().find(|caller| graph.callers(ranked.service).contains(&caller.service));
        let caller = likeliest.map_or("a suspect", |caller| &graph.names[caller.service]);
        return format!("its {metric} is not measured, and {caller}, which calls it, could be waiting for it");
    };
    format!("its {metric} {}; {}", course(&seen), callees(ranked.service, ranking, graph))
}

fn course(seen: &Seen) -> String {
    let levels = format!("from {} to {}", digits(seen.shift.before, 3), digits(seen.shift.after, 3));
    if seen.evidence <= 0.0 {
        return format!("went {levels} with the incident, which is nothing unusual for it");
    }
    let verb = if seen.shift.after > seen.shift.before { "rose" } else { "fell" };
    format!(
        "{verb} {levels} with the incident, {} times what is usual for it (correlation {})",
        digits(seen.z, 2),
        digits(seen.coherence, 2)
    )
}

fn callees(service: usize, ranking: &Ranking, graph: &Graph) -> String {
    let all = graph.callees(service);
    let measured: Vec<(usize, &Seen)> =
        all.iter().filter_map(|&callee| Some((callee, ranking.seen.get(&callee)?))).collect();
    let mut shifted: Vec<_> = measured.iter().filter(|(_, seen)| seen.evidence > 0.0).collect();
    shifted.sort_by(|a, b| b.1.evidence.total_cmp(&a.1.evidence));
    match (shifted.first(), measured.len()) {
        (Some((callee, _)), count) => {
            format!(
                "{} of its {count} measured callees shifted too, most of all {}",
                shifted.len(),
                graph.names[*callee]
            )
        }
        (None, 0) if all.is_empty() => "it calls nothing".into(),
        (None, 0) => format!("nothing is known of the {} services that it calls", all.len()),
        (None, 1) => "its one measured callee did not shift".into(),
        (None, count) => format!("none of its {count} measured callees shifted"),
    }
}
