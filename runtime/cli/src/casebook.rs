//! `negawatt casebook`: checks, compacts, exports and imports.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use negawatt_casebook::{Casebook, CasebookError, Checked, Compacted, Exported, Imported};
use negawatt_host::text::shorten;
use negawatt_host::time;
use serde_json::{Value, json};

use crate::command::Config;
use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::Page;
use crate::printed::{items, word};
use crate::setup;

/// What to do with the casebook.
#[derive(Subcommand)]
pub enum CasebookCommand {
    /// Say whether it is as it was written: the file, every event and answer, and the indexes
    #[command(after_help = "\
Examples:
  negawatt casebook check
  negawatt casebook check --json

It changes nothing. Exit codes: 0 nothing is damaged, 1 something is, or it cannot be opened.
With --json, what is damaged is printed also where the exit code is 1.")]
    Check {
        #[command(flatten)]
        config: Config,
    },
    /// Make it as small as it can be, and remove old answers of tools where that is asked for
    #[command(after_help = "\
Examples:
  negawatt casebook compact
  negawatt casebook compact --answers-older-than 90d

Events stay. Without their answers cases cannot be replayed, and their reports have no series; cases that are open keep theirs.
Others wait meanwhile, and it takes as much free space as the casebook has.")]
    Compact {
        /// Also remove answers that no call asked for since then, such as 90d or 12h
        #[arg(long, value_name = "AGE", value_parser = age)]
        answers_older_than: Option<Duration>,
        #[command(flatten)]
        config: Config,
    },
    /// Write cases into one file, with all that they refer to
    #[command(after_help = "\
Examples:
  negawatt casebook export cases.ngw
  negawatt casebook export one.ngw --case 01J

The file holds what skills and sources said of your systems: it can be read by you alone. One that is there is replaced. It is lines of
JSON in one frame of zstd, and the same cases give the same bytes.")]
    Export {
        /// The file to write
        #[arg(value_name = "FILE")]
        path: PathBuf,
        /// One case alone: its id, or the beginning of it
        #[arg(long, value_name = "ID")]
        case: Option<String>,
        #[command(flatten)]
        config: Config,
    },
    /// Read cases that were exported
    #[command(after_help = "\
Examples:
  negawatt casebook import cases.ngw

All of the file is imported, or nothing. Cases that are there already stay as they are; one to which other things happened here is
refused by its name, as is a file that is not whole.")]
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        path: PathBuf,
        #[command(flatten)]
        config: Config,
    },
}

/// Does it.
pub fn run(command: CasebookCommand, as_json: bool) -> Result<(), CliError> {
    match command {
        CasebookCommand::Check { config } => check(&setup::casebook(config.file.as_deref())?, as_json),
        CasebookCommand::Compact { answers_older_than, config } => {
            compact(&setup::casebook(config.file.as_deref())?, answers_older_than, as_json)
        }
        CasebookCommand::Export { path, case, config } => {
            export(&setup::casebook(config.file.as_deref())?, &path, case.as_deref(), as_json)
        }
        CasebookCommand::Import { path, config } => import(&setup::casebook(config.file.as_deref())?, &path, as_json),
    }
}

fn age(text: &str) -> Result<Duration, String> {
    negawatt_config::duration(text)
        .ok_or_else(|| format!("{text:?} is no age: write a number with d, h or min, such as 90d"))
}

fn check(book: &Casebook, as_json: bool) -> Result<(), CliError> {
    print_checked(&checked(book)?, as_json)
}

/// What is in a casebook and what is wrong with it, as programs read it.
pub fn checked(book: &Casebook) -> Result<Value, CasebookError> {
    let Checked { cases, events, blobs, purged, unreferenced, damage } = book.check()?;
    Ok(json!({
        "file": book.file().display().to_string(),
        "ok": damage.is_empty(),
        "cases": cases, "events": events, "answers": blobs, "purged": purged, "unreferenced": unreferenced,
        "damage": damage.iter().map(|damage| json!({ "where": damage.place, "what": damage.what })).collect::<Vec<_>>(),
    }))
}

/// Prints it. Damage is an error.
pub fn print_checked(checked: &Value, as_json: bool) -> Result<(), CliError> {
    let damage = items(&checked["damage"]);
    write_out(&if as_json {
        json_text(checked)
    } else {
        let look = Look::of_stdout();
        let mut page = Page::new(&look);
        page.heading(page.line().strong(word(&checked["file"])));
        page.heading(page.line().plain(format!(
            "{} cases with {} events and {} recorded questions and answers; {} were purged for their age, {} are of no case",
            checked["cases"], checked["events"], checked["answers"], checked["purged"], checked["unreferenced"]
        )));
        for damage in damage.clone() {
            let line = page.line().add(Tone::Bad, format!("{}: ", shorten(word(&damage["where"]), 200)));
            page.heading(line.plain(shorten(word(&damage["what"]), 600)));
        }
        if damage.len() == 0 {
            page.heading(page.line().add(Tone::Good, "nothing is damaged"));
        }
        page.text()
    });
    match damage.len() {
        0 => Ok(()),
        count => Err(CliError::failure(
            "damaged",
            format!("{count} things in the casebook are not as they were written"),
        )
        .at(word(&checked["file"]))
        .help("restore it from a copy; what is whole can be saved before: negawatt casebook export FILE --case ID")),
    }
}

fn compact(book: &Casebook, age: Option<Duration>, as_json: bool) -> Result<(), CliError> {
    let before = age.map(|age| time::now().saturating_sub_unsigned(u64::try_from(age.as_micros()).unwrap_or(u64::MAX)));
    let Compacted { unreferenced, purged, bytes_before, bytes_after } = book.compact(before)?;
    write_out(&if as_json {
        json_text(&json!({
            "file": book.file().display().to_string(), "unreferenced": unreferenced, "purged": purged,
            "bytes": { "before": bytes_before, "after": bytes_after },
        }))
    } else {
        let mib = |bytes: u64| bytes as f64 / 1048576.0;
        format!(
            "{:.1} MiB, were {:.1} MiB; {unreferenced} answers of no case and {purged} old answers were removed\n",
            mib(bytes_after),
            mib(bytes_before)
        )
    });
    Ok(())
}

fn export(book: &Casebook, path: &Path, case: Option<&str>, as_json: bool) -> Result<(), CliError> {
    let case = case.map(|case| book.find(case)).transpose()?;
    let mut file = ExportFile::at(path)?;
    let Exported { cases, blobs, purged } = book.export(&mut file.to, case.as_ref()).map_err(|error| match &error {
        CasebookError::Export(_) => file.failed(&error),
        _ => CliError::from(error),
    })?;
    file.keep([cases, blobs, purged], as_json)
}

/// A file that cases are written to: whole, or not at all; and private, as files of this kind are.
pub struct ExportFile {
    path: PathBuf,
    folder: PathBuf,
    /// Where they are written.
    pub to: BufWriter<tempfile::NamedTempFile>,
}

impl ExportFile {
    /// Makes sure that it can be written.
    pub fn at(path: &Path) -> Result<ExportFile, CliError> {
        if path.file_name().is_none() {
            return Err(told(path, &"this names no file"));
        }
        if path.is_dir() {
            return Err(told(path, &"this is a folder"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = tempfile::Builder::new().prefix(".negawatt-").tempfile_in(folder);
        let to = BufWriter::new(beside.map_err(|error| told(path, &error))?);
        Ok(ExportFile { path: path.to_owned(), folder: folder.to_owned(), to })
    }

    /// What went wrong while it was written.
    pub fn failed(&self, error: &dyn std::fmt::Display) -> CliError {
        CliError { bad_input: false, ..told(&self.path, error) }
    }

    /// Puts it in its place, and says how many cases, answers and purged answers it has.
    pub fn keep(self, [cases, answers, purged]: [u64; 3], as_json: bool) -> Result<(), CliError> {
        let ExportFile { path, folder, mut to } = self;
        let keep = || -> std::io::Result<u64> {
            to.flush()?;
            let file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            let bytes = file.as_file().metadata()?.len();
            file.persist(folder.join(path.file_name().unwrap_or_default())).map_err(|error| error.error)?;
            Ok(bytes)
        };
        let bytes = keep().map_err(|error| CliError { bad_input: false, ..told(&path, &error) })?;
        write_out(&if as_json {
            let file = path.display().to_string();
            json_text(&json!({ "file": file, "cases": cases, "answers": answers, "purged": purged, "bytes": bytes }))
        } else {
            format!(
                "{cases} cases with {answers} recorded questions and answers; {purged} had been purged; {bytes} bytes\n"
            )
        });
        Ok(())
    }
}

fn told(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::bad_input("export", format!("the cases cannot be written: {error}"))
        .at(path.display())
        .help("name a file in a folder that is there and that you can write to, with room for them")
}

fn import(book: &Casebook, path: &Path, as_json: bool) -> Result<(), CliError> {
    let file = File::open(path).map_err(|error| {
        CliError::bad_input("import", format!("the file cannot be read: {error}")).at(path.display())
    })?;
    let Imported { new, continued, known, open } = book.import(BufReader::new(file)).map_err(|error| match error {
        CasebookError::Foreign { line, .. } => CliError::bad_input("import", &error)
            .at(format!("{}, line {line} of what it holds", path.display()))
            .help("export the cases again, and copy the whole file"),
        CasebookError::Conflict { case, .. } => CliError::failure("conflict", &error).help(format!(
            "import it into a casebook of its own, or export the other cases alone: case {case} went two ways"
        )),
        error => error.into(),
    })?;
    write_out(&if as_json {
        json_text(
            &json!({ "file": path.display().to_string(), "new": new, "continued": continued, "known": known, "open": open }),
        )
    } else {
        let open = match open {
            0 => String::new(),
            open => format!(
                "{open} of them are open, and nobody works on them until you say so: `negawatt case resume ID`\n"
            ),
        };
        format!("{new} new cases, {continued} that went on elsewhere, {known} that were here already\n{open}")
    });
    Ok(())
}
