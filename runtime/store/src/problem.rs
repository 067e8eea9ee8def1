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
    #[error("there is no room left on its disk; nothing that was recorded is lost: make room, and do it again")]
    Full,
    /// The disk, a quota or a limit of this process refuses.
    #[error(
        "its disk cannot be read or written ({0}); nothing that was recorded is lost: look at the disk, at quotas and at limits (ulimit -f), then do it again"
    )]
    Disk(String),
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
            Some(ErrorCode::SystemIoFailure) => Problem::Disk(error.to_string()),
            // It is there: what cannot be made is the log beside it.
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Problem::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::Locked,
            _ => Problem::Other(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Error, ffi};

    use super::*;

    #[test]
    fn what_a_disk_does_is_told_with_what_to_do() {
        for (code, words) in [
            (ffi::SQLITE_FULL, "make room"),
            (
                ffi::SQLITE_IOERR_WRITE,
                "disk I/O error); nothing that was recorded is lost: look at the disk, at quotas",
            ),
            (ffi::SQLITE_IOERR_FSYNC, "look at the disk"),
            (ffi::SQLITE_READONLY, "make the file and its folder writable"),
            (ffi::SQLITE_CANTOPEN, "make the file and its folder writable"),
            (ffi::SQLITE_BUSY, "find out what that process waits for"),
            (ffi::SQLITE_CORRUPT, "restore it from a copy"),
            (ffi::SQLITE_NOMEM, "SQLite reports: "),
        ] {
            let told = Problem::from(Error::SqliteFailure(ffi::Error::new(code), None)).to_string();
            assert!(told.contains(words), "{code}: {told}");
        }
    }
}
