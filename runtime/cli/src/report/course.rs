//! How the case went: its steps and what they spent.

use negawatt_casebook::Step;
use negawatt_host::Status;
use negawatt_host::text::shorten;
use negawatt_planner::refused;

use super::Told;
use super::numbers::{count, duration};
use crate::look::Tone;
use crate::page::Page;

/// Lines of a message or of a log.
const LINES: usize = 5;

/// The steps that were taken, what they found, and what all of it spent.
pub(super) fn plan(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Plan");
    for step in &told.case.steps {
        one(page, told, step);
    }
    page.write(page.line().faint(spent_line(told)), 0);
}

/// What the case spent, and why it ended.
pub(super) fn spent_line(told: &Told<'_>) -> String {
    let usage = &told.case.usage;
    let mut spent =
        vec![count(usage.skill_calls as usize, "skill call"), count(usage.tool_calls as usize, "tool call")];
    if let Some(concluded) = told.case.concluded() {
        spent.push(duration(concluded.wall_ms.saturating_mul(1000)));
    }
    spent.push(format!("{:.1} MiB at most", usage.peak_memory_bytes as f64 / f64::from(1 << 20)));
    let ended =
        told.case.concluded().map_or(String::new(), |concluded| format!("; ended because {}", concluded.ending));
    format!("{}{ended}", spent.join(", "))
}

fn one(page: &mut Page<'_>, told: &Told<'_>, step: &Step) {
    let found = step.accepted.as_ref().map_or(0, Vec::len);
    let (tone, mark, ended) = ended(step, found);
    let wall = step.last_call().map_or(0, |call| call.usage.wall_us);
    let skill = page.columns().saturating_sub(35).clamp(10, 26);
    let line = page.line().add(tone, mark).plain(format!(" {:<4}", step.planned.step));
    let line = line.cell(Tone::Plain, &step.planned.skill, skill).plain("  ").cell(tone, ended, 14);
    page.row(line.faint(format!("{:>11}", duration(wall))));
    let Some(call) = step.last_call() else { return };
    for effect in step.intents.iter().take(LINES) {
        page.write(page.line().plain("       effect outside: ").plain(shorten(effect, 200)), 9);
    }
    let refused = refused(call);
    for refused in refused.iter().take(LINES) {
        let line = page.line().plain("       ").add(Tone::Unsure, format!("denied {}: ", times(refused.times)));
        page.write(line.plain(shorten(&refused.message, 200)), 9);
    }
    if refused.len() > LINES {
        page.write(page.line().plain(format!("       and {} more were denied", refused.len() - LINES)), 9);
    }
    if call.status == Status::Ok {
        // What it was not shown, and what would change that, stands in the reason below the question.
        for line in step.planned.reason.lines().skip(1).take(LINES + 1) {
            page.write(page.line().faint("       ").faint(shorten(line, 200)), 7);
        }
        return;
    }
    // What stands in the verdict already is not said again, nor what was denied.
    let settled = told.case.concluded().and_then(|concluded| concluded.would_settle.as_ref());
    let said = |message: &&String| {
        settled.is_some_and(|said| said.contains(message.as_str()))
            || refused.iter().any(|refused| message.ends_with(&refused.message))
    };
    let message = call.message.iter().filter(|message| !said(message));
    for line in message.flat_map(|message| message.lines()).take(LINES + 1) {
        page.write(page.line().plain("       ").plain(shorten(line, 200)), 7);
    }
    // What a skill said helps whoever mends it, and nobody else.
    for line in call.log.iter().take(LINES) {
        page.write(page.line().faint("       | ").faint(shorten(line, 200)), 9);
    }
}

/// How often, in words.
fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

/// How a step ended, in words and marked.
pub(super) fn ended(step: &Step, found: usize) -> (Tone, &'static str, String) {
    let (tone, mark) = mark(step.status(), found);
    let ended = match (step.status(), found) {
        (Status::Ok, 0) => "found nothing".to_owned(),
        (Status::Ok, found) => count(found, "finding"),
        (status, _) => status.to_string(),
    };
    (tone, mark, ended)
}

/// How a step that ended so is marked.
pub fn mark(status: Status, found: usize) -> (Tone, &'static str) {
    match (status, found) {
        (Status::Ok, 0) => (Tone::Faint, "○"),
        (Status::Ok, _) => (Tone::Good, "✓"),
        (Status::Skipped | Status::Cancelled, _) => (Tone::Unsure, "○"),
        _ => (Tone::Bad, "✗"),
    }
}
