//! The tables, and how older casebooks become new ones.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::error::{Fault, Problem};

/// What the header of the file says it is: `ngwt`.
const APPLICATION_ID: i64 = 0x6e67_7774;

/// How long an operation waits for another process to end its own.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// Step n leads from schema n to schema n + 1; schema 0 is an empty file. A released step is never changed.
const MIGRATIONS: &[&str] = &[SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5];

/// - `case_index` only says where to look; what is known of a case is in its events. `number` is the order of opening.
/// - `event.digest` is over the whole row, so damage that SQLite does not see is seen.
/// - `blob` is zstd; `digest` and `size` are of what it holds, `time` is that of its first use. By tenant, so that nobody learns what another one has asked.
/// - `lease.token` grows with every owner and outlives them all: who comes with an older one is fenced off.
const SCHEMA_1: &str = "
CREATE TABLE case_index (
    number       INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    tenant       TEXT    NOT NULL DEFAULT 'default',
    fingerprint  TEXT    NOT NULL,
    window_start INTEGER NOT NULL,
    window_end   INTEGER NOT NULL,
    ended        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX case_by_tenant ON case_index (tenant, number);
CREATE INDEX case_by_fingerprint ON case_index (tenant, fingerprint, number);

CREATE TABLE event (
    case_id TEXT    NOT NULL REFERENCES case_index (id),
    seq     INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    tenant  TEXT    NOT NULL DEFAULT 'default',
    time    INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    digest  BLOB    NOT NULL,
    PRIMARY KEY (case_id, seq)
) STRICT;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE blob (
    tenant TEXT    NOT NULL DEFAULT 'default',
    digest BLOB    NOT NULL,
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT;

CREATE TABLE lease (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    token   INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    host    TEXT    NOT NULL,
    machine TEXT    NOT NULL,
    pid     INTEGER NOT NULL,
    started INTEGER NOT NULL
) STRICT;
";

/// - `standing` is of components, by the digest of their bytes: how often they failed in a row, and since when they are put aside.
const SCHEMA_2: &str = "
CREATE TABLE standing (
    tenant   TEXT    NOT NULL DEFAULT 'default',
    digest   BLOB    NOT NULL,
    skill    TEXT    NOT NULL,
    failures INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER,
    PRIMARY KEY (tenant, digest)
) STRICT;
";

/// - `watched` is of series, by their names: the time of the last observation that was looked at.
/// - `symptomatic` only says which cases have symptoms, and when the newest of their changes was; the rest is in their events.
const SCHEMA_3: &str = "
CREATE TABLE watched (
    tenant TEXT    NOT NULL DEFAULT 'default',
    series BLOB    NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE symptomatic (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    newest  INTEGER NOT NULL
) STRICT;
CREATE INDEX symptomatic_by_newest ON symptomatic (tenant, newest);
";

/// - `proposing` only says which cases have proposals, and whether one may still move; the rest is in their events.
/// - `stood` is of components, by the digest of their bytes, and cases: whether what one said in the other stood.
/// - `resolved` is of cases of which it is known what became; `resolved_words` finds them by any of their words.
const SCHEMA_4: &str = "
CREATE TABLE proposing (
    case_id TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant  TEXT    NOT NULL DEFAULT 'default',
    open    INTEGER NOT NULL
) STRICT;
CREATE INDEX proposing_by_tenant ON proposing (tenant, open, case_id);

CREATE TABLE stood (
    tenant  TEXT    NOT NULL DEFAULT 'default',
    digest  BLOB    NOT NULL,
    case_id TEXT    NOT NULL REFERENCES case_index (id),
    skill   TEXT    NOT NULL,
    time    INTEGER NOT NULL,
    share   REAL    NOT NULL,
    PRIMARY KEY (tenant, digest, case_id)
) STRICT;

CREATE TABLE resolved (
    case_id   TEXT    PRIMARY KEY REFERENCES case_index (id),
    tenant    TEXT    NOT NULL DEFAULT 'default',
    kind      TEXT    NOT NULL,
    functions TEXT    NOT NULL,
    languages TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    summary   TEXT    NOT NULL,
    strategy  TEXT,
    outcome   TEXT    NOT NULL,
    time      INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE resolved_words USING fts5 (
    case_id UNINDEXED, tenant UNINDEXED, words, tokenize = \"unicode61 tokenchars '_'\"
);
";

/// - `resolved.said` is JSON. Of cases that were resolved before nobody knows here what they were about, nor what was said.
const SCHEMA_5: &str = "
ALTER TABLE resolved ADD COLUMN service TEXT NOT NULL DEFAULT '';
ALTER TABLE resolved ADD COLUMN said TEXT NOT NULL DEFAULT '[]';
";

/// Makes a fresh connection ready: refuses what is not ours before anything is written, then migrates.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), Fault> {
    prepare_with(connection, MIGRATIONS)
}

fn prepare_with(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    connection.busy_timeout(BUSY)?;
    // What is refused is left as it is, so closing must not tidy up yet.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if look(connection, migrations.len())?.is_none() {
        write_ahead(connection)?;
    }
    // FULL: in write-ahead mode NORMAL syncs at checkpoints only, so a power failure takes back what was acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where `fsync` does not reach the disk (macOS), this does.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, migrations)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// See [`found`], in one consistent state: another process may be making the casebook.
fn look(connection: &mut Connection, known: usize) -> Result<Option<i64>, Fault> {
    let transaction = Transaction::new(connection, TransactionBehavior::Deferred)?;
    let found = found(&transaction, known)?;
    transaction.commit()?;
    Ok(found)
}

/// The schema of the file; `None` if it is empty. Refuses what is not ours, and what is too new.
fn found(connection: &Transaction, known: usize) -> Result<Option<i64>, Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if (id, found, tables) == (0, 0, 0) {
        return Ok(None);
    }
    if id != APPLICATION_ID {
        return Err(Fault::Store(Problem::NotACasebook));
    }
    let known = i64::try_from(known).unwrap_or(i64::MAX);
    if found > known {
        return Err(Fault::Store(Problem::Newer { found, known }));
    }
    if found < 1 || tables == 0 {
        return Err(Fault::damaged(format!("its header says schema {found}, and it has {tables} tables and indexes")));
    }
    Ok(Some(found))
}

/// Turns write-ahead mode on, for good. SQLite does not wait for others here, so this does.
fn write_ahead(connection: &Connection) -> Result<(), Fault> {
    let began = std::time::Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let text = format!("its file system allows no write-ahead log (journal mode {mode}); use a local disk");
                return Err(Fault::Store(Problem::Unusable(text)));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Brings the schema up to date, all of it or nothing.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    if usize::try_from(look(connection, migrations.len())?.unwrap_or(0)) == Ok(migrations.len()) {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    // Looked at again: another process may just have done it.
    let from = usize::try_from(found(&transaction, migrations.len())?.unwrap_or(0)).unwrap_or(0);
    for migration in migrations.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_schema_moves_forward_once_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("x")).unwrap();
        let first = ["CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);"];
        let both = [first[0], "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1; UPDATE a SET x = x + y;"];
        prepare_with(&mut open(), &first).unwrap();
        for _ in 0..2 {
            let mut connection = open();
            prepare_with(&mut connection, &both).unwrap();
            assert_eq!(version(&connection), 2);
            let row = connection.query_row("SELECT x, y FROM a", (), |row| Ok((row.get(0)?, row.get(1)?)));
            assert_eq!(row, Ok((8i64, 1i64)));
        }
        let refused = prepare_with(&mut open(), &first);
        assert!(matches!(refused, Err(Fault::Store(Problem::Newer { found: 2, known: 1 }))), "{refused:?}");
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("x")).unwrap();
        let first = ["CREATE TABLE a (x INTEGER) STRICT;"];
        prepare_with(&mut connection, &first).unwrap();
        assert!(
            prepare_with(&mut connection, &[first[0], "CREATE TABLE b (x INTEGER) STRICT; SELECT nonsense;"]).is_err()
        );
        assert_eq!(version(&connection), 1);
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn what_is_acknowledged_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("x")).unwrap();
        prepare(&mut connection).unwrap();
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((number("synchronous"), number("foreign_keys"), number("application_id")), (2, 1, APPLICATION_ID));
    }
}
