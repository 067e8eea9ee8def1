//! A case as one self-contained page, to look at in a browser and to forward: it loads nothing, and is made from the record as the
//! text is.
//!
//! Titles, subjects, names of functions and whatever else comes from outside may be hostile. It gets into the page as text and as
//! values of attributes alone, escaped by the templates; [`clean`] cuts it and makes it printable before. The one script of the page
//! is the same in every page, and the page's policy names its digest.

mod causes;
mod course;
mod facts;
mod flame;
mod functions;
mod plot;
mod policy;
mod profile;
mod proposals;
mod series;
#[cfg(test)]
mod tests;
mod ticks;

use askama::Template;
use negawatt_casebook::{Case, Casebook, Event};
use negawatt_host::Tool;
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{FindingBody, Window};
use negawatt_host::text::{printable, printable_lines, shorten};

use self::causes::{Opportunity, Ranking};
use self::course::{Evidence, Wave};
pub use self::facts::Fact;
use self::functions::Functions;
pub use self::plot::{HIGH, WIDE};
pub use self::policy::policy;
use self::profile::Profiles;
use self::proposals::{Mitigation, Proposal};
use self::series::Series;
pub use self::ticks::{Tick, of_values as ticks_of_values};
use super::{NAME, Record, SENTENCE, Told, header, next, outside};
use super::{considered, symptoms};
use crate::look::{Look, Tone};
use crate::page::{Line, without_piles};
use negawatt_planner::Answers;

/// How every page looks.
pub const CSS: &str = include_str!("../../../templates/report.css");

/// Lines are made as for a terminal that shows everything.
const LOOK: Look = Look { width: 140, colour: false, unicode: true };

/// Rows of a table, suspects and the like; `--json` has all.
const MOST: usize = 100;

/// Columns of a line; its parts are shorter.
const LINE: usize = 2_000;

/// What a page shows beyond the text.
#[derive(Debug, Default)]
pub struct Pictures {
    /// The profiles of the incident's service.
    profiles: Option<Profiles>,
    /// How many steps were planned together, in order.
    waves: Vec<usize>,
}

impl Pictures {
    /// What the casebook kept of a case.
    pub fn of(case: &Case, book: &Casebook) -> Pictures {
        let service = case.opened.as_ref().map(|opened| &opened.incident.service);
        let answers = Answers { case, book, tool: Tool::Profiles, function: "query" };
        let mut seen = std::collections::HashSet::new();
        let profiles = answers.refs().filter(|asked| seen.insert(asked.response)).filter_map(|asked| {
            let (of, _): (String, Window) = answers.read(&asked.request)?;
            (Some(&of) == service).then(|| answers.answer::<Profile>(asked))?
        });
        let profiles = Profiles::of(profiles);
        let events = book.events(&case.id).inspect_err(|error| tracing::debug!("not in the report: {error}"));
        let waves = events.unwrap_or_default().into_iter().filter_map(|recorded| match recorded.event {
            Event::Planned(planned) => Some(planned.steps.len()),
            _ => None,
        });
        Pictures { profiles, waves: waves.collect() }
    }
}

/// The whole page of a case.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    policy: String,
    css: &'static str,
    script: &'static str,
    script_used: bool,
    title: String,
    verdict_word: &'static str,
    case: String,
    with_config: String,
    about: Vec<String>,
    tone: &'static str,
    verdict: Vec<Said>,
    facts: Vec<Fact>,
    next: Vec<Said>,
    sections: Vec<(&'static str, &'static str)>,
    wide: f64,
    high: f64,
    series: Option<Series>,
    functions: Option<Functions>,
    opportunities: Vec<Opportunity>,
    rankings: Vec<Ranking>,
    symptoms: Vec<Said>,
    considered: Vec<(&'static str, Vec<Said>)>,
    proposals: Vec<Proposal>,
    mitigations: Vec<Mitigation>,
    outcomes: Vec<Said>,
    notes: Vec<Said>,
    outside: Option<Said>,
    waves: Vec<Wave>,
    more_steps: usize,
    spent: String,
    evidence: Vec<Evidence>,
    more_evidence: usize,
    record: Vec<(&'static str, String)>,
}

/// A line of text in tones.
struct Said {
    pieces: Vec<(&'static str, String)>,
}

impl From<Line> for Said {
    fn from(line: Line) -> Said {
        Said { pieces: line.cut(LINE).pieces().map(|(tone, text)| (class(tone), text.to_owned())).collect() }
    }
}

/// The page of a case. An error of a template is one of this program.
pub fn page(case: &Case, record: &Record, pictures: &Pictures) -> Result<String, askama::Error> {
    let told = Told::of(case, record);
    let incident = told.incident();
    let said = |lines: Vec<Line>| lines.into_iter().map(Said::from).collect::<Vec<_>>();
    let links = course::links(&told);
    let functions = functions::functions(&told, pictures.profiles.as_ref());
    let (waves, more_steps) = course::waves(&told, &pictures.waves, &links);
    let (evidence, more_evidence) = course::evidence(&told, &links);
    let mut page = Page {
        policy: policy(),
        css: CSS,
        script: policy::SCRIPT,
        script_used: functions.as_ref().is_some_and(|functions| functions.flame.is_some()),
        title: incident.map_or_else(|| "An incident".to_owned(), |incident| clean(&incident.title, 2 * NAME)),
        verdict_word: told.verdict().map_or("no verdict", |verdict| verdict.name()),
        case: case.id.to_string(),
        with_config: facts::with_config(case),
        about: facts::about(&told),
        tone: class(told.verdict().map_or(Tone::Unsure, header::tone)),
        verdict: said(header::verdict_lines(&LOOK, &told)),
        facts: facts::facts(&told),
        next: said(next::steps(&LOOK, &told)),
        sections: Vec::new(),
        wide: WIDE,
        high: HIGH,
        series: series::series(&told, &links),
        functions,
        opportunities: causes::opportunities(&told),
        rankings: causes::rankings(&told, &links),
        symptoms: said(symptom_lines(&told)),
        considered: Vec::new(),
        proposals: proposals::proposals(&told),
        mitigations: proposals::mitigations(&told),
        outcomes: said(super::proposals::outcomes(&LOOK, told.case)),
        notes: said(notes(&told)),
        outside: outside::outside_line(&LOOK, &told).map(Said::from),
        waves,
        more_steps,
        spent: course::spent(&told),
        evidence,
        more_evidence,
        record: facts::record(&told),
    };
    let considered = [
        ("Other reasons", considered::reasons(&LOOK, &told, MOST)),
        ("Other candidates", considered::candidates(&LOOK, &told, MOST)),
        ("Looked and found nothing", considered::found_nothing(&LOOK, &told, MOST)),
        ("Could not look", considered::could_not_look(&LOOK, &told, MOST)),
    ];
    let considered = considered.into_iter().filter(|(_, lines)| !lines.is_empty());
    page.considered = considered.map(|(heading, lines)| (heading, said(lines))).collect();
    page.sections = sections(&page);
    page.render()
}

/// The headings to jump to.
fn sections(page: &Page) -> Vec<(&'static str, &'static str)> {
    let all = [
        (page.series.is_some(), "series", "Series"),
        (!page.symptoms.is_empty(), "symptoms", "Symptoms"),
        (page.functions.is_some(), "functions", "Functions"),
        (!page.opportunities.is_empty(), "opportunities", "Opportunities"),
        (!page.rankings.is_empty(), "suspects", "Suspects"),
        (!page.considered.is_empty(), "considered", "Ruled out"),
        (!page.proposals.is_empty() || !page.mitigations.is_empty(), "proposals", "Proposals"),
        (!page.outcomes.is_empty(), "outcome", "Outcome"),
        (!page.notes.is_empty(), "notes", "Notes"),
        (true, "plan", "Plan"),
        (true, "evidence", "Evidence"),
        (true, "record", "Record"),
    ];
    all.into_iter().filter(|(there, ..)| *there).map(|(_, id, heading)| (id, heading)).collect()
}

/// The series in which the change was seen, each with why it is one of this case, and what to do if it is not.
fn symptom_lines(told: &Told<'_>) -> Vec<Line> {
    let (all, more) = symptoms::lines(&LOOK, told, MOST);
    let whole = |(line, why): (Line, Option<Line>)| match why {
        Some(why) => line.faint(": ").join(why),
        None => line,
    };
    let all: Vec<Line> = all.into_iter().map(whole).chain(more).collect();
    let from = (!all.is_empty()).then(|| symptoms::split_from(&LOOK, told)).flatten();
    from.into_iter().chain(all).chain(symptoms::advice(&LOOK, told)).collect()
}

/// What skills had to say besides.
fn notes(told: &Told<'_>) -> Vec<Line> {
    let notes = told.board.bodies(|body| match body {
        FindingBody::Note(text) => Some(text),
        _ => None,
    });
    let line = |text: &str, by: &str| Line::new(&LOOK).plain(shorten(text, 4 * SENTENCE)).faint(format!(" ({by})"));
    notes.take(MOST).map(|(item, text)| line(text, &item.evidence.by)).collect()
}

/// Text from outside: cut, and without anything that steers or hides.
pub fn clean(text: &str, characters: usize) -> String {
    without_piles(&printable(&shorten(text, characters)))
}

/// The same, of several lines.
fn clean_lines(text: &str, characters: usize) -> String {
    without_piles(&printable_lines(&shorten(text, characters)))
}

/// The class of a tone.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Strong => "strong",
        Tone::Faint => "faint",
        Tone::Bad => "bad",
        Tone::Good => "good",
        Tone::Unsure => "unsure",
        Tone::Accent => "accent",
    }
}
