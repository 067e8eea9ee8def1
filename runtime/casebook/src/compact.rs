//! Making a casebook small: what no case refers to goes, old answers where that is asked for, and free space.

use std::collections::BTreeMap;

use negawatt_host::model::Timestamp;
use rusqlite::Transaction;

use crate::blob;
use crate::casebook::{Casebook, ids};
use crate::check::tenants;
use crate::error::{CasebookError, Fault};
use crate::event::Event;
use crate::log;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Questions and answers that no case referred to.
    pub unreferenced: u64,
    /// Questions and answers that were purged for their age; cases that need them cannot be replayed.
    pub purged: u64,
    /// Bytes of the file before, its log included.
    pub bytes_before: u64,
    /// Bytes of the file now.
    pub bytes_after: u64,
}

impl Casebook {
    /// Makes the file as small as it can be, for all tenants. With a time, the answers also go that no call asked for since then, but
    /// for those of open cases. Events stay, whatever their age.
    ///
    /// Others wait meanwhile; it takes as much free space as the file has.
    pub fn compact(&self, answers_before: Option<Timestamp>) -> Result<Compacted, CasebookError> {
        let bytes_before = self.bytes();
        let (unreferenced, purged) = self.write(|to| {
            let (mut unreferenced, mut purged) = (0, 0);
            for tenant in tenants(to)? {
                let asked = last_asked(to, &tenant)?;
                unreferenced += remove_unreferenced(to, &tenant, &asked)?;
                for (digest, last) in asked {
                    if answers_before.is_some_and(|before| last < before) && blob::purge(to, &tenant, &digest)? > 0 {
                        purged += 1;
                    }
                }
            }
            Ok((unreferenced, purged))
        })?;
        let shrink = || {
            let connection = self.connection();
            let checkpoint = || connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
            checkpoint()?;
            connection.execute_batch("VACUUM")?;
            checkpoint()
        };
        shrink().map_err(|error| self.error(error.into()))?;
        Ok(Compacted { unreferenced, purged, bytes_before, bytes_after: self.bytes() })
    }

    /// Bytes of the file, with what is not yet moved into it.
    fn bytes(&self) -> u64 {
        let size = |suffix: &str| std::fs::metadata(self.file().with_extension(suffix)).map_or(0, |file| file.len());
        size("sqlite") + size("sqlite-wal")
    }
}

/// When each blob that a case refers to was asked or answered last. Those of open cases are always new.
fn last_asked(from: &Transaction, tenant: &str) -> Result<BTreeMap<[u8; 32], Timestamp>, Fault> {
    let mut asked = BTreeMap::new();
    for case in ids(from, "SELECT id FROM case_index WHERE tenant = ?", [tenant])? {
        let mut of_case = Vec::new();
        let mut is_open = true;
        for row in log::rows(from, &case, tenant)? {
            match row.recorded()?.event {
                Event::Called(called) => {
                    let digests = called.answers.iter().flat_map(|answer| [answer.request, answer.response]);
                    of_case.extend(digests.map(|digest| (digest.0, row.time)));
                }
                Event::Concluded(_) | Event::Cancelled(_) => is_open = false,
                Event::Unknown(unknown) => {
                    let (event, version) = (unknown.name, unknown.version);
                    return Err(CasebookError::NewerCase { case, event, version }.into());
                }
                _ => {}
            }
        }
        for (digest, time) in of_case {
            let time = if is_open { Timestamp::MAX } else { time };
            asked.entry(digest).and_modify(|last: &mut Timestamp| *last = time.max(*last)).or_insert(time);
        }
    }
    Ok(asked)
}

fn remove_unreferenced(to: &Transaction, tenant: &str, asked: &BTreeMap<[u8; 32], Timestamp>) -> Result<u64, Fault> {
    let mut statement = to.prepare_cached("SELECT digest FROM blob WHERE tenant = ?")?;
    let all: Vec<[u8; 32]> = statement.query_map([tenant], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut remove = to.prepare_cached("DELETE FROM blob WHERE tenant = ? AND digest = ?")?;
    let mut removed = 0;
    for digest in all.iter().filter(|digest| !asked.contains_key(*digest)) {
        removed += remove.execute((tenant, digest))? as u64;
    }
    Ok(removed)
}
