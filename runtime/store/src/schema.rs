//! The tables, and how older files become new ones.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::Problem;

/// How long an operation waits for another process to end its own.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The file's name in its folder.
    pub file: &'static str,
    /// What it is, in words: `a casebook`.
    pub what: &'static str,
    /// What its header says it is.
    pub application: i64,
    /// Step n leads from schema n to schema n + 1; schema 0 is an empty file. A released step is never changed.
    pub migrations: &'static [&'static str],
}

/// Makes a fresh connection ready: refuses what is not ours before anything is written, then migrates.
pub(crate) fn prepare(connection: &mut Connection, schema: &Schema) -> Result<(), Problem> {
    connection.busy_timeout(BUSY)?;
    // What is refused is left as it is, so closing must not tidy up yet.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if look(connection, schema)?.is_none() {
        write_ahead(connection)?;
    }
    // FULL: in write-ahead mode NORMAL syncs at checkpoints only, so a power failure takes back what was acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where `fsync` does not reach the disk (macOS), this does.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, schema)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// The same where nothing outlives the connection.
pub(crate) fn prepare_in_memory(connection: &mut Connection, schema: &Schema) -> Result<(), Problem> {
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, schema)
}

/// See [`found`], in one consistent state: another process may be making the file.
fn look(connection: &mut Connection, schema: &Schema) -> Result<Option<i64>, Problem> {
    let transaction = Transaction::new(connection, TransactionBehavior::Deferred)?;
    let found = found(&transaction, schema)?;
    transaction.commit()?;
    Ok(found)
}

/// The schema of the file; `None` if it is empty. Refuses what is not ours, and what is too new.
fn found(connection: &Transaction, schema: &Schema) -> Result<Option<i64>, Problem> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if (id, found, tables) == (0, 0, 0) {
        return Ok(None);
    }
    if id != schema.application {
        return Err(Problem::Foreign(schema.what));
    }
    let known = i64::try_from(schema.migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(Problem::Newer { found, known });
    }
    if found < 1 || tables == 0 {
        return Err(Problem::Damaged(format!(
            "its header says schema {found}, and it has {tables} tables and indexes"
        )));
    }
    Ok(Some(found))
}

/// Turns write-ahead mode on, for good. SQLite does not wait for others here, so this does.
fn write_ahead(connection: &Connection) -> Result<(), Problem> {
    let began = std::time::Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let text = format!("its file system allows no write-ahead log (journal mode {mode}); use a local disk");
                return Err(Problem::Unusable(text));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Brings the schema up to date, all of it or nothing.
fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), Problem> {
    if usize::try_from(look(connection, schema)?.unwrap_or(0)) == Ok(schema.migrations.len()) {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    // Looked at again: another process may just have done it.
    let from = usize::try_from(found(&transaction, schema)?.unwrap_or(0)).unwrap_or(0);
    for migration in schema.migrations.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", schema.application)?;
    transaction.pragma_update(None, "user_version", i64::try_from(schema.migrations.len()).unwrap_or(i64::MAX))?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(migrations: &'static [&'static str]) -> Schema {
        Schema { file: "x", what: "a diary", application: 7, migrations }
    }

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_schema_moves_forward_once_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("x")).unwrap();
        const FIRST: &str = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);";
        let first = schema(&[FIRST]);
        let both = schema(&[FIRST, "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1; UPDATE a SET x = x + y;"]);
        prepare(&mut open(), &first).unwrap();
        for _ in 0..2 {
            let mut connection = open();
            prepare(&mut connection, &both).unwrap();
            assert_eq!(version(&connection), 2);
            let row = connection.query_row("SELECT x, y FROM a", (), |row| Ok((row.get(0)?, row.get(1)?)));
            assert_eq!(row, Ok((8i64, 1i64)));
        }
        let refused = prepare(&mut open(), &first);
        assert!(matches!(refused, Err(Problem::Newer { found: 2, known: 1 })), "{refused:?}");
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("x")).unwrap();
        const FIRST: &str = "CREATE TABLE a (x INTEGER) STRICT;";
        prepare(&mut connection, &schema(&[FIRST])).unwrap();
        assert!(
            prepare(&mut connection, &schema(&[FIRST, "CREATE TABLE b (x INTEGER) STRICT; SELECT nonsense;"])).is_err()
        );
        assert_eq!(version(&connection), 1);
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn what_is_acknowledged_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("x")).unwrap();
        prepare(&mut connection, &schema(&["CREATE TABLE a (x INTEGER) STRICT;"])).unwrap();
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((number("synchronous"), number("foreign_keys"), number("application_id")), (2, 1, 7));
    }

    #[test]
    fn what_is_in_memory_has_the_tables_and_is_no_other_ones() {
        let schema = schema(&["CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT;", "CREATE TABLE b (x REFERENCES a);"]);
        let stores = [(); 2].map(|()| crate::Store::in_memory(&schema).unwrap());
        let wrong = stores[0].connection().execute("INSERT INTO b VALUES (1)", ());
        assert_eq!(wrong.unwrap_err().sqlite_error_code(), Some(ErrorCode::ConstraintViolation));
        stores[0].connection().execute("INSERT INTO a VALUES (1)", ()).unwrap();
        let count = |store: &crate::Store| {
            store.read(|from| from.query_row("SELECT count(*) FROM a", (), |row| row.get::<_, i64>(0))).unwrap()
        };
        assert_eq!((count(&stores[0]), count(&stores[1])), (1, 0));
        assert_eq!(version(&stores[0].connection()), 2);
    }
}
