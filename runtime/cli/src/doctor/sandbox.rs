//! `negawatt doctor --sandbox`: lets the hostile corpus loose on this machine's host, and says what became of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use negawatt_adversarial::{Arena, Row, Scoreboard, corpus, export, run, three_digits};
use negawatt_host::text::printable_lines;
use serde_json::json;

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::setup;

/// Runs every attack, one after the other, each beside an innocent skill, and prints the scoreboard. With a folder, the corpus is
/// written there instead, for other hosts.
///
/// An attack that does not end as it must fails the command, for programs too: whoever runs it asks one question, and a script
/// that does not read the answer must not go on. The scoreboard is printed all the same: it says which attack that was.
pub async fn sandbox(keep: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let attacks = corpus();
    if let Some(folder) = keep {
        let kept = std::fs::create_dir(folder).and_then(|()| export(&attacks, folder));
        kept.map_err(|error| {
            CliError::failure("folder", format!("cannot write to {}: {error}", folder.display()))
                .help("name a folder that is not there yet, below one that is")
        })?;
        if as_json {
            write_out(&json_text(&json!({ "folder": folder, "attacks": attacks.len() })));
        }
        return Ok(());
    }
    let failed = |error| CliError::failure("sandbox", error);
    let arena = Arc::new(Arena::new(Some(setup::compiler())).map_err(failed)?);
    let look = Look::of_stdout();
    if !as_json {
        write_out(&format!("{}\n", line(&look, [" ", "attack", "expected", "seen", "time", "neighbour"], Tone::Faint)));
    }
    let mut family = "";
    let rows = run(&arena, attacks, 1, |row| {
        if !as_json {
            if row.family != family {
                family = row.family;
                write_out(&format!("{}\n", look.paint(Tone::Strong, family)));
            }
            write_out(&text(&look, row));
        }
    });
    let scoreboard = Scoreboard::of(rows.await.map_err(failed)?);
    let (attacks, failures) = (scoreboard.rows().len(), scoreboard.failures().count());
    if as_json {
        write_out(&json_text(&scoreboard.json()));
    } else if failures == 0 {
        write_out(&format!(
            "\n{attacks} attacks ended as they must. The neighbour's answers were the same beside all of them.\n"
        ));
    }
    match failures {
        0 => Ok(()),
        failures => {
            Err(CliError::failure("sandbox", format!("{failures} of {attacks} attacks did not end as they must"))
                .help("do not run skills that you do not trust on this machine, and report this"))
        }
    }
}

/// Columns of a line of the scoreboard.
const COLUMNS: [usize; 6] = [2, 40, 12, 12, 9, 1];

fn line(look: &Look, cells: [&str; 6], tone: Tone) -> String {
    let cells = cells.iter().zip(COLUMNS).map(|(cell, columns)| format!("{cell:columns$}"));
    look.paint(tone, cells.collect::<String>().trim_end())
}

/// A row, and what went wrong where something did.
fn text(look: &Look, row: &Row) -> String {
    let (expected, seen) = (row.expected.ending.to_string(), row.seen.ending.to_string());
    let (time, effect) = (three_digits(row.seen.time), effect(row));
    let mark = match (&row.problem, look.unicode) {
        (None, true) => "✓",
        (None, false) => "+",
        (Some(_), true) => "✗",
        (Some(_), false) => "!",
    };
    let tone = if row.problem.is_some() { Tone::Bad } else { Tone::Plain };
    let mut text = line(look, [mark, row.attack, &expected, &seen, &time, &effect], tone) + "\n";
    if !look.unicode {
        text = text.replace('µ', "u");
    }
    if let Some(problem) = &row.problem {
        let said = printable_lines(&format!("{}\n{problem}\n{}", row.about, row.seen.said));
        said.lines().filter(|line| !line.is_empty()).for_each(|line| text += &format!("    {line}\n"));
    }
    text
}

/// The neighbour's latency beside the attack, and how many times that is what it is alone.
fn effect(row: &Row) -> String {
    let ratio = row.latency.beside.as_secs_f64() / row.latency.alone.max(Duration::from_nanos(1)).as_secs_f64();
    format!("{} ({ratio:.1} times alone)", three_digits(row.latency.beside))
}
