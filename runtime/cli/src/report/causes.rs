//! What got slower, who is suspected, and what it costs.

use negawatt_host::model::{Candidate, FindingBody, FunctionShift};
use negawatt_host::text::shorten;
use negawatt_planner::{Factor, Ranked};

use super::header::described;
use super::numbers::{cost, percent};
use super::{NAME, SENTENCE, SHOWN, Told, WORTH_A_LINE, kind, suspect_name, without_address, without_version};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// Columns of a bar.
const BAR: usize = 10;

/// A suspect is named with its reasons above this probability, or where it is the first.
const LIKELY: f64 = 0.25;

/// The functions whose share grew most.
pub(super) fn functions(page: &mut Page<'_>, told: &Told<'_>) {
    let shifts = negawatt_planner::functions(&told.board);
    let shown = &shifts[..shifts.len().min(SHOWN)];
    if shown.is_empty() {
        return;
    }
    page.section("Functions");
    let numbers = 2 + 8 + 3 + 8 + 2 + BAR;
    let room = page.columns().saturating_sub(numbers).max(10);
    let longest = shown.iter().map(|shift| page.line().plain(&shift.name).width()).max().unwrap_or(0);
    let wide = longest.max(34).min(room);
    let title = page.line().cell(Tone::Faint, "share of CPU samples, with callees", wide);
    page.row(title.faint(format!("  {:>8}   {:>8}", "before", "after")));
    let greatest = shown.iter().map(|shift| shift.before.max(shift.after)).fold(0.0, f64::max);
    for shift in shown {
        let share = |share: f64| format!("{:>8}", format!("{:.1} %", share * 100.0));
        let line = page.line().cell(Tone::Plain, &shift.name, wide).faint(format!("  {} → ", share(shift.before)));
        let grew = if shift.after > shift.before { Tone::Bad } else { Tone::Good };
        page.row(line.add(grew, share(shift.after)).plain("  ").join(growth(page.look, shift, greatest)));
    }
    if shifts.len() > SHOWN {
        page.row(page.line().faint(format!("and {} more, which changed less", shifts.len() - SHOWN)));
    }
}

/// A bar of a share: what was there before, and what came or went.
fn growth(look: &Look, shift: &FunctionShift, greatest: f64) -> Line {
    let cells = |share: f64| if greatest > 0.0 { (share / greatest * BAR as f64).round() as usize } else { 0 };
    let (less, more) = (cells(shift.before.min(shift.after)), cells(shift.before.max(shift.after)));
    let (stays, comes, goes) = if look.unicode { ("▒", "█", "░") } else { ("=", "#", ".") };
    let (tone, change) = if shift.after > shift.before { (Tone::Bad, comes) } else { (Tone::Good, goes) };
    Line::new(look).faint(stays.repeat(less)).add(tone, change.repeat(more - less))
}

/// A bar of a probability, in eighths of a column.
fn bar(look: &Look, probability: f64) -> Line {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (probability.clamp(0.0, 1.0) * (BAR * 8) as f64).round() as usize;
    let line = Line::new(look);
    let text = match look.unicode {
        true => format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]),
        false => "#".repeat((eighths + 4) / 8),
    };
    line.cell(Tone::Accent, text, BAR)
}

/// What could be better.
pub(super) fn opportunities(page: &mut Page<'_>, told: &Told<'_>) {
    let found = told.board.bodies(|body| match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by(|(_, a), (_, b)| b.saving_high.total_cmp(&a.saving_high));
    page.section("Opportunity");
    for (item, opportunity) in found.iter().take(SHOWN) {
        let share = |share: f64| format!("{:.1} %", share * 100.0);
        let line = page.line().strong(shorten(&opportunity.name, NAME)).plain(format!(
            "  {} of samples; a fix is expected to save {} to {} of all",
            share(opportunity.share),
            share(opportunity.saving_low),
            share(opportunity.saving_high)
        ));
        page.write(line, 2);
        let files = files(&opportunity.files);
        let pattern = format!("  {}{files}", shorten(&opportunity.pattern, SENTENCE));
        let by = format!(" ({}, {})", percent(item.evidence.finding.confidence), item.evidence.by);
        page.write(page.line().plain(pattern).faint(by), 2);
    }
}

/// The candidates, the likeliest with what speaks for and against it.
pub(super) fn suspects(page: &mut Page<'_>, told: &Told<'_>) {
    let of = |service: bool| -> Vec<&Ranked> {
        told.suspects.iter().filter(|suspect| (suspect.candidate == Candidate::Service) == service).collect()
    };
    page.section("Suspects");
    distribution(page, told, &of(false), "none of these");
    page.section("Services");
    distribution(page, told, &of(true), "none of these services");
}

/// Candidates that share one distribution.
fn distribution(page: &mut Page<'_>, told: &Told<'_>, suspects: &[&Ranked], none: &str) {
    let worth = |(n, suspect): &(usize, &&Ranked)| *n == 0 || (*n < SHOWN && suspect.confidence >= WORTH_A_LINE);
    let shown = suspects.iter().enumerate().take_while(worth).count();
    let (shown, others) = suspects.split_at(shown);
    for (n, suspect) in shown.iter().enumerate() {
        let in_full = n == 0 || suspect.confidence >= LIKELY;
        one(page, told, suspect, in_full);
    }
    if let Some(first) = others.first() {
        let kinds = counted(others);
        let most = percent(first.confidence);
        page.row(page.line().faint(format!("{:>6}  {kinds}, {most} at most each", "")));
    }
    if !suspects.is_empty() {
        let known: f64 = suspects.iter().map(|suspect| suspect.confidence).sum();
        let nobody = (1.0 - known).clamp(0.0, 1.0);
        let line = page.line().plain(format!("{:>6}  ", percent(nobody))).join(bar(page.look, nobody));
        page.row(line.faint(format!("  {none}")));
    }
}

/// How many there are of each kind.
fn counted(suspects: &[&Ranked]) -> String {
    let kinds = [Candidate::Commit, Candidate::Config, Candidate::Experiment, Candidate::Service];
    let counts = kinds.iter().filter_map(|candidate| {
        let count = suspects.iter().filter(|suspect| suspect.candidate == *candidate).count();
        (count > 0).then(|| super::count(count, kind(*candidate)))
    });
    format!("{} more", counts.collect::<Vec<_>>().join(", "))
}

fn one(page: &mut Page<'_>, told: &Told<'_>, suspect: &Ranked, in_full: bool) {
    let line = page.line().strong(format!("{:>6}", percent(suspect.confidence))).plain("  ");
    let line = line.join(bar(page.look, suspect.confidence)).plain("  ");
    let indent = line.width();
    let described = described(told, suspect.candidate, &suspect.id);
    let tone = if in_full { Tone::Strong } else { Tone::Plain };
    let line = line.add(tone, suspect_name(suspect));
    if !in_full {
        let author = suspect.author.as_deref().map_or(String::new(), |author| format!("  {}", without_address(author)));
        let subject = described.map_or(String::new(), |(subject, _)| format!("  {subject}"));
        return page.row(line.plain(author).faint(subject));
    }
    let author = suspect.author.as_deref().map_or(String::new(), |author| format!("  {}", shorten(author, NAME)));
    page.write(line.plain(author), indent);
    let indent = if page.is_narrow() { 2 } else { indent };
    if let Some((subject, when)) = described {
        page.write(page.line().to(indent).plain(subject), indent);
        page.write(page.line().to(indent).faint(format!("{when}{}", files(&suspect.files))), indent);
    } else if !suspect.files.is_empty() {
        page.write(page.line().to(indent).faint(files(&suspect.files).trim_start_matches(", ")), indent);
    }
    for (skill, factors) in by_skill(&suspect.factors) {
        for (n, factor) in factors.iter().take(SHOWN).enumerate() {
            let tone = if factor.log_odds > 0.0 { Tone::Plain } else { Tone::Faint };
            let line =
                page.line().add(tone, format!("{:>+6.1}  {}", factor.log_odds, shorten(&factor.reason, SENTENCE)));
            // Once for all that it says.
            let by = if n == 0 { format!(" ({})", without_version(skill)) } else { String::new() };
            page.write(line.faint(by), 8);
        }
    }
}

/// Factors by the skill that says them, the weightiest skill first.
fn by_skill(factors: &[Factor]) -> Vec<(&str, Vec<&Factor>)> {
    let mut skills: Vec<(&str, Vec<&Factor>)> = Vec::new();
    for factor in factors {
        match skills.iter_mut().find(|(skill, _)| *skill == factor.skill) {
            Some((_, said)) => said.push(factor),
            None => skills.push((&factor.skill, vec![factor])),
        }
    }
    skills
}

/// `, in a, b and 3 more`; nothing where there are none.
fn files(files: &[String]) -> String {
    let named: Vec<_> = files.iter().take(3).map(|file| shorten(file, NAME)).collect();
    match (named.is_empty(), files.len() - named.len()) {
        (true, _) => String::new(),
        (_, 0) => format!(", in {}", named.join(", ")),
        (_, more) => format!(", in {} and {more} more", named.join(", ")),
    }
}

/// What it costs.
pub(super) fn impact(page: &mut Page<'_>, told: &Told<'_>) {
    let Some(impact) = negawatt_planner::impact(&told.board) else { return };
    page.section("Impact");
    page.write(page.line().strong(cost(impact)), 0);
    page.write(page.line().faint(shorten(&impact.basis, SENTENCE)), 0);
}

/// What skills had to say besides.
pub(super) fn notes(page: &mut Page<'_>, told: &Told<'_>) {
    let notes = told.board.bodies(|body| match body {
        FindingBody::Note(text) => Some(text),
        _ => None,
    });
    page.section("Notes");
    for (item, text) in notes.take(SHOWN) {
        page.write(page.line().plain(shorten(text, SENTENCE)).faint(format!(" ({})", item.evidence.by)), 2);
    }
}
