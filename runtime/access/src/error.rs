//! What can go wrong.

use std::path::{Path, PathBuf};

use negawatt_store::Problem;

use crate::chain::Broken;

/// What can go wrong with tokens and the log.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The folder or the file cannot be made, or cannot be trusted.
    #[error("the tokens in {} cannot be used: {what}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("the tokens in {}: {problem}", file.display())]
    Store {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// A name that no token can have.
    #[error("a token's name has 1 to 64 characters that can be seen; say who will have it, such as ci or ada")]
    Name,
    /// A token that would be of no use.
    #[error("the token would have expired already; name a time to come")]
    Expired,
    /// There is no such token.
    #[error("there is no token {0}; `negawatt token list` shows those that there are")]
    NoSuchToken(String),
    /// The token cannot be used any more anyway.
    #[error("the token {0} was revoked before")]
    Revoked(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes, and without them no secret is one")]
    Random,
    /// The log is not as it was written.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// An error inside of a transaction: the file's name is added where it ends.
pub enum Fault {
    Store(Problem),
    Access(AccessError),
}

impl Fault {
    pub fn at(self, file: &Path) -> AccessError {
        match self {
            Fault::Store(problem) => AccessError::Store { file: file.to_owned(), problem },
            Fault::Access(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Store(error.into())
    }
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Fault {
        Fault::Access(error)
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Fault {
        Fault::Access(broken.into())
    }
}
