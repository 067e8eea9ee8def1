//! `negawatt case replay`.

use std::path::PathBuf;

use negawatt_host::text::shorten;
use negawatt_planner::{Difference, Differs, ReplayError, Replayed};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::{GAP, Page};
use crate::setup::{self, Setup, casebook};

/// Runs a case again from its record, with the skills of the configuration that it was opened with unless another is named, and says
/// where it goes another way.
///
/// A difference fails the command, for programs too: whoever asks wants to know whether the record holds.
pub async fn replay(id: &str, config: Option<PathBuf>, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let setup = Setup::of_record(config.or(opened_with.filter(|path| path.exists())).as_deref(), false)?;
    let cancel = setup::cancelled_by_ctrl_c();
    let replayed = setup.runtime.replay(&book, &case.id, &cancel).await?;
    write_out(&if as_json { json_text(&described(&replayed)) } else { text(&replayed, &Look::of_stdout()) });
    match replayed.differences.len() {
        0 => Ok(()),
        count => {
            let error = CliError::failure(
                "differs",
                format!("the case {} is not as it was recorded: {count} differences", case.id),
            );
            Err(match &replayed.hosts {
                (then, now) if then != now => error.help(format!("negawatt {then} recorded it, and this is {now}: with the same version it should be the same")),
                _ => error.help("a skill or the host is not deterministic here; please report it with `negawatt casebook export --case`"),
            })
        }
    }
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

fn text(replayed: &Replayed, look: &Look) -> String {
    let mut page = Page::new(look);
    let line = page.line().plain("case ").add(Tone::Accent, replayed.case.to_string());
    let (tone, word) = match (replayed.is_same(), replayed.verdict) {
        (true, Some(verdict)) => (Tone::Good, format!("the same to every byte: {verdict}")),
        (true, None) => (Tone::Good, "the same to every byte, as far as it went".to_owned()),
        (false, _) => (Tone::Bad, format!("{} differences", replayed.differences.len())),
    };
    page.heading(line.plain("  ").add(tone, word));
    if replayed.hosts.0 != replayed.hosts.1 {
        let (then, now) = &replayed.hosts;
        page.heading(page.line().add(Tone::Unsure, format!("negawatt {then} recorded it, and this is {now}")));
    }
    let widest = |of: &dyn Fn(&negawatt_planner::ReplayedStep) -> usize| {
        replayed.steps.iter().map(of).max().unwrap_or(0).min(40) + GAP
    };
    let (step, skill) = (widest(&|step| step.step.len()), widest(&|step| step.skill.chars().count()));
    for known in &replayed.steps {
        let of_it = replayed.differences.iter().filter(|differs| is_of(differs, &known.step)).count();
        let line = page.line().column(Tone::Faint, &known.step, step).column(Tone::Plain, &known.skill, skill);
        let line = line.column(Tone::Plain, known.status.to_string(), 14);
        page.whole_row(match (known.was_run, of_it) {
            (false, _) => line.faint("not run: its outcome is taken from the record"),
            (true, 0) => line.faint(format!("{} findings from {} answers: the same", known.findings, known.answers)),
            (true, _) => line.add(Tone::Bad, format!("{of_it} differences")),
        });
    }
    for difference in &replayed.differences {
        let place = difference.step.as_ref().map_or("case".to_owned(), |(step, skill)| format!("{step} {skill}"));
        let line = page.line().add(Tone::Bad, format!("{place}: "));
        page.heading(line.plain(shorten(&difference.differs.to_string(), 600)));
    }
    page.text()
}

fn is_of(difference: &Difference, step: &str) -> bool {
    difference.step.as_ref().is_some_and(|(of, _)| of == step)
}

fn described(replayed: &Replayed) -> Value {
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
