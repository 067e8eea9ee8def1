//! The series in which a case's change was seen, and why they are one case.

use negawatt_casebook::Noted;
use negawatt_host::text::shorten;

use super::Told;
use super::chart::time_label;
use super::numbers::{p_value, relative};
use super::{NAME, SENTENCE};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// Symptoms that a terminal shows; `--json` has all.
const SHOWN: usize = 12;

/// One line each, with its reason.
pub(super) fn symptoms(page: &mut Page<'_>, told: &Told<'_>) {
    if told.case.symptoms.is_empty() {
        return;
    }
    page.section("Symptoms");
    if let Some(from) = split_from(page.look, told) {
        page.write(from, 0);
    }
    let (all, more) = lines(page.look, told, SHOWN);
    for (line, why) in all {
        page.write(line, 4);
        if let Some(why) = why {
            page.write(page.line().plain("    ").join(why), 4);
        }
    }
    for line in more.into_iter().chain(advice(page.look, told)) {
        page.write(page.line().plain("    ").join(line), 4);
    }
}

/// The case that they were part of.
pub(super) fn split_from(look: &Look, told: &Told<'_>) -> Option<Line> {
    let from = told.case.opened.as_ref()?.split_from()?;
    Some(Line::new(look).plain(format!("a person split them off from the case {from}")))
}

/// At most so many symptoms, each with why it is one of this case; and how many more there are.
pub(super) fn lines(look: &Look, told: &Told<'_>, most: usize) -> (Vec<(Line, Option<Line>)>, Option<Line>) {
    let one = |Noted { number, symptom, split }: &Noted| {
        let name = shorten(&negawatt_watch::merge::name(symptom), NAME);
        let by = symptom.relative().map_or_else(|| "from nothing".to_owned(), relative);
        let line = Line::new(look).faint(format!("{number:>2}  ")).plain(name).plain("  ");
        let line =
            line.add(Tone::Bad, by).plain(format!(" at {}, {}", time_label(symptom.time), p_value(symptom.p_value)));
        let why = match split {
            Some(case) => Some(Line::new(look).add(Tone::Unsure, format!("split off into {case}"))),
            None if symptom.reason.is_empty() => None,
            None => Some(Line::new(look).faint(shorten(&symptom.reason, SENTENCE))),
        };
        (line, why)
    };
    let all = &told.case.symptoms;
    let more = all.len().checked_sub(most).filter(|more| *more > 0);
    let more = more.map(|more| Line::new(look).faint(format!("and {more} more (--json has all)")));
    (all.iter().take(most).map(one).collect(), more)
}

/// What to do where several are not of one change.
pub(super) fn advice(look: &Look, told: &Told<'_>) -> Option<Line> {
    let several = told.case.symptoms.iter().filter(|noted| noted.split.is_none()).count() > 1;
    let command = || format!("negawatt case split {} NUMBER…", told.case.id);
    several.then(|| Line::new(look).faint("not one change? ").add(Tone::Accent, command()))
}
