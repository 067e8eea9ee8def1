//! Past cases with another version of a skill: what would have come of them.
//!
//! A case is planned and run anew from what it was opened with, the candidate in the place of the skill that bore its name, or beside
//! the others where it is new. Tools answer from the record of the case, by questions; what that has no answer to is asked live
//! where somebody allows it, and else named. It all happens in a casebook in memory: nothing is written, and nothing is done outside.

use std::collections::BTreeSet;
use std::sync::Arc;

use negawatt_casebook::{Called, Case, CaseId, Casebook, CatalogEntry, Opened, Verdict, name_of};
use negawatt_host::grants::Rights;
use negawatt_host::model::Candidate;
use negawatt_host::{HttpRequest, Question, Replay, Status, Tool, Tools, decode};
use tokio_util::sync::CancellationToken;

use crate::answer::suspects;
use crate::catalog::{Catalog, Entry};
use crate::given::Given;
use crate::learn::{Truth, truth};
use crate::replay::{ReplayError, answers, check, is_run};
use crate::run::Runtime;
use crate::successor::Successor;

/// A case with a candidate, beside what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtested {
    /// The case.
    pub case: CaseId,
    /// What it is about.
    pub title: String,
    /// Whose rank is told: of the cause, where it is known what became of the case, and else of the first suspect then.
    pub culprit: Option<Culprit>,
    /// As it was recorded.
    pub before: Came,
    /// As it would have been.
    pub after: Came,
    /// What was asked, by whichever skill, and nobody answered.
    pub unanswered: Vec<Question>,
    /// Origins that the candidate asked over HTTP, and the old version did not.
    pub origins: BTreeSet<String>,
    /// Tools that the candidate asked, and the old version did not.
    pub tools: BTreeSet<Tool>,
    /// Other skills that ran out of time then, and were run anew: what they say now is not the candidate's doing.
    pub cut_short: Vec<String>,
}

/// Who is to blame for a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// Names it among its kind.
    pub id: String,
    /// Whether that is known; else it was only the first suspect.
    pub is_known: bool,
}

/// What a case came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict's.
    pub confidence: f64,
    /// The place of the culprit among the suspects, from 1; absent where it is none of them.
    pub rank: Option<usize>,
    /// How likely it is said to be.
    pub likely: Option<f64>,
    /// How the last step of the skill ended; absent where it took none.
    pub status: Option<Status>,
    /// Time in the skill, over all of its steps, in microseconds.
    pub guest_us: u64,
}

impl Backtested {
    /// Whether verdict, confidence and the culprit's place are as they were.
    pub fn is_same(&self) -> bool {
        let key = |came: &Came| (came.verdict, came.confidence.to_bits(), came.rank, came.likely.map(f64::to_bits));
        key(&self.before) == key(&self.after)
    }
}

impl Runtime {
    /// A concluded case with a candidate. `live` is what answers where the record does not.
    pub async fn backtest(
        self: &Arc<Self>,
        book: &Casebook,
        id: &CaseId,
        candidate: &Entry,
        live: Option<&Tools>,
        cancel: &CancellationToken,
    ) -> Result<Backtested, ReplayError> {
        let recorded = book.load(id)?;
        let (Some(opened), Some(_)) = (&recorded.opened, recorded.concluded()) else {
            return Err(ReplayError::Open { case: *id });
        };
        let name = &candidate.skill.manifest.name;
        check(book, &self.catalog, &recorded, |skill| is_named(skill, name))?;
        let mut known = Vec::new();
        for call in recorded.steps.iter().flat_map(|step| &step.calls) {
            known.extend(answers(book, call)?);
        }
        let replay = Arc::new(Replay::of_case(known));
        let tools = Tools { recorded: Some(replay.clone()), precedents: None, ..live.cloned().unwrap_or_default() };
        let runtime = Arc::new(Runtime {
            host: self.host.clone(),
            tools: Arc::new(tools),
            catalog: Arc::new(self.catalog_of(&recorded, candidate)),
            planner: self.planner.clone(),
            neighbours: self.neighbours.clone(),
            reach: self.reach,
            fleet: self.fleet.clone(),
            config: self.config.clone(),
            budget: self.budget.clone(),
            successor: Successor::default(),
        });
        let tried = Casebook::in_memory()?;
        let log = tried.open_case(self.opened_with(&recorded, opened, candidate))?;
        let now = runtime.begin(log, Arc::new(|_| {}), cancel.clone()).await?;
        let culprit = culprit(&recorded);
        let (Some(before), Some(after)) = (came(&recorded, name, &culprit), came(&now, name, &culprit)) else {
            return Err(ReplayError::Interrupted);
        };
        let (asked_before, asked_now) = (asked(book, &recorded, name)?, asked(&tried, &now, name)?);
        let late = recorded.steps.iter().filter(|step| step.status() == Status::Timeout);
        let late = late.map(|step| step.planned.skill.clone()).filter(|skill| !is_named(skill, name));
        Ok(Backtested {
            case: *id,
            title: opened.incident.title.clone(),
            culprit,
            before,
            after,
            unanswered: replay.unanswered(),
            origins: &asked_now.origins - &asked_before.origins,
            tools: &asked_now.tools - &asked_before.tools,
            cut_short: late.collect::<BTreeSet<_>>().into_iter().collect(),
        })
    }

    /// What the case is opened with: the skills that it ended with and that are there, and the candidate, which stands where the skill with its
    /// name stood, and sees as far back.
    fn opened_with(&self, case: &Case, opened: &Opened, candidate: &Entry) -> Opened {
        let skill = &candidate.skill;
        let is_there = |known: &&CatalogEntry| {
            is_named(&known.id, &skill.manifest.name) || self.catalog.with_digest(&known.digest).is_some()
        };
        let mut opened =
            Opened { catalog: case.catalog().iter().filter(is_there).cloned().collect(), ..opened.clone() };
        let old = opened.catalog.iter_mut().find(|entry| is_named(&entry.id, &skill.manifest.name));
        let look_back = old.as_ref().map(|old| old.look_back);
        let entry = CatalogEntry {
            id: skill.id(),
            digest: skill.digest,
            origin: skill.origin,
            look_back: look_back.unwrap_or_else(|| self.reach.look_back(skill.origin, &opened.incident)),
            produces: skill.manifest.produces.clone(),
        };
        match old {
            Some(old) => *old = entry,
            None => opened.catalog.push(entry),
        }
        opened
    }

    /// The skills of a case with what they were given then, and the candidate.
    fn catalog_of(&self, case: &Case, candidate: &Entry) -> Catalog {
        let mut catalog = Catalog::default();
        for known in case.catalog().iter().filter(|known| !is_named(&known.id, &candidate.skill.manifest.name)) {
            let Some(entry) = self.catalog.with_digest(&known.digest) else { continue };
            let called = |step: &&negawatt_casebook::Step| step.planned.digest == known.digest;
            let calls = || case.steps.iter().filter(called).filter_map(|step| step.last_call());
            let mut entry = entry.clone();
            if let Some(call) = calls().find(|call| is_run(call)) {
                let now = entry.rights.unwrap_or_else(|_| Rights::to_be_replayed(&entry.skill));
                let limits = Given::recorded(call).map_or_else(|| now.limits.clone(), |given| given.limits);
                entry.rights = Ok(Rights { limits, ..now });
            }
            catalog.push(entry);
        }
        catalog.push(candidate.clone());
        catalog
    }
}

/// What a skill asked in a case.
#[derive(Default)]
struct Asked {
    tools: BTreeSet<Tool>,
    origins: BTreeSet<String>,
}

fn asked(book: &Casebook, case: &Case, name: &str) -> Result<Asked, ReplayError> {
    let mut asked = Asked::default();
    for answer in calls(case, name).flat_map(|call| &call.answers) {
        asked.tools.insert(answer.tool);
        if answer.tool == Tool::Http {
            let request = decode::<HttpRequest>(&book.blob(&answer.request)?);
            asked.origins.extend(request.map(|request| request.origin.to_string()));
        }
    }
    Ok(asked)
}

fn calls<'a>(case: &'a Case, name: &'a str) -> impl Iterator<Item = &'a Called> {
    case.steps
        .iter()
        .filter(|step| is_named(&step.planned.skill, name))
        .flat_map(|step| &step.calls)
        .map(|called| &**called)
}

/// Whether `name@version` bears this name.
fn is_named(skill: &str, name: &str) -> bool {
    name_of(skill) == name
}

fn culprit(case: &Case) -> Option<Culprit> {
    let known = truth(case).and_then(|truth| match truth {
        Truth::Cause(id) | Truth::NotCause(_, Some(id)) => Some(id),
        Truth::NotCause(_, None) | Truth::Nothing => None,
    });
    match known {
        Some(id) => Some(Culprit { id, is_known: true }),
        None => suspects(case).into_iter().next().map(|suspect| Culprit { id: suspect.id, is_known: false }),
    }
}

fn came(case: &Case, name: &str, culprit: &Option<Culprit>) -> Option<Came> {
    let concluded = case.concluded()?;
    let suspects = suspects(case);
    // Services compete in a distribution of their own, and so they are counted.
    let is_service = |candidate: Candidate| candidate == Candidate::Service;
    let found = culprit.as_ref().and_then(|culprit| suspects.iter().find(|suspect| suspect.id == culprit.id));
    let rank = found.and_then(|found| {
        let rivals = suspects.iter().filter(|known| is_service(known.candidate) == is_service(found.candidate));
        rivals.zip(1..).find(|(known, _)| known.id == found.id).map(|(_, rank)| rank)
    });
    Some(Came {
        verdict: concluded.verdict,
        confidence: concluded.confidence,
        rank,
        likely: found.map(|found| found.confidence),
        status: calls(case, name).last().map(|call| call.status),
        guest_us: calls(case, name).map(|call| call.usage.guest_us).sum(),
    })
}
