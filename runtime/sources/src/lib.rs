//! What stands behind the tools: files, servers, and local git repositories.
//!
//! [`configure`] is the second stage of every tool: it opens what the operator named, and finds mistakes at start. What it
//! gives answers the tools of the host within the scope of a case.

mod blocking;
mod configure;
mod describe;
mod docs;
mod egress;
mod examine;
mod files;
mod git;
mod http;
mod kept;
mod metrics;
mod profiles;
mod records;
mod topology;

pub use configure::{Configured, configure};
pub use describe::Described;
pub use egress::{Egress, Resolve};
pub use examine::{Examined, Problem, examine};
pub use git::{parse_for_parent, parses};
pub use kept::Kept;
pub use metrics::check_selector;
pub use topology::Neighbours;

/// Notes in the span of a question which kind of source answers it.
fn answers(kind: &'static str) {
    tracing::Span::current().record("source", kind);
}

/// The most paths or keys that one question may name.
const MAX_NAMES: usize = 1_000;
