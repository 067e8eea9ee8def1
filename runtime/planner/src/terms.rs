//! What a case starts from. All that later decides anything is in its first event: a case that goes on tomorrow goes on as it
//! began, whatever was configured or learned since. Only its skills and their rights are those of the time at which a step begins: which
//! skills these are is recorded when it changes.

use std::collections::BTreeSet;
use std::time::Duration;

use negawatt_casebook::{Case, CaseLog, Casebook, CasebookError, CatalogEntry, Equipped, Event, Opened, Standing};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::{Incident, Timestamp};
use negawatt_host::text::printable;
use negawatt_host::{BUNDLED_LOOK_BACK, Origin, Scope, Status, time};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Entry};
use crate::planner::{Experience, Knowledge};
use crate::reliability::reliabilities;
use crate::run::{Runtime, seed};

/// How far the scope of a case reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Calls between services, in the topology, from the incident's service; absent for all that are reachable.
    pub distance: Option<u32>,
    /// How far before the window skills may look; absent for as long again as the window, and 28 days for bundled skills.
    pub look_back: Option<Duration>,
}

impl Reach {
    /// How far before the window a skill may look, in microseconds.
    pub(crate) fn look_back(&self, origin: Origin, incident: &Incident) -> u64 {
        let as_long_again = Scope::default_look_back(incident);
        match (self.look_back, origin) {
            (Some(look_back), _) => u64::try_from(look_back.as_micros()).unwrap_or(u64::MAX),
            (None, Origin::Bundled) => BUNDLED_LOOK_BACK.max(as_long_again),
            (None, Origin::Loaded) => as_long_again,
        }
    }
}

/// A skill that a case does not plan, because it failed too often before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAside {
    /// The skill, as `name@version`.
    pub skill: String,
    /// Of its component, as it is written.
    pub digest: String,
    /// When it was put aside.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

impl PutAside {
    /// Of a standing that says so.
    pub fn of(standing: &Standing) -> Option<PutAside> {
        let reason = format!("it failed {} times in a row; the last: {}", standing.failures, standing.reason);
        let (skill, digest) = (standing.skill.clone(), standing.digest.to_string());
        Some(PutAside { skill, digest, since: standing.since?, reason })
    }
}

/// What a case was opened with, beside what its first event has fields for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    /// What was learned from earlier cases.
    pub knowledge: Knowledge,
    /// What the case may spend; absent in cases of older versions.
    pub budget: Option<CaseLimits>,
    /// How far its scope was to reach. What came of it are the first event's neighbours, and the look-back of each skill.
    pub reach: Reach,
    /// The skills that were put aside.
    pub put_aside: Vec<PutAside>,
    /// Whether it is a case of one step, in which no other skill is planned.
    pub is_alone: bool,
}

const KNOWLEDGE: &str = "knowledge";
const BUDGET: &str = "budget";
const REACH: &str = "reach";
const PUT_ASIDE: &str = "put-aside";
const ALONE: &str = "alone";

impl Terms {
    /// As a case recorded them.
    pub fn of(case: &Case) -> Terms {
        let terms = case.opened.as_deref().map(Terms::read).unwrap_or_default();
        match case.equipped.last() {
            Some(equipped) => Terms { put_aside: read(&equipped.extra, PUT_ASIDE), ..terms },
            None => terms,
        }
    }

    pub(crate) fn read(opened: &Opened) -> Terms {
        let extra = &opened.extra;
        Terms {
            knowledge: read(extra, KNOWLEDGE),
            budget: read(extra, BUDGET),
            reach: read(extra, REACH),
            put_aside: read(extra, PUT_ASIDE),
            is_alone: read(extra, ALONE),
        }
    }

    /// Makes what a case is opened with that of a case of one step.
    pub(crate) fn alone(opened: &mut Opened) {
        opened.extra.push((ALONE.to_owned(), true.to_string()));
    }

    fn written(&self) -> Vec<(String, String)> {
        let text = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
        vec![
            (KNOWLEDGE.to_owned(), text(serde_json::to_string(&self.knowledge))),
            (BUDGET.to_owned(), text(serde_json::to_string(&self.budget))),
            (REACH.to_owned(), text(serde_json::to_string(&self.reach))),
            (PUT_ASIDE.to_owned(), text(serde_json::to_string(&self.put_aside))),
        ]
    }

    /// The skills that a case may plan: those that its record says, but for those that were put aside.
    pub(crate) fn catalog(&self, all: &Catalog, case: &Case) -> Catalog {
        let aside: BTreeSet<&str> = self.put_aside.iter().map(|aside| aside.digest.as_str()).collect();
        let digests = case.catalog().iter().map(|entry| entry.digest);
        all.restricted(digests.filter(|digest| !aside.contains(digest.to_string().as_str())))
    }
}

fn read<T: for<'a> Deserialize<'a> + Default>(extra: &[(String, String)], name: &str) -> T {
    let found = extra.iter().find(|(known, _)| known == name);
    found.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Skills of a catalog that are put aside now.
pub fn put_aside(book: &Casebook, catalog: &Catalog) -> Result<Vec<PutAside>, CasebookError> {
    let there = |standing: &Standing| catalog.with_digest(&standing.digest).is_some();
    Ok(book.standings()?.iter().filter(|standing| there(standing)).filter_map(PutAside::of).collect())
}

impl Runtime {
    /// The first event of a new case.
    pub async fn opened(&self, book: &Casebook, file: IncidentFile) -> Result<Opened, CasebookError> {
        let IncidentFile { incident, fingerprint } = file;
        let terms = Terms {
            knowledge: experience(book, &self.catalog, time::now())?,
            budget: Some(self.budget.clone()),
            reach: self.reach,
            put_aside: put_aside(book, &self.catalog)?,
            is_alone: false,
        };
        Ok(Opened {
            // The case stands at the end of what is known, so that the same incident gives the same answer tomorrow.
            now: incident.window.end,
            seed: seed(&[
                fingerprint.as_bytes(),
                &incident.window.start.to_le_bytes(),
                &incident.window.end.to_le_bytes(),
            ]),
            neighbours: (self.neighbours)(incident.service.clone(), self.reach.distance).await,
            catalog: self.catalog.entries().iter().map(|entry| self.entry(entry, &incident)).collect(),
            fleet: self.fleet.get(&incident.service).copied(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            earlier: book.latest(&fingerprint)?,
            config: self.config.clone(),
            extra: terms.written(),
            incident,
            fingerprint,
        })
    }

    fn entry(&self, entry: &Entry, incident: &Incident) -> CatalogEntry {
        CatalogEntry {
            id: entry.skill.id(),
            digest: entry.skill.digest,
            origin: entry.skill.origin,
            look_back: self.reach.look_back(entry.skill.origin, incident),
            produces: entry.skill.manifest.produces.clone(),
        }
    }

    /// The skills that a case is planned over from now on: those that are loaded. Where its record says others, these are recorded first. A
    /// case of one step has its own, as far as that is loaded.
    pub(crate) fn equip(&self, log: &mut CaseLog) -> Result<Catalog, CasebookError> {
        let digests = |catalog: &[CatalogEntry]| catalog.iter().map(|entry| entry.digest.0).collect::<BTreeSet<_>>();
        let loaded = self.catalog.entries();
        let now: BTreeSet<_> = loaded.iter().map(|entry| entry.skill.digest.0).collect();
        if log.case().end.is_none() && !Terms::of(log.case()).is_alone && digests(log.case().catalog()) != now {
            let (case, incident) = (log.case(), &log.opened().incident);
            // How far back a skill may look stays as it was.
            let entry =
                |entry: &Entry| case.entry(&entry.skill.digest).cloned().unwrap_or_else(|| self.entry(entry, incident));
            let aside = put_aside(log.casebook(), &self.catalog)?;
            let extra = vec![(PUT_ASIDE.to_owned(), serde_json::to_string(&aside).unwrap_or_default())];
            let equipped = Equipped { catalog: loaded.iter().map(entry).collect(), extra };
            log.append(Event::Equipped(equipped))?;
        }
        Ok(Terms::of(log.case()).catalog(&self.catalog, log.case()))
    }
}

/// Past cases that are looked at for what skills cost and bring.
const REMEMBERED_CASES: usize = 20;

/// What past cases say of the skills of a catalog, at a time.
pub fn experience(book: &Casebook, catalog: &Catalog, now: Timestamp) -> Result<Knowledge, CasebookError> {
    let mut knowledge = Knowledge::default();
    for (digest, reliability) in reliabilities(book, now)? {
        if let Some(entry) = catalog.with_digest(&digest) {
            let known: &mut Experience = knowledge.0.entry(entry.skill.manifest.name.clone()).or_default();
            known.weight = reliability.weight();
        }
    }
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

/// What is left of a case's budget, as its record and its wall time say.
pub(crate) fn left(budget: &CaseLimits, case: &Case, wall: Duration) -> CaseLimits {
    let used = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    // A step whose skill was gone before it began cost nothing.
    let taken = case.steps.iter().filter(|step| step.last_call().is_none_or(|call| call.status != Status::Skipped));
    CaseLimits {
        steps: budget.steps.saturating_sub(used(taken.count() as u64)),
        tool_calls: budget.tool_calls.saturating_sub(used(case.usage.tool_calls)),
        read_bytes: budget.read_bytes.saturating_sub(case.usage.read_bytes),
        time: budget.time.saturating_sub(wall),
    }
}
