//! `negawatt investigate` and `negawatt plan`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use negawatt_casebook::Case;
use negawatt_host::json::{self, IncidentFile};
use negawatt_host::text::{printable, shorten};
use negawatt_planner::{Knowledge, Progress, Watcher, answer, outline};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::report;
use crate::setup::{self, Setup};

/// Reads an incident; every error names the file.
pub fn read_incident(path: &Path) -> Result<IncidentFile, CliError> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::bad_input("incident", format!("cannot read the incident: {error}")).at(file.to_string())
    })?;
    json::read_incident(&text)
        .map_err(|error| CliError::bad_input("incident", error.message).at(format!("{file}, {}", error.place)))
}

/// Investigates an incident, and prints what was found.
pub async fn investigate(incident: &Path, config: Option<PathBuf>, json: bool) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let setup = Setup::new(config.as_deref())?;
    let case = run(&setup, file, json).await?;
    print(&case, json);
    Ok(())
}

/// Runs a case while its progress is shown.
pub async fn run(setup: &Setup, file: IncidentFile, quiet: bool) -> Result<Case, CliError> {
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = setup.runtime.investigate(&book, file, watcher(quiet), cancel.clone()).await?;
    finished(case, &cancel)
}

/// Takes up a case where it was left.
pub async fn resume(setup: &Setup, id: &str, quiet: bool) -> Result<Case, CliError> {
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = setup.runtime.resume(&book, &book.find(id)?, watcher(quiet), cancel.clone()).await?;
    finished(case, &cancel)
}

fn finished(case: Case, cancel: &CancellationToken) -> Result<Case, CliError> {
    if cancel.is_cancelled() && case.concluded().is_none() {
        return Err(CliError::failure(
            "cancelled",
            format!("the case {} was interrupted before it had a verdict", case.id),
        )
        .help(format!("negawatt case resume {} goes on with it", case.id)));
    }
    Ok(case)
}

/// Prints a case.
pub fn print(case: &Case, json: bool) {
    let text = if json { format!("{:#}\n", answer(case)) } else { report::report(case) };
    // A reader that went away is no error of the case.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Shows on standard error what happens: lines, and on a terminal what each step is doing.
fn watcher(quiet: bool) -> Watcher {
    let terminal = std::io::stderr().is_terminal();
    Arc::new(move |progress| {
        if quiet {
            return;
        }
        let mut err = std::io::stderr().lock();
        let _ = match progress {
            Progress::Opened(case) => writeln!(err, "case {case}"),
            Progress::Planned(steps) => {
                let skills: Vec<_> = steps.iter().map(|step| printable(&step.skill)).collect();
                writeln!(err, "running {}", skills.join(", "))
            }
            Progress::Step { step, fraction, text } if terminal => {
                write!(err, "\r\x1b[K{step} {:3.0} % {}\r", fraction * 100.0, shorten(&printable(text), 60))
            }
            Progress::Step { .. } => Ok(()),
            Progress::Called { step, status, findings, wall_us } => {
                let clear = if terminal { "\r\x1b[K" } else { "" };
                let millis = *wall_us as f64 / 1e3;
                writeln!(err, "{clear}{step} {}, findings: {findings}, {millis:.1} ms", report::word(*status))
            }
        };
    })
}

/// Prints the steps that a case would take if every skill found what it looks for, without taking any.
pub fn plan(incident: &Path, config: Option<PathBuf>, as_json: bool) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let setup = Setup::new(config.as_deref())?;
    let entries = setup.runtime.catalog.entries();
    let waves = outline(&file.incident, &setup.runtime.catalog, &Knowledge::default());
    let mut out = String::new();
    if as_json {
        let waves: Vec<_> = waves
            .iter()
            .map(|(question, wave)| {
                let steps = wave.iter().map(|n| {
                    let entry = &entries[*n];
                    let names =
                        |kinds: &[negawatt_host::Kind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>();
                    let manifest = &entry.skill.manifest;
                    json!({
                        "skill": entry.skill.id(),
                        "consumes": names(&manifest.consumes),
                        "reads": names(&manifest.reads),
                        "produces": names(&manifest.produces),
                        "denied": entry.rights.as_ref().err().map(ToString::to_string),
                    })
                });
                json!({ "question": question, "steps": steps.collect::<Vec<_>>() })
            })
            .collect();
        out = format!("{:#}\n", json!({ "waves": waves }));
    } else {
        out += &format!("{}\n", shorten(&printable(&file.incident.title), 100));
        out +=
            "If every skill finds what it looks for, these steps are taken; those of one wave run at the same time.\n";
        if waves.is_empty() {
            out += "\nno skill of this configuration can begin: `negawatt skill list` shows those that there are\n";
        }
        let mut asked = "";
        for (n, (question, wave)) in waves.iter().enumerate() {
            if asked != question {
                out += &format!("\n{question}\n");
                asked = question;
            }
            for at in wave {
                let entry = &entries[*at];
                let names = |kinds: &[negawatt_host::Kind]| {
                    kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                };
                let manifest = &entry.skill.manifest;
                let shown: Vec<_> = [names(&manifest.consumes), names(&manifest.reads)]
                    .into_iter()
                    .filter(|names| !names.is_empty())
                    .collect();
                let from = if shown.is_empty() { "the incident".to_owned() } else { shown.join(", ") };
                out += &format!("  wave {}  {:<24} {from} → {}\n", n + 1, entry.skill.id(), names(&manifest.produces));
                if let Err(denial) = &entry.rights {
                    out += &format!("          denied: {}\n", denial.to_string().replace('\n', "\n          "));
                }
            }
        }
    }
    let _ = std::io::stdout().lock().write_all(out.as_bytes());
    Ok(())
}
