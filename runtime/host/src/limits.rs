//! What one call may spend.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of one call. Every one is enforced by the host and has a test that trips it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of all linear memories and tables together.
    pub memory: u64,
    /// Wall time, tools included.
    pub time: Duration,
    /// Time in the guest alone.
    pub compute: Duration,
    /// Calls of tools.
    pub tool_calls: u32,
    /// Bytes of questions to tools and of their answers.
    pub read_bytes: u64,
    /// Findings.
    pub findings: u32,
    /// Bytes of one finding.
    pub finding_bytes: u32,
    /// Bytes of log lines, and of what is written to standard output and error, each.
    pub log_bytes: u32,
}

impl Default for Limits {
    /// What a call may spend when nobody says otherwise: what a laptop does not notice, and several times what the bundled skills
    /// need on a series of 100,000 points, since time passes for a call also while a busy machine does something else.
    fn default() -> Self {
        Limits {
            memory: 64 << 20,
            time: Duration::from_secs(10),
            compute: Duration::from_secs(5),
            tool_calls: 1_000,
            read_bytes: 64 << 20,
            findings: 256,
            finding_bytes: 64 << 10,
            log_bytes: 64 << 10,
        }
    }
}

/// Bytes of memory that no configuration can exceed: the size of a slot of the pool.
pub const MAX_MEMORY: u64 = 1 << 30;

/// Calls at the same time; further ones wait for a place.
pub const MAX_CALLS: u32 = 64;
