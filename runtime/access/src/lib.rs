//! Who may do what with a server: tokens with roles, and a log of all that was written, chained by hash.
//!
//! Times are microseconds since the Unix epoch, UTC, and always come from whoever asks.

mod audit;
mod chain;
mod error;
pub mod json;
mod limiter;
mod role;
mod token;

use std::path::Path;
use std::sync::Arc;

use negawatt_store::{OpenError, Schema, Store};
use rusqlite::Transaction;

pub use audit::{Actor, Entry, Outcome, Recorded};
pub use chain::{Broken, Head};
pub use error::AccessError;
pub use limiter::{Key, Limiter, Rate};
pub use role::{Right, Role, UnknownRole};
pub use token::{NewToken, Principal, Secret, Token};

/// - `token.digest` is the SHA-256 of the secret; times are microseconds since 1970.
/// - `entry.hash` is over the row and the hash of the row before: see `chain.rs`.
const SCHEMA_1: &str = "
CREATE TABLE token (
    id      TEXT    PRIMARY KEY,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    digest  BLOB    NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    used    INTEGER
) STRICT;

CREATE TABLE entry (
    number  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    role    TEXT,
    address TEXT,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    hash    BLOB    NOT NULL
) STRICT;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
";

/// `ngwa`.
const ACCESS: Schema =
    Schema { file: "access.db", what: "a list of tokens", application: 0x6e67_7761, migrations: &[SCHEMA_1] };

/// Tokens and the log. Clones share one connection; every call blocks, a few milliseconds for one that writes.
#[derive(Debug, Clone)]
pub struct Access {
    store: Arc<Store>,
}

impl Access {
    /// Opens `access.db` in a folder, that of the casebook; makes both if they are not there. The folder belongs to the user, and
    /// nobody else can write to it. What is not ours, newer or damaged is refused, and left as it is.
    pub fn open(folder: &Path) -> Result<Access, AccessError> {
        let store = Store::open(folder, &ACCESS).map_err(|error| match error {
            OpenError::Folder(what) => AccessError::Folder { folder: folder.to_owned(), what },
            OpenError::Store { file, problem } => AccessError::Store { file, problem },
        })?;
        Ok(Access { store: Arc::new(store) })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.store.file()
    }

    fn read<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, error::Fault>) -> Result<T, AccessError> {
        self.store.read(work).map_err(|fault| fault.at(self.file()))
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, error::Fault>) -> Result<T, AccessError> {
        self.store.write(work).map_err(|fault| fault.at(self.file()))
    }
}
