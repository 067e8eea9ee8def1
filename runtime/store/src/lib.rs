//! A SQLite file in a folder of the user's own: opened with care, migrated, and written all or nothing.

mod folder;
mod problem;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use problem::Problem;
pub use schema::Schema;

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file cannot be made, or cannot be trusted; what is wrong, and what to do.
    #[error("{0}")]
    Folder(String),
    /// The file cannot be read or written.
    #[error("{}: {problem}", file.display())]
    Store {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: Problem,
    },
}

/// What stands for the file of a store that has none.
pub const MEMORY: &str = ":memory:";

/// An open file. Its calls block, a few milliseconds for one that writes.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the file in a folder; makes both if they are not there. The folder belongs to the user, and nobody else can write to
    /// it. What another program, a newer version or damage left there is refused, and left as it is.
    pub fn open(folder: &Path, schema: &Schema) -> Result<Store, OpenError> {
        let (file, connection) = folder::open(folder, schema)?;
        Ok(Store { file, connection: Mutex::new(connection) })
    }

    /// A new store that is kept nowhere and ends with this process.
    pub fn in_memory(schema: &Schema) -> Result<Store, Problem> {
        let mut connection = Connection::open_in_memory()?;
        schema::prepare_in_memory(&mut connection, schema)?;
        Ok(Store { file: MEMORY.into(), connection: Mutex::new(connection) })
    }

    /// The file; [`MEMORY`] where there is none.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads one consistent state.
    pub fn read<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Transaction) -> Result<T, E>) -> Result<T, E> {
        self.transact(TransactionBehavior::Deferred, work)
    }

    /// Writes all of it, or nothing.
    pub fn write<T, E: From<rusqlite::Error>>(&self, work: impl FnOnce(&Transaction) -> Result<T, E>) -> Result<T, E> {
        self.transact(TransactionBehavior::Immediate, work)
    }

    fn transact<T, E: From<rusqlite::Error>>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.connection();
        let transaction = Transaction::new(&mut connection, behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// The connection itself.
    pub fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in the middle has rolled its transaction back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
