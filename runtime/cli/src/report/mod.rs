//! A case as people read it: what it came to, the series, functions, suspects, what was considered, what is proposed and became of it,
//! what it costs, how it was found, and what to do next.

mod causes;
mod chart;
mod considered;
mod course;
mod header;
pub mod html;
mod next;
mod numbers;
mod outside;
mod proposals;
#[cfg(test)]
mod proposals_tests;
mod scale;
mod symptoms;
#[cfg(test)]
mod tests;

use negawatt_casebook::{Case, Verdict};
use negawatt_host::model::{Candidate, ChangePoint, Incident};
use negawatt_planner::{Board, Ranked};

pub use self::chart::minute_label;
pub use self::course::mark;
pub use self::header::tone as verdict_tone;
pub use self::html::{Pictures, page};
pub use self::numbers::{count, digits, duration, grouped, percent};
pub use self::proposals::{decided, outcomes, submitted};
use crate::look::{Look, Tone};
use crate::page::Page;
pub use negawatt_planner::Record;

/// Suspects, functions and the like that are shown; `--json` has all.
const SHOWN: usize = 5;

/// A suspect that is not the first is worth a line from this probability on.
const WORTH_A_LINE: f64 = 0.02;

/// Characters of a sentence from outside.
const SENTENCE: usize = 300;

/// Characters of a name from outside.
pub const NAME: usize = 80;

/// The whole report of a case.
pub fn report(case: &Case, record: &Record, look: &Look) -> String {
    let told = Told::of(case, record);
    let mut page = Page::new(look);
    header::title(&mut page, &told);
    header::verdict(&mut page, &told);
    header::series(&mut page, &told);
    symptoms::symptoms(&mut page, &told);
    causes::functions(&mut page, &told);
    causes::opportunities(&mut page, &told);
    causes::suspects(&mut page, &told);
    considered::considered(&mut page, &told);
    proposals::proposals(&mut page, &told);
    proposals::outcome(&mut page, &told);
    causes::impact(&mut page, &told);
    causes::notes(&mut page, &told);
    outside::outside(&mut page, &told);
    course::plan(&mut page, &told);
    next::next(&mut page, &told);
    page.text()
}

/// A case with what follows from it.
struct Told<'a> {
    case: &'a Case,
    record: &'a Record,
    board: Board,
    suspects: Vec<Ranked>,
}

impl<'a> Told<'a> {
    fn of(case: &'a Case, record: &'a Record) -> Told<'a> {
        Told { case, record, board: Board::of(case), suspects: negawatt_planner::suspects(case) }
    }

    fn incident(&self) -> Option<&'a Incident> {
        self.case.opened.as_ref().map(|opened| &opened.incident)
    }

    fn verdict(&self) -> Option<Verdict> {
        self.case.concluded().map(|concluded| concluded.verdict)
    }

    /// The change that explains the incident, or that was dismissed.
    fn change(&self) -> Option<&'a ChangePoint> {
        negawatt_planner::change(self.case)
    }

    /// How what came after the change is shown.
    fn after(&self) -> Tone {
        match self.verdict() {
            Some(Verdict::Regression) => Tone::Bad,
            _ => Tone::Unsure,
        }
    }

    /// The name of the incident's metric.
    fn metric(&self) -> &'a str {
        self.incident().and_then(|incident| incident.metric.as_ref()).map_or("the metric", |metric| &metric.name)
    }

    /// The most likely commit, change of configuration or experiment.
    fn first(&self) -> Option<&Ranked> {
        self.suspects.iter().find(|suspect| suspect.candidate != Candidate::Service)
    }
}

/// A suspect as it is named in a sentence.
fn suspect_name(suspect: &Ranked) -> String {
    format!("{} {}", kind(suspect.candidate), short_id(suspect))
}

/// A suspect's id; hashes are shortened.
fn short_id(suspect: &Ranked) -> String {
    short(suspect.candidate.word(), &suspect.id)
}

/// The id of a suspect of a kind; hashes are shortened.
pub fn short(kind: &str, id: &str) -> String {
    match kind == Candidate::Commit.word() {
        true => id.chars().take(12).collect(),
        false => negawatt_host::text::shorten(id, NAME),
    }
}

/// What a suspect is, in words.
fn kind(candidate: Candidate) -> &'static str {
    match candidate {
        Candidate::Commit => "commit",
        Candidate::Config => "configuration change",
        Candidate::Experiment => "experiment",
        Candidate::Service => "service",
    }
}

/// An author's name without the address behind it.
fn without_address(author: &str) -> String {
    let name = author.split_once(" <").map_or(author, |(name, _)| name);
    negawatt_host::text::shorten(name, 40)
}

/// A skill without its version.
fn without_version(skill: &str) -> &str {
    skill.split_once('@').map_or(skill, |(name, _)| name)
}
