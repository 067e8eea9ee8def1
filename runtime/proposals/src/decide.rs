//! What people decide, and what becomes of cases: recorded with what is learned of it.

use negawatt_casebook::{
    Adjusted, Batch, Became, Case, CaseId, CaseLog, Casebook, CasebookError, Criterion, Decision, Event, Outcome,
    Proposal, Rejection, Reviewed, Stage, Witness,
};
use negawatt_config::Config;
use negawatt_host::time;
use negawatt_planner::learned;

use crate::examine::{examine, repository};
use crate::{Desk, ProposalError, tip};

/// What a person says of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Submit it.
    Approve,
    /// Do not.
    Reject(Rejection),
}

/// Cases whose outcomes move a threshold, the newest ones; and by how much one that was wrong raises it, and one that was right lowers it.
const REMEMBERED: usize = 200;
const RAISED_BY: f64 = 0.02;
const LOWERED_BY: f64 = 0.004;

/// Records what a person, or the operator's thresholds (nobody), decided of a proposal. An approved one is examined anew where its branch has
/// moved since: what the guard withholds then is not approved, nor is by nobody what a person has to decide by now. Nobody owns the case
/// while the guard looks.
pub fn decide(
    desk: &Desk,
    book: &Casebook,
    id: &CaseId,
    number: u32,
    word: Word,
    by: Option<String>,
    text: String,
) -> Result<(), ProposalError> {
    let case = book.load(id)?;
    let proposal = known(&case, number)?;
    let stage = proposal.stage();
    let misplaced = |help: &str| {
        let (case, stage, help) = (*id, stage.to_string(), help.to_owned());
        ProposalError::Misplaced { case, number, stage, help }
    };
    let moved = has_moved(desk, &case, proposal);
    let mut examined = None;
    match (word, stage) {
        (_, Stage::Submitted | Stage::Merged | Stage::Closed) => {
            return Err(misplaced("nothing is decided of it any more; `negawatt outcome` says what became of it"));
        }
        (_, Stage::Proposed) => {
            return Err(misplaced("the guard was not asked yet; `negawatt case resume` goes on with the case"));
        }
        // Its commit bears the time of its approval: a second one would make another, unless nothing was made yet.
        (Word::Approve, Stage::Approved) if moved && !proposal.intents.is_empty() => {
            return Err(misplaced(&format!(
                "its branch moved while it was submitted: reject it, delete refs/negawatt/proposals/{id}-{number} where it was pushed, and \
                 approve it again"
            )));
        }
        (Word::Approve, Stage::Approved) if !moved => {
            return Err(misplaced("`negawatt review submit` submits it, or goes on where that was stopped"));
        }
        (Word::Approve, _) if stage == Stage::Withheld || moved => {
            examined = Some(examine(&desk.for_one_case(), &case, book, &proposal.proposed)?);
        }
        _ => {}
    }
    let mut log = book.resume(id)?;
    if known(log.case(), number)? != proposal {
        return Err(misplaced("somebody decided of it meanwhile; `negawatt review show` says what"));
    }
    if let Some(examined) = examined {
        let failed = examined.failed().cloned();
        log.append(Event::Examined(examined))?;
        if let Some(Criterion { name: criterion, detail, .. }) = failed {
            log.release()?;
            return Err(ProposalError::Withheld { case: *id, number, criterion, detail });
        }
    }
    let person = known(log.case(), number)?.examined.as_ref().and_then(|examined| examined.person.clone());
    if let Some(why) = person.filter(|_| by.is_none()) {
        log.release()?;
        return Err(misplaced(&format!("a person has to decide: {why}")));
    }
    let decision = match word {
        Word::Approve => Decision::Approved,
        Word::Reject(reason) => Decision::Rejected(reason),
    };
    record(&desk.config, &mut log, Event::Reviewed(Reviewed { proposal: number, by, decision, text }))?;
    Ok(log.release()?)
}

/// Whether the branch that a proposal was examined on stands elsewhere now, or is another one.
fn has_moved(desk: &Desk, case: &Case, proposal: &Proposal) -> bool {
    let Some(base) = proposal.examined.as_ref().and_then(|examined| examined.base.as_ref()) else { return false };
    match repository(desk, case, &proposal.proposed) {
        Ok((name, repository)) => {
            name != base.repository
                || tip::branch(repository).as_ref() != Some(&base.branch)
                || tip::tip(repository).as_ref() != Some(&base.commit)
        }
        Err(_) => true,
    }
}

/// A proposal of a case.
pub(crate) fn known(case: &Case, number: u32) -> Result<&Proposal, ProposalError> {
    case.proposals.get(number).ok_or(ProposalError::NoSuchProposal { case: case.id, number })
}

/// Records what became of a case (`None`) or a proposal.
pub fn outcome(
    config: &Config,
    log: &mut CaseLog,
    proposal: Option<u32>,
    what: Became,
    by: Witness,
    culprit: Option<String>,
    text: String,
) -> Result<(), ProposalError> {
    if let Some(number) = proposal {
        known(log.case(), number)?;
    }
    record(config, log, Event::Outcome(Outcome { proposal, what, by, culprit, text }))
}

/// Records an event from which something is learned, with all that is learned, and with what it moves: all of it, or nothing.
fn record(config: &Config, log: &mut CaseLog, event: Event) -> Result<(), ProposalError> {
    let book = log.casebook().clone();
    // What is learned is of the case with the event.
    let next = log.foresee(&event)?;
    let learned = learned(&next, time::now());
    let (before, after) =
        (moved(config, &book, None)?, moved(config, &book, Some((&next, learned.precedent.is_some())))?);
    let mut events = vec![event];
    if let (Some(from), Some(to)) = (before, after)
        && from != to
    {
        let reason = format!(
            "what became of proposals of case {} moved it: over the last {REMEMBERED} cases of which something became, each proposal that \
             was rejected, closed or wrong raises it by {RAISED_BY}, each that was merged lowers it by {LOWERED_BY}, within the \
             operator's bounds",
            next.id
        );
        events.push(Event::Adjusted(Adjusted { threshold: "review.confidence".to_owned(), from, to, reason }));
    }
    let mut batch = Batch::from(events);
    batch.learn(learned);
    Ok(log.append(batch)?)
}

/// The least confidence with which a proposal is submitted without a person: the operator's, moved by what became of submitted proposals,
/// within the operator's bounds. Nothing where a person decides everything.
pub(crate) fn least(config: &Config, book: &Casebook) -> Result<Option<f64>, CasebookError> {
    moved(config, book, None)
}

/// The same, with a case as it is about to be, and whether something became of it then.
fn moved(config: &Config, book: &Casebook, next: Option<(&Case, bool)>) -> Result<Option<f64>, CasebookError> {
    let Some(least) = config.review.confidence else { return Ok(None) };
    let Some((low, high)) = config.learn.confidence_between else { return Ok(Some(least)) };
    let mut cases = book.resolved()?;
    if let Some((next, is_resolved)) = next {
        cases.retain(|id| *id != next.id);
        cases.extend(is_resolved.then_some(next.id));
        cases.sort_unstable();
    }
    let mut moved = least.clamp(low, high);
    for id in cases.iter().skip(cases.len().saturating_sub(REMEMBERED)) {
        let loaded;
        let case = match next {
            Some((next, _)) if next.id == *id => next,
            _ => match book.load(id) {
                Ok(case) => {
                    loaded = case;
                    &loaded
                }
                Err(error) => {
                    tracing::warn!("nothing is learned from {id}: {error}");
                    continue;
                }
            },
        };
        for proposal in &case.proposals.all {
            let by = match proposal.stage() {
                Stage::Merged if !has_failed(proposal) => -LOWERED_BY,
                Stage::Merged | Stage::Closed | Stage::Rejected => RAISED_BY,
                _ => continue,
            };
            moved = (moved + by).clamp(low, high);
        }
    }
    Ok(Some(moved))
}

/// Whether the series says after a merge that nothing came of it.
fn has_failed(proposal: &Proposal) -> bool {
    let recovered = proposal.outcomes.iter().rev().find_map(|(_, outcome)| match outcome.what {
        Became::Recovered(recovery) => Some(recovery.part),
        _ => None,
    });
    recovered.is_some_and(|part| part < 0.2)
}
