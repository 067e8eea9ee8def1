//! How the case went, step by step, and all of its evidence.

use std::collections::{BTreeMap, HashMap};

use negawatt_casebook::{Called, Step};
use negawatt_host::Status;
use negawatt_host::text::shorten;
use negawatt_planner::refused;

use super::super::course::{ended, spent_line};
use super::super::numbers::{duration, percent};
use super::super::outside::conclusion;
use super::super::{NAME, SENTENCE, Told};
use super::{LOOK, Said, class, clean};
use crate::look::Tone;
use crate::page::Line;

/// Steps that have a row.
const STEPS: usize = 200;

/// Pieces of evidence that have a row.
const EVIDENCE: usize = 500;

/// Lines of what a step said.
const LINES: usize = 10;

/// A piece of evidence that is named, and which row of the table it has.
#[derive(Debug, Clone)]
pub struct Link {
    pub id: String,
    pub at: Option<usize>,
}

/// The rows of the evidence by its ids.
pub struct Links {
    rows: HashMap<String, usize>,
}

/// Steps that were planned together.
pub struct Wave {
    pub heading: String,
    pub steps: Vec<Row>,
}

/// A step.
pub struct Row {
    /// Which step of the case it is.
    pub at: usize,
    pub id: String,
    pub skill: String,
    pub tone: &'static str,
    pub mark: &'static str,
    pub ended: String,
    pub wall: String,
    /// Its wall time in percent of the longest.
    pub bar: f64,
    pub tools: String,
    pub evidence: Vec<Link>,
    /// What was kept from it, what it did outside, and what it said where it failed.
    pub lines: Vec<Said>,
}

/// A piece of evidence.
pub struct Evidence {
    pub id: String,
    pub kind: String,
    pub says: String,
    pub confidence: String,
    pub by: String,
    pub step: String,
    /// Which row of the plan that is.
    pub step_at: Option<usize>,
    pub from: String,
    pub because: Vec<Link>,
}

/// Which evidence has a row.
pub fn links(told: &Told<'_>) -> Links {
    let items = told.board.items().iter().take(EVIDENCE).enumerate();
    Links { rows: items.map(|(n, item)| (item.evidence.id.clone(), n)).collect() }
}

impl Links {
    /// Pieces of evidence as they are named, at most so many as fit a cell.
    pub fn to<'a>(&self, ids: impl IntoIterator<Item = &'a String>) -> Vec<Link> {
        const MOST: usize = 30;
        let mut ids = ids.into_iter();
        let mut links: Vec<_> =
            ids.by_ref().take(MOST).map(|id| Link { id: clean(id, 12), at: self.rows.get(id).copied() }).collect();
        let more = ids.count();
        if more > 0 {
            links.push(Link { id: format!("and {more} more"), at: None });
        }
        links
    }
}

/// The steps by waves, and how many have no row. Where the record does not say how many were planned together, all are one wave.
pub fn waves(told: &Told<'_>, sizes: &[usize], links: &Links) -> (Vec<Wave>, usize) {
    let steps = &told.case.steps[..told.case.steps.len().min(STEPS)];
    let wall = |step: &Step| step.last_call().map_or(0, |call| call.usage.wall_us);
    let longest = steps.iter().map(wall).max().unwrap_or(0).max(1);
    let mut waves: Vec<Wave> = Vec::new();
    let (mut rest, mut sizes) = (steps, sizes.iter());
    while !rest.is_empty() {
        let first = steps.len() - rest.len();
        let size = sizes.next().map_or(rest.len(), |size| (*size).clamp(1, rest.len()));
        let (wave, others) = rest.split_at(size);
        rest = others;
        let question = wave[0].planned.reason.lines().next().unwrap_or_default();
        let heading = format!("Wave {}: {}", waves.len() + 1, clean(question, SENTENCE));
        let row = |(n, step): (usize, &Step)| {
            let bar = wall(step) as f64 / longest as f64 * 100.0;
            Row { at: first + n, bar, ..row(step, links) }
        };
        waves.push(Wave { heading, steps: wave.iter().enumerate().map(row).collect() });
    }
    (waves, told.case.steps.len().saturating_sub(STEPS))
}

fn row(step: &Step, links: &Links) -> Row {
    let found = step.accepted.as_deref().unwrap_or_default();
    let (tone, mark, ended) = ended(step, found.len());
    Row {
        at: 0,
        id: clean(&step.planned.step, NAME),
        skill: clean(&step.planned.skill, NAME),
        tone: class(tone),
        mark,
        ended,
        wall: duration(step.last_call().map_or(0, |call| call.usage.wall_us)),
        bar: 0.0,
        tools: step.last_call().map_or(String::new(), asked),
        evidence: links.to(found),
        lines: said(step),
    }
}

/// What a call asked of tools: `metrics.query ×3`.
fn asked(call: &Called) -> String {
    let mut asked: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for answer in &call.answers {
        let (times, failed) = asked.entry(format!("{}.{}", answer.tool, clean(&answer.function, 40))).or_default();
        *times += 1;
        *failed += usize::from(answer.error.is_some());
    }
    let one = |(question, (times, failed)): (&String, &(usize, usize))| {
        let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
        let failed = if *failed > 0 { format!(" ({failed} without an answer)") } else { String::new() };
        format!("{question}{times}{failed}")
    };
    let asked: Vec<_> = asked.iter().take(LINES).map(one).collect();
    if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") }
}

fn said(step: &Step) -> Vec<Said> {
    let line = || Line::new(&LOOK);
    let short = |text: &str| shorten(text, SENTENCE);
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(
        step.intents.iter().take(LINES).map(|effect| line().add(Tone::Unsure, "effect outside: ").plain(short(effect))),
    );
    let Some(call) = step.last_call() else { return lines.into_iter().map(Said::from).collect() };
    lines.extend(refused(call).iter().take(LINES).map(|refused| {
        line()
            .add(Tone::Unsure, format!("denied, {} ×{}: ", refused.question, refused.times))
            .plain(short(&refused.message))
    }));
    // What it was not shown, and what would change that, stands in the reason below the question.
    lines.extend(
        step.planned
            .reason
            .lines()
            .skip(1)
            .take(LINES)
            .filter(|said| !said.is_empty())
            .map(|said| line().plain(short(said))),
    );
    lines.extend(call.message.iter().flat_map(|said| said.lines()).take(LINES).map(|said| line().plain(short(said))));
    if call.status != Status::Ok {
        lines.extend(call.log.iter().take(LINES).map(|said| line().faint(format!("| {}", short(said)))));
    }
    lines.into_iter().map(Said::from).collect()
}

/// What all steps spent, and why no further one was taken.
pub fn spent(told: &Told<'_>) -> String {
    clean(&format!("All of it: {}.", spent_line(told)), SENTENCE)
}

/// The evidence by its ids, and how much has no row.
pub fn evidence(told: &Told<'_>, links: &Links) -> (Vec<Evidence>, usize) {
    let items = told.board.items();
    let rows = items.iter().take(EVIDENCE).map(|item| {
        let finding = &item.evidence.finding;
        let says = if finding.summary.is_empty() { conclusion(told, item) } else { finding.summary.clone() };
        let from: Vec<_> = item.from.iter().map(|tool| tool.name()).collect();
        let step_at = told.case.steps.iter().take(STEPS).position(|step| step.planned.step == item.step);
        Evidence {
            id: clean(&item.evidence.id, 12),
            kind: clean(&finding.body.kind().to_string(), NAME),
            says: clean(&says, SENTENCE),
            confidence: percent(finding.confidence),
            by: clean(&item.evidence.by, NAME),
            step: if item.step.is_empty() { "given".to_owned() } else { clean(&item.step, 12) },
            step_at,
            from: if from.is_empty() { "the incident alone".to_owned() } else { from.join(", ") },
            because: links.to(&finding.because),
        }
    });
    (rows.collect(), items.len().saturating_sub(EVIDENCE))
}
