//! `negawatt demo`: investigates a recorded regression of a small program that was written for it and really run, from any
//! folder.

use std::path::Path;
use std::process::{Command, Stdio};

use negawatt_host::text::printable;

use crate::bundle::DEMO;
use crate::error::CliError;
use crate::investigate;
use crate::look::Look;
use crate::page::Page;
use crate::page_file::PageFile;
use crate::setup::Setup;

const INTRODUCTION: &str = "A small web shop was run commit by commit under load, for two days of its history. Somewhere in \
    there it began to need more CPU for each request. What follows is found from the recording: metrics, CPU profiles, \
    settings, experiments and the git history.";

/// Unpacks the recording, into a folder that is to be kept or one of its own, and investigates it.
pub async fn demo(keep: Option<&Path>, json: bool, page: Option<&Path>) -> Result<(), CliError> {
    let page = page.map(PageFile::at).transpose()?;
    let own = tempfile::Builder::new().prefix("negawatt-demo-").tempdir().map_err(cannot_unpack)?;
    if let Some(keep) = keep {
        std::fs::create_dir(keep).map_err(|error| {
            CliError::bad_input("keep", format!("cannot make the folder: {error}"))
                .at(keep.display())
                .help("name a folder that is not there yet")
        })?;
    }
    let folder = keep.unwrap_or(own.path());
    unpack(folder)?;
    let incident = investigate::read_incident(&folder.join("incident.json"))?;
    let setup = Setup::new(Some(&folder.join("negawatt.toml")))?;
    if !json {
        let look = Look::of_stdout();
        let mut heading = Page::new(&look);
        heading.heading(heading.line().faint(INTRODUCTION));
        heading.gap();
        investigate::write_out(&heading.text());
    }
    let book = setup.casebook()?;
    let case = investigate::run(&setup, &book, incident, json).await?;
    investigate::print(&case, &book, json, page.as_ref())?;
    if !json {
        let text = match keep {
            Some(folder) => format!("the repository: {}", printable(&folder.join("repo").display().to_string())),
            None => "`negawatt demo --keep DIR` leaves the recording in a folder, with its repository".to_owned(),
        };
        investigate::write_out(&format!("\n{text}\n"));
    }
    Ok(())
}

fn unpack(folder: &Path) -> Result<(), CliError> {
    for (name, bytes) in DEMO {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(cannot_unpack)?;
        }
        std::fs::write(&path, bytes).map_err(cannot_unpack)?;
    }
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--bare", "shop.bundle", "repo"])
        .current_dir(folder)
        // Neither hooks nor settings of this machine have a say in it.
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| CliError::failure("demo", format!("cannot run git: {error}")).help("install git"))?;
    if !cloned.status.success() {
        let said = String::from_utf8_lossy(&cloned.stderr).into_owned();
        return Err(CliError::failure("demo", format!("git cannot unpack the recorded history: {said}")));
    }
    Ok(())
}

fn cannot_unpack(error: std::io::Error) -> CliError {
    CliError::failure("demo", format!("cannot unpack the recording: {error}"))
        .help("set TMPDIR to a folder with 5 MB of room")
}
