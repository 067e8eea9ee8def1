//! A case's state: what its events add up to.

use std::collections::BTreeSet;
use std::sync::Arc;

use negawatt_host::model::{Evidence, EvidenceId, FindingBody, Mitigation, Timestamp};
use negawatt_host::{Digest, Status, Tool};

use crate::event::{
    Called, Cancelled, CatalogEntry, Concluded, Equipped, Event, Opened, PlannedStep, Recorded, Split, Unknown,
};
use crate::id::CaseId;
use crate::proposal::Proposed;
use crate::proposals::Proposals;
use crate::symptom::{Noted, Symptom};

/// All that is known of a case. The same events give the same state, whoever folds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The number of the last event that is in here; 0 before the first.
    pub seq: u64,
    /// When it was opened, by the clock of the machine. Its own time is [`Opened::now`].
    pub opened_at: Timestamp,
    /// What it started from; `None` only where a newer version wrote that, or before the first event.
    pub opened: Option<Arc<Opened>>,
    /// The other skills that its planner could choose from since, in order.
    pub equipped: Vec<Equipped>,
    /// Its steps, in plan order.
    pub steps: Vec<Step>,
    /// The board: its evidence, in order of acceptance.
    pub board: Vec<Arc<Posted>>,
    /// What all its calls spent.
    pub usage: Totals,
    /// How it ended; `None` while it is open.
    pub end: Option<End>,
    /// When it ended, by the clock of the machine.
    pub ended_at: Option<Timestamp>,
    /// The series in which its change was seen, by their numbers.
    pub symptoms: Vec<Noted>,
    /// What it proposes, and what became of that.
    pub proposals: Proposals,
    /// Events that this version does not know.
    pub unknown: Vec<(u64, Unknown)>,
}

/// A step and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What was planned.
    pub planned: PlannedStep,
    /// Effects outside that it was about to have, in order; without a call after them nobody knows whether it had them.
    pub intents: Vec<String>,
    /// Its calls, in order.
    pub calls: Vec<Arc<Called>>,
    /// What was accepted of its findings; `None` as long as that was not decided.
    pub accepted: Option<Vec<EvidenceId>>,
}

/// A piece of evidence on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The evidence.
    pub evidence: Evidence,
    /// The step that found it.
    pub step: String,
    /// The tools that it derives from.
    pub tools: BTreeSet<Tool>,
}

/// What all calls of a case spent together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls of skills, those that were refused among them; a skipped step is none.
    pub skill_calls: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Bytes of answers from tools.
    pub read_bytes: u64,
    /// Wall time of calls, in microseconds; calls at the same time count each.
    pub wall_us: u64,
    /// Time in guests, in microseconds.
    pub guest_us: u64,
    /// The most memory that one call held, in bytes.
    pub peak_memory_bytes: u64,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// With a verdict.
    Concluded(Concluded),
    /// Before it reached one.
    Cancelled(Cancelled),
}

impl Case {
    /// A case of which nothing has happened.
    pub fn new(id: CaseId) -> Case {
        Case {
            id,
            seq: 0,
            opened_at: 0,
            opened: None,
            equipped: Vec::new(),
            steps: Vec::new(),
            board: Vec::new(),
            usage: Totals::default(),
            end: None,
            ended_at: None,
            symptoms: Vec::new(),
            proposals: Proposals::default(),
            unknown: Vec::new(),
        }
    }

    /// The state after these events.
    pub fn fold<'a>(id: CaseId, events: impl IntoIterator<Item = &'a Recorded>) -> Case {
        let mut case = Case::new(id);
        events.into_iter().for_each(|event| case.apply(event));
        case
    }

    /// Takes in the next event. One that is in here already changes nothing.
    pub fn apply(&mut self, recorded: &Recorded) {
        if recorded.seq <= self.seq {
            return;
        }
        self.seq = recorded.seq;
        match &recorded.event {
            Event::Opened(opened) => {
                self.opened_at = recorded.time;
                self.opened = Some(opened.clone());
                self.note(opened.symptoms());
            }
            Event::Equipped(equipped) => self.equipped.push(equipped.clone()),
            Event::Planned(planned) => {
                let step = |planned: &PlannedStep| Step {
                    planned: planned.clone(),
                    intents: Vec::new(),
                    calls: Vec::new(),
                    accepted: None,
                };
                self.steps.extend(planned.steps.iter().map(step));
            }
            Event::Intended(intended) => {
                if let Some(step) = self.step_mut(&intended.step) {
                    step.intents.push(intended.what.clone());
                }
            }
            Event::Called(called) => {
                self.usage.add(called);
                if let Some(step) = self.step_mut(&called.step) {
                    step.calls.push(called.clone());
                }
            }
            Event::Accepted(accepted) => {
                if let Some(step) = self.step_mut(&accepted.step) {
                    step.accepted = Some(accepted.evidence.iter().map(|evidence| evidence.id.clone()).collect());
                }
                self.board.extend(accepted.evidence.iter().map(|evidence| {
                    Arc::new(Posted {
                        evidence: evidence.clone(),
                        step: accepted.step.clone(),
                        tools: accepted.tools.clone(),
                    })
                }));
            }
            Event::Concluded(concluded) => {
                self.end = Some(End::Concluded(concluded.clone()));
                self.ended_at = Some(recorded.time);
            }
            Event::Cancelled(cancelled) => {
                self.end = Some(End::Cancelled(cancelled.clone()));
                self.ended_at = Some(recorded.time);
            }
            Event::Joined(joined) => self.note(joined.symptoms.clone()),
            Event::Split(split) => {
                let taken = self.symptoms.iter_mut().filter(|noted| split.symptoms.contains(&noted.number));
                taken.for_each(|noted| noted.split = Some(split.into));
            }
            Event::Proposed(_)
            | Event::Examined(_)
            | Event::Reviewed(_)
            | Event::Told(_)
            | Event::Submitting(_)
            | Event::Submitted(_)
            | Event::Outcome(_)
            | Event::Adjusted(_) => self.proposals.apply(recorded.time, &recorded.event),
            Event::Unknown(unknown) => self.unknown.push((recorded.seq, unknown.clone())),
        }
    }

    /// Refuses an event that cannot come next. Logs are written only of events that passed this; [`Case::apply`] still takes
    /// any, since a log may have been written by another version.
    pub(crate) fn admit(&self, event: &Event) -> Result<(), String> {
        match (event, self.seq) {
            (Event::Unknown(unknown), _) => {
                return Err(format!("this version cannot write events of type {}", unknown.name));
            }
            (Event::Opened(_), 0) => return Ok(()),
            (Event::Opened(_), _) => return Err("it was opened before".to_owned()),
            (_, 0) => return Err("its first event has to be that it was opened".to_owned()),
            // What was seen, and to which case it belongs, is known later than how the case ends.
            (Event::Joined(joined), _) if joined.symptoms.is_empty() => return Err("it has no symptom".to_owned()),
            (Event::Joined(_), _) => return Ok(()),
            (Event::Split(split), _) => return self.admit_split(split),
            (event, _) if event.is_of_proposals() => {
                return match self.concluded() {
                    Some(_) => self.proposals.admit(event),
                    None => Err("it has no verdict".to_owned()),
                };
            }
            _ if self.end.is_some() => return Err("it has ended".to_owned()),
            _ => {}
        }
        match event {
            Event::Planned(planned) => {
                let mut known: BTreeSet<_> = self.steps.iter().map(|step| step.planned.step.as_str()).collect();
                match planned.steps.iter().find(|step| !known.insert(&step.step)) {
                    Some(twice) => Err(format!("the step {} was planned before", twice.step)),
                    None => Ok(()),
                }
            }
            Event::Intended(intended) => match self.planned(&intended.step)? {
                step if step.calls.is_empty() => Ok(()),
                _ => Err(format!("the call of step {} is over", intended.step)),
            },
            Event::Called(called) => {
                let step = self.planned(&called.step)?;
                if step.accepted.is_some() {
                    return Err(format!("the findings of step {} were accepted before it was called", called.step));
                }
                let next = step.calls.len() + 1;
                if called.attempt as usize != next {
                    return Err(format!(
                        "call {} of step {} is recorded as number {}",
                        next, called.step, called.attempt
                    ));
                }
                Ok(())
            }
            Event::Accepted(accepted) => {
                let step = self.planned(&accepted.step)?;
                if step.calls.is_empty() {
                    return Err(format!("the step {} was not called", accepted.step));
                }
                if step.accepted.is_some() {
                    return Err(format!("the findings of step {} were accepted before", accepted.step));
                }
                let mut known: BTreeSet<_> = self.board.iter().map(|posted| posted.evidence.id.as_str()).collect();
                match accepted.evidence.iter().find(|evidence| !known.insert(&evidence.id)) {
                    Some(twice) => Err(format!("there is evidence {} already", twice.id)),
                    None => Ok(()),
                }
            }
            // Nothing else is to be asked of them; those of proposals were, above.
            _ => Ok(()),
        }
    }

    /// The first symptom is what the case is about: it stays.
    fn admit_split(&self, split: &Split) -> Result<(), String> {
        if split.symptoms.is_empty() {
            return Err("no symptom is named".to_owned());
        }
        for number in &split.symptoms {
            let noted = self.symptoms.iter().find(|noted| noted.number == *number);
            match noted.map(|noted| noted.split) {
                None => return Err(format!("there is no symptom {number}")),
                Some(Some(case)) => return Err(format!("the symptom {number} was split off into {case} before")),
                Some(None) if *number == 1 => {
                    return Err("the symptom 1 is what the case is about: split the others off".to_owned());
                }
                Some(None) => {}
            }
        }
        Ok(())
    }

    fn note(&mut self, symptoms: Vec<Symptom>) {
        for symptom in symptoms {
            let number = u32::try_from(self.symptoms.len() + 1).unwrap_or(u32::MAX);
            self.symptoms.push(Noted { number, symptom, split: None });
        }
    }

    /// The skills that its planner may choose from now, in its order.
    pub fn catalog(&self) -> &[CatalogEntry] {
        self.catalogs().next_back().unwrap_or_default()
    }

    /// A skill that its planner may choose from, or could at an earlier time.
    pub fn entry(&self, digest: &Digest) -> Option<&CatalogEntry> {
        self.catalogs().rev().flatten().find(|entry| entry.digest == *digest)
    }

    /// What its planner could choose from, in the order of the times.
    pub fn catalogs(&self) -> impl DoubleEndedIterator<Item = &[CatalogEntry]> {
        let opened = self.opened.iter().map(|opened| &opened.catalog[..]);
        opened.chain(self.equipped.iter().map(|equipped| &equipped.catalog[..]))
    }

    /// A step by its id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.planned.step == id)
    }

    /// A piece of evidence by its id.
    pub fn evidence(&self, id: &str) -> Option<&Posted> {
        self.board.iter().map(|posted| &**posted).find(|posted| posted.evidence.id == id)
    }

    /// The mitigation that is proposed, and the skill that found it.
    pub fn mitigation(&self, proposed: &Proposed) -> Option<(&str, &Mitigation)> {
        let evidence = &self.evidence(&proposed.mitigation)?.evidence;
        match &evidence.finding.body {
            FindingBody::Mitigation(mitigation) => Some((evidence.by.as_str(), mitigation)),
            _ => None,
        }
    }

    /// The verdict, if it has one.
    pub fn concluded(&self) -> Option<&Concluded> {
        match self.end.as_ref()? {
            End::Concluded(concluded) => Some(concluded),
            End::Cancelled(_) => None,
        }
    }

    fn planned(&self, id: &str) -> Result<&Step, String> {
        self.step(id).ok_or_else(|| format!("no step {id} was planned"))
    }

    fn step_mut(&mut self, id: &str) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.planned.step == id)
    }
}

impl Step {
    /// How it ended: as its last call did. A step that was planned and not called counts as skipped.
    pub fn status(&self) -> Status {
        self.last_call().map_or(Status::Skipped, |call| call.status)
    }

    /// Its last call.
    pub fn last_call(&self) -> Option<&Called> {
        self.calls.last().map(|called| &**called)
    }
}

impl Totals {
    fn add(&mut self, called: &Called) {
        let usage = &called.usage;
        let sum = |total: &mut u64, part: u64| *total = total.saturating_add(part);
        sum(&mut self.skill_calls, u64::from(called.status != Status::Skipped));
        sum(&mut self.tool_calls, u64::from(usage.tool_calls));
        sum(&mut self.read_bytes, usage.read_bytes);
        sum(&mut self.wall_us, usage.wall_us);
        sum(&mut self.guest_us, usage.guest_us);
        self.peak_memory_bytes = self.peak_memory_bytes.max(usage.peak_memory_bytes);
    }
}
