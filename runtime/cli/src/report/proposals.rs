//! What is proposed, what the guard says of it, and what became of it.

use negawatt_actions::guard::{median, relative};
use negawatt_casebook::{
    Adjusted, Became, Case, Decision, Examined, Measured, Outcome, Passed, Proposal, Reviewed, Stage, Submitted,
    Witness,
};
use negawatt_host::model::{FindingBody, Mitigation};
use negawatt_host::text::shorten;
use negawatt_planner::Item;

use super::chart::minute_label;
use super::numbers::{count, digits, p_value, percent, relative as change_of};
use super::{NAME, SENTENCE, SHOWN, Told};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// The proposals, each in a few lines; then mitigations that are not proposed.
pub(super) fn proposals(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Proposals");
    let all = &told.case.proposals.all;
    for proposal in all.iter().take(SHOWN) {
        let stage = proposal.stage();
        let line = page.line().strong(headline(told, proposal)).plain(", ").add(tone(stage), stage.to_string());
        let by = told.case.mitigation(&proposal.proposed).map_or(String::new(), |(by, _)| format!(" ({by})"));
        page.write(line.faint(by), 3);
        for line in guarded(page.look, proposal) {
            page.write(page.line().plain("   ").join(line), 5);
        }
    }
    if all.len() > SHOWN {
        page.row(page.line().faint(format!("and {}", count(all.len() - SHOWN, "more proposal"))));
    }
    if !all.is_empty() {
        let show = page.line().add(Tone::Accent, format!("negawatt review show {}", told.case.id));
        page.write(show.faint("  has the patches, and what was asked of them"), 0);
    }
    for (item, mitigation) in unproposed(told).take(SHOWN) {
        let line = page.line().strong(shorten(&mitigation.strategy, NAME)).plain(format!(": {}; ", does(mitigation)));
        let line = line.plain(shorten(&mitigation.validation, SENTENCE));
        page.write(line.faint(format!(" ({}, {})", percent(item.evidence.finding.confidence), item.evidence.by)), 2);
    }
}

/// Mitigations that the case does not propose.
pub(super) fn unproposed<'a>(told: &'a Told<'_>) -> impl Iterator<Item = (&'a Item, &'a Mitigation)> {
    let all = told.board.bodies(|body| match body {
        FindingBody::Mitigation(mitigation) => Some(mitigation),
        _ => None,
    });
    let is_proposed = |id: &String| told.case.proposals.all.iter().any(|one| one.proposed.mitigation == *id);
    all.filter(move |(item, _)| !is_proposed(&item.evidence.id))
}

/// `1. revert: for 4f1c…`
pub(super) fn headline(told: &Told<'_>, proposal: &Proposal) -> String {
    let number = proposal.proposed.number;
    match told.case.mitigation(&proposal.proposed) {
        Some((_, mitigation)) => format!("{number}. {}: {}", shorten(&mitigation.strategy, NAME), does(mitigation)),
        None => format!("{number}. what proposed it is not known here"),
    }
}

/// What a mitigation changes, in a few words.
pub(super) fn does(mitigation: &Mitigation) -> String {
    match &mitigation.setting {
        Some(setting) => format!("set {} to {}", shorten(&setting.key, NAME), shorten(&setting.value, NAME)),
        None => format!("for {}", shorten(&mitigation.target, 12)),
    }
}

/// How a stage is shown.
pub(super) fn tone(stage: Stage) -> Tone {
    match stage {
        Stage::Merged | Stage::Submitted | Stage::Approved => Tone::Good,
        Stage::Withheld | Stage::Rejected | Stage::Closed => Tone::Bad,
        Stage::Proposed | Stage::Waiting => Tone::Unsure,
    }
}

/// What the guard says, and what it measured.
fn guarded(look: &Look, proposal: &Proposal) -> Vec<Line> {
    let line = || Line::new(look);
    let Some(examined) = &proposal.examined else { return vec![line().faint("the guard was not asked yet")] };
    let measured = examined.measured.as_ref().map(|measured| line().plain(measured_in_words(measured)));
    [line().plain(holds(examined))].into_iter().chain(measured).collect()
}

/// Whether every criterion holds; of those that do not, the first.
fn holds(examined: &Examined) -> String {
    match examined.failed() {
        Some(failed) => format!("{} does not hold: {}", shorten(&failed.name, NAME), shorten(&failed.detail, SENTENCE)),
        None => match examined.criteria.iter().filter(|criterion| criterion.result == Passed::Yes).count() {
            1 => "its one criterion holds".to_owned(),
            holding => format!("all {holding} criteria hold"),
        },
    }
}

/// The medians without the patch and with it, and how probable that is by chance.
pub(super) fn measured_in_words(measured: &Measured) -> String {
    let middle = |values: &[f64]| median(values).map_or("nothing".to_owned(), digits);
    let by = relative(&measured.before, &measured.after).map_or(String::new(), |by| format!(" ({})", change_of(by)));
    let better = if measured.lower_is_better { "lower" } else { "higher" };
    let runs = count(measured.before.len(), "run");
    format!(
        "measured: {} → {}{by}, {better} is better; {}, {runs} each",
        middle(&measured.before),
        middle(&measured.after),
        p_value(measured.p_value)
    )
}

/// What somebody decided, who, and why.
pub fn decided(reviewed: &Reviewed) -> String {
    let by = reviewed.by.as_deref().unwrap_or("the operator's thresholds");
    let decision = match reviewed.decision {
        Decision::Approved => "approved".to_owned(),
        Decision::Rejected(reason) => format!("rejected ({})", reason.word()),
    };
    let text = if reviewed.text.is_empty() { String::new() } else { format!(": {}", reviewed.text) };
    format!("{decision} by {by}{text}")
}

/// Where a proposal is read.
pub fn submitted(submitted: &Submitted) -> String {
    let place = submitted.url.clone().unwrap_or_else(|| format!("the branch {}", submitted.branch));
    format!("submitted: {place} ({})", submitted.commit)
}

/// What became of the case and of what it proposed.
pub(super) fn outcome(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Outcome");
    for line in outcomes(page.look, told.case) {
        page.write(line, 2);
    }
}

/// What became of a case and of what it proposed, and the thresholds that this moved, by time.
pub fn outcomes(look: &Look, case: &Case) -> Vec<Line> {
    let proposals = &case.proposals;
    let of_proposals = proposals.all.iter().flat_map(|proposal| &proposal.outcomes);
    let became = proposals.outcomes.iter().chain(of_proposals).map(|(time, outcome)| (time, became(look, outcome)));
    let moved = proposals.adjusted.iter().map(|(time, adjusted)| (time, moved(look, adjusted)));
    let mut all: Vec<_> = became.chain(moved).collect();
    // What moved a threshold was recorded at the same time, and stays before it.
    all.sort_by_key(|(time, _)| **time);
    all.into_iter().map(|(time, line)| Line::new(look).faint(format!("{} ", minute_label(*time))).join(line)).collect()
}

fn moved(look: &Look, adjusted: &Adjusted) -> Line {
    let (from, to) = (digits(adjusted.from), digits(adjusted.to));
    let line = Line::new(look).plain(format!("{} {from} → {to}: ", shorten(&adjusted.threshold, NAME)));
    line.faint(shorten(&adjusted.reason, SENTENCE))
}

fn became(look: &Look, outcome: &Outcome) -> Line {
    let what = match outcome.proposal {
        Some(number) => format!("proposal {number} "),
        None => "the case ".to_owned(),
    };
    let tone = match outcome.what {
        Became::Merged => Tone::Good,
        Became::Rejected | Became::NotARegression | Became::WrongCulprit => Tone::Bad,
        Became::Recovered(recovery) if recovery.has_cured() => Tone::Good,
        Became::Recovered(_) | Became::Unmeasured => Tone::Unsure,
    };
    let by = match &outcome.by {
        Witness::Person(name) => format!(", says {}", shorten(name, NAME)),
        Witness::Forge => ", says the forge".to_owned(),
        Witness::Metrics => ", says its series".to_owned(),
    };
    let culprit =
        outcome.culprit.as_ref().map_or(String::new(), |culprit| format!("; it was {}", shorten(culprit, NAME)));
    let text = if outcome.text.is_empty() { String::new() } else { format!(": {}", shorten(&outcome.text, SENTENCE)) };
    let line = Line::new(look).plain(what);
    line.add(tone, outcome.what.word()).plain(format!("{by}{culprit}")).faint(text)
}
