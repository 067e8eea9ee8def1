//! What people decide, and what becomes of cases: recorded with what is learned of it.

use negawatt_casebook::{
    Batch, Case, CaseId, CaseLog, Casebook, Criterion, Decision, Event, Examined, Outcome, Proposal, Rejection,
    Reviewed, Stage,
};
use negawatt_config::Config;
use negawatt_host::time;
use negawatt_planner::learned;

use crate::examine::{examine, needs_person, repository};
use crate::thresholds::moves;
use crate::{Desk, ProposalError, tip};

/// What a person says of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Submit it.
    Approve,
    /// Do not.
    Reject(Rejection),
}

/// Records what a person, or the operator's thresholds (nobody), decided of a proposal. An approved one is examined anew where its branch has
/// moved since, and examined here where that was done in another casebook: what the guard withholds then is not approved, nor is by nobody what a person has to decide by now. Nobody owns the case
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
    let overtaken = || ProposalError::Overtaken { case: *id, number };
    let is_elsewhere = is_of_elsewhere(book, id, number)?;
    let moved = has_moved(desk, &case, proposal) || is_elsewhere;
    let mut examined = None;
    match (word, stage) {
        (_, Stage::Submitted | Stage::Merged | Stage::Closed) => {
            return Err(misplaced("nothing is decided of it any more; `negawatt outcome` says what became of it"));
        }
        (_, Stage::Proposed) if !is_elsewhere => {
            return Err(misplaced("the guard was not asked yet; `negawatt case resume` goes on with the case"));
        }
        // What a person said, or the guard found, stands, whatever was true before.
        _ if by.is_none() && !(stage == Stage::Waiting || stage == Stage::Approved && proposal.went_by_itself()) => {
            return Err(overtaken());
        }
        // Its commit bears the time of its approval: a second one would make another, unless nothing was made yet.
        (Word::Approve, Stage::Approved) if moved && !proposal.intents.is_empty() => {
            return Err(misplaced("its branch moved while it was submitted: reject it, and approve it again"));
        }
        (Word::Approve, Stage::Approved) if !moved => {
            return Err(misplaced("`negawatt review submit` submits it, or goes on where that was stopped"));
        }
        (Word::Approve, _) if stage == Stage::Withheld || moved => {
            examined = Some(examine(&desk.for_one_case(), &case, book, &proposal.proposed)?);
            if desk.launcher.until.is_stopped() {
                return Err(misplaced(
                    "the guard was interrupted; it is asked again when the proposal is approved again",
                ));
            }
        }
        _ => {}
    }
    let mut log = book.resume(id)?;
    if known(log.case(), number)? != proposal {
        return Err(overtaken());
    }
    if let Some(examined) = examined {
        let failed = examined.failed().cloned();
        log.append(Event::Examined(examined))?;
        if let Some(Criterion { name: criterion, detail, .. }) = failed {
            log.release()?;
            return Err(ProposalError::Withheld { case: *id, number, criterion, detail });
        }
    }
    if by.is_none()
        && let Some(why) = needs_person(desk, log.case(), book, &proposal.proposed)?
    {
        // The thresholds may have moved since the guard looked.
        let known = known(log.case(), number)?.examined.clone().filter(|known| known.person.as_ref() != Some(&why));
        let examined = known.map(|known| Event::Examined(Examined { person: Some(why.clone()), ..known }));
        log.append(examined.into_iter().collect::<Vec<_>>())?;
        log.release()?;
        return Err(misplaced(&format!("a person has to decide: {why}")));
    }
    let decision = match word {
        Word::Approve => Decision::Approved,
        Word::Reject(reason) => Decision::Rejected(reason),
    };
    record(&desk.config, &mut log, Event::Reviewed(Reviewed { proposal: number, by, decision, text }))?;
    log.release()?;
    Ok(())
}

/// Whether the branch that a proposal was examined on stands elsewhere now, or is another one.
pub(crate) fn has_moved(desk: &Desk, case: &Case, proposal: &Proposal) -> bool {
    let Some(base) = proposal.examined.as_ref().and_then(|examined| examined.base.as_ref()) else { return false };
    match repository(desk, case, &proposal.proposed) {
        Ok((name, repository)) => {
            let stands = tip::tip(repository);
            name != base.repository || stands.as_ref() != Some(&(base.branch.clone(), base.commit.clone()))
        }
        Err(_) => true,
    }
}

/// Whether a proposal of a case that came from another casebook was not examined here, or decided of elsewhere since: that binds nobody.
pub(crate) fn is_of_elsewhere(book: &Casebook, id: &CaseId, number: u32) -> Result<bool, ProposalError> {
    let from_elsewhere = book.imported(id)?;
    if from_elsewhere == 0 {
        return Ok(false);
    }
    let (mut examined, mut reviewed) = (0, u64::MAX);
    for recorded in book.events(id)? {
        match recorded.event {
            Event::Examined(one) if one.proposal == number => examined = recorded.seq,
            Event::Reviewed(one) if one.proposal == number => reviewed = recorded.seq,
            _ => {}
        }
    }
    Ok(examined.min(reviewed) <= from_elsewhere)
}

/// A proposal of a case.
pub(crate) fn known(case: &Case, number: u32) -> Result<&Proposal, ProposalError> {
    case.proposals.get(number).ok_or(ProposalError::NoSuchProposal { case: case.id, number })
}

/// Records what became of a case or a proposal.
pub fn outcome(config: &Config, log: &mut CaseLog, outcome: Outcome) -> Result<(), ProposalError> {
    if let Some(number) = outcome.proposal {
        known(log.case(), number)?;
    }
    record(config, log, Event::Outcome(outcome))
}

/// Records an event from which something is learned, with all that is learned, and with what it moves: all of it, or nothing.
fn record(config: &Config, log: &mut CaseLog, event: Event) -> Result<(), ProposalError> {
    let book = log.casebook().clone();
    // What is learned is of the case with the event.
    let next = log.foresee(&event)?;
    let learned = learned(&next, time::now());
    let moves = moves(config, &book, &next, learned.precedent.is_some())?.into_iter().map(Event::Adjusted);
    let events: Vec<Event> = [event].into_iter().chain(moves).collect();
    let mut batch = Batch::from(events);
    batch.learn(learned);
    Ok(log.append(batch)?)
}
