//! One look at one series: what the skills find, and which of it raises an alarm.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use negawatt_casebook::{Symptom, Verdict};
use negawatt_host::model::metrics::Series;
use negawatt_host::model::{ChangePoint, Duration, Evidence, EvidenceId, FindingBody, Incident, Timestamp, Window};
use negawatt_host::{Kind, Metrics, Origin, Outcome, Status, Tool, Tools};
use negawatt_planner::{Board, Entry, Item, PutAside, Runtime, conclude, speaks_against};

use crate::alarm::{Found, Rule, confirmed, earlier_look};
use crate::known::Known;
use crate::numbers::within;
use crate::pass::{Spent, Trouble};
use crate::served::{Served, inside};

/// A dismissal of more than this confidence keeps an alarm from being raised.
const IN_DOUBT: f64 = 0.5;

/// Looks one after the other in which a loaded skill fails before a pass asks it no more. A bundled one that fails on some series is
/// still the only one that looks at the others.
const MOST_FAILURES: u32 = 20;

/// A skill that looks.
pub(crate) struct Asked {
    entry: Entry,
    /// In how many looks it failed since it last did not.
    failures: AtomicU32,
}

impl Asked {
    fn new(entry: Entry) -> Asked {
        Asked { entry, failures: AtomicU32::new(0) }
    }

    /// Whether it failed so often that this pass asks it no more.
    fn is_given_up(&self) -> bool {
        self.entry.skill.origin == Origin::Loaded && self.failures.load(Ordering::Relaxed) >= MOST_FAILURES
    }

    fn note(&self, could_look: bool) {
        if could_look {
            self.failures.store(0, Ordering::Relaxed);
        } else {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What all looks of a pass share.
pub(crate) struct Look {
    pub runtime: Arc<Runtime>,
    /// Skills that look for changes and need to know nothing before.
    pub detectors: Vec<Asked>,
    /// Skills that say why a change is no regression, and need to know no more than that there is one.
    pub dismissers: Vec<Asked>,
    /// Answers what is not in memory.
    pub source: Arc<dyn Metrics>,
    pub step: Duration,
    pub known: Known,
}

/// A series that is to be looked at.
pub(crate) struct Job {
    pub series: Arc<Series>,
    pub incident: Incident,
    pub rule: Rule,
    /// Since when changes count.
    pub since: Timestamp,
}

/// What came of a look.
#[derive(Default)]
pub(crate) struct Seen {
    pub alarms: Vec<Symptom>,
    /// Changes that would have raised an alarm, had not a skill said why they are no regression.
    pub dismissed: usize,
    /// Changes that an earlier look did not see yet.
    pub unconfirmed: usize,
    pub spent: Spent,
    pub troubles: Vec<Trouble>,
    /// Whether a skill failed that looks for changes; not one that was given up.
    pub failed: bool,
    /// Whether a skill could look for changes.
    pub looked: bool,
}

impl Look {
    /// Of a runtime's skills those that can look, but for those that were put aside, and those that may send something out: a look
    /// is in no log, where what is sent has to be written down first.
    pub fn new(
        runtime: &Arc<Runtime>,
        source: Arc<dyn Metrics>,
        step: Duration,
        known: Known,
        aside: &[PutAside],
    ) -> Look {
        let entries = runtime.catalog.entries().iter();
        let may_run = |entry: &&Entry| {
            !aside.iter().any(|aside| aside.digest == entry.skill.digest.to_string())
                && entry.rights.as_ref().is_ok_and(|rights| rights.outward().next().is_none())
        };
        let needs =
            |entry: &Entry, known: &[Kind]| entry.skill.manifest.consumes.iter().all(|kind| known.contains(kind));
        let with = |kind: Kind, known: &[Kind]| -> Vec<Entry> {
            let chosen = entries.clone().filter(may_run).filter(|entry| entry.skill.manifest.produces.contains(&kind));
            chosen.filter(|entry| needs(entry, known)).cloned().collect()
        };
        // Who reads something builds on what others found; here is nothing yet.
        let detectors = with(Kind::ChangePoint, &[]).into_iter();
        let detectors: Vec<Asked> =
            detectors.filter(|entry| entry.skill.manifest.reads.is_empty()).map(Asked::new).collect();
        Look {
            runtime: runtime.clone(),
            // Detectors have said already what they have to say.
            dismissers: with(Kind::Dismissal, &[Kind::ChangePoint])
                .into_iter()
                .filter(|entry| !detectors.iter().any(|detector| detector.entry.skill.digest == entry.skill.digest))
                .map(Asked::new)
                .collect(),
            detectors,
            source,
            step,
            known,
        }
    }

    /// Looks at one series.
    pub async fn at(&self, job: &Job) -> Seen {
        let mut seen = Seen::default();
        let window = job.incident.window;
        // Who is asked for the whole window is asked for a part of it, too, whatever happens to others meanwhile.
        let (given_up, asked): (Vec<&Asked>, Vec<&Asked>) =
            self.detectors.iter().partition(|asked| asked.is_given_up());
        given_up.into_iter().for_each(|asked| seen.troubles.push(asked_no_more(&asked.entry)));
        let board = self.find(&asked, job, window, &mut seen).await;
        let found = changes(&board);
        let all: Vec<Found> = found.iter().map(|(_, found)| found.clone()).collect();
        let name = negawatt_casebook::series_of(&job.incident.service, job.incident.metric.as_ref());
        let mut alarms: Vec<(EvidenceId, ChangePoint, Duration)> = Vec::new();
        for at in job.rule.admitted(&all, &job.series, job.since) {
            let (id, Found { change, .. }) = &found[at];
            let within = within(&job.series, change);
            // Several skills may have found it.
            let twice = alarms.iter().any(|(_, other, _)| crate::alarm::is_same(change, within, other));
            if twice || self.known.has(&name, change) {
                continue;
            }
            let earlier = Window { end: earlier_look(&job.series, change), ..window };
            let earlier = changes(&self.find(&asked, job, earlier, &mut seen).await);
            let earlier: Vec<Found> = earlier.into_iter().map(|(_, found)| found).collect();
            if confirmed(change, within, &earlier) {
                alarms.push((id.clone(), change.clone(), within));
            } else {
                seen.unconfirmed += 1;
            }
        }
        if alarms.is_empty() {
            return seen;
        }
        let board = self.ask_why_not(job, board, &mut seen).await;
        for (id, change, within) in alarms {
            if stands(&job.incident, &board, &id) {
                seen.alarms.push(symptom(job, &change, within));
            } else {
                seen.dismissed += 1;
            }
        }
        seen
    }

    /// What detectors find in a part of the window.
    async fn find(&self, asked: &[&Asked], job: &Job, window: Window, seen: &mut Seen) -> Board {
        let incident = Incident { window, ..job.incident.clone() };
        let mut board = Board::default();
        for asked in asked {
            // A skill that looks for changes in a series has no business with other services.
            let outcome = self.call(&board, &asked.entry, &incident, job, BTreeSet::new()).await;
            seen.spent.add(&outcome);
            let could_look = accept(&mut board, &asked.entry, outcome, seen);
            asked.note(could_look);
            seen.looked |= could_look;
            seen.failed |= !could_look;
        }
        board
    }

    /// The board with what the skills say that know why a change is no regression.
    async fn ask_why_not(&self, job: &Job, mut board: Board, seen: &mut Seen) -> Board {
        let service = job.incident.service.clone();
        let neighbours = (self.runtime.neighbours)(service, self.runtime.reach.distance).await;
        let changes = board.clone();
        for asked in &self.dismissers {
            if asked.is_given_up() {
                seen.troubles.push(asked_no_more(&asked.entry));
                continue;
            }
            let outcome = self.call(&changes, &asked.entry, &job.incident, job, neighbours.clone()).await;
            seen.spent.add(&outcome);
            // The alarm stands without it: nothing is missed.
            asked.note(accept(&mut board, &asked.entry, outcome, seen));
        }
        board
    }

    async fn call(
        &self,
        board: &Board,
        entry: &Entry,
        incident: &Incident,
        job: &Job,
        neighbours: BTreeSet<String>,
    ) -> Outcome {
        let Some(metric) = &incident.metric else {
            return Outcome::without_call(Status::Skipped, "there is no metric".to_owned());
        };
        let served = Served {
            selector: metric.selector(),
            series: inside(&job.series, incident.window),
            window: incident.window,
            step: self.step,
            source: self.source.clone(),
        };
        let tools = Arc::new(Tools { metrics: Some(Arc::new(served)), ..Tools::clone(&self.runtime.tools) });
        self.runtime.call_on(board, entry, incident, tools, neighbours).await
    }
}

fn asked_no_more(entry: &Entry) -> Trouble {
    let message =
        format!("not asked: it failed in {MOST_FAILURES} looks one after the other; the next pass asks it again");
    Trouble { who: format!("{}, further looks", entry.skill.id()), message, times: 1 }
}

/// Puts what a skill returned on the board, with the tools that it derives from. Tells whether it could look.
fn accept(board: &mut Board, entry: &Entry, outcome: Outcome, seen: &mut Seen) -> bool {
    // Too few observations, and the like, are an answer: there will be more. That nobody may look, or can, is none.
    let unavailable = outcome.message.as_deref().is_some_and(|said| said.starts_with("it returned unavailable"));
    let is_answer = outcome.is_returned && outcome.status == Status::Error && !unavailable;
    let could_look = outcome.status == Status::Ok || is_answer;
    if !could_look {
        let message = format!("{}: {}", outcome.status, outcome.message.clone().unwrap_or_default());
        seen.troubles.push(Trouble { who: entry.skill.id(), message, times: 1 });
    }
    let from: BTreeSet<Tool> = outcome.tools();
    for finding in outcome.findings {
        let evidence = Evidence { id: format!("e{}", board.items().len() + 1), by: entry.skill.id(), finding };
        board.accept(Item { evidence, step: String::new(), from: from.clone() });
    }
    could_look
}

/// The changes on a board.
fn changes(board: &Board) -> Vec<(EvidenceId, Found)> {
    let change = |item: &Item| match &item.evidence.finding.body {
        FindingBody::ChangePoint(change) => {
            let confidence = item.evidence.finding.confidence;
            let by = item.evidence.by.clone();
            Some((item.evidence.id.clone(), Found { by, change: change.clone(), confidence }))
        }
        _ => None,
    };
    board.items().iter().filter_map(change).collect()
}

/// Whether a change raises an alarm for all that is said of it: it would be a regression in a case in which nothing else changed, and
/// no skill thinks it more likely than not that it is none. Who asks for an investigation weighs the two against each other; whom nobody
/// asked keeps quiet in doubt.
pub fn stands(incident: &Incident, board: &Board, id: &EvidenceId) -> bool {
    let mut alone = Board::default();
    let mut doubted = false;
    for item in board.items() {
        match &item.evidence.finding.body {
            FindingBody::ChangePoint(_) if item.evidence.id == *id => alone.accept(item.clone()),
            FindingBody::Dismissal(dismissal) if speaks_against(dismissal, id) => {
                doubted |= item.evidence.finding.confidence > IN_DOUBT;
                alone.accept(item.clone());
            }
            _ => {}
        }
    }
    !doubted && conclude(incident, &alone, false).verdict == Verdict::Regression
}

fn symptom(job: &Job, change: &ChangePoint, within: Duration) -> Symptom {
    Symptom {
        incident: job.incident.clone(),
        time: change.time,
        within,
        before: change.before,
        after: change.after,
        p_value: change.p_value,
        shape: change.shape,
        reason: String::new(),
    }
}
