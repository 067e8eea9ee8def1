//! What a person would do now.

use negawatt_casebook::Verdict;
use negawatt_host::model::{Candidate, DismissalReason, FindingBody};
use negawatt_host::text::shorten;
use negawatt_planner::Ranked;

use super::numbers::digits;
use super::{NAME, Told};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// A suspect that is more likely than not is named alone.
const LIKELY: f64 = 0.5;

/// Steps in order; the last section, so that it stands above the prompt.
pub(super) fn next(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Next");
    let steps = steps(page.look, told);
    let numbered = steps.len() > 1;
    for (n, step) in steps.into_iter().enumerate() {
        let number = if numbered { format!("{}. ", n + 1) } else { String::new() };
        let indent = number.len();
        page.write(page.line().faint(number).join(step), indent);
    }
}

/// What to do, in order.
pub(super) fn steps(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let Some(verdict) = told.verdict() else {
        let resume = Line::new(look).add(Tone::Accent, format!("negawatt case resume {}", told.case.id));
        return if told.case.end.is_none() { vec![resume.plain("  goes on with it")] } else { Vec::new() };
    };
    match (verdict, told.first()) {
        (Verdict::Regression, Some(first)) if first.confidence >= LIKELY => cause(look, told, first),
        (Verdict::Regression, Some(_)) => no_certain_cause(look, told),
        (Verdict::Regression, None) => no_cause(look, told),
        (Verdict::Opportunity, _) => opportunity(look, told),
        (Verdict::Dismissed, _) => vec![dismissed(look, told)],
        (Verdict::Inconclusive, _) => inconclusive(look, told),
    }
}

/// One suspect is more likely than not: look at it, ask, confirm.
fn cause(look: &Look, told: &Told<'_>, first: &Ranked) -> Vec<Line> {
    let record = told.record;
    let first_step = match first.candidate {
        Candidate::Commit => show(look, &[first]).plain(in_repository(first)),
        Candidate::Config => {
            let key = record.configs.get(&first.id).map_or(&first.id, |change| &change.key);
            Line::new(look).plain("look at the setting ").add(Tone::Accent, shorten(key, NAME))
        }
        _ => Line::new(look).plain("look at the experiment ").add(Tone::Accent, shorten(&first.id, NAME)),
    };
    let mut steps = vec![first_step];
    if let Some(author) = &first.author {
        steps.push(Line::new(look).plain("ask ").strong(shorten(author, NAME)).plain(", who made it"));
    }
    let undo = match first.candidate {
        Candidate::Commit => "revert it on one instance".to_owned(),
        Candidate::Config => match record.configs.get(&first.id).and_then(|change| change.before.as_ref()) {
            Some(before) => format!("set it back to {} on one instance", shorten(before, NAME)),
            None => "take it out on one instance".to_owned(),
        },
        _ => "end it for a part of the traffic".to_owned(),
    };
    let back = told.change().map_or(String::new(), |change| format!(" to about {}", digits(change.before)));
    let metric = shorten(told.metric(), NAME);
    let expected = format!("to confirm it, {undo}: if it is the cause, {metric} goes back there{back}");
    steps.push(Line::new(look).plain(expected));
    steps
}

fn no_certain_cause(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let commits: Vec<&Ranked> =
        told.suspects.iter().filter(|suspect| suspect.candidate == Candidate::Commit).take(3).collect();
    let mut steps = vec![Line::new(look).plain("no suspect is certain: look at the likeliest in turn")];
    if !commits.is_empty() {
        steps.push(show(look, &commits).plain(in_repository(commits[0])));
    }
    if negawatt_planner::functions(&told.board).is_empty() {
        let line = Line::new(look).plain("CPU profiles of before and after would tell them apart: ");
        steps.push(line.add(Tone::Accent, "[sources.profiles]").plain(" in negawatt.toml"));
    }
    steps
}

fn no_cause(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let asked = told.case.usage.tool_calls;
    let line = Line::new(look).plain("no candidate was found: ");
    let services: Vec<_> =
        told.suspects.iter().filter(|suspect| suspect.candidate == Candidate::Service).take(1).collect();
    if let [service] = services[..] {
        return vec![
            line.plain("open an incident of the service ")
                .strong(shorten(&service.id, NAME))
                .plain(", with its own metric"),
        ];
    }
    let sources = line.plain("configure ").add(Tone::Accent, "[sources.changes]").plain(", ");
    let sources = sources.add(Tone::Accent, "[sources.profiles]").plain(" and ");
    let sources = sources.add(Tone::Accent, "[sources.configs]");
    let outside = if asked > 0 { ", or look outside of the code: traffic, data, machines" } else { "" };
    vec![sources.plain(outside)]
}

fn opportunity(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let best = told.board.bodies(|body| match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    });
    let best = best.max_by(|(_, a), (_, b)| a.saving_high.total_cmp(&b.saving_high));
    let Some((_, best)) = best else { return Vec::new() };
    let place = best.files.first().map_or(String::new(), |file| format!(" in {}", shorten(file, NAME)));
    let name = shorten(&best.name, NAME);
    vec![
        Line::new(look).plain("look at ").strong(name).plain(format!("{place}, which promises most")),
        Line::new(look).plain("measure before and after the change: its share of samples should fall"),
    ]
}

/// Nothing to do, and how to look again.
fn dismissed(look: &Look, told: &Told<'_>) -> Line {
    let reason = told.case.concluded().and_then(|concluded| concluded.dismissal.as_ref()).map(|won| won.reason);
    Line::new(look).strong("nothing to do").plain(match reason {
        Some(DismissalReason::Noise) => {
            "; to look again, give more data: a window that ends later, or a finer resolution"
        }
        Some(DismissalReason::WentAway) => "; if it comes back, give a window that holds both times",
        Some(DismissalReason::Seasonal) => "; to look past the season, give a window of several of its periods",
        Some(DismissalReason::CostShift) => {
            "; to see the part that grew by itself, open an incident of the function or service that took the cost over"
        }
        Some(DismissalReason::Planned) => "; if it costs more than was meant, open an incident with a later window",
        _ => "; to look again, give a window that holds the change and what came before it",
    })
}

fn inconclusive(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let mut steps = Vec::new();
    if told.record.series.is_none() {
        let line = Line::new(look).plain("see what the sources have: ").add(Tone::Accent, "negawatt doctor");
        steps.push(line.plain("; check the metric's name, its labels and the window"));
    } else {
        steps.push(Line::new(look).plain(
            "give a window with more of before and after, data at a finer resolution, or a metric with less noise",
        ));
    }
    steps.push(Line::new(look).plain("then investigate again; the new case is linked to this one"));
    steps
}

/// The command that shows commits. What is no hash is not made a part of a command.
fn show(look: &Look, commits: &[&Ranked]) -> Line {
    let hash = |id: &str| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hashes: Vec<String> =
        commits.iter().filter(|commit| hash(&commit.id)).map(|commit| commit.id.chars().take(12).collect()).collect();
    if hashes.is_empty() {
        return Line::new(look).plain("look at the commit");
    }
    Line::new(look).add(Tone::Accent, format!("git show {}", hashes.join(" ")))
}

/// Where the configuration names several repositories, which one.
fn in_repository(commit: &Ranked) -> String {
    match commit.repository.as_deref() {
        None | Some("default") => String::new(),
        Some(repository) => format!("  in the repository {}", shorten(repository, NAME)),
    }
}
