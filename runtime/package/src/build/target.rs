//! The standard library for Wasm: there, or made to be there.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{BuildError, TARGET, environment};

/// Sees to it that the toolchain of a folder has the target.
pub(super) fn ensure(folder: &Path) -> Result<(), BuildError> {
    if is_installed(folder)? {
        return Ok(());
    }
    eprintln!("installing the Rust target {TARGET}");
    let added = environment::command("rustup")
        .args(["target", "add", TARGET])
        .current_dir(folder)
        .stdout(Stdio::null())
        .output()
        .map_err(|error| BuildError::NoTarget(format!("rustup cannot be started: {error}")))?;
    if added.status.success() && is_installed(folder)? {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&added.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(BuildError::NoTarget(last.unwrap_or("it says nothing").trim().to_owned()))
}

fn is_installed(folder: &Path) -> Result<bool, BuildError> {
    let mut rustc = environment::rustc();
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder);
    let answer = rustc.output().map_err(|error| BuildError::NoToolchain {
        program: rustc.get_program().to_string_lossy().into_owned(),
        error,
    })?;
    let path = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    Ok(answer.status.success() && !path.is_empty() && PathBuf::from(path).is_dir())
}
