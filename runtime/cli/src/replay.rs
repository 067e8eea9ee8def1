//! `negawatt case replay`.

use std::path::{Path, PathBuf};

use negawatt_casebook::{Case, Casebook};
use negawatt_host::text::shorten;
use negawatt_planner::{Difference, Differs, ReplayError, Replayed};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::{GAP, Page};
use crate::printed::{items, word};
use crate::setup::{self, Setup, casebook};

/// Runs a case again from its record, with the skills of the configuration that it was opened with unless another is named, and says
/// where it goes another way.
///
/// A difference fails the command, for programs too: whoever asks wants to know whether the record holds.
pub async fn replay(id: &str, config: Option<PathBuf>, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let config = config.or(opened_with.filter(|path| path.exists()));
    let replayed = again(&book, &case, config.as_deref(), &setup::cancelled_by_ctrl_c()).await?;
    print(&described(&replayed), as_json)
}

/// Runs a case again from its record, with the skills of a configuration.
pub async fn again(
    book: &Casebook,
    case: &Case,
    config: Option<&Path>,
    cancel: &CancellationToken,
) -> Result<Replayed, CliError> {
    let setup = tokio::task::block_in_place(|| Setup::of_record(config, false))?;
    Ok(setup.runtime.replay(book, &case.id, cancel).await?)
}

/// Prints what came of running a case again. A difference is an error.
pub fn print(replayed: &Value, as_json: bool) -> Result<(), CliError> {
    write_out(&if as_json { json_text(replayed) } else { text(replayed, &Look::of_stdout()) });
    let differences = items(&replayed["differences"]).len();
    if differences == 0 {
        return Ok(());
    }
    let error = CliError::failure(
        "differs",
        format!("the case {} is not as it was recorded: {differences} differences", word(&replayed["case"])),
    );
    Err(match hosts(replayed) {
        (then, now) if then != now => error.help(format!(
            "negawatt {then} recorded it, and this is {now}: with the same version it should be the same"
        )),
        _ => error.help(
            "a skill or the host is not deterministic here; please report it with `negawatt casebook export --case`",
        ),
    })
}

/// The versions that recorded a case and ran it again.
fn hosts(replayed: &Value) -> (&str, &str) {
    (word(&replayed["host"]["recorded"]), word(&replayed["host"]["replayed"]))
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> CliError {
        match error {
            ReplayError::Casebook(error) => error.into(),
            ReplayError::Interrupted => CliError::failure("cancelled", error),
            error => CliError::failure("cannot-replay", error),
        }
    }
}

fn text(replayed: &Value, look: &Look) -> String {
    let (steps, differences) = (items(&replayed["steps"]), items(&replayed["differences"]));
    let mut page = Page::new(look);
    let line = page.line().plain("case ").add(Tone::Accent, word(&replayed["case"]));
    let (tone, said) = match (differences.len(), replayed["verdict"].as_str()) {
        (0, Some(verdict)) => (Tone::Good, format!("the same to every byte: {verdict}")),
        (0, None) => (Tone::Good, "the same to every byte, as far as it went".to_owned()),
        (count, _) => (Tone::Bad, format!("{count} differences")),
    };
    page.heading(line.plain("  ").add(tone, said));
    let (then, now) = hosts(replayed);
    if then != now {
        page.heading(page.line().add(Tone::Unsure, format!("negawatt {then} recorded it, and this is {now}")));
    }
    let widest =
        |key: &str| steps.clone().map(|step| word(&step[key]).chars().count()).max().unwrap_or(0).min(40) + GAP;
    let (step, skill) = (widest("step"), widest("skill"));
    for known in steps.clone() {
        let of_it = differences.clone().filter(|differs| differs["step"] == known["step"]).count();
        let line = page.line().column(Tone::Faint, word(&known["step"]), step);
        let line =
            line.column(Tone::Plain, word(&known["skill"]), skill).column(Tone::Plain, word(&known["status"]), 14);
        page.whole_row(match (known["run"] == true, of_it) {
            (false, _) => line.faint("not run: its outcome is taken from the record"),
            (true, 0) => {
                line.faint(format!("{} findings from {} answers: the same", known["findings"], known["answers"]))
            }
            (true, _) => line.add(Tone::Bad, format!("{of_it} differences")),
        });
    }
    for difference in differences {
        let place = match difference["step"].as_str() {
            Some(step) => format!("{step} {}", word(&difference["skill"])),
            None => "case".to_owned(),
        };
        let line = page.line().add(Tone::Bad, format!("{place}: "));
        page.heading(line.plain(shorten(word(&difference["text"]), 600)));
    }
    page.text()
}

fn is_of(difference: &Difference, step: &str) -> bool {
    difference.step.as_ref().is_some_and(|(of, _)| of == step)
}

/// What came of it, as programs read it.
pub fn described(replayed: &Replayed) -> Value {
    json!({
        "case": replayed.case.to_string(),
        "same": replayed.is_same(),
        "verdict": replayed.verdict.map(|verdict| verdict.name()),
        "host": { "recorded": replayed.hosts.0, "replayed": replayed.hosts.1 },
        "steps": replayed.steps.iter().map(|step| json!({
            "step": step.step, "skill": step.skill, "status": step.status, "run": step.was_run,
            "findings": step.findings, "answers": step.answers,
            "same": !replayed.differences.iter().any(|differs| is_of(differs, &step.step)),
        })).collect::<Vec<_>>(),
        "differences": replayed.differences.iter().map(|difference| {
            let (finding, byte, field) = match &difference.differs {
                Differs::Finding { number, byte, field, .. } => (Some(number), Some(byte), field.as_ref()),
                _ => (None, None, None),
            };
            json!({
                "step": difference.step.as_ref().map(|(step, _)| step),
                "skill": difference.step.as_ref().map(|(_, skill)| skill),
                "kind": difference.differs.word(), "finding": finding, "byte": byte, "field": field,
                "text": shorten(&difference.differs.to_string(), 2_000),
            })
        }).collect::<Vec<_>>(),
    })
}
