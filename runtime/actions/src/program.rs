//! Where git is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Git, with the full path where `PATH` has it. A program that is named by its path alone is started without a copy of this process
/// being made for it, which takes longer than git itself where much memory is held. Found once; where there is none, it is looked for again.
pub fn git() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(git) = FOUND.get() {
        return git;
    }
    let is_program = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join("git"));
    match found.into_iter().find(is_program) {
        Some(git) => FOUND.get_or_init(|| git),
        None => Path::new("git"),
    }
}
