//! Has whoever writes to a SQLite file do so one transaction at a time, with nothing built into it: between two of them this holds the file's
//! only write lock, so that what is on the disk stands still. See <https://sqlite.org/wal.html>.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Result;
use crate::signal::Signal;

/// How long somebody may take until it writes. Servers wait for ten seconds for the lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lock, held.
pub struct Gate {
    connection: Connection,
    log: String,
}

impl Gate {
    /// Takes the lock of a file, which is there.
    pub fn close(file: &Path) -> Result<Gate> {
        let name = file.file_name().ok_or("a file has a name")?.to_string_lossy();
        let log = format!("{name}-wal");
        let mut connection = Connection::open(file)?;
        // At once when it is free: whoever else waits looks again in milliseconds.
        connection.busy_handler(Some(|_| {
            std::thread::yield_now();
            true
        }))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Gate { connection, log })
    }

    /// Lets somebody write, and nobody after that. `heard` tells of writes to files in its folder.
    pub fn pass(&self, heard: &Receiver<Signal>) -> Result<()> {
        while heard.try_recv().is_ok() {}
        self.connection.execute_batch("ROLLBACK")?;
        // Who writes holds the lock until all of it is on the disk.
        while heard.recv_timeout(PATIENCE).map_err(|_| format!("nobody writes to {}", self.log))?
            != Signal::Written(self.log.clone())
        {}
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// The types of all events of a casebook, in the order of their cases and in that of each.
    pub fn events(&self) -> Result<Vec<String>> {
        let sql = "SELECT type FROM event JOIN case_index ON id = case_id ORDER BY number, seq";
        let mut statement = self.connection.prepare(sql)?;
        Ok(statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }
}
