//! What calls and the host may spend: the words of the configuration.

pub use negawatt_config::limits::{
    CaseLimits, CaseLimitsChange, Fuel, HostLimits, HostLimitsChange, Limits, LimitsChange, MAX_MEMORY,
};

/// Calls at the same time that there are slots for; a configuration can allow fewer.
pub const MAX_CALLS: u32 = 64;
