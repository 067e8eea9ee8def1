//! What was considered and does not explain it: other reasons, other changes, other candidates, and who found nothing.

use std::collections::BTreeMap;

use negawatt_casebook::Verdict;
use negawatt_host::model::{ChangePoint, Direction, Dismissal, FindingBody, Shape};
use negawatt_host::text::shorten;
use negawatt_host::{Kind, Status};
use negawatt_planner::{Item, Taken};

use super::chart::time_label;
use super::numbers::{count, digits, percent, relative};
use super::{SENTENCE, SHOWN, Told, WORTH_A_LINE, suspect_name, without_version};
use crate::look::Look;
use crate::page::{Line, Page};

/// All of it, each in a line or two.
pub(super) fn considered(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Considered");
    let look = page.look;
    let (skills, could_not) = (found_nothing(look, told, SHOWN), could_not_look(look, told, SHOWN));
    for part in [reasons(look, told, SHOWN), changes(look, told, SHOWN), candidates(look, told, 2), skills, could_not] {
        for text in part {
            page.write(page.line().faint("· ").join(text), 2);
        }
    }
}

/// Reasons why it would be no regression that did not win, at most so many, and who looked for more.
pub(super) fn reasons(look: &Look, told: &Told<'_>, most: usize) -> Vec<Line> {
    let won = told.case.concluded().and_then(|concluded| concluded.dismissal.as_ref());
    let lost = negawatt_planner::reasons(&told.board)
        .filter(|(_, reason)| won.is_none_or(|won| won.reason != reason.reason || won.detail != reason.detail));
    let lost: Vec<_> = lost.collect();
    let one = |(item, dismissal): &(&Item, &Dismissal)| {
        let finding = &item.evidence.finding;
        let line = Line::new(look).plain(format!("{}, {}: ", dismissal.reason.word(), percent(finding.confidence)));
        let said = if dismissal.detail.is_empty() { &finding.summary } else { &dismissal.detail };
        line.plain(shorten(said, SENTENCE)).faint(format!(" ({})", without_version(&item.evidence.by)))
    };
    let mut lines: Vec<_> = lost.iter().take(most).map(one).collect();
    let looked = silent(told, |taken| taken.produces.contains(&Kind::Dismissal));
    if !looked.is_empty() {
        let other = if told.verdict() == Some(Verdict::Dismissed) || !lost.is_empty() { "further " } else { "other " };
        lines.push(Line::new(look).plain(format!("no {other}reason: {} looked and found none", listed(&looked))));
    }
    lines
}

/// Changes that do not explain the incident, by time.
pub(super) fn other_changes<'a>(told: &'a Told<'_>) -> Vec<(&'a Item, &'a ChangePoint)> {
    let explaining = told.case.concluded().and_then(|concluded| concluded.change_point.as_ref());
    let others = told.board.bodies(|body| match body {
        FindingBody::ChangePoint(change) => Some(change),
        _ => None,
    });
    let mut others: Vec<_> = others.filter(|(item, _)| Some(&item.evidence.id) != explaining).collect();
    others.sort_by_key(|(_, change)| change.time);
    others
}

fn changes(look: &Look, told: &Told<'_>, most: usize) -> Vec<Line> {
    let others = other_changes(told);
    let one = |(item, change): &(&Item, &ChangePoint)| {
        let by = change.relative().map_or(String::new(), |by| format!(", {}", relative(by)));
        let levels = format!("{} → {}{by}", digits(change.before), digits(change.after));
        let line = Line::new(look).plain(format!("a change at {}: {levels}: ", time_label(change.time)));
        line.plain(why_not(told, item, change))
    };
    let mut lines: Vec<_> = others.iter().take(most).map(one).collect();
    if others.len() > most {
        lines.push(Line::new(look).plain(format!("{} more", count(others.len() - most, "change"))));
    }
    lines
}

/// Why a change does not explain the incident.
pub(super) fn why_not(told: &Told<'_>, item: &Item, change: &ChangePoint) -> &'static str {
    let worse = told.incident().and_then(|incident| incident.metric.as_ref()).map(|metric| metric.worse);
    let hurts = match worse {
        Some(Direction::Down) => change.after < change.before,
        _ => change.after > change.before,
    };
    match change.shape {
        Shape::Variance => "of spread, not of level",
        _ if !hurts => "in the direction that does not hurt",
        _ if item.evidence.finding.confidence <= 0.5 => "as likely chance as not",
        _ => "it does less lasting harm",
    }
}

/// Candidates beside the first that are not it, at most so many, and what speaks against them.
pub(super) fn candidates(look: &Look, told: &Told<'_>, most: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let weighed = told.suspects.iter().filter(|suspect| told.record.commits.contains_key(&suspect.id)).count();
    let commits = told.record.commits.len();
    if weighed > 0 && commits > weighed {
        let text = format!("of {} that were looked at, {weighed} could be it", count(commits, "commit"));
        lines.push(Line::new(look).plain(text));
    }
    for suspect in told.suspects.iter().skip(1).take(most).filter(|suspect| suspect.confidence >= WORTH_A_LINE) {
        let against = suspect.factors.iter().filter(|factor| factor.log_odds < 0.0);
        let Some(factor) = against.min_by(|a, b| a.log_odds.total_cmp(&b.log_odds)) else { continue };
        let line = Line::new(look).plain(format!("{}, {}: ", suspect_name(suspect), percent(suspect.confidence)));
        lines.push(line.plain(shorten(&factor.reason, SENTENCE)).faint(format!(" ({:+.1})", factor.log_odds)));
    }
    lines
}

/// Skills that looked for something else than a reason and found nothing, at most so many kinds of it.
pub(super) fn found_nothing(look: &Look, told: &Told<'_>, most: usize) -> Vec<Line> {
    let mut silent_by_kind: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for taken in told.board.taken().iter().filter(|taken| !taken.produces.contains(&Kind::Dismissal)) {
        if is_silent(told, taken) {
            let kinds: Vec<_> = taken.produces.iter().map(ToString::to_string).collect();
            let skills = silent_by_kind.entry(kinds.join(" or ")).or_default();
            if !skills.contains(&without_version(&taken.skill)) {
                skills.push(without_version(&taken.skill));
            }
        }
    }
    let one = |(kinds, skills): (&String, &Vec<&str>)| {
        Line::new(look).plain(format!("{} found no {}", listed(skills), shorten(kinds, 80)))
    };
    silent_by_kind.iter().take(most).map(one).collect()
}

/// Skills that could not look: at most so many of those that were put aside, and all that failed in one line.
pub(super) fn could_not_look(look: &Look, told: &Told<'_>, most: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for aside in told.board.aside().iter().take(most) {
        let skill = without_version(&aside.skill);
        let line = Line::new(look).plain(format!("{skill} could not look: it was put aside, since "));
        lines.push(line.plain(shorten(&aside.reason, SENTENCE)));
    }
    let mut failed: Vec<&str> = Vec::new();
    for taken in told.board.taken().iter().filter(|taken| taken.status != Status::Ok) {
        let skill = without_version(&taken.skill);
        if !failed.contains(&skill) {
            failed.push(skill);
        }
    }
    if !failed.is_empty() {
        lines.push(Line::new(look).plain(format!("{} could not look: see below", listed(&failed))));
    }
    lines
}

/// Skills of the steps that ran to their end and found nothing.
fn silent<'a>(told: &'a Told<'_>, which: impl Fn(&Taken) -> bool) -> Vec<&'a str> {
    let mut names = Vec::new();
    for taken in told.board.taken().iter().filter(|taken| which(taken) && is_silent(told, taken)) {
        let name = without_version(&taken.skill);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn is_silent(told: &Told<'_>, taken: &Taken) -> bool {
    taken.status == Status::Ok && !told.board.items().iter().any(|item| item.evidence.by == taken.skill)
}

/// `a, b and c`; of many, the first.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}
