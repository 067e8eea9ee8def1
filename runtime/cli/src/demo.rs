//! `negawatt demo`: investigates a recorded regression of a real program, from any folder.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bundle::DEMO;
use crate::error::CliError;
use crate::investigate;
use crate::setup::Setup;

const INTRODUCTION: &str = "\
A small web shop was run commit by commit under load, for two days of its history. Somewhere in there it began to need more
CPU for each request. What follows is found from the recording: its metrics, its CPU profiles and its git history.
";

/// Unpacks the recording into a folder of its own, and investigates it.
pub async fn demo(json: bool) -> Result<(), CliError> {
    let folder = tempfile::Builder::new().prefix("negawatt-demo-").tempdir().map_err(cannot_unpack)?;
    unpack(folder.path())?;
    let incident = investigate::read_incident(&folder.path().join("incident.json"))?;
    let setup = Setup::new(Some(&folder.path().join("negawatt.toml")))?;
    if !json {
        // A reader that went away is no error.
        let _ = writeln!(std::io::stdout(), "{INTRODUCTION}");
    }
    let case = investigate::run(&setup, incident, json).await?;
    investigate::print(&case, json);
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
