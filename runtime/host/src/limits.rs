//! What calls and the host may spend: the words of the configuration.

pub use negawatt_config::limits::{
    CaseLimits, CaseLimitsChange, Fuel, HostLimits, HostLimitsChange, Limits, LimitsChange, MAX_CALLS, MAX_MEMORY,
};
