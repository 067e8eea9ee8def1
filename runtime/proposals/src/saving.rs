//! What a proposal saves where it helps wholly.

use negawatt_casebook::{Case, Cost, Proposed};
use negawatt_host::model::FindingBody;
use negawatt_planner::{Board, author, impact};

/// What comes back where a proposal against a suspect of the case helps wholly: what the change costs.
pub(crate) fn of_cause(board: &Board) -> Option<Cost> {
    impact(board).map(|impact| Cost { cores: impact.cores, watts: impact.watts })
}

/// What a proposal that is against no suspect saves: what its opportunity promises of the service's cores and watts. Absent where there is none, or
/// nothing is known of the fleet.
pub(crate) fn of_opportunity(case: &Case, board: &Board, proposed: &Proposed) -> Option<Cost> {
    let fleet = case.opened.as_ref()?.fleet?;
    let cores = promised(case, board, proposed)? * fleet.servers * fleet.cores_per_server;
    Some(Cost { cores, watts: cores * fleet.watts_per_core })
}

/// The part of a service's CPU time that a proposal is expected to save: the middle of what is said of the likeliest opportunity that it rests on
/// or names, and that another skill found; absent where there is none.
pub(crate) fn promised(case: &Case, board: &Board, proposed: &Proposed) -> Option<f64> {
    let by = author(case, proposed);
    let because = &case.evidence(&proposed.mitigation)?.evidence.finding.because;
    let (_, mitigation) = case.mitigation(proposed)?;
    let opportunities = board.bodies(|body| match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    });
    let meant = opportunities.filter(|(other, opportunity)| {
        let rests_on = because.contains(&other.evidence.id);
        // What a skill says of its own patch ties that to nothing.
        let of_others = case.step(&other.step).is_some_and(|step| Some(step.planned.digest) != by);
        of_others && (rests_on || opportunity.name == mitigation.target)
    });
    let (_, likeliest) = meant.max_by(|(a, _), (b, _)| board.confidence(a).total_cmp(&board.confidence(b)))?;
    Some(0.5 * (likeliest.saving_low + likeliest.saving_high))
}

/// Each saving as a part of the largest, from 0 to 1; 1 where it is not known.
pub(crate) fn parts(savings: &[Option<Cost>]) -> Vec<f64> {
    let largest = savings.iter().flatten().map(|saving| saving.cores).fold(0.0, f64::max);
    let part = |saving: &Option<Cost>| match saving {
        Some(saving) if largest > 0.0 => (saving.cores / largest).clamp(0.0, 1.0),
        _ => 1.0,
    };
    savings.iter().map(part).collect()
}
