//! The scoreboard: what was expected and what was seen, for people, for programs, and for the documentation.

use std::fmt::Write;
use std::time::Duration;

use negawatt_host::text::{printable, shorten};
use serde_json::{Value, json};

use crate::run::Row;

/// Characters of what was said that are shown.
const SAID: usize = 100;

/// What happened to all attacks.
pub struct Scoreboard(Vec<Row>);

impl Scoreboard {
    /// Of these rows.
    pub fn of(rows: Vec<Row>) -> Scoreboard {
        Scoreboard(rows)
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// Attacks that did not end as they must, or that the neighbour noticed.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(|row| row.problem.is_some())
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let row = |row: &Row| {
            json!({
                "family": row.family,
                "attack": row.attack,
                "about": row.about,
                "expected": { "ending": row.expected.ending.to_string(), "says": row.expected.says },
                "seen": { "ending": row.seen.ending.to_string(), "said": said(row) },
                "as_expected": row.problem.is_none(),
                "problem": row.problem.as_deref().map(printable),
                "time_us": micros(row.seen.time),
                "neighbour": {
                    "alone_us": micros(row.latency.alone),
                    "beside_us": micros(row.latency.beside),
                    "calls": row.latency.calls,
                },
            })
        };
        json!({
            "ok": self.failures().next().is_none(),
            "attacks": self.0.iter().map(row).collect::<Vec<_>>(),
        })
    }

    /// The table of the documentation, as Markdown.
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| attack | what it does | expected | seen | time to stop | neighbour, alone → beside |\n");
        text += "|---|---|---|---|---|---|\n";
        let mut family = "";
        for row in &self.0 {
            if row.family != family {
                family = row.family;
                let _ = writeln!(text, "| **{family}** | | | | | |");
            }
            let expected = cell(&row.expected.to_string());
            let said = said(row);
            let seen =
                if said.is_empty() { row.seen.ending.to_string() } else { format!("{}: {said}", row.seen.ending) };
            let _ = writeln!(
                text,
                "| {} | {} | {expected} | {} | {} | {} → {} |",
                row.attack,
                cell(row.about),
                cell(&seen),
                three_digits(row.seen.time),
                three_digits(row.latency.alone),
                three_digits(row.latency.beside)
            );
        }
        text
    }
}

/// What was said of it, fit to be shown: the line that had to be there, or the first.
fn said(row: &Row) -> String {
    let lines = || row.seen.said.lines().filter(|line| !line.is_empty());
    let says = row.expected.says;
    let line = lines().find(|line| line.contains(says)).or_else(|| lines().next()).unwrap_or_default();
    // Of a long line, the part that had to be there.
    let at = line.find(says).unwrap_or(0);
    let start = if at + says.len() > SAID { line.floor_char_boundary(at.saturating_sub(SAID / 2)) } else { 0 };
    let ellipsis = if start > 0 { "…" } else { "" };
    shorten(&printable(&format!("{ellipsis}{}", &line[start..])), SAID)
}

/// Text that a table can hold.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        if matches!(c, '|' | '<' | '*' | '_' | '`' | '[' | '\\') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// A duration in three digits.
pub fn three_digits(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}
