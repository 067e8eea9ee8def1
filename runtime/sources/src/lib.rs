//! What stands behind the tools: files, and local git repositories.
//!
//! [`configure`] is the second stage of every tool: it opens what the operator named, and finds mistakes at start. What it
//! gives answers the tools of the host within the scope of a case.

mod blocking;
mod configure;
mod docs;
mod files;
mod git;
mod metrics;
mod profiles;
mod records;
mod topology;

pub use configure::{Configured, configure, grants};
pub use topology::Neighbours;

/// The most paths or keys that one question may name.
const MAX_NAMES: usize = 1_000;
