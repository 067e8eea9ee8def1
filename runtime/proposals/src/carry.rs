//! Carries cases on from their verdict, as far as that needs nobody: what was stopped at any place, or failed, is taken up again.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use negawatt_actions::guard::{Launcher, Until};
use negawatt_casebook::{Case, CaseId, Casebook, CasebookError, Event, Proposal, Stage, Told, Verdict};
use negawatt_host::model::FindingBody;
use negawatt_text::printable;
use tokio::task::{JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug_span};

use crate::decide::has_moved;
use crate::{Desk, ProposalError, Word, decide, propose, submit};

/// Carries a case that has a verdict on: its proposals, what the operator lets be submitted without a person, and who is told of what waits.
/// What does not work here costs the case nothing, is told to the log, and may be tried again. `cancel` ends what the guard runs: what it had
/// not looked at stays as it is. It blocks its thread at times, so the runtime must have several.
pub async fn carry_on(
    desk: &Desk,
    book: &Casebook,
    case: Case,
    cancel: &CancellationToken,
) -> Result<Case, CasebookError> {
    if !is_left(desk, book, &case)? {
        return Ok(case);
    }
    let span = debug_span!("carry", case = %case.id);
    carry(desk, book, case, cancel).instrument(span).await
}

async fn carry(desk: &Desk, book: &Casebook, case: Case, cancel: &CancellationToken) -> Result<Case, CasebookError> {
    let (desk, _stopping) = stopped_by(desk, cancel);
    if is_unproposed(&case) || case.proposals.all.iter().any(is_unexamined) {
        match block_in_place(|| propose(&desk, book, &case.id)) {
            Ok(proposed) if book.imported(&case.id)? > 0 => return Ok(proposed),
            Ok(proposed) if proposed.proposals.all.iter().any(is_unexamined) => {
                let id = case.id;
                not_carried(&id, &format!("the guard was interrupted; negawatt case resume {id} goes on with it"));
                return Ok(proposed);
            }
            Ok(proposed) => return bring(&desk, book, proposed).await,
            Err(error) => {
                not_carried(&case.id, &error);
                return Ok(case);
            }
        }
    }
    bring(&desk, book, case).await
}

/// Takes up every case whose proposals were examined: submits what was let go and is not where it should be, and tells of what nobody was told.
/// For whoever looks again and again: a forge may have been away, or the program may have been stopped. Gives the cases of which something was
/// left. See [`carry_on`].
pub async fn take_up(desk: &Desk, book: &Casebook, cancel: &CancellationToken) -> Result<Vec<CaseId>, CasebookError> {
    let (desk, _stopping) = stopped_by(desk, cancel);
    let mut taken = Vec::new();
    for id in book.proposing(true)? {
        let left = book.load(&id).and_then(|case| {
            // Whoever has the guard look at it goes on with it.
            Ok((is_left(&desk, book, &case)? && !is_unguarded(book, &case)?).then_some(case))
        });
        match left {
            Ok(None) => {}
            Ok(Some(case)) => {
                taken.push(id);
                if let Err(error) = bring(&desk, book, case).await {
                    not_carried(&id, &error);
                }
            }
            Err(error) => not_carried(&id, &error),
        }
    }
    Ok(taken)
}

/// Whether something is left to do of a case that needs nobody. What a case of another casebook found is proposed, and all else of it needs a
/// person.
pub fn is_left(desk: &Desk, book: &Casebook, case: &Case) -> Result<bool, CasebookError> {
    let untold = |proposal: &Proposal| proposal.stage() == Stage::Waiting && !proposal.told;
    let waits = by_itself(case).is_some() || desk.tell.is_some() && case.proposals.all.iter().any(untold);
    Ok(is_unguarded(book, case)? || waits && book.imported(&case.id)? == 0)
}

/// Whether what a case found is yet to be proposed, or the guard to be asked of it: what [`take_up`] leaves to [`carry_on`].
pub fn is_unguarded(book: &Casebook, case: &Case) -> Result<bool, CasebookError> {
    let unexamined = case.proposals.all.iter().any(is_unexamined);
    Ok(is_unproposed(case) || unexamined && book.imported(&case.id)? == 0)
}

/// Whether a case found mitigations that were not proposed.
fn is_unproposed(case: &Case) -> bool {
    let verdict = case.concluded().map(|concluded| concluded.verdict);
    let mut bodies = case.board.iter().map(|posted| &posted.evidence.finding.body);
    case.proposals.all.is_empty()
        && matches!(verdict, Some(Verdict::Regression | Verdict::Opportunity))
        && bodies.any(|body| matches!(body, FindingBody::Mitigation(_)))
}

/// Whether the guard was not asked of a proposal.
fn is_unexamined(proposal: &Proposal) -> bool {
    proposal.stage() == Stage::Proposed
}

/// The proposal of a case that goes by itself and is not submitted: one that was let go, or else the first, as long as it waits for nobody.
fn by_itself(case: &Case) -> Option<&Proposal> {
    let all = &case.proposals.all;
    let let_go = all.iter().find(|proposal| proposal.stage() == Stage::Approved && proposal.went_by_itself());
    let_go.or_else(|| {
        all.first().filter(|first| {
            let person = first.examined.as_ref().and_then(|examined| examined.person.as_ref());
            // A setting goes nowhere by itself.
            let has_patch = case.mitigation(&first.proposed).is_some_and(|(_, mitigation)| mitigation.patch.is_some());
            first.stage() == Stage::Waiting && person.is_none() && has_patch
        })
    })
}

/// The same desk, on which `cancel` ends what the guard runs, as long as the other part lives.
fn stopped_by(desk: &Desk, cancel: &CancellationToken) -> (Desk, JoinSet<()>) {
    let until = Until::default();
    let launcher = Launcher { until: until.clone(), ..desk.launcher.clone() };
    let cancel = cancel.clone();
    let mut stopping = JoinSet::new();
    stopping.spawn(async move {
        cancel.cancelled().await;
        until.stop();
    });
    (Desk { launcher, ..desk.clone() }, stopping)
}

/// Goes on with a case whose proposals were examined.
async fn bring(desk: &Desk, book: &Casebook, case: Case) -> Result<Case, CasebookError> {
    let id = &case.id;
    let mut trouble = None;
    let going = by_itself(&case);
    if let Some(proposal) = going
        && let Err(error) = let_go(desk, book, &case, proposal).await
    {
        match &error {
            // Somebody else is at it, or was quicker.
            ProposalError::Casebook(CasebookError::Owned { .. }) | ProposalError::Overtaken { .. } => {
                tracing::debug!("{error}");
            }
            _ => not_carried(id, &error),
        }
        if matches!(error, ProposalError::Forge(_) | ProposalError::NoForge { .. }) {
            trouble = Some((proposal.proposed.number, error.to_string()));
        }
    }
    if going.is_none() && desk.tell.is_none() {
        return Ok(case);
    }
    // Whoever has it told already tells all of it, and whoever comes next what is new by then.
    let Some(_telling) = Telling::begin(*id) else { return book.load(id) };
    for proposal in &case.proposals.all {
        let number = proposal.proposed.number;
        let why = trouble.as_ref().filter(|(of, _)| *of == number).map(|(_, why)| why.as_str());
        if let Err(error) = tell(desk, book, id, number, why) {
            not_carried(id, &error);
        }
    }
    book.load(id)
}

/// Submits a proposal that the operator's thresholds let go, or goes on with that. It is decided of anew where its branch moved before anything
/// was made.
async fn let_go(desk: &Desk, book: &Casebook, case: &Case, proposal: &Proposal) -> Result<(), ProposalError> {
    let number = proposal.proposed.number;
    let is_stale = proposal.intents.is_empty() && block_in_place(|| has_moved(desk, case, proposal));
    if proposal.stage() != Stage::Approved || is_stale {
        let text = "the operator's thresholds let it be submitted by itself".to_owned();
        block_in_place(|| decide(desk, book, &case.id, number, Word::Approve, None, text))?;
    }
    let mut log = book.resume(&case.id)?;
    // A person may have decided otherwise meanwhile, or that it waits.
    if log.case().proposals.get(number).is_some_and(Proposal::went_by_itself) {
        submit(desk, &mut log, number).await?;
    }
    log.release()?;
    Ok(())
}

/// Tells of a proposal that waits, or could not be submitted by itself, unless somebody was told. Nobody owns the case meanwhile: who hears of
/// it may decide at once. One that is stopped in between is told again.
fn tell(desk: &Desk, book: &Casebook, id: &CaseId, number: u32, why: Option<&str>) -> Result<(), CasebookError> {
    let Some(tell) = &desk.tell else { return Ok(()) };
    // As it stands by now.
    let case = book.load(id)?;
    let waits = |stage: Stage| stage == Stage::Waiting || stage == Stage::Approved && why.is_some();
    let proposal = case.proposals.get(number).filter(|proposal| !proposal.told && waits(proposal.stage()));
    let Some(proposal) = proposal else { return Ok(()) };
    if let Err(error) = block_in_place(|| tell(&case, proposal, why)) {
        tracing::warn!("nobody was told of the proposal {number} of case {id}: {}", printable(&error));
        return Ok(());
    }
    let mut log = book.resume(id)?;
    if log.case().proposals.get(number).is_some_and(|known| waits(known.stage())) {
        log.append(Event::Told(Told { proposal: number }))?;
    }
    log.release().map(drop)
}

/// Cases of which somebody is told now. Several parts of the program bring cases on, and nobody is to be told twice.
static TELLING: Mutex<BTreeSet<CaseId>> = Mutex::new(BTreeSet::new());

/// A case of which nobody else of this process tells meanwhile.
struct Telling(CaseId);

impl Telling {
    /// Nothing where somebody else tells of it.
    fn begin(case: CaseId) -> Option<Telling> {
        Telling::all().insert(case).then(|| Telling(case))
    }

    fn all() -> MutexGuard<'static, BTreeSet<CaseId>> {
        TELLING.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        Telling::all().remove(&self.0);
    }
}

fn not_carried(id: &CaseId, error: &dyn std::fmt::Display) {
    tracing::warn!("the case {id} was not carried on: {}", printable(&error.to_string()));
}
