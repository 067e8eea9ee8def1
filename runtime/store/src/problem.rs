//! What can be wrong with a file.

use rusqlite::ErrorCode;

/// What is wrong with the file of a store.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It is a database of something else.
    #[error("it is not {0}; it was left as it is: name another folder, or move the file away")]
    Foreign(&'static str),
    /// It belongs to a newer version.
    #[error(
        "it has schema {found}, and this version of negawatt knows schemas up to {known}; it was left as it is: use a newer version"
    )]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// It is not as it was written.
    #[error("it is damaged ({0}); it was left as it is: restore it from a copy, or move it away to begin a new one")]
    Damaged(String),
    /// There is no room.
    #[error("there is no room left on its disk; nothing was lost: make room, and do it again")]
    Full,
    /// It must not be written.
    #[error("it cannot be written; make the file and its folder writable, or name another folder")]
    ReadOnly,
    /// Another process is writing to it, and does not end.
    #[error("another process has kept it locked for {} s; find out what that process waits for", crate::schema::BUSY.as_secs())]
    Locked,
    /// It lies where a casebook cannot be kept.
    #[error("{0}")]
    Unusable(String),
    /// Anything else.
    #[error("SQLite reports: {0}")]
    Other(rusqlite::Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Problem {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Problem::Damaged(error.to_string()),
            Some(ErrorCode::DiskFull) => Problem::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Problem::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::Locked,
            _ => Problem::Other(error),
        }
    }
}
