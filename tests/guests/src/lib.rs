//! Skills for the tests and benchmarks of the host, built and packed.

/// The skill `courier`: it sends the requests over HTTP that the incident's title says. Its source lists the titles.
pub const COURIER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/courier.wasm"));

/// The skill `mischief`: it does what the incident's title says. Its source lists the titles.
pub const MISCHIEF: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mischief.wasm"));

/// The skill `asker`: it asks a tool once, for as much as the incident's title says. Its source lists the titles.
pub const ASKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asker.wasm"));

/// The skill `intruder`: it asks the tools what the incident's title says. Its source lists the questions.
pub const INTRUDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/intruder.wasm"));

/// The skill `gossip`: it imports `code` and `model`, and tells the one what it reads in the other.
pub const GOSSIP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gossip.wasm"));

/// The skill `reader`: it reads code and returns a change.
pub const READER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reader.wasm"));

/// The skill `sender`: it sends all that it is shown to a tool of another server.
pub const SENDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sender.wasm"));
