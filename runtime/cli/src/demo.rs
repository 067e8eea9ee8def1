//! `negawatt demo`: investigates a recorded regression of a small program that was written for it and really run, and fixes it in a clone
//! of its repository, from any folder.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use negawatt_casebook::{Case, Passed, Proposal};

use negawatt_host::text::printable;
use negawatt_proposals::carry_on;

use crate::bundle::DEMO;
use crate::error::CliError;
use crate::investigate;
use crate::look::Look;
use crate::page::Page;
use crate::page_file::PageFile;
use crate::setup::{self, Setup};
use crate::{progress, review};

const INTRODUCTION: &str = "A small web shop was run commit by commit under load, for two days of its history. Somewhere in \
    there it began to need more CPU for each request. What follows is found from the recording: metrics, CPU profiles, \
    settings, experiments and the git history.";

const FIXING: &str = "Now the program is built and run under the load of the recording, with the proposed fix and without it. That takes \
    about half a minute.";

/// Unpacks the recording, into a folder that is to be kept or one of its own, investigates it, and lets what is proposed be measured and
/// put onto a branch.
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
    // Whom commands are run as may be another user.
    std::fs::set_permissions(own.path(), Permissions::from_mode(0o755)).map_err(cannot_unpack)?;
    let folder = keep.unwrap_or(own.path());
    unpack(folder)?;
    let incident = investigate::read_incident(&folder.join("incident.json"))?;
    let setup = Setup::new(Some(&folder.join("negawatt.toml")))?;
    if !json {
        investigate::write_out(&faint(&Look::of_stdout(), INTRODUCTION));
    }
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = investigate::run(&setup, &book, incident, json, &cancel).await?;
    if !json {
        progress::above(faint(&Look::of_stderr(), FIXING).as_bytes());
    }
    let case = carry_on(&review::desk(&setup.config), &book, case, &cancel).await?;
    investigate::print(&case, &book, json, page.as_ref())?;
    if !json {
        investigate::write_out(&format!("\n{}\n", closing(&case, folder, keep.is_some())));
    }
    Ok(())
}

/// A paragraph beside what matters.
fn faint(look: &Look, text: &str) -> String {
    let mut page = Page::new(look);
    page.heading(page.line().faint(text));
    page.gap();
    page.text()
}

/// What became of the fix, and where it is.
fn closing(case: &Case, folder: &Path, is_kept: bool) -> String {
    let all = &case.proposals.all;
    let Some(fixed) = all.iter().find(|proposal| proposal.submitted.is_some()) else {
        let why = all.iter().find_map(|proposal| proposal.examined.as_ref()?.failed());
        let why = why.map_or("nothing is proposed".to_owned(), |failed| format!("{}: {}", failed.name, failed.detail));
        let help =
            if toolchain().is_none() { "\nIt needs a Rust toolchain: install one from https://rustup.rs" } else { "" };
        return format!("No fix was made: {}{help}", printable(&why));
    };
    let branch = fixed.submitted.as_ref().map(|submitted| submitted.branch.as_str()).unwrap_or_default();
    let measured = measured(fixed).unwrap_or_default();
    let scratch = folder.join("scratch");
    let place = match is_kept {
        true => format!("git -C {} show {branch}", scratch.display()),
        false => "`negawatt demo --keep DIR` leaves it, with the recording and the repository".to_owned(),
    };
    let text = format!(
        "CPU time of a request, in microseconds: {measured}\nThe fix is the branch {branch} of a scratch clone: {place}"
    );
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// What the validation says, without under which guard it ran.
fn measured(proposal: &Proposal) -> Option<&str> {
    let examined = proposal.examined.as_ref()?;
    let passed = examined.criteria.iter().find(|one| one.name == "validation" && one.result == Passed::Yes)?;
    passed.detail.split(';').next()
}

/// The Rust toolchain of whoever runs the demo.
fn toolchain() -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    // What lies in the folder of whoever tries this has no say in which one that is, and nothing is installed for it.
    rustc.current_dir("/").env_remove("RUSTUP_TOOLCHAIN").env("RUSTUP_AUTO_INSTALL", "0");
    let output = rustc.args(["--print", "sysroot"]).stdin(Stdio::null()).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    Some(path).filter(|path| output.status.success() && path.is_dir())
}

fn unpack(folder: &Path) -> Result<(), CliError> {
    for (name, bytes) in DEMO {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(cannot_unpack)?;
        }
        std::fs::write(&path, bytes).map_err(cannot_unpack)?;
    }
    std::fs::set_permissions(folder.join("measure/measure"), Permissions::from_mode(0o755)).map_err(cannot_unpack)?;
    if let Some(rust) = toolchain() {
        symlink(rust, folder.join("rust")).map_err(cannot_unpack)?;
    }
    clone(folder, "repo")?;
    clone(folder, "scratch")
}

fn clone(folder: &Path, name: &str) -> Result<(), CliError> {
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--bare", "shop.bundle", name])
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
