//! What can go wrong while a case is made.

use std::path::{Path, PathBuf};

/// A case could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The git program could not be run, or failed.
    #[error("git {command}: {message}")]
    Git {
        /// The git command, as `init` or `fast-import`.
        command: String,
        /// What went wrong, with git's own words where there are any.
        message: String,
    },
    /// There is no scenario of that name.
    #[error("no scenario is called {0:?}; `casegen --list` names them all")]
    Scenario(String),
}

impl Error {
    /// A failed write of `path`, for `map_err`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
        move |source| Error::Write { path: path.to_path_buf(), source }
    }
}

/// The result of making a case.
pub type Result<T> = std::result::Result<T, Error>;
