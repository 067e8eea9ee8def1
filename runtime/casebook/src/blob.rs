//! Blobs: what was asked and answered, once each, compressed.

use std::io::Read;

use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

use crate::error::{CasebookError, Fault};

/// The level at which zstd is about as fast as the disk.
pub(crate) const LEVEL: i32 = 3;

/// A blob that is ready to be stored.
pub(crate) struct Blob {
    digest: Digest,
    size: i64,
    body: Vec<u8>,
}

impl Blob {
    /// Compresses these bytes.
    pub(crate) fn of(digest: Digest, bytes: &[u8]) -> std::io::Result<Blob> {
        let size = i64::try_from(bytes.len()).map_err(std::io::Error::other)?;
        Ok(Blob { digest, size, body: zstd::bulk::compress(bytes, LEVEL)? })
    }

    /// Stores it, unless it is there already. One that was purged is there again.
    pub(crate) fn insert(&self, to: &Transaction, tenant: &str, time: Timestamp) -> Result<(), Fault> {
        to.prepare_cached(
            "INSERT INTO blob (tenant, digest, size, time, body) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (tenant, digest) DO UPDATE SET size = excluded.size, time = excluded.time, body = excluded.body
             WHERE length(body) = 0",
        )?
        .execute((tenant, self.digest.0, self.size, time, &self.body))?;
        Ok(())
    }
}

/// Purges a blob: its bytes go, and that they were purged stays, so that nobody takes it for damage. Tells how many bytes went.
pub(crate) fn purge(to: &Transaction, tenant: &str, digest: &[u8; 32]) -> Result<u64, Fault> {
    let purged = to
        .prepare_cached("SELECT length(body) FROM blob WHERE tenant = ? AND digest = ?")?
        .query_row((tenant, digest), |row| row.get::<_, i64>(0))
        .optional()?;
    to.prepare_cached("UPDATE blob SET size = 0, body = x'' WHERE tenant = ? AND digest = ?")?
        .execute((tenant, digest))?;
    Ok(purged.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
}

/// Notes that a blob was purged, where it is not there.
pub(crate) fn note_purged(to: &Transaction, tenant: &str, digest: &Digest, time: Timestamp) -> Result<(), Fault> {
    to.prepare_cached("INSERT OR IGNORE INTO blob (tenant, digest, size, time, body) VALUES (?, ?, 0, ?, x'')")?
        .execute((tenant, digest.0, time))?;
    Ok(())
}

/// Whether a blob is there, or was purged.
pub(crate) fn is_known(from: &Transaction, tenant: &str, digest: &Digest) -> Result<bool, Fault> {
    Ok(from.prepare_cached("SELECT 1 FROM blob WHERE tenant = ? AND digest = ?")?.exists((tenant, digest.0))?)
}

/// Whether there is such a blob.
pub(crate) fn exists(from: &Transaction, tenant: &str, digest: &Digest) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM blob WHERE tenant = ? AND digest = ? AND length(body) > 0";
    Ok(from.prepare_cached(sql)?.exists((tenant, digest.0))?)
}

/// What a blob holds, checked.
pub(crate) fn read(from: &Transaction, tenant: &str, digest: &Digest) -> Result<Vec<u8>, Fault> {
    let row = from
        .prepare_cached("SELECT size, body FROM blob WHERE tenant = ? AND digest = ? AND length(body) > 0")?
        .query_row((tenant, digest.0), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let (size, body) = row.ok_or(CasebookError::NoBlob(*digest))?;
    let damaged = || Fault::damaged(format!("the recorded answer {digest} is not what was recorded"));
    let mut bytes = Vec::new();
    // No further than it should go, whatever the damage.
    let limit = u64::try_from(size).map_err(|_| damaged())?;
    let decoder = zstd::stream::read::Decoder::new(&body[..]).map_err(|_| damaged())?;
    decoder.take(limit).read_to_end(&mut bytes).map_err(|_| damaged())?;
    if Digest::of(&bytes) != *digest {
        return Err(damaged());
    }
    Ok(bytes)
}
