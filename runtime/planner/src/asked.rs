//! One step that somebody asks for by the name of its skill: a case of its own, which ends with the step. It is planned, limited,
//! scoped and recorded as every other step is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use negawatt_casebook::{
    Accepted, Batch, Cancelled, Case, CaseLog, Casebook, CasebookError, Event, Opened, Planned, PlannedStep,
};
use negawatt_host::json::IncidentFile;
use negawatt_host::model::{Evidence, Finding, FindingBody};
use negawatt_host::{Digest, Kind, Outcome, Status, Tool};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::board::Board;
use crate::catalog::Entry;
use crate::egress::{Shown, explained, shown};
use crate::run::{Progress, Runtime, Watcher, span};
use crate::steps::Wave;
use crate::terms::{Terms, left, put_aside};

/// What stands on the board before the step.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Findings that somebody gives. Nobody knows where they come from, so they count as derived from every confidential tool.
    Given(Vec<Finding>),
    /// What was found in another case.
    Of(Box<Case>),
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The skill.
    pub entry: Entry,
    /// What it is about.
    pub incident: IncidentFile,
    /// What is known already.
    pub known: Known,
    /// Who asks, and why; for the record.
    pub reason: String,
}

/// Why a step is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// There is nothing for it to work on.
    #[error("the skill {skill} needs evidence of kind {}, and there is none", kinds(missing))]
    Missing {
        /// The skill.
        skill: String,
        /// The kinds that it consumes and that are not on the board.
        missing: Vec<Kind>,
    },
    /// It failed too often.
    #[error("the skill {skill} is put aside: {reason}")]
    PutAside {
        /// The skill.
        skill: String,
        /// Why.
        reason: String,
    },
    /// It cannot be recorded.
    #[error(transparent)]
    Casebook(#[from] CasebookError),
}

/// What gave the evidence that nobody knows more of.
const GIVEN: &str = "given@0.0.0";

impl Runtime {
    /// Takes one step of a skill in a new case, which ends with it. The step is the last of the case; one that was cancelled has no call.
    pub async fn step(
        self: &Arc<Self>,
        book: &Casebook,
        asked: Asked,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, NotAsked> {
        let entry = &asked.entry;
        let skill = entry.skill.id();
        let aside = put_aside(book, &self.catalog)?;
        if let Some(aside) = aside.into_iter().find(|aside| aside.digest == entry.skill.digest.to_string()) {
            return Err(NotAsked::PutAside { skill, reason: aside.reason });
        }
        let there: BTreeSet<Kind> = match &asked.known {
            Known::Given(findings) => findings.iter().map(|finding| finding.body.kind()).collect(),
            Known::Of(case) => case.board.iter().map(|posted| posted.evidence.finding.body.kind()).collect(),
        };
        let missing: Vec<Kind> =
            entry.skill.manifest.consumes.iter().filter(|kind| !there.contains(kind)).cloned().collect();
        if !missing.is_empty() {
            return Err(NotAsked::Missing { skill, missing });
        }
        let mut opened = self.opened(book, asked.incident.clone()).await?;
        alone(&mut opened, entry, &asked.known);
        let log = book.open_case(opened)?;
        watcher(&Progress::Opened(log.case().id));
        let span = span(log.case());
        Ok(self.take_asked(log, asked, watcher, cancel).instrument(span).await?)
    }

    async fn take_asked(
        self: &Arc<Self>,
        mut log: CaseLog,
        asked: Asked,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        let Asked { entry, known, reason, .. } = asked;
        let began = Instant::now();
        stand(&mut log, known)?;
        let board = Board::of(log.case());
        let Shown { inputs, withheld } = shown(&board, &entry);
        let planned = PlannedStep {
            step: format!("s{}", log.case().steps.len() + 1),
            skill: entry.skill.id(),
            digest: entry.skill.digest,
            reason: explained(reason, &withheld, &board, &entry),
            inputs,
            withheld,
        };
        let steps = [planned];
        log.append(Event::Planned(Planned { steps: steps.to_vec() }))?;
        let wave = Wave {
            watcher: &watcher,
            cancel: &cancel,
            budget: &self.budget,
            left: left(&self.budget, log.case(), began.elapsed()),
        };
        self.take(&mut log, &steps, &wave).await?;
        let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let reason = if cancel.is_cancelled() {
            "the one step that was asked for was cancelled"
        } else {
            "one step was asked for, and it is over"
        };
        log.append(Event::Cancelled(Cancelled { reason: reason.to_owned(), wall_ms }))?;
        log.release()
    }
}

/// The first event of a case of one step: incidents do not join it, no other skill is planned in it, and it says what it goes on from.
fn alone(opened: &mut Opened, entry: &Entry, known: &Known) {
    opened.fingerprint = format!("{}/{}", opened.fingerprint, entry.skill.id());
    Terms::alone(opened);
    opened.catalog.retain(|one| one.digest == entry.skill.digest);
    if let Known::Of(case) = known {
        opened.earlier = Some(case.id);
        let found = |digest: &Digest| case.board.iter().any(|posted| author(case, &posted.step) == Some(*digest));
        for other in case.catalogs().flatten().filter(|other| found(&other.digest)) {
            if opened.catalog.iter().all(|one| one.digest != other.digest) {
                opened.catalog.push(other.clone());
            }
        }
    }
}

fn author(case: &Case, step: &str) -> Option<Digest> {
    case.step(step).map(|step| step.planned.digest)
}

/// Puts on the board what stands there before the step, each piece with its author and its origin.
fn stand(log: &mut CaseLog, known: Known) -> Result<(), CasebookError> {
    match known {
        Known::Given(findings) if findings.is_empty() => Ok(()),
        Known::Given(mut findings) => {
            let ids: Vec<String> = (1..=findings.len()).map(|n| format!("e{n}")).collect();
            findings.iter_mut().for_each(|finding| unlink(finding, &ids));
            let evidence = ids.into_iter().zip(findings);
            let evidence = evidence.map(|(id, finding)| Evidence { id, by: GIVEN.to_owned(), finding }).collect();
            let planned = PlannedStep {
                step: "s1".to_owned(),
                skill: GIVEN.to_owned(),
                digest: Digest([0; 32]),
                inputs: Vec::new(),
                withheld: Vec::new(),
                reason: "its evidence was given by whoever asked".to_owned(),
            };
            recall(log, planned, evidence, Tool::CONFIDENTIAL.into())
        }
        Known::Of(case) => {
            for step in case.steps.iter().filter(|step| step.accepted.as_ref().is_some_and(|found| !found.is_empty())) {
                let of_step = case.board.iter().filter(|posted| posted.step == step.planned.step);
                let tools = of_step.clone().flat_map(|posted| posted.tools.iter().copied()).collect();
                let evidence = of_step.map(|posted| posted.evidence.clone()).collect();
                let reason = format!("its evidence is that of step {} of the case {}", step.planned.step, case.id);
                let planned =
                    PlannedStep { step: format!("s{}", log.case().steps.len() + 1), reason, ..step.planned.clone() };
                recall(log, planned, evidence, tools)?;
            }
            Ok(())
        }
    }
}

/// Records a step whose findings are known already, without a call.
fn recall(
    log: &mut CaseLog,
    planned: PlannedStep,
    evidence: Vec<Evidence>,
    tools: BTreeSet<Tool>,
) -> Result<(), CasebookError> {
    let step = planned.step.clone();
    let mut outcome = Outcome::without_call(Status::Ok, "it was not called: what it found was known".to_owned());
    outcome.findings = evidence.iter().map(|evidence| evidence.finding.clone()).collect();
    let mut batch = Batch::default();
    batch.push(Event::Planned(Planned { steps: vec![planned] }));
    batch.push_call(&step, 1, &outcome, Vec::new());
    batch.push(Event::Accepted(Accepted { step, evidence, tools }));
    log.append(batch)
}

/// Links to nothing that is not there.
fn unlink(finding: &mut Finding, ids: &[String]) {
    finding.because.retain(|id| ids.contains(id));
    if let FindingBody::Dismissal(dismissal) = &mut finding.body {
        dismissal.of = dismissal.of.take().filter(|id| ids.contains(id));
    }
}

fn kinds(kinds: &[Kind]) -> String {
    kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
