//! Memory of a call, over all its linear memories and tables, and what the host keeps for it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use wasmtime::ResourceLimiter;

use crate::call::Status;
use crate::record::{Record, lock};

/// Bytes of one element of a table in the host.
const TABLE_ELEMENT_BYTES: u64 = 16;

/// Counts what a call holds, from what its instances begin with on, and ends it where that is too much.
pub(crate) struct Memory {
    limit: u64,
    used: u64,
    peak: Arc<AtomicU64>,
    record: Arc<Mutex<Record>>,
}

impl Memory {
    /// At most `limit` bytes; `peak` is told the most that was held, `record` why the call was ended.
    pub(crate) fn new(limit: u64, peak: Arc<AtomicU64>, record: Arc<Mutex<Record>>) -> Memory {
        Memory { limit, used: 0, peak, record }
    }

    /// Grows by some bytes, or ends the call.
    pub(crate) fn grow(&mut self, bytes: u64) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(bytes);
        if used > self.limit {
            let text = format!("it asked for {used} bytes of memory, and its limit is {}", self.limit);
            lock(&self.record).stopped = Some((Status::OverBudget, text));
            return Err(wasmtime::Error::msg("memory limit"));
        }
        self.used = used;
        self.peak.fetch_max(used, Relaxed);
        Ok(true)
    }
}

/// Whether a memory or table cannot grow to that size anyway: the guest is told so, and nothing is held for it.
fn is_beyond(desired: usize, most: Option<usize>) -> bool {
    most.is_some_and(|most| desired > most)
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        if is_beyond(desired, most) {
            return Ok(false);
        }
        self.grow(desired.saturating_sub(current) as u64)
    }

    fn table_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        if is_beyond(desired, most) {
            return Ok(false);
        }
        self.grow((desired.saturating_sub(current) as u64).saturating_mul(TABLE_ELEMENT_BYTES))
    }
}
