//! Skills for the tests and benchmarks of the host, built and packed.

/// The skill `mischief`: it does what the incident's title says. Its source lists the titles.
pub const MISCHIEF: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mischief.wasm"));

/// The skill `asker`: it asks a tool once, for as much as the incident's title says. Its source lists the titles.
pub const ASKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asker.wasm"));
