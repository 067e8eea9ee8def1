//! A case run again from its record: every step with the component that it had, told what it was told, and then the verdict.
//!
//! Nothing is written, and nobody is asked: tools answer from the record, effects outside among them. A step that had no call, that
//! ran out of time or that was cancelled is not run: that is an outcome of its own, and another machine has another clock.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Called, Case, CaseId, Casebook, CasebookError, Event, Opened, PlannedStep, Recorded, Verdict};
use negawatt_host::grants::Rights;
use negawatt_host::{Outcome, Replay, Status, ToolAnswer, Tools};
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::catalog::{Catalog, Entry};
use crate::difference::{Difference, Differs, bytes, of_call, of_suspects, of_verdict};
use crate::fusion::rank;
use crate::given::Given;
use crate::run::{Runtime, concluded_as};
use crate::steps::accepted;
use crate::terms::Terms;

/// How long a step may take that is run again, at least, and how many times as long as its limits allow: it was over in time once, and
/// another machine is slower or has more to do.
const LEAST_TIME: Duration = Duration::from_secs(60);
const PATIENCE: u32 = 10;

/// A case that was run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The case.
    pub case: CaseId,
    /// The version of the host that recorded it, and that of this one. Where they are not the same, that may be why something
    /// differs.
    pub hosts: (String, String),
    /// Its steps, in plan order of their calls.
    pub steps: Vec<ReplayedStep>,
    /// What it came to; absent while it is open, and where it was cancelled.
    pub verdict: Option<Verdict>,
    /// All that is not as it was recorded.
    pub differences: Vec<Difference>,
}

/// A step that was run again, or taken as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedStep {
    /// The step.
    pub step: String,
    /// The skill, as `name@version`.
    pub skill: String,
    /// How it ended then.
    pub status: Status,
    /// Whether it was run again; else its outcome was taken from the record.
    pub was_run: bool,
    /// How many findings were compared.
    pub findings: usize,
    /// How many recorded answers it was given.
    pub answers: usize,
}

/// Why a case cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The casebook cannot be read.
    #[error(transparent)]
    Casebook(#[from] CasebookError),
    /// A newer version wrote to it.
    #[error("a newer version of negawatt wrote `{event}` to the case {case}: only that version can replay it")]
    Newer {
        /// The case.
        case: CaseId,
        /// The type of the event.
        event: String,
    },
    /// Recorded answers are gone.
    #[error(
        "the case {case} cannot be replayed: {missing} of its {all} recorded questions and answers are not in the casebook any more; they may have been removed for their age"
    )]
    Purged {
        /// The case.
        case: CaseId,
        /// How many are gone.
        missing: usize,
        /// Of how many.
        all: usize,
    },
    /// Components are gone.
    #[error(
        "the case {case} cannot be replayed: the skills that it ran are not there with the same bytes: {}; name their files under [skills] paths, or use the version of negawatt that ran it",
        skills.join(", ")
    )]
    Gone {
        /// The case.
        case: CaseId,
        /// The skills, each with its digest.
        skills: Vec<String>,
    },
    /// It has no verdict.
    #[error("the case {case} has no verdict yet; `negawatt case resume {case}` goes on with it")]
    Open {
        /// The case.
        case: CaseId,
    },
    /// Somebody ended it.
    #[error("the replay was interrupted; nothing was written")]
    Interrupted,
}

impl Replayed {
    /// Whether all is as it was recorded.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Runtime {
    /// Runs a case again from its record, and says where it goes another way.
    pub async fn replay(
        self: &Arc<Self>,
        book: &Casebook,
        id: &CaseId,
        cancel: &CancellationToken,
    ) -> Result<Replayed, ReplayError> {
        let events = book.events(id)?;
        let recorded = Case::fold(*id, &events);
        check(book, &self.catalog, &recorded, |_| false)?;
        let hosts = (
            recorded.opened.as_ref().map(|opened| opened.host_version.clone()).unwrap_or_default(),
            env!("CARGO_PKG_VERSION").to_owned(),
        );
        let verdict = recorded.concluded().map(|concluded| concluded.verdict);
        let mut replayed = Replayed { case: *id, hosts, steps: Vec::new(), verdict, differences: Vec::new() };
        // The case as it stood before each event, and the same with what is found now.
        let (mut before, mut again) = (Case::new(*id), Case::new(*id));
        for Recorded { seq, time, event } in &events {
            let event = match event {
                Event::Called(call) => {
                    let called = self.call_again(book, &before, call, &mut replayed, cancel).await?;
                    if cancel.is_cancelled() {
                        return Err(ReplayError::Interrupted);
                    }
                    Event::Called(Arc::new(called))
                }
                Event::Accepted(known) => {
                    let planned = again.step(&known.step).map(|step| step.planned.clone());
                    let computed = accepted(&again, planned.as_slice()).into_iter().next();
                    let computed = computed.unwrap_or_else(|| event.clone());
                    let of_step = replayed
                        .differences
                        .iter()
                        .any(|known_already| known_already.step.as_ref().is_some_and(|(step, _)| *step == known.step));
                    if let (Event::Accepted(accepted), false) = (&computed, of_step || numbering_moved(&before, &again))
                        && bytes(accepted) != bytes(known)
                    {
                        let skill = planned.map(|planned| planned.skill).unwrap_or_default();
                        let step = Some((known.step.clone(), skill));
                        replayed.differences.push(Difference { step, differs: Differs::Evidence });
                    }
                    computed
                }
                Event::Concluded(known) => {
                    let Some(opened) = &again.opened else { continue };
                    let board = Board::of(&again);
                    // Who did not get to run with the rights to is not in the record, and rights may have changed since.
                    let computed =
                        [false, true].map(|unheard| concluded_as(opened, &board, unheard, known.ending, known.wall_ms));
                    if !computed.iter().any(|computed| bytes(computed) == bytes(known)) {
                        let nearest = computed.iter().find(|computed| computed.verdict == known.verdict);
                        let differs = of_verdict(known, nearest.unwrap_or(&computed[0]));
                        let differs = differs.into_iter().map(|differs| Difference { step: None, differs });
                        replayed.differences.extend(differs);
                    }
                    let suspects = of_suspects(&rank(&Board::of(&before)), &rank(&board));
                    let differs = suspects.into_iter().map(|differs| Difference { step: None, differs });
                    replayed.differences.extend(differs);
                    event.clone()
                }
                other => other.clone(),
            };
            again.apply(&Recorded { seq: *seq, time: *time, event });
            before.apply(&events[*seq as usize - 1]);
        }
        Ok(replayed)
    }

    /// A recorded call with what it finds now.
    async fn call_again(
        self: &Arc<Self>,
        book: &Casebook,
        before: &Case,
        call: &Called,
        replayed: &mut Replayed,
        cancel: &CancellationToken,
    ) -> Result<Called, CasebookError> {
        let (Some(opened), Some(step)) = (&before.opened, before.step(&call.step)) else { return Ok(call.clone()) };
        let planned = &step.planned;
        let entry = self.catalog.with_digest(&planned.digest).filter(|_| is_run(call));
        replayed.steps.push(ReplayedStep {
            step: call.step.clone(),
            skill: planned.skill.clone(),
            status: call.status,
            was_run: entry.is_some(),
            findings: call.findings.len(),
            answers: call.answers.len(),
        });
        let Some(entry) = entry else { return Ok(call.clone()) };
        let replay = Arc::new(Replay::of_call(answers(book, call)?));
        let step = Again { before, opened, planned, call, entry };
        let outcome = self.outcome_again(&step, replay.clone(), cancel).await;
        let of_step = || Some((call.step.clone(), planned.skill.clone()));
        let differs = of_call(call, &outcome, &replay).into_iter();
        replayed.differences.extend(differs.map(|differs| Difference { step: of_step(), differs }));
        let Outcome { status, message, findings, .. } = outcome;
        Ok(Called { status, message, findings, ..call.clone() })
    }

    async fn outcome_again(&self, step: &Again<'_>, replay: Arc<Replay>, cancel: &CancellationToken) -> Outcome {
        let Again { before, opened, planned, call, entry } = *step;
        let skill = &entry.skill;
        // What it was given was recorded; for cases of older versions, what it would be given now.
        let rights = entry.rights.clone().unwrap_or_else(|_| Rights::to_be_replayed(skill));
        let budget = Terms::read(opened).budget.unwrap_or_else(|| self.budget.clone());
        let given = Given::recorded(call).unwrap_or_else(|| Given::of(&rights, skill.origin, &budget));
        let (mut envelope, numbering) =
            given.envelope(before, opened, planned, |_| Tools { recorded: Some(replay), ..Tools::default() });
        let limits = &mut envelope.limits;
        for time in [&mut limits.time, &mut limits.compute, &mut limits.tool_time] {
            *time = time.saturating_mul(PATIENCE).max(LEAST_TIME);
        }
        envelope.cancel = cancel.child_token();
        let mut outcome = self.host.call(skill, &rights, envelope).await;
        numbering.back(&mut outcome.findings);
        outcome
    }
}

/// Refuses a case whose record is not whole, or whose components are not there, but for skills that are replaced.
pub(crate) fn check(
    book: &Casebook,
    catalog: &Catalog,
    case: &Case,
    is_replaced: impl Fn(&str) -> bool,
) -> Result<(), ReplayError> {
    if let Some((_, unknown)) = case.unknown.first() {
        return Err(ReplayError::Newer { case: case.id, event: unknown.name.clone() });
    }
    let calls = case.steps.iter().filter_map(|step| Some((&step.planned, step.last_call()?)));
    let run: Vec<_> = calls.filter(|(_, call)| is_run(call)).collect();
    let answers = run.iter().flat_map(|(_, call)| &call.answers);
    let (mut missing, mut all) = (0, 0);
    for digest in answers.flat_map(|answer| [&answer.request, &answer.response]) {
        all += 1;
        missing += usize::from(!book.has_blob(digest)?);
    }
    if missing > 0 {
        return Err(ReplayError::Purged { case: case.id, missing, all });
    }
    let is_gone =
        |planned: &PlannedStep| catalog.with_digest(&planned.digest).is_none() && !is_replaced(&planned.skill);
    let gone = run.iter().map(|(planned, _)| *planned).filter(|planned| is_gone(planned));
    let mut skills: Vec<String> = gone.map(|planned| format!("{} ({})", planned.skill, planned.digest)).collect();
    skills.sort();
    skills.dedup();
    if skills.is_empty() { Ok(()) } else { Err(ReplayError::Gone { case: case.id, skills }) }
}

/// A recorded call, and what it is run again with.
#[derive(Clone, Copy)]
struct Again<'a> {
    before: &'a Case,
    opened: &'a Opened,
    planned: &'a PlannedStep,
    call: &'a Called,
    entry: &'a Entry,
}

/// Whether a call is run again. One that had no time in it was none.
pub(crate) fn is_run(call: &Called) -> bool {
    call.usage.wall_us > 0 && !matches!(call.status, Status::Timeout | Status::Cancelled | Status::Skipped)
}

/// Whether evidence has other numbers now, because an earlier step found more or less.
fn numbering_moved(before: &Case, again: &Case) -> bool {
    before.board.len() != again.board.len()
}

/// What a call asked and was answered.
pub(crate) fn answers(book: &Casebook, call: &Called) -> Result<Vec<ToolAnswer>, CasebookError> {
    let answer = |known: &negawatt_casebook::AnswerRef| {
        Ok(ToolAnswer {
            tool: known.tool,
            function: known.function.clone(),
            request: book.blob(&known.request)?,
            response: book.blob(&known.response)?,
            error: known.error.clone(),
            wall_us: known.wall_us,
        })
    };
    call.answers.iter().map(answer).collect()
}
