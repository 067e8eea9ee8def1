//! Leases: a case has one owner at a time.
//!
//! An owner holds a token that is greater than that of every owner before it, and shows it with everything it writes. Who was
//! taken for dead and was only slow is therefore stopped at its next write.

use std::time::Duration;

use negawatt_host::model::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::error::{CasebookError, Fault};
use crate::id::CaseId;
use crate::process::Owner;

/// How long a lease lasts after its owner wrote last. A process that is known to be dead loses it at once.
pub const LEASE: Duration = Duration::from_secs(60);

const LEASE_US: i64 = LEASE.as_micros() as i64;

const COLUMNS: &str = "token, held, since, until, host, machine, pid, started";

struct Lease {
    token: i64,
    held: bool,
    since: Timestamp,
    until: Timestamp,
    owner: Owner,
}

impl Lease {
    fn of(row: &Row) -> rusqlite::Result<Lease> {
        let owner = Owner { host: row.get(4)?, machine: row.get(5)?, pid: row.get(6)?, started: row.get(7)? };
        Ok(Lease { token: row.get(0)?, held: row.get(1)?, since: row.get(2)?, until: row.get(3)?, owner })
    }

    fn read(from: &Transaction, case: &CaseId) -> Result<Option<Lease>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM lease WHERE case_id = ?");
        Ok(from.prepare_cached(&sql)?.query_row([case.to_string()], Lease::of).optional()?)
    }

    /// Whether the owner may still be at work. An end much further away than a lease is long comes from a clock that was wrong.
    fn is_live(&self, now: Timestamp) -> bool {
        let left = self.until.saturating_sub(now);
        self.held && left > 0 && left <= 2 * LEASE_US && !self.owner.is_dead()
    }
}

/// Takes the lease of a case for this process, and tells its token. Refused while another owner lives.
pub(crate) fn take(to: &Transaction, case: &CaseId, tenant: &str, now: Timestamp) -> Result<i64, Fault> {
    let before = Lease::read(to, case)?;
    if let Some(lease) = before.as_ref().filter(|lease| lease.is_live(now)) {
        let (owner, since, until) = (lease.owner.clone(), lease.since, lease.until);
        return Err(CasebookError::Owned { case: *case, owner, since, until }.into());
    }
    let token = before.map_or(1, |lease| lease.token.saturating_add(1));
    let sql =
        format!("INSERT OR REPLACE INTO lease (case_id, tenant, {COLUMNS}) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)");
    let owner = Owner::this();
    let until = now.saturating_add(LEASE_US);
    to.prepare_cached(&sql)?.execute((
        case.to_string(),
        tenant,
        token,
        now,
        until,
        owner.host,
        owner.machine,
        owner.pid,
        owner.started,
    ))?;
    Ok(token)
}

/// Makes the lease last from now on. Refused when somebody else took it.
pub(crate) fn renew(to: &Transaction, case: &CaseId, token: i64, now: Timestamp) -> Result<(), Fault> {
    let renewed = to
        .prepare_cached("UPDATE lease SET until = ? WHERE case_id = ? AND token = ? AND held = 1")?
        .execute((now.saturating_add(LEASE_US), case.to_string(), token))?;
    if renewed == 1 {
        return Ok(());
    }
    match Lease::read(to, case)? {
        Some(lease) => Err(CasebookError::TakenOver { case: *case, owner: lease.owner }.into()),
        None => Err(Fault::damaged(format!("nobody ever owned the case {case}"))),
    }
}

/// Gives the lease back, if it was not taken.
pub(crate) fn release(to: &Transaction, case: &CaseId, token: i64) -> Result<(), Fault> {
    to.prepare_cached("UPDATE lease SET held = 0 WHERE case_id = ? AND token = ?")?
        .execute((case.to_string(), token))?;
    Ok(())
}
