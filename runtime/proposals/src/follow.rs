//! Asks what became of submitted proposals: forges, and the incidents' own series.

use negawatt_actions::forge::State;
use negawatt_casebook::{Became, Case, CaseId, Casebook, CasebookError, Outcome, Proposal, Stage, Witness};
use negawatt_host::model::Timestamp;
use negawatt_host::{Metrics, time};

use crate::decide::{is_of_elsewhere, outcome};
use crate::recovery::of_series;
use crate::submit::{begun, known_to_forge, prepared};
use crate::{Desk, ProposalError};

/// What was found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The case.
    pub case: CaseId,
    /// The proposal's number.
    pub proposal: u32,
    /// What, or why it is not known.
    pub what: Result<Observed, String>,
}

/// What is known of a proposal now.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Nobody decided yet.
    Open,
    /// Something became of it, and was recorded.
    Became(Became),
    /// It was merged, and the series does not tell yet.
    TooEarly,
}

/// Follows up every proposal of which something may still become, at a time. What cannot be found out of one stops no other.
pub async fn follow(
    desk: &Desk,
    book: &Casebook,
    metrics: Option<&dyn Metrics>,
    now: Timestamp,
) -> Result<Vec<Followed>, CasebookError> {
    let mut all = Vec::new();
    for id in book.proposing(true)? {
        let case = match book.load(&id) {
            Ok(case) => case,
            Err(error) => {
                all.push(Followed { case: id, proposal: 0, what: Err(error.to_string()) });
                continue;
            }
        };
        for proposal in &case.proposals.all {
            let number = proposal.proposed.number;
            let may_move = match proposal.stage() {
                Stage::Submitted => true,
                Stage::Merged => !proposal.is_measured(),
                _ => false,
            };
            if !may_move {
                continue;
            }
            let found = match is_of_elsewhere(book, &id, number) {
                // What was submitted elsewhere is followed there: only the file says where that is.
                Ok(true) => continue,
                Ok(false) if proposal.stage() == Stage::Submitted => of_forge(desk, book, &case, proposal).await,
                Ok(false) => of_series(&case, proposal, metrics, now).await,
                Err(error) => Err(error),
            };
            let what = match found {
                Ok(Some(outcome)) => {
                    let became = outcome.what;
                    record(desk, book, &id, proposal, outcome)
                        .map(|is_recorded| if is_recorded { Observed::Became(became) } else { Observed::Open })
                }
                Ok(None) if proposal.stage() == Stage::Merged => Ok(Observed::TooEarly),
                Ok(None) => Ok(Observed::Open),
                Err(error) => Err(error),
            };
            all.push(Followed { case: id, proposal: number, what: what.map_err(|error| error.to_string()) });
        }
    }
    Ok(all)
}

/// Records what was found out of a proposal as it was when it was asked about; tells whether it did. Where somebody said something of it
/// meanwhile, that stands, and it is asked about again.
fn record(desk: &Desk, book: &Casebook, id: &CaseId, asked: &Proposal, became: Outcome) -> Result<bool, ProposalError> {
    let mut log = book.resume(id)?;
    let is_same = log.case().proposals.get(asked.proposed.number) == Some(asked);
    if is_same {
        outcome(&desk.config, &mut log, became)?;
    }
    log.release()?;
    Ok(is_same)
}

async fn of_forge(
    desk: &Desk,
    book: &Casebook,
    case: &Case,
    proposal: &Proposal,
) -> Result<Option<Outcome>, ProposalError> {
    let (forge, fresh) = prepared(desk, case, book, proposal)?;
    let submission = begun(proposal).unwrap_or(fresh);
    let Some(submitted) = &proposal.submitted else { return Ok(None) };
    let told = |what, at, text| {
        let proposal = Some(proposal.proposed.number);
        Some(Outcome { proposal, what, by: Witness::Forge, at, culprit: None, text })
    };
    Ok(match forge.state(&submission, &known_to_forge(submitted)).await? {
        State::Open => None,
        State::Merged { commit, time } => {
            let at = merged_at(proposal, &commit, time, time::now());
            told(Became::Merged, at, format!("merged as {commit}"))
        }
        State::Closed { reason } => told(Became::Rejected, None, reason.unwrap_or_default()),
    })
}

/// When a proposal was merged, as its forge says: between its approval and now, whatever a clock or a committer says. Nobody knows it where the
/// target was moved to the proposal's own commit, which is as old as its approval.
fn merged_at(proposal: &Proposal, commit: &str, time: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let own = proposal.submitted.as_ref().is_some_and(|submitted| submitted.commit == commit);
    let (approved, _) = proposal.reviews.last()?;
    (!own).then(|| time.min(now).max(*approved))
}

#[cfg(test)]
mod tests {
    use negawatt_casebook::{Decision, Proposed, Rank, Reviewed, Submitted};

    use super::*;

    #[test]
    fn a_merge_is_as_old_as_its_forge_says_within_reason() {
        let (number, text) = (1, String::new());
        let mut proposal = Proposal {
            proposed: Proposed { number, mitigation: "e1".into(), rank: Rank::default() },
            examined: None,
            reviews: vec![(100, Reviewed { proposal: number, by: None, decision: Decision::Approved, text })],
            intents: Vec::new(),
            submission: None,
            earlier: Vec::new(),
            told: false,
            submitted: None,
            outcomes: Vec::new(),
        };
        for (time, at) in [(150, 150), (-7, 100), (i64::MAX, 200)] {
            assert_eq!(merged_at(&proposal, "4f", time, 200), Some(at));
        }
        let (forge, branch, commit) = ("git".into(), "b".into(), "4f".into());
        proposal.submitted =
            Some(Submitted { proposal: number, forge, branch, commit, url: None, number: None, notes: Vec::new() });
        assert_eq!(merged_at(&proposal, "4f", 150, 200), None, "its own commit tells when it was approved");
        assert_eq!(merged_at(&proposal, "5a", 150, 200), Some(150));
    }
}
