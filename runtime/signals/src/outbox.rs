//! What is still to be told, on disk: a row for each notice and each of those who want it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use negawatt_host::model::Timestamp;
use negawatt_store::{OpenError, Problem, Schema, Store};
use rusqlite::OptionalExtension as _;

/// - `target` is the address; with `key` it names a row, so that nothing is told twice because it was posted twice.
/// - `next` is when it is tried again, in microseconds since 1970; who takes a row moves it on first, so that nobody else sends it.
/// - `payload` is emptied once nobody needs it; `why` is what was said last.
const SCHEMA_1: &str = "
CREATE TABLE notice (
    number   INTEGER PRIMARY KEY,
    target   TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next     INTEGER NOT NULL,
    state    TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given-up')),
    why      TEXT    NOT NULL DEFAULT '',
    UNIQUE (target, key)
) STRICT;
CREATE INDEX notice_by_next ON notice (state, next);
CREATE INDEX notice_by_created ON notice (state, created);
";

/// `ngwo`.
const OUTBOX: Schema =
    Schema { file: "outbox.db", what: "an outbox", application: 0x6e67_776f, migrations: &[SCHEMA_1] };

/// How long it is remembered that something was told, in microseconds.
const REMEMBERED: Timestamp = 30 * 86_400_000_000;

/// What can go wrong with the outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or the file cannot be made, or cannot be trusted.
    #[error("the outbox in {} cannot be used: {what}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("the outbox {}: {problem}", file.display())]
    Store {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// The program ends.
    #[error("the outbox was not asked: the program ends")]
    Ends,
}

/// What is still to be told. Clones share one connection; every call blocks, a few milliseconds for one that writes.
#[derive(Debug, Clone)]
pub struct Outbox {
    store: Arc<Store>,
}

/// A row that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub number: i64,
    pub target: String,
    pub key: String,
    pub payload: String,
    pub created: Timestamp,
    /// How often it was tried before.
    pub attempts: u32,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Sent,
    /// To be tried again then, with all else that this target waits for.
    PutOff(Timestamp, String),
    GivenUp(String),
}

impl Outbox {
    /// Opens `outbox.db` in a folder, that of the casebook; makes both if they are not there. The folder belongs to the user, and
    /// nobody else can write to it. What is not ours, newer or damaged is refused, and left as it is.
    pub fn open(folder: &Path) -> Result<Outbox, OutboxError> {
        let store = Store::open(folder, &OUTBOX).map_err(|error| match error {
            OpenError::Folder(what) => OutboxError::Folder { folder: folder.to_owned(), what },
            OpenError::Store { file, problem } => OutboxError::Store { file, problem },
        })?;
        Ok(Outbox { store: Arc::new(store) })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.store.file()
    }

    /// Adds a notice for each of these targets that has not got one with this key; says how many are new.
    pub(crate) fn post(
        &self,
        targets: &[&str],
        key: &str,
        payload: &str,
        now: Timestamp,
    ) -> Result<usize, OutboxError> {
        self.write(|to| {
            let sql = "INSERT INTO notice (target, key, payload, created, next) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let mut insert = to.prepare_cached(sql)?;
            let mut new = 0;
            for target in targets {
                new += insert.execute((target, key, payload, now, now))?;
            }
            Ok(new)
        })
    }

    /// The targets for which a row is due. What was told long ago is forgotten.
    pub(crate) fn due(&self, now: Timestamp) -> Result<Vec<String>, OutboxError> {
        self.write(|to| {
            to.execute(
                "DELETE FROM notice WHERE state != 'waiting' AND created < ?",
                [now.saturating_sub(REMEMBERED)],
            )?;
            let sql = "SELECT DISTINCT target FROM notice WHERE state = 'waiting' AND next <= ?";
            to.prepare_cached(sql)?.query_map([now], |row| row.get(0))?.collect()
        })
    }

    /// Takes the oldest row of a target that is due, and puts it off until then, so that it comes again if whoever took it dies.
    pub(crate) fn take(&self, target: &str, now: Timestamp, until: Timestamp) -> Result<Option<Due>, OutboxError> {
        self.write(|to| {
            let sql = "UPDATE notice SET next = ?3 WHERE number = (SELECT number FROM notice WHERE state = 'waiting' \
                       AND target = ?1 AND next <= ?2 ORDER BY number LIMIT 1) \
                       RETURNING number, target, key, payload, created, attempts";
            let row = |row: &rusqlite::Row| {
                Ok(Due {
                    number: row.get(0)?,
                    target: row.get(1)?,
                    key: row.get(2)?,
                    payload: row.get(3)?,
                    created: row.get(4)?,
                    attempts: row.get(5)?,
                })
            };
            to.prepare_cached(sql)?.query_row((target, now, until), row).optional()
        })
    }

    /// Says what became of a row.
    pub(crate) fn settle(&self, row: &Due, settled: &Settled) -> Result<(), OutboxError> {
        self.write(|to| {
            let end = "UPDATE notice SET state = ?, why = ?, attempts = attempts + 1, payload = '' WHERE number = ?";
            match settled {
                Settled::Sent => to.execute(end, ("sent", "", row.number))?,
                Settled::GivenUp(why) => to.execute(end, ("given-up", why, row.number))?,
                Settled::PutOff(next, why) => {
                    let one = "UPDATE notice SET next = ?, why = ?, attempts = attempts + 1 WHERE number = ?";
                    to.execute(one, (next, why, row.number))?;
                    // A server that is down is asked once, and not once for each notice.
                    let others = "UPDATE notice SET next = ?1 WHERE state = 'waiting' AND target = ?2 AND number > ?3";
                    to.execute(others, (next, &row.target, row.number))?
                }
            };
            Ok(())
        })
    }

    /// When the next row is due; `None` where nothing waits.
    pub(crate) fn next(&self) -> Result<Option<Timestamp>, OutboxError> {
        let sql = "SELECT min(next) FROM notice WHERE state = 'waiting'";
        self.store.read(|from| from.query_row(sql, (), |row| row.get(0))).map_err(|error| self.error(error))
    }

    fn write<T>(&self, work: impl FnOnce(&rusqlite::Transaction) -> rusqlite::Result<T>) -> Result<T, OutboxError> {
        self.store.write(work).map_err(|error| self.error(error))
    }

    fn error(&self, error: rusqlite::Error) -> OutboxError {
        OutboxError::Store { file: self.file().to_owned(), problem: error.into() }
    }
}
