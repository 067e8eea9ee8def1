//! Skills that fail: how often in a row, over all cases, and which of them are put aside.
//!
//! A component is known by its digest, so that a corrected one starts anew. A row is there only while there is something to
//! tell: the first call that ends well removes it, unless the component is put aside; that only [`Casebook::restore`] ends.

use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use rusqlite::Transaction;

use crate::casebook::Casebook;
use crate::error::{CasebookError, Fault};

/// How a component has failed since it worked last, or was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The skill, as `name@version`.
    pub skill: String,
    /// Of its component.
    pub digest: Digest,
    /// Failures in a row.
    pub failures: u32,
    /// The last of them before it was put aside: where, how and why.
    pub reason: String,
    /// When it was put aside; `None` while it is not.
    pub since: Option<Timestamp>,
}

/// What a call says of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The skill, as `name@version`.
    pub skill: String,
    /// Of its component.
    pub digest: Digest,
    /// Where, how and why it failed; `None` where it worked.
    pub failure: Option<String>,
    /// Failures in a row with which it is put aside.
    pub most: u32,
}

impl Casebook {
    /// All components that failed since they worked last, in order of names.
    pub fn standings(&self) -> Result<Vec<Standing>, CasebookError> {
        let sql = "SELECT skill, digest, failures, reason, since FROM standing WHERE tenant = ? ORDER BY skill, digest";
        self.read(|from| {
            let mut statement = from.prepare_cached(sql)?;
            let rows = statement.query_map([self.tenant()], |row| {
                let (skill, digest, failures) = (row.get(0)?, Digest(row.get(1)?), row.get(2)?);
                Ok(Standing { skill, digest, failures, reason: row.get(3)?, since: row.get(4)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Puts back whatever is put aside and bears this name, with its version or without, or has this digest; gives how each stood.
    pub fn put_back(&self, skill: &str) -> Result<Vec<Standing>, CasebookError> {
        let bears = |standing: &Standing| {
            let name = standing.skill.split_once('@').map_or(standing.skill.as_str(), |(name, _)| name);
            standing.since.is_some() && [name, &standing.skill, &standing.digest.to_string()].contains(&skill)
        };
        let named: Vec<_> = self.standings()?.into_iter().filter(bears).collect();
        for standing in &named {
            self.restore(&standing.digest)?;
        }
        Ok(named)
    }

    /// Puts a component back: its failures are forgotten. Tells whether there was anything to forget.
    pub fn restore(&self, digest: &Digest) -> Result<bool, CasebookError> {
        let sql = "DELETE FROM standing WHERE tenant = ? AND digest = ?";
        self.write(|to| Ok(to.execute(sql, (self.tenant(), digest.0))? > 0))
    }
}

impl Judged {
    /// Counts it, in the transaction that records the call.
    pub(crate) fn note(&self, to: &Transaction, tenant: &str, now: Timestamp) -> Result<(), Fault> {
        let Some(failure) = &self.failure else {
            to.prepare_cached("DELETE FROM standing WHERE tenant = ? AND digest = ? AND since IS NULL")?
                .execute((tenant, self.digest.0))?;
            return Ok(());
        };
        to.prepare_cached(
            "INSERT INTO standing (tenant, digest, skill, failures, reason, since)
             VALUES (?1, ?2, ?3, 1, ?4, CASE WHEN ?5 <= 1 THEN ?6 END)
             ON CONFLICT (tenant, digest) DO UPDATE SET
                failures = failures + 1,
                reason = CASE WHEN since IS NULL THEN excluded.reason ELSE reason END,
                since = coalesce(since, CASE WHEN failures + 1 >= ?5 THEN ?6 END)",
        )?
        .execute((tenant, self.digest.0, &self.skill, failure, self.most, now))?;
        Ok(())
    }
}
