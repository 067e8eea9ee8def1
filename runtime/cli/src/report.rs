//! A case as people read it.

use std::fmt::Write;

use negawatt_casebook::{Case, End, Verdict};
use negawatt_host::model::{FindingBody, Impact};
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Status, time};
use negawatt_planner::{Board, Ranked, change, functions, impact, suspects};

/// Suspects and functions that are shown; `--json` has all.
const SHOWN: usize = 5;

/// The whole report of a case.
pub fn report(case: &Case) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut out, case);
    out
}

fn write_report(out: &mut String, case: &Case) -> std::fmt::Result {
    let board = Board::of(case);
    let title = case.opened.as_ref().map_or("", |opened| &opened.incident.title);
    writeln!(out, "{}\ncase {}\n", shorten(&printable(title), 100), case.id)?;
    write_verdict(out, case)?;
    if let Some(change) = change(case) {
        let relative = change.relative().map_or(String::new(), |relative| format!(" ({:+.1} %)", relative * 100.0));
        let (before, after) = (digits(change.before), digits(change.after));
        writeln!(
            out,
            "Change     {}  {before} → {after}{relative}, {}",
            time::rfc3339(change.time),
            p_value(change.p_value)
        )?;
    }
    let functions = functions(&board);
    for (n, shift) in functions.iter().take(SHOWN).enumerate() {
        let head = if n == 0 { "Functions" } else { "" };
        let name = shorten(&printable(&shift.name), 60);
        writeln!(out, "{head:<10} {name}  {:.1} % → {:.1} % of samples", shift.before * 100.0, shift.after * 100.0)?;
    }
    let suspects = suspects(case);
    for (n, suspect) in suspects.iter().take(SHOWN).enumerate() {
        write_suspect(out, if n == 0 { "Suspects" } else { "" }, suspect, n == 0)?;
    }
    if suspects.len() > SHOWN {
        writeln!(out, "           and {} more, all less likely", suspects.len() - SHOWN)?;
    }
    if let Some(impact) = impact(&board) {
        writeln!(out, "Impact     {}", cost(impact))?;
        writeln!(out, "           {}", shorten(&printable(&impact.basis), 300))?;
    }
    for note in notes(&board) {
        writeln!(out, "Note       {note}")?;
    }
    write_plan(out, case)?;
    if let Some(concluded) = case.concluded() {
        writeln!(out, "           ended because {}", concluded.ending)?;
    }
    if let Some(next) = next(case, &suspects) {
        writeln!(out, "\nNext       {next}")?;
    }
    Ok(())
}

fn write_verdict(out: &mut String, case: &Case) -> std::fmt::Result {
    match &case.end {
        None => writeln!(out, "Verdict    none yet; `negawatt case resume {}` goes on", case.id),
        Some(End::Cancelled(cancelled)) => {
            writeln!(out, "Verdict    none: cancelled, {}", printable(&cancelled.reason))
        }
        Some(End::Concluded(concluded)) => {
            writeln!(out, "Verdict    {} (confidence {:.2})", concluded.verdict, concluded.confidence)?;
            if let Some(dismissal) = &concluded.dismissal {
                writeln!(
                    out,
                    "Reason     {}: {}",
                    dismissal.reason.word(),
                    shorten(&printable(&dismissal.detail), 300)
                )?;
            }
            if let Some(missing) = &concluded.would_settle {
                writeln!(out, "Missing    {}", shorten(&printable(missing), 500))?;
            }
            Ok(())
        }
    }
}

fn write_suspect(out: &mut String, head: &str, suspect: &Ranked, reasons: bool) -> std::fmt::Result {
    let id = match suspect.candidate.word() {
        "commit" => suspect.id.chars().take(12).collect(),
        _ => shorten(&printable(&suspect.id), 60),
    };
    let author =
        suspect.author.as_deref().map_or(String::new(), |author| format!("  {}", shorten(&printable(author), 60)));
    writeln!(out, "{head:<10} {:.2}  {} {}{author}", suspect.confidence, suspect.candidate.word(), printable(&id))?;
    if !reasons {
        return Ok(());
    }
    for file in suspect.files.iter().take(SHOWN) {
        writeln!(out, "                 in {}", shorten(&printable(file), 80))?;
    }
    for factor in suspect.factors.iter().take(SHOWN) {
        let (skill, reason) = (printable(&factor.skill), shorten(&printable(&factor.reason), 160));
        writeln!(out, "           {:+5.1}  {reason} ({skill})", factor.log_odds)?;
    }
    Ok(())
}

fn write_plan(out: &mut String, case: &Case) -> std::fmt::Result {
    writeln!(out)?;
    for (n, step) in case.steps.iter().enumerate() {
        let head = if n == 0 { "Plan" } else { "" };
        let found = step.accepted.as_ref().map_or(0, Vec::len);
        let ended = match (step.status(), found) {
            (Status::Ok, 0) => "found nothing".to_owned(),
            (Status::Ok, 1) => "1 finding".to_owned(),
            (Status::Ok, found) => format!("{found} findings"),
            (status, _) => word(status),
        };
        let wall = step.last_call().map_or(0, |call| call.usage.wall_us) as f64 / 1e3;
        let (id, skill) = (&step.planned.step, printable(&step.planned.skill));
        writeln!(out, "{head:<10} {id:<4} {skill:<24} {ended:<14} {wall:>8.1} ms")?;
        if let Some(message) = step.last_call().and_then(|call| call.message.as_ref()) {
            for line in message.lines().take(10) {
                writeln!(out, "                {}", shorten(&printable(line), 200))?;
            }
        }
        // What a skill said helps whoever mends it, and nobody else.
        if let Some(call) = step.last_call().filter(|call| call.status != Status::Ok) {
            for line in call.log.iter().take(5) {
                writeln!(out, "                | {}", shorten(&printable(line), 200))?;
            }
        }
    }
    Ok(())
}

/// A status in the words of the fixed output.
pub fn word(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn notes(board: &Board) -> Vec<String> {
    let notes = board.bodies(|body| match body {
        FindingBody::Note(text) => Some(text),
        _ => None,
    });
    let said =
        notes.map(|(item, text)| format!("{} ({})", shorten(&printable(text), 300), printable(&item.evidence.by)));
    said.take(SHOWN).collect()
}

fn cost(impact: &Impact) -> String {
    let watts = match impact.watts.abs() {
        watts if watts >= 1e12 => format!("{:e} W", impact.watts),
        watts if watts >= 1e6 => format!("{:.2} MW", impact.watts / 1e6),
        watts if watts >= 1e3 => format!("{:.1} kW", impact.watts / 1e3),
        _ => format!("{:.0} W", impact.watts),
    };
    format!("{} cores, {watts}", digits(impact.cores))
}

/// What a person would do now.
fn next(case: &Case, suspects: &[Ranked]) -> Option<String> {
    let verdict = case.concluded()?.verdict;
    let first = suspects.first();
    match (verdict, first) {
        (Verdict::Regression, Some(suspect)) if suspect.confidence >= 0.5 && suspect.candidate.word() == "commit" => {
            let author = suspect.author.as_deref().map_or("its author".to_owned(), printable);
            Some(format!(
                "show this to {author}: git show {}",
                printable(&suspect.id.chars().take(12).collect::<String>())
            ))
        }
        (Verdict::Regression, Some(_)) => Some("look at the suspects above: none is certain".to_owned()),
        (Verdict::Regression, None) => Some(
            "no cause was found: configure [sources.changes] and [sources.profiles], or look outside of the code"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A probability that may be too small to be written.
fn p_value(p: f64) -> String {
    if p < 1e-300 { "p < 1e-300".to_owned() } else { format!("p = {p:.1e}") }
}

/// A number to four significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() || value.abs() >= 1e12 {
        return format!("{value:e}");
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.012_345_6, "0.01235"),
            (1234.5, "1234"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (1e90, "1e90"),
            (1e-9, "0.000000001"),
        ] {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn costs_have_the_unit_that_fits() {
        let impact = |watts| Impact { cores: 12.4, watts, basis: String::new() };
        assert_eq!(cost(&impact(40_060.0)), "12.4 cores, 40.1 kW");
        assert_eq!(cost(&impact(2.5e6)), "12.4 cores, 2.50 MW");
        assert_eq!(cost(&impact(-12.0)), "12.4 cores, -12 W");
    }
}
