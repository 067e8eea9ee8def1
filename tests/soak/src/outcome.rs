//! What became of a case, so far as it does not depend on when and how often a server was killed.

use std::collections::BTreeMap;

use negawatt_casebook::{Case, Event, Recorded, Stage};
use negawatt_planner::suspects;

use crate::target::Heard;

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The verdict, in a word; none while the case is open.
    verdict: Option<&'static str>,
    /// How sure that is.
    confidence: Option<f64>,
    /// Why it was dismissed.
    dismissal: Option<String>,
    /// The likeliest cause: its kind and id.
    suspect: Option<(&'static str, String)>,
    /// What it proposes: the strategy, where that stands, and whether somebody was told.
    proposals: Vec<(String, Stage, bool)>,
}

impl Outcome {
    /// That of a case.
    pub fn of(case: &Case) -> Outcome {
        let concluded = case.concluded();
        let proposals = case.proposals.all.iter().map(|proposal| {
            let strategy = case.mitigation(&proposal.proposed).map(|(_, mitigation)| mitigation.strategy.clone());
            (strategy.unwrap_or_default(), proposal.stage(), proposal.told)
        });
        Outcome {
            verdict: concluded.map(|concluded| concluded.verdict.name()),
            confidence: concluded.map(|concluded| concluded.confidence),
            dismissal: concluded.and_then(|concluded| Some(format!("{:?}", concluded.dismissal.as_ref()?.reason))),
            suspect: suspects(case).into_iter().next().map(|suspect| (suspect.candidate.word(), suspect.id)),
            proposals: proposals.collect(),
        }
    }
}

/// The notices of a case: what each is, and its id. Whoever hears of one knows it by that id.
pub fn notices(case: &Case, events: &[Recorded]) -> Vec<(&'static str, String)> {
    let waits = |number| {
        let proposal = case.proposals.get(number)?;
        let person = proposal.examined.as_ref()?.person.as_ref();
        person.filter(|_| proposal.stage() == Stage::Waiting)
    };
    let of = |event: &Event| match event {
        Event::Concluded(_) => Some("verdict"),
        Event::Submitted(_) => Some("proposal"),
        Event::Examined(examined) => waits(examined.proposal).map(|_| "review_needed"),
        _ => None,
    };
    events.iter().filter_map(|recorded| Some((of(&recorded.event)?, format!("{}/{}", case.id, recorded.seq)))).collect()
}

/// Whether everything that a case has to tell was heard, of what came to each path as a notice, by path and id.
pub fn is_heard(case: &Case, events: &[Recorded], heard: &BTreeMap<(String, String), Heard>) -> bool {
    notices(case, events).into_iter().all(|(_, id)| heard.contains_key(&("/notices/all".to_owned(), id)))
}
