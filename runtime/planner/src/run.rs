//! The loop that runs a case: plan, call, accept, until there is a verdict. Everything goes through the case's log, so a case
//! that was stopped goes on from there.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use negawatt_casebook::{
    Accepted, Batch, Case, CaseId, CaseLog, Casebook, CasebookError, CatalogEntry, Concluded, Config, Dismissed,
    Ending, Event, Opened, Planned, PlannedStep,
};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::{Budget, CaseView, Evidence, Finding, Fleet, Incident};
use negawatt_host::text::printable;
use negawatt_host::{BUNDLED_LOOK_BACK, Envelope, Host, Kind, Origin, Outcome, Scope, Status, Tools};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug_span};

use crate::board::{Board, Item};
use crate::catalog::{Catalog, Entry};
use crate::planner::{Decision, Experience, Knowledge, Planner, Situation};
use crate::verdict::{conclude, explaining_change};

/// Services that the topology ties to one, for the scope.
pub type Neighbours = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = BTreeSet<String>> + Send>> + Send + Sync>;

/// All that cases share: the host, the tools, the skills, and what the operator said.
pub struct Runtime {
    /// Calls skills.
    pub host: Arc<Host>,
    /// What stands behind the tools.
    pub tools: Arc<Tools>,
    /// The skills.
    pub catalog: Arc<Catalog>,
    /// Chooses steps.
    pub planner: Arc<dyn Planner>,
    /// The topology, for the scope of a case.
    pub neighbours: Neighbours,
    /// What one percent of a service is worth.
    pub fleet: HashMap<String, Fleet>,
    /// Where the configuration is, and its digest.
    pub config: Config,
    /// What a case may spend.
    pub budget: CaseLimits,
}

/// What happens while a case runs, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The case has an id.
    Opened(CaseId),
    /// These steps run now.
    Planned(Vec<PlannedStep>),
    /// A skill says how far it is, from 0 to 1, and what it does; untrusted.
    Step {
        /// The step.
        step: String,
        /// How far.
        fraction: f64,
        /// What it does.
        text: String,
    },
    /// A step is over.
    Called {
        /// The step.
        step: String,
        /// How it ended.
        status: Status,
        /// How many findings it returned.
        findings: usize,
        /// Wall time in microseconds.
        wall_us: u64,
    },
}

/// Hears of progress.
pub type Watcher = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Past cases that are looked at for what skills cost and bring.
const REMEMBERED_CASES: usize = 20;

/// The name under which a case's record keeps what was learned before it.
const KNOWLEDGE: &str = "knowledge";

impl Runtime {
    /// Opens a new case for an incident and runs it to its end.
    pub async fn investigate(
        self: &Arc<Self>,
        book: &Casebook,
        file: IncidentFile,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        let opened = self.opened(book, file).await?;
        let log = book.open_case(opened)?;
        watcher(&Progress::Opened(log.case().id));
        let span = debug_span!("case", id = %log.case().id);
        self.run(log, watcher, cancel).instrument(span).await
    }

    /// Takes up a case where it was left, and runs it to its end. A case that has ended stays as it is.
    pub async fn resume(
        self: &Arc<Self>,
        book: &Casebook,
        case: &CaseId,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        let log = book.resume(case)?;
        let span = debug_span!("case", id = %log.case().id);
        self.run(log, watcher, cancel).instrument(span).await
    }

    async fn opened(&self, book: &Casebook, file: IncidentFile) -> Result<Opened, CasebookError> {
        let IncidentFile { incident, fingerprint } = file;
        let knowledge = serde_json::to_string(&experience(book)?).unwrap_or_default();
        let catalog = self.catalog.entries().iter().map(|entry| CatalogEntry {
            id: entry.skill.id(),
            digest: entry.skill.digest,
            origin: entry.skill.origin,
            look_back: look_back(entry, &incident),
            produces: entry.skill.manifest.produces.clone(),
        });
        Ok(Opened {
            // The case stands at the end of what is known, so that the same incident gives the same answer tomorrow.
            now: incident.window.end,
            seed: seed(&[
                fingerprint.as_bytes(),
                &incident.window.start.to_le_bytes(),
                &incident.window.end.to_le_bytes(),
            ]),
            neighbours: (self.neighbours)(incident.service.clone()).await,
            catalog: catalog.collect(),
            fleet: self.fleet.get(&incident.service).copied(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            earlier: book.latest(&fingerprint)?,
            config: self.config.clone(),
            extra: vec![(KNOWLEDGE.to_owned(), knowledge)],
            incident,
            fingerprint,
        })
    }

    async fn run(
        self: &Arc<Self>,
        mut log: CaseLog,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        let began = Instant::now();
        // A case is planned over the skills that it was opened with, whatever was added since.
        let catalog = self.catalog.restricted(log.opened().catalog.iter().map(|entry| entry.digest));
        let known = log.opened().extra.iter().find(|(name, _)| name == KNOWLEDGE);
        let knowledge: Knowledge = known.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
        while log.case().end.is_none() {
            let undecided = |case: &Case| -> Vec<PlannedStep> {
                case.steps.iter().filter(|step| step.accepted.is_none()).map(|step| step.planned.clone()).collect()
            };
            let steps = undecided(log.case());
            if !steps.is_empty() {
                self.take(&mut log, &steps, &watcher, &cancel).await?;
            }
            if cancel.is_cancelled() {
                // The case stays open: it can be taken up where it was left.
                break;
            }
            let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let board = Board::of(log.case());
            let decision = match self.spent(log.case(), began.elapsed()) {
                Some(ending) => Decision::Conclude(ending),
                None => self.planner.next(&Situation {
                    incident: &log.opened().incident,
                    board: &board,
                    catalog: &catalog,
                    knowledge: &knowledge,
                    steps_left: (self.budget.steps as usize).saturating_sub(log.case().steps.len()),
                }),
            };
            let event = match decision {
                Decision::Run(choices) => {
                    let first = log.case().steps.len() + 1;
                    let steps = choices.into_iter().enumerate().map(|(n, choice)| {
                        let entry = &catalog.entries()[choice.entry];
                        PlannedStep {
                            step: format!("s{}", first + n),
                            skill: entry.skill.id(),
                            digest: entry.skill.digest,
                            inputs: board.shown(entry.sees()).iter().map(|item| item.evidence.id.clone()).collect(),
                            reason: choice.reason,
                        }
                    });
                    Event::Planned(Planned { steps: steps.collect() })
                }
                Decision::Conclude(ending) => {
                    Event::Concluded(concluded(log.opened(), &catalog, &board, ending, wall_ms))
                }
            };
            log.append(vec![event])?;
        }
        let case = log.case().clone();
        log.release()?;
        Ok(case)
    }

    /// Whether a budget of the case is spent.
    fn spent(&self, case: &Case, wall: Duration) -> Option<Ending> {
        let budget = &self.budget;
        let spent = case.steps.len() >= budget.steps as usize
            || case.usage.tool_calls >= u64::from(budget.tool_calls)
            || case.usage.read_bytes >= budget.read_bytes;
        match (spent, wall >= budget.time) {
            (true, _) => Some(Ending::BudgetSpent),
            (_, true) => Some(Ending::TimeOver),
            _ => None,
        }
    }

    /// Takes planned steps at the same time. Each call is recorded when it is over; what they found is accepted together, in
    /// plan order.
    async fn take(
        self: &Arc<Self>,
        log: &mut CaseLog,
        steps: &[PlannedStep],
        watcher: &Watcher,
        cancel: &CancellationToken,
    ) -> Result<(), CasebookError> {
        let called = |case: &Case, id: &str| case.step(id).is_some_and(|step| !step.calls.is_empty());
        let open: Vec<_> = steps.iter().filter(|step| !called(log.case(), &step.step)).collect();
        watcher(&Progress::Planned(open.iter().map(|step| (*step).clone()).collect()));
        let mut calls = JoinSet::new();
        let mut running = HashMap::new();
        for planned in open {
            let task = calls.spawn(self.clone().call(planned, log.case(), watcher, cancel));
            running.insert(task.id(), planned.step.clone());
        }
        while let Some(joined) = calls.join_next_with_id().await {
            // A panic is a defect of the host; it costs the case this step.
            let (task, outcome) = joined.unwrap_or_else(|error| {
                (error.id(), Outcome::without_call(Status::Error, "the host failed in this call".to_owned()))
            });
            let Some(step) = running.remove(&task) else { continue };
            if cancel.is_cancelled() && outcome.status == Status::Cancelled {
                // Not taken: it is when the case is taken up again.
                continue;
            }
            watcher(&Progress::Called {
                step: step.clone(),
                status: outcome.status,
                findings: outcome.findings.len(),
                wall_us: outcome.usage.wall_us,
            });
            let mut batch = Batch::default();
            batch.push_call(&step, 1, &outcome);
            log.append(batch)?;
        }
        if cancel.is_cancelled() {
            return Ok(());
        }
        let mut accepted = Vec::new();
        let mut next = log.case().board.len() + 1;
        for planned in steps {
            let Some(step) = log.case().step(&planned.step) else { continue };
            let Some(call) = step.last_call() else { continue };
            let evidence: Vec<_> = call
                .findings
                .iter()
                .map(|finding| {
                    let id = format!("e{next}");
                    next += 1;
                    Evidence { id, by: planned.skill.clone(), finding: finding.clone() }
                })
                .collect();
            let seen = planned.inputs.iter().filter_map(|id| log.case().evidence(id));
            let tools =
                call.answers.iter().map(|answer| answer.tool).chain(seen.flat_map(|posted| posted.tools.clone()));
            let tools = tools.collect();
            accepted.push(Event::Accepted(Accepted { step: planned.step.clone(), evidence, tools }));
        }
        log.append(accepted)
    }

    /// One call of a planned step.
    fn call(
        self: Arc<Self>,
        planned: &PlannedStep,
        case: &Case,
        watcher: &Watcher,
        cancel: &CancellationToken,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let prepared = self.prepare(planned, case, watcher, cancel);
        let span = debug_span!("step", step = planned.step, skill = planned.skill);
        async move {
            match prepared {
                Ok((entry, envelope)) => match &entry.rights {
                    Ok(rights) => self.host.call(&entry.skill, rights, envelope).await,
                    Err(denial) => Outcome::without_call(Status::Denied, denial.to_string()),
                },
                Err(outcome) => *outcome,
            }
        }
        .instrument(span)
    }

    fn prepare(
        &self,
        planned: &PlannedStep,
        case: &Case,
        watcher: &Watcher,
        cancel: &CancellationToken,
    ) -> Result<(Entry, Envelope), Box<Outcome>> {
        let skipped = |text: &str| Box::new(Outcome::without_call(Status::Skipped, text.to_owned()));
        let Some(opened) = &case.opened else { return Err(skipped("the case's beginning is not known")) };
        let Some(entry) = self.catalog.with_digest(&planned.digest) else {
            return Err(skipped("the skill with these bytes is not there any more"));
        };
        let evidence = planned.inputs.iter().filter_map(|id| case.evidence(id)).map(|posted| posted.evidence.clone());
        let (watcher, step) = (watcher.clone(), planned.step.clone());
        let progress = move |fraction: f64, text: &str| {
            watcher(&Progress::Step { step: step.clone(), fraction, text: text.to_owned() });
        };
        let mut envelope = self.envelope(
            entry,
            &opened.incident,
            &opened.neighbours,
            evidence.collect(),
            seed(&[&opened.seed.to_le_bytes(), planned.step.as_bytes()]),
        );
        envelope.case.now = opened.now;
        envelope.case.fleet = opened.fleet;
        envelope.case.explains =
            explaining_change(&opened.incident, &Board::of(case)).map(|item| item.evidence.id.clone());
        envelope.cancel = cancel.child_token();
        envelope.progress = Some(Arc::new(progress));
        Ok((entry.clone(), envelope))
    }

    fn envelope(
        &self,
        entry: &Entry,
        incident: &Incident,
        neighbours: &BTreeSet<String>,
        evidence: Vec<Evidence>,
        seed: u64,
    ) -> Envelope {
        let limits = entry.rights.as_ref().map(|rights| rights.limits.clone()).unwrap_or_default();
        let scope = Scope::of(incident, neighbours.iter().cloned(), look_back(entry, incident));
        Envelope {
            case: CaseView {
                incident: incident.clone(),
                now: incident.window.end,
                evidence,
                explains: None,
                budget: Budget {
                    tool_calls: limits.tool_calls,
                    read_bytes: limits.read_bytes,
                    findings: limits.findings,
                    time: u64::try_from(limits.time.as_micros()).unwrap_or(u64::MAX),
                },
                seed,
                fleet: None,
                extra: Vec::new(),
            },
            scope: Arc::new(scope),
            tools: self.tools.clone(),
            limits,
            cancel: CancellationToken::new(),
            progress: None,
            effects: None,
        }
    }

    /// Calls one skill alone, on a board that holds only the given findings.
    pub async fn call_alone(&self, entry: &Entry, incident: &Incident, given: Vec<Finding>) -> Outcome {
        let rights = match &entry.rights {
            Ok(rights) => rights,
            Err(denial) => return Outcome::without_call(Status::Denied, denial.to_string()),
        };
        let mut board = Board::default();
        for (n, finding) in given.into_iter().enumerate() {
            let evidence = Evidence { id: format!("e{}", n + 1), by: "given@0.0.0".to_owned(), finding };
            board.accept(Item { evidence, step: String::new(), from: BTreeSet::new() });
        }
        let shown = board.shown(entry.sees()).into_iter().map(|item| item.evidence.clone()).collect();
        let seed = seed(&[&incident.window.start.to_le_bytes(), &incident.window.end.to_le_bytes()]);
        let neighbours = (self.neighbours)(incident.service.clone()).await;
        let mut envelope = self.envelope(entry, incident, &neighbours, shown, seed);
        envelope.case.fleet = self.fleet.get(&incident.service).copied();
        envelope.case.explains = explaining_change(incident, &board).map(|item| item.evidence.id.clone());
        self.host.call(&entry.skill, rights, envelope).await
    }
}

fn concluded(opened: &Opened, catalog: &Catalog, board: &Board, ending: Ending, wall_ms: u64) -> Concluded {
    let taken: BTreeSet<_> = board.taken().iter().map(|taken| taken.digest).collect();
    let unheard = catalog.producers(&Kind::Dismissal).map(|n| &catalog.entries()[n]).any(|entry| {
        let applicable = entry.skill.manifest.consumes.iter().all(|kind| board.has(kind));
        applicable && entry.rights.is_ok() && !taken.contains(&entry.skill.digest)
    });
    let conclusion = conclude(&opened.incident, board, unheard);
    Concluded {
        verdict: conclusion.verdict,
        confidence: conclusion.confidence,
        dismissal: conclusion.dismissal.map(|(reason, detail)| Dismissed { reason, detail }),
        change_point: conclusion.change,
        would_settle: conclusion.missing,
        wall_ms,
        ending,
    }
}

/// How far before the window a skill may look: bundled ones four weeks, others as long again as the window.
fn look_back(entry: &Entry, incident: &Incident) -> u64 {
    match entry.skill.origin {
        Origin::Bundled => BUNDLED_LOOK_BACK.max(Scope::default_look_back(incident)),
        Origin::Loaded => Scope::default_look_back(incident),
    }
}

/// What past cases say of skills.
pub fn experience(book: &Casebook) -> Result<Knowledge, CasebookError> {
    let mut knowledge = Knowledge::default();
    for summary in book.list(REMEMBERED_CASES)?.iter().filter(|summary| summary.end.is_some()) {
        let Ok(case) = book
            .load(&summary.id)
            .inspect_err(|error| tracing::warn!("nothing is learned from a case: {}", printable(&error.to_string())))
        else {
            continue;
        };
        for step in case.steps {
            let (Some(call), Some((name, _))) = (step.last_call(), step.planned.skill.split_once('@')) else {
                continue;
            };
            if call.usage.wall_us == 0 {
                continue;
            }
            let known: &mut Experience = knowledge.0.entry(name.to_owned()).or_default();
            known.runs += 1;
            known.useful += u64::from(!call.findings.is_empty());
            known.wall_us += call.usage.wall_us;
        }
    }
    Ok(knowledge)
}

fn seed(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let bytes = *hasher.finalize().as_bytes();
    u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}
