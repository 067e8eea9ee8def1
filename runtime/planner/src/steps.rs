//! Taking the steps of one wave: what each is given, its call, and what of it is recorded.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_casebook::{
    Accepted, Batch, Case, CaseLog, Casebook, CasebookError, Event, Intended, Judged, PlannedStep,
};
use negawatt_host::grants::{Denial, Rights};
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::{Answer, Error, Evidence, Finding, Incident};
use negawatt_host::text::shorten;
use negawatt_host::{Effects, Envelope, Origin, Outcome, Precedents, Scope, SharedBudget, Status, Tools};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use crate::board::{Board, Item};
use crate::catalog::Entry;
use crate::egress::{self, Numbering, Shown};
use crate::given::Given;
use crate::precedents::OfStep;
use crate::run::{Progress, Runtime, Watcher, seed};

/// What all steps of a wave share.
pub(crate) struct Wave<'a> {
    pub(crate) watcher: &'a Watcher,
    pub(crate) cancel: &'a CancellationToken,
    /// What the case may spend, and what of that is left.
    pub(crate) budget: &'a CaseLimits,
    pub(crate) left: CaseLimits,
}

/// A call that can be made.
struct Prepared {
    entry: Entry,
    rights: Rights,
    envelope: Envelope,
    numbering: Numbering,
    given: Given,
}

/// How a call ended, and what it was given that the case does not say.
type Ended = (Outcome, Vec<(String, String)>);

/// What a call needs of its wave.
struct Shared<'a> {
    wave: &'a Wave<'a>,
    budget: Arc<SharedBudget>,
    intents: mpsc::UnboundedSender<Intent>,
    book: Casebook,
}

/// Characters of an effect's name, and of a failure's message, that are recorded.
const MAX_RECORDED: usize = 1_000;

/// A step is about to have an effect outside, and waits until that is recorded.
struct Intent {
    intended: Intended,
    recorded: oneshot::Sender<()>,
}

/// Brings the intents of one step to the owner of the log.
struct Intents {
    step: String,
    to: mpsc::UnboundedSender<Intent>,
}

#[async_trait]
impl Effects for Intents {
    async fn intend(&self, what: &str) -> Answer<()> {
        let gone = || Error::Cancelled("the case is not recorded any more, so nothing is sent".to_owned());
        let (recorded, is_recorded) = oneshot::channel();
        let intended = Intended { step: self.step.clone(), what: shorten(what, MAX_RECORDED) };
        self.to.send(Intent { intended, recorded }).map_err(|_| gone())?;
        is_recorded.await.map_err(|_| gone())
    }
}

/// Of a case that is only tried out: what the record has no answer to is not done.
struct NoEffects;

#[async_trait]
impl Effects for NoEffects {
    async fn intend(&self, what: &str) -> Answer<()> {
        Err(Error::Denied(format!(
            "a case of the record is only tried out: {} is not done",
            shorten(what, MAX_RECORDED)
        )))
    }
}

impl Runtime {
    /// Takes planned steps at the same time. Each call is recorded when it is over; what they found is accepted together, in
    /// plan order.
    pub(crate) async fn take(
        self: &Arc<Self>,
        log: &mut CaseLog,
        steps: &[PlannedStep],
        wave: &Wave<'_>,
    ) -> Result<(), CasebookError> {
        let called = |case: &Case, id: &str| case.step(id).is_some_and(|step| !step.calls.is_empty());
        let open: Vec<_> = steps.iter().filter(|step| !called(log.case(), &step.step)).collect();
        (wave.watcher)(&Progress::Planned(open.iter().map(|step| (*step).clone()).collect()));
        let mut calls = JoinSet::new();
        let mut running = HashMap::new();
        let (to, mut intents) = mpsc::unbounded_channel();
        let shared = Shared {
            wave,
            budget: Arc::new(SharedBudget::new(&wave.left, wave.budget)),
            intents: to,
            book: log.casebook().clone(),
        };
        for planned in open {
            let task = calls.spawn(self.clone().call(planned, log.case(), &shared));
            running.insert(task.id(), planned);
        }
        drop(shared);
        loop {
            let joined = tokio::select! {
                biased;
                Some(Intent { intended, recorded }) = intents.recv() => {
                    // Of a call that is over nothing happens any more: who asked gets no word, and does nothing.
                    if log.case().step(&intended.step).is_none_or(|step| !step.calls.is_empty()) {
                        continue;
                    }
                    log.append(Event::Intended(intended))?;
                    // Who does not wait any more does not do it either.
                    let _ = recorded.send(());
                    continue;
                }
                joined = calls.join_next_with_id() => joined,
            };
            let Some(joined) = joined else { break };
            // A panic is a defect of the host; it costs the case this step.
            let (task, (outcome, given)) = joined.unwrap_or_else(|error| {
                let failed = Outcome::without_call(Status::Error, "the host failed in this call".to_owned());
                (error.id(), (failed, Vec::new()))
            });
            let Some(planned) = running.remove(&task) else { continue };
            if wave.cancel.is_cancelled() && outcome.status == Status::Cancelled {
                // Not taken: it is when the case is taken up again.
                continue;
            }
            (wave.watcher)(&Progress::Called {
                step: planned.step.clone(),
                status: outcome.status,
                findings: outcome.findings.len(),
                wall_us: outcome.usage.wall_us,
            });
            let mut batch = Batch::default();
            batch.push_call(&planned.step, 1, &outcome, given);
            if let Some(judged) = judged(planned, &outcome, log.case(), self.host.limits().failures) {
                batch.judge(judged);
            }
            log.append(batch)?;
        }
        if wave.cancel.is_cancelled() {
            return Ok(());
        }
        let accepted = accepted(log.case(), steps);
        log.append(accepted)
    }

    /// One call of a planned step.
    fn call(
        self: Arc<Self>,
        planned: &PlannedStep,
        case: &Case,
        shared: &Shared<'_>,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let prepared = self.prepare(planned, case, shared);
        let span = debug_span!(
            "step",
            step = planned.step,
            skill = planned.skill,
            digest = %planned.digest,
            status = Empty,
            findings = Empty,
        );
        async move {
            let ended: Ended = match prepared {
                Ok(Prepared { entry, rights, envelope, numbering, given }) => {
                    let mut outcome = self.host.call(&entry.skill, &rights, envelope).await;
                    numbering.back(&mut outcome.findings);
                    (outcome, given.written())
                }
                Err(outcome) => (*outcome, Vec::new()),
            };
            let (status, findings) = (ended.0.status, ended.0.findings.len());
            Span::current().record("status", tracing::field::display(status)).record("findings", findings);
            ended
        }
        .instrument(span)
    }

    /// What a step's call is given, decided from the record and from what the operator grants; or why there is no call.
    fn prepare(&self, planned: &PlannedStep, case: &Case, shared: &Shared<'_>) -> Result<Prepared, Box<Outcome>> {
        let without = |status, text: String| Box::new(Outcome::without_call(status, text));
        let denied = |denial: Denial| without(Status::Denied, denial.to_string());
        let Some(opened) = &case.opened else {
            return Err(without(Status::Skipped, "the case's beginning is not known".to_owned()));
        };
        if let Some(what) = case.step(&planned.step).and_then(|step| step.intents.last()) {
            let text = format!(
                "the case was stopped in its call, which may have had an effect outside ({what}); it is not repeated"
            );
            return Err(without(Status::Error, text));
        }
        let Some(entry) = self.catalog.with_digest(&planned.digest) else {
            let text = match self.catalog.named(planned.name()) {
                Some(now) => {
                    format!("the skill was replaced by {} before it began, which is planned anew", now.skill.id())
                }
                None => "the skill was removed before it began".to_owned(),
            };
            return Err(without(Status::Skipped, text));
        };
        let rights = entry.rights.clone().map_err(denied)?;
        egress::admit(case, planned, &entry.skill, &rights).map_err(denied)?;
        let given = Given::of(&rights, entry.skill.origin, &shared.wave.left);
        let everything = entry.skill.origin == Origin::Bundled;
        let (mut envelope, numbering) = given.envelope(case, opened, planned, |evidence| {
            let (book, incident) = (shared.book.clone(), opened.incident.clone());
            let precedents = OfStep { book, incident, evidence: evidence.to_vec(), everything };
            // What is like a case of the record, the casebook of today must not say: it may know how that case ended.
            let precedents = self.tools.recorded.is_none().then(|| Arc::new(precedents) as Arc<dyn Precedents>);
            Tools { precedents, ..Tools::clone(&self.tools) }
        });
        let (watcher, step) = (shared.wave.watcher.clone(), planned.step.clone());
        let progress = move |fraction: f64, text: &str| {
            watcher(&Progress::Step { step: step.clone(), fraction, text: text.to_owned() });
        };
        envelope.budget = Some(shared.budget.clone());
        envelope.effects = Some(match self.tools.recorded {
            None => Arc::new(Intents { step: planned.step.clone(), to: shared.intents.clone() }),
            Some(_) => Arc::new(NoEffects),
        });
        envelope.cancel = shared.wave.cancel.child_token();
        envelope.progress = Some(Arc::new(progress));
        Ok(Prepared { entry: entry.clone(), rights, envelope, numbering, given })
    }

    /// Calls one skill alone, on a board that holds only the given findings. Nothing of it is recorded.
    pub async fn call_alone(&self, entry: &Entry, incident: &Incident, given: Vec<Finding>) -> Outcome {
        let mut board = Board::default();
        for (n, finding) in given.into_iter().enumerate() {
            let evidence = Evidence { id: format!("e{}", n + 1), by: "given@0.0.0".to_owned(), finding };
            board.accept(Item { evidence, step: String::new(), from: Default::default() });
        }
        let neighbours = (self.neighbours)(incident.service.clone(), self.reach.distance).await;
        self.call_on(&board, entry, incident, self.tools.clone(), neighbours).await
    }

    /// Calls one skill on a board, outside of any case: it is shown what it would be shown in one, with these tools, and with
    /// these neighbours in its scope. Nothing of it is recorded.
    pub async fn call_on(
        &self,
        board: &Board,
        entry: &Entry,
        incident: &Incident,
        tools: Arc<Tools>,
        neighbours: BTreeSet<String>,
    ) -> Outcome {
        let rights = match &entry.rights {
            Ok(rights) => rights,
            Err(denial) => return Outcome::without_call(Status::Denied, denial.to_string()),
        };
        let Shown { inputs, .. } = egress::shown(board, entry);
        let items = board.items().iter().filter(|item| inputs.contains(&item.evidence.id));
        let numbering = Numbering::of(egress::is_separated(rights, entry.skill.origin), &inputs);
        let mut envelope = Envelope::alone(incident.clone(), tools, rights.limits.clone());
        let look_back = self.reach.look_back(entry.skill.origin, incident);
        envelope.scope = Arc::new(Scope::of(incident, neighbours, look_back));
        envelope.case.evidence = items.map(|item| numbering.show(item.evidence.clone())).collect();
        envelope.case.explains =
            egress::explains(incident, board, &numbering, &inputs).and_then(|id| numbering.shown(&id));
        envelope.case.seed = seed(&[&incident.window.start.to_le_bytes(), &incident.window.end.to_le_bytes()]);
        envelope.case.fleet = self.fleet.get(&incident.service).copied();
        let mut outcome = self.host.call(&entry.skill, rights, envelope).await;
        numbering.back(&mut outcome.findings);
        outcome
    }
}

/// What the steps of a wave found becomes evidence, with the tools that it derives from: those that the step asked, and those of
/// all that it saw. What a skill says of that does not count.
pub(crate) fn accepted(case: &Case, steps: &[PlannedStep]) -> Vec<Event> {
    let mut accepted = Vec::new();
    let mut next = case.board.len() + 1;
    for planned in steps {
        let Some(call) = case.step(&planned.step).and_then(|step| step.last_call()) else { continue };
        let evidence = (next..).zip(&call.findings).map(|(n, finding)| Evidence {
            id: format!("e{n}"),
            by: planned.skill.clone(),
            finding: finding.clone(),
        });
        let evidence: Vec<_> = evidence.collect();
        next += evidence.len();
        let seen = planned.inputs.iter().filter_map(|id| case.evidence(id));
        let asked = call.answers.iter().map(|answer| answer.tool);
        let tools = asked.chain(seen.flat_map(|posted| posted.tools.iter().copied())).collect();
        accepted.push(Event::Accepted(Accepted { step: planned.step.clone(), evidence, tools }));
    }
    accepted
}

/// What a call says of its skill: that it works, or that it failed. How the operator, the case, the data or a server ended it says
/// nothing: a trap, what does not hold, and what the guest itself spent do. Where it was shown what a skill found that nobody
/// vouches for, that may be why it failed, and says nothing either.
fn judged(planned: &PlannedStep, outcome: &Outcome, case: &Case, most: u32) -> Option<Judged> {
    let failed = || {
        let message = shorten(outcome.message.as_deref().unwrap_or_default(), MAX_RECORDED);
        Some(format!("{} in {}/{}: {message}", outcome.status, case.id, planned.step))
    };
    let failure = match outcome.status {
        Status::Ok => None,
        Status::Trap | Status::Invalid => failed(),
        // Who computed for most of it took too long; who waited, for a tool or for the processor, did not.
        Status::Timeout if !outcome.case_spent && outcome.usage.guest_us > outcome.usage.wall_us / 2 => failed(),
        // What it returns is mostly what a tool told it, and no limit that it met itself.
        Status::OverBudget if !outcome.case_spent && !outcome.is_returned => failed(),
        _ => return None,
    };
    if failure.is_some() && planned.inputs.iter().any(|id| is_from_another_loaded(case, planned, id)) {
        return None;
    }
    Some(Judged { skill: planned.skill.clone(), digest: planned.digest, failure, most })
}

/// Whether evidence comes from a skill that an operator loaded, and not from the one that is shown it.
fn is_from_another_loaded(case: &Case, planned: &PlannedStep, id: &str) -> bool {
    let origin = |digest| case.entry(&digest).map(|entry| entry.origin);
    let author = case.evidence(id).and_then(|posted| case.step(&posted.step)).map(|step| step.planned.digest);
    author.is_some_and(|author| author != planned.digest && origin(author) != Some(Origin::Bundled))
}
