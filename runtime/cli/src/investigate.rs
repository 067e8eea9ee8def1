//! `negawatt investigate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use negawatt_casebook::{Case, Casebook};
use negawatt_host::json::{self, IncidentFile};
use negawatt_host::text::printable_json;
use negawatt_planner::answer;
use negawatt_proposals::carry_on;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::look::Look;
use crate::page_file::PageFile;
use crate::progress::{self, watcher};
use crate::report::{Pictures, Record, page, report};
use crate::setup::{self, Setup};

/// Reads an incident; every error names the file.
pub fn read_incident(path: &Path) -> Result<IncidentFile, CliError> {
    let wrong = |error: json::JsonError| {
        CliError::bad_input("incident", error.message).at(format!("{}, {}", path.display(), error.place))
    };
    json::read_incident(&read_text(path)?).map_err(wrong)
}

/// Reads the text of an incident.
pub fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| {
        CliError::bad_input("incident", format!("cannot read the incident: {error}")).at(path.display())
    })
}

/// Investigates an incident, and prints what was found.
pub async fn investigate(
    incident: &Path,
    config: Option<PathBuf>,
    json: bool,
    page: Option<&Path>,
) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let page = page.map(PageFile::at).transpose()?;
    let setup = Setup::new(config.as_deref())?;
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = run(&setup, &book, file, json, &cancel).await?;
    let case = carry_on(&crate::review::desk(&setup.config), &book, case, &cancel).await?;
    print(&case, &book, json, page.as_ref())
}

/// Runs a case while its progress is shown.
pub async fn run(
    setup: &Setup,
    book: &Casebook,
    file: IncidentFile,
    quiet: bool,
    cancel: &CancellationToken,
) -> Result<Case, CliError> {
    let case = setup.runtime.investigate(book, file, watcher(quiet), cancel.clone()).await?;
    progress::end(quiet);
    finished(case, cancel)
}

/// Takes up a case where it was left.
pub async fn resume(
    setup: &Setup,
    book: &Casebook,
    id: &str,
    quiet: bool,
    cancel: &CancellationToken,
) -> Result<Case, CliError> {
    let case = setup.runtime.resume(book, &book.find(id)?, watcher(quiet), cancel.clone()).await?;
    progress::end(quiet);
    finished(case, cancel)
}

/// A case that was run until its end, or an error that says how it goes on.
pub fn finished(case: Case, cancel: &CancellationToken) -> Result<Case, CliError> {
    if cancel.is_cancelled() && case.concluded().is_none() {
        return Err(CliError::failure(
            "cancelled",
            format!("the case {} was interrupted before it had a verdict", case.id),
        )
        .help(format!("negawatt case resume {} goes on with it", case.id)));
    }
    Ok(case)
}

/// Prints a case, after its page is written where one is wanted.
pub fn print(case: &Case, book: &Casebook, json: bool, file: Option<&PageFile>) -> Result<(), CliError> {
    if let Some(file) = file {
        let id = case.id;
        let again = format!("the case is kept: negawatt case show {id} --report FILE.html writes the page");
        let text = page(case, &Record::of(case, book), &Pictures::of(case, book))
            .map_err(|error| CliError::failure("report", format!("the page cannot be made: {error}")).help(&again))?;
        file.write(&text).map_err(|error| CliError { bad_input: false, ..error }.help(again))?;
    }
    write_out(&match json {
        true => json_text(&described(case)),
        false => report(case, &Record::of(case, book), &Look::of_stdout()),
    });
    Ok(())
}

/// A case as programs read it.
pub fn described(case: &Case) -> serde_json::Value {
    crate::watch::with_symptoms(crate::review::with_checks(answer(case), case), case)
}

/// An object as every command prints it: for programs to read, and for terminals to show without being steered.
pub fn json_text(object: &serde_json::Value) -> String {
    printable_json(&format!("{object:#}\n"))
}

/// Writes to standard output. A reader that went away is no error.
pub fn write_out(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
