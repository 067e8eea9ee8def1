//! The store of all cases.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use negawatt_host::Digest;
use negawatt_host::model::{Timestamp, Window};
use negawatt_store::{MEMORY, OpenError, Store};
use rusqlite::{OptionalExtension, Transaction};

use crate::blob;
use crate::case::{Case, End};
use crate::error::{CasebookError, Fault};
use crate::event::{Opened, Recorded};
use crate::id::{CaseId, NotACaseId};
use crate::log::{self, CaseLog};
use crate::schema::CASEBOOK;

/// The tenant of everything that names none.
pub const DEFAULT_TENANT: &str = "default";

/// Cases that an ambiguous beginning of an id is said to fit.
const CASES_SHOWN: usize = 5;

/// The store of all cases. Clones share one connection; every call blocks, a few milliseconds for one that writes.
#[derive(Clone)]
pub struct Casebook {
    store: Arc<Store>,
    tenant: Arc<str>,
}

/// A case in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: CaseId,
    /// When it was opened, by the clock of the machine.
    pub opened_at: Timestamp,
    /// What it started from; `None` only where a newer version wrote that.
    pub opened: Option<Arc<Opened>>,
    /// How it ended; `None` while it is open.
    pub end: Option<End>,
    /// When it ended, by the clock of the machine.
    pub ended_at: Option<Timestamp>,
}

impl Casebook {
    /// Opens the casebook in a folder; makes both if they are not there. The folder belongs to the user, and nobody else can
    /// write to it.
    pub fn open(folder: &Path) -> Result<Casebook, CasebookError> {
        let store = Store::open(folder, &CASEBOOK).map_err(|error| match error {
            OpenError::Folder(what) => CasebookError::Folder { folder: folder.to_owned(), what },
            OpenError::Store { file, problem } => CasebookError::Store { file, problem },
        })?;
        Ok(Casebook { store: Arc::new(store), tenant: DEFAULT_TENANT.into() })
    }

    /// A new casebook that is kept nowhere and ends with this process: for cases that are only tried out.
    pub fn in_memory() -> Result<Casebook, CasebookError> {
        let store =
            Store::in_memory(&CASEBOOK).map_err(|problem| CasebookError::Store { file: MEMORY.into(), problem })?;
        Ok(Casebook { store: Arc::new(store), tenant: DEFAULT_TENANT.into() })
    }

    /// The same casebook for another tenant, who sees and writes only cases of its own.
    pub fn for_tenant(&self, tenant: &str) -> Casebook {
        Casebook { store: self.store.clone(), tenant: tenant.into() }
    }

    /// Whose cases these are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.store.file()
    }

    /// Opens a new case, and owns it.
    pub fn open_case(&self, opened: Opened) -> Result<CaseLog, CasebookError> {
        CaseLog::begin(self.clone(), opened)
    }

    /// Takes a case up where it was left, and owns it. Refused while somebody else does, and where a newer version wrote what
    /// this one does not know.
    pub fn resume(&self, case: &CaseId) -> Result<CaseLog, CasebookError> {
        self.expect(case)?;
        CaseLog::resume(self.clone(), *case)
    }

    /// A case as it stands.
    pub fn load(&self, case: &CaseId) -> Result<Case, CasebookError> {
        Ok(Case::fold(*case, &self.events(case)?))
    }

    /// All that happened to a case, in order.
    pub fn events(&self, case: &CaseId) -> Result<Vec<Recorded>, CasebookError> {
        self.expect(case)?;
        self.read(|from| log::read(from, case, &self.tenant))
    }

    /// What was asked or answered, as the host encoded it; see [`crate::AnswerRef`].
    pub fn blob(&self, digest: &Digest) -> Result<Vec<u8>, CasebookError> {
        self.read(|from| blob::read(from, &self.tenant, digest))
    }

    /// Whether what was asked or answered is still there.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, CasebookError> {
        self.read(|from| blob::exists(from, &self.tenant, digest))
    }

    /// Cases, the newest first, at most `limit` of them.
    pub fn list(&self, limit: usize) -> Result<Vec<Summary>, CasebookError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|from| {
            let sql = "SELECT id FROM case_index WHERE tenant = ? ORDER BY number DESC LIMIT ?";
            let cases = ids(from, sql, (&*self.tenant, limit))?;
            cases.into_iter().map(|id| Summary::read(from, id, &self.tenant)).collect()
        })
    }

    /// The ids of cases, the newest first, at most `limit` of them.
    pub fn cases(&self, limit: usize) -> Result<Vec<CaseId>, CasebookError> {
        self.list_before(None, limit)
    }

    /// The ids of the cases that were opened before this one, or of all; the newest first, at most `limit` of them.
    pub fn list_before(&self, before: Option<&CaseId>, limit: usize) -> Result<Vec<CaseId>, CasebookError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT id FROM case_index WHERE tenant = ?1 AND (?2 IS NULL OR number < \
                   (SELECT number FROM case_index WHERE tenant = ?1 AND id = ?2)) ORDER BY number DESC LIMIT ?3";
        let before = before.map(CaseId::to_string);
        self.read(|from| ids(from, sql, (&*self.tenant, &before, limit)))
    }

    /// A case as a list has it.
    pub fn summary(&self, case: &CaseId) -> Result<Summary, CasebookError> {
        self.expect(case)?;
        self.read(|from| Summary::read(from, *case, &self.tenant))
    }

    /// The case whose id begins so. Letters may be small.
    pub fn find(&self, prefix: &str) -> Result<CaseId, CasebookError> {
        let wanted = prefix.to_ascii_uppercase();
        if wanted.is_empty() || wanted.len() > 26 || !wanted.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotACaseId::new(prefix).into());
        }
        // `~` comes after all letters and digits.
        let sql =
            "SELECT id FROM case_index WHERE tenant = ? AND id >= ? AND id < ? || '~' ORDER BY number DESC LIMIT ?";
        let limit = CASES_SHOWN as i64;
        let cases = self.read(|from| ids(from, sql, (&*self.tenant, &wanted, &wanted, limit)))?;
        match cases[..] {
            [] => Err(CasebookError::NoSuchCase(prefix.to_owned())),
            [case] => Ok(case),
            _ => Err(CasebookError::Ambiguous { prefix: wanted, cases }),
        }
    }

    /// The newest open case of a fingerprint whose window overlaps this one: the one that an incident joins. None joins one that was imported
    /// open and that nobody has asked for.
    pub fn find_open(&self, fingerprint: &str, window: &Window) -> Result<Option<CaseId>, CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND fingerprint = ? AND ended = 0 \
                   AND window_start < ? AND ? < window_end AND NOT EXISTS (SELECT 1 FROM imported WHERE case_id = id AND claimed = 0) \
                   ORDER BY number DESC LIMIT 1";
        let cases = self.read(|from| ids(from, sql, (&*self.tenant, fingerprint, window.end, window.start)))?;
        Ok(cases.first().copied())
    }

    /// The newest case of a fingerprint whose window begins then, open or not: the one that the same signal made before. It is none that was
    /// imported open and that nobody has asked for.
    pub fn find_start(&self, fingerprint: &str, start: Timestamp) -> Result<Option<CaseId>, CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND fingerprint = ? AND window_start = ? \
                   AND (ended = 1 OR NOT EXISTS (SELECT 1 FROM imported WHERE case_id = id AND claimed = 0)) \
                   ORDER BY number DESC LIMIT 1";
        Ok(self.read(|from| ids(from, sql, (&*self.tenant, fingerprint, start)))?.first().copied())
    }

    /// The newest case of a fingerprint whose window overlaps this one, open or not.
    pub fn find_overlapping(&self, fingerprint: &str, window: &Window) -> Result<Option<CaseId>, CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND fingerprint = ? \
                   AND window_start < ? AND ? < window_end ORDER BY number DESC LIMIT 1";
        let cases = self.read(|from| ids(from, sql, (&*self.tenant, fingerprint, window.end, window.start)))?;
        Ok(cases.first().copied())
    }

    /// The cases that have not ended and are to be worked on, the oldest first: not those that were imported open, until somebody asks for them
    /// ([`Casebook::claim`]).
    pub fn unfinished(&self) -> Result<Vec<CaseId>, CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND ended = 0 \
                   AND NOT EXISTS (SELECT 1 FROM imported WHERE case_id = id AND claimed = 0) ORDER BY number";
        self.read(|from| ids(from, sql, [&*self.tenant]))
    }

    /// Takes a case that was imported open for one that is to be worked on here, since somebody asks for it. Any other one stays as it is; that
    /// it came from elsewhere stays known.
    pub fn claim(&self, case: &CaseId) -> Result<(), CasebookError> {
        let sql = "UPDATE imported SET claimed = 1 WHERE tenant = ? AND case_id = ?";
        self.write(|to| Ok(to.execute(sql, (&*self.tenant, case.to_string())).map(drop)?))
    }

    /// How many of a case's events came from another casebook, the first ones; 0 of a case of this one. Anybody may have written those.
    pub fn imported(&self, case: &CaseId) -> Result<u64, CasebookError> {
        let sql = "SELECT events FROM imported WHERE tenant = ? AND case_id = ?";
        self.read(|from| {
            let mut statement = from.prepare_cached(sql)?;
            let events =
                statement.query_row((&*self.tenant, case.to_string()), |row| row.get::<_, i64>(0)).optional()?;
            u64::try_from(events.unwrap_or_default()).map_err(Fault::damaged)
        })
    }

    /// The newest case of a fingerprint, open or not: the one that a new case of it is linked to.
    pub fn latest(&self, fingerprint: &str) -> Result<Option<CaseId>, CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND fingerprint = ? ORDER BY number DESC LIMIT 1";
        Ok(self.read(|from| ids(from, sql, (&*self.tenant, fingerprint)))?.first().copied())
    }

    /// A mark that is another one whenever somebody has written since, in this process or in another one; cheap to ask for.
    pub fn mark(&self) -> Result<(i64, u64), CasebookError> {
        let connection = self.connection();
        let of_others = connection.query_row("PRAGMA data_version", (), |row| row.get(0));
        Ok((of_others.map_err(|error| self.error(error.into()))?, connection.total_changes()))
    }

    /// Reads one consistent state.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, Fault>) -> Result<T, CasebookError> {
        self.store.read(work).map_err(|fault| self.error(fault))
    }

    /// Writes all of it, or nothing.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, Fault>) -> Result<T, CasebookError> {
        self.store.write(work).map_err(|fault| self.error(fault))
    }

    pub(crate) fn connection(&self) -> std::sync::MutexGuard<'_, rusqlite::Connection> {
        self.store.connection()
    }

    pub(crate) fn error(&self, fault: Fault) -> CasebookError {
        match fault {
            Fault::Store(problem) => CasebookError::Store { file: self.file().to_owned(), problem },
            Fault::Case(error) => error,
        }
    }

    fn expect(&self, case: &CaseId) -> Result<(), CasebookError> {
        let sql = "SELECT id FROM case_index WHERE tenant = ? AND id = ?";
        match self.read(|from| ids(from, sql, (&*self.tenant, case.to_string())))?[..] {
            [] => Err(CasebookError::NoSuchCase(case.to_string())),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Casebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Casebook").field("file", &self.file()).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Summary {
    fn read(from: &Transaction, id: CaseId, tenant: &str) -> Result<Summary, Fault> {
        let Case { opened_at, opened, end, ended_at, .. } = Case::fold(id, &log::read_ends(from, &id, tenant)?);
        Ok(Summary { id, opened_at, opened, end, ended_at })
    }
}

pub(crate) fn ids(from: &Transaction, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<CaseId>, Fault> {
    let mut statement = from.prepare_cached(sql)?;
    let ids = statement.query_and_then(parameters, |row| {
        let id: String = row.get(0)?;
        id.parse().map_err(|_| Fault::damaged(format!("{id:?} is no id of a case")))
    })?;
    ids.collect()
}
