//! The loop that runs a case: plan, call, accept, until there is a verdict. Everything goes through the case's log, so a case
//! that was stopped goes on from there.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use negawatt_casebook::{
    Case, CaseId, CaseLog, Casebook, CasebookError, Concluded, Config, Dismissed, Ending, Event, Opened, Planned,
    PlannedStep,
};
use negawatt_host::json::{self, IncidentFile};
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::Fleet;
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Host, Kind, Status, Tools};
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use crate::board::{Board, Taken};
use crate::catalog::Catalog;
use crate::egress::{Shown, explained, shown};
use crate::planner::{Decision, Planner, Situation};
use crate::steps::Wave;
use crate::successor::Successor;
use crate::terms::{Reach, Terms, left};
use crate::verdict::conclude;

/// Services that the topology ties to one over at most so many calls (absent: any number), for the scope.
pub type Neighbours =
    Arc<dyn Fn(String, Option<u32>) -> Pin<Box<dyn Future<Output = BTreeSet<String>> + Send>> + Send + Sync>;

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
    /// How far the scope of a case reaches.
    pub reach: Reach,
    /// What one percent of a service is worth.
    pub fleet: HashMap<String, Fleet>,
    /// Where the configuration is, and its digest.
    pub config: Config,
    /// What a case may spend.
    pub budget: CaseLimits,
    /// What took its place.
    pub successor: Successor,
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
        self.begin(book.open_case(opened)?, watcher, cancel).await
    }

    /// Runs a case that was just opened ([`Runtime::opened`]) to its end.
    pub async fn begin(
        self: &Arc<Self>,
        log: CaseLog,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        watcher(&Progress::Opened(log.case().id));
        let span = span(log.case());
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
        book.claim(case)?;
        let log = book.resume(case)?;
        let span = span(log.case());
        self.run(log, watcher, cancel).instrument(span).await
    }

    async fn run(
        self: &Arc<Self>,
        mut log: CaseLog,
        watcher: Watcher,
        cancel: CancellationToken,
    ) -> Result<Case, CasebookError> {
        let began = Instant::now();
        let terms = Terms::read(log.opened());
        let budget = terms.budget.as_ref().unwrap_or(&self.budget);
        let mut runtime = self.latest();
        let mut catalog = runtime.equip(&mut log)?;
        while log.case().end.is_none() {
            // What is planned and what begins goes by what is loaded now, as in a case that is resumed.
            let now = runtime.latest();
            if !Arc::ptr_eq(&now, &runtime) {
                catalog = now.equip(&mut log)?;
                runtime = now;
            }
            let undecided = |case: &Case| -> Vec<PlannedStep> {
                case.steps.iter().filter(|step| step.accepted.is_none()).map(|step| step.planned.clone()).collect()
            };
            let steps = undecided(log.case());
            if !steps.is_empty() {
                let left = left(budget, log.case(), began.elapsed());
                let wave = Wave { watcher: &watcher, cancel: &cancel, budget, left };
                runtime.take(&mut log, &steps, &wave).await?;
            }
            if cancel.is_cancelled() {
                // The case stays open: it can be taken up where it was left.
                break;
            }
            // What was loaded while they ran decides of the next ones.
            if !steps.is_empty() {
                continue;
            }
            let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let board = Board::of(log.case());
            let left = left(budget, log.case(), began.elapsed());
            let decision = spent(&left).map(Decision::Conclude).unwrap_or_else(|| {
                runtime.planner.next(&Situation {
                    incident: &log.opened().incident,
                    board: &board,
                    catalog: &catalog,
                    knowledge: &terms.knowledge,
                    left: &left,
                })
            });
            let event = match decision {
                Decision::Run(choices) => {
                    let first = log.case().steps.len() + 1;
                    let steps = choices.into_iter().take(left.steps as usize).enumerate().map(|(n, choice)| {
                        let entry = &catalog.entries()[choice.entry];
                        let Shown { inputs, withheld } = shown(&board, entry);
                        PlannedStep {
                            step: format!("s{}", first + n),
                            skill: entry.skill.id(),
                            digest: entry.skill.digest,
                            reason: explained(choice.reason, &withheld, &board, entry),
                            inputs,
                            withheld,
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
        if let Some(concluded) = log.case().concluded() {
            Span::current().record("verdict", concluded.verdict.name());
        }
        log.release()
    }
}

/// Characters of a stranger's word in a span.
const MOST_OF_WORD: usize = 100;

/// The span in which a case runs; its verdict is noted when there is one.
pub(crate) fn span(case: &Case) -> Span {
    let incident = case.opened.as_ref().map(|opened| &opened.incident);
    debug_span!(
        "case",
        case = %case.id,
        service = incident.map(|incident| shorten(&printable(&incident.service), MOST_OF_WORD)),
        severity = incident.map(|incident| json::severity(incident.severity)),
        verdict = Empty,
    )
}

/// How a case ends whose budget is spent.
fn spent(left: &CaseLimits) -> Option<Ending> {
    match (left.steps == 0 || left.tool_calls == 0 || left.read_bytes == 0, left.time.is_zero()) {
        (true, _) => Some(Ending::BudgetSpent),
        (_, true) => Some(Ending::TimeOver),
        _ => None,
    }
}

fn concluded(opened: &Opened, catalog: &Catalog, board: &Board, ending: Ending, wall_ms: u64) -> Concluded {
    let taken = board.taken().iter().filter(|taken| taken.status != Status::Skipped);
    let taken: BTreeSet<_> = taken.map(Taken::name).collect();
    let unheard = catalog.producers(&Kind::Dismissal).map(|n| &catalog.entries()[n]).any(|entry| {
        let applicable = entry.skill.manifest.consumes.iter().all(|kind| board.has(kind));
        applicable && entry.rights.is_ok() && !taken.contains(entry.skill.manifest.name.as_str())
    });
    concluded_as(opened, board, unheard, ending, wall_ms)
}

/// The verdict, where it is known whether a skill that could dismiss the change did not get to run.
pub(crate) fn concluded_as(opened: &Opened, board: &Board, unheard: bool, ending: Ending, wall_ms: u64) -> Concluded {
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

/// A number for random ones; the same for the same parts.
pub(crate) fn seed(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let bytes = *hasher.finalize().as_bytes();
    u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}
