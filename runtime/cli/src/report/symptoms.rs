//! The series in which a case's change was seen, and why they are one case.

use negawatt_casebook::Noted;
use negawatt_host::text::shorten;

use super::Told;
use super::chart::time_label;
use super::numbers::{p_value, relative};
use super::{NAME, SENTENCE};
use crate::look::Tone;
use crate::page::Page;

/// Symptoms that are shown; `--json` has all.
const SHOWN: usize = 12;

/// One line each, with its reason.
pub(super) fn symptoms(page: &mut Page<'_>, told: &Told<'_>) {
    let all = &told.case.symptoms;
    if all.is_empty() {
        return;
    }
    page.section("Symptoms");
    if let Some(from) = told.case.opened.as_ref().and_then(|opened| opened.split_from()) {
        page.write(page.line().plain(format!("a person split them off from the case {from}")), 0);
    }
    for Noted { number, symptom, split } in all.iter().take(SHOWN) {
        let name = shorten(&negawatt_watch::merge::name(symptom), NAME);
        let by = symptom.relative().map_or_else(|| "from nothing".to_owned(), relative);
        let line = page.line().faint(format!("{number:>2}  ")).plain(name).plain("  ");
        let line =
            line.add(Tone::Bad, by).plain(format!(" at {}, {}", time_label(symptom.time), p_value(symptom.p_value)));
        page.write(line, 4);
        if let Some(case) = split {
            page.write(page.line().plain("    ").add(Tone::Unsure, format!("split off into {case}")), 4);
        } else if !symptom.reason.is_empty() {
            page.write(page.line().faint(format!("    {}", shorten(&symptom.reason, SENTENCE))), 4);
        }
    }
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.write(page.line().faint(format!("    and {more} more (--json has all)")), 0);
    }
    if all.iter().filter(|noted| noted.split.is_none()).count() > 1 {
        let line = page.line().faint("    not one change? ");
        page.write(line.add(Tone::Accent, format!("negawatt case split {} NUMBER…", told.case.id)), 4);
    }
}
