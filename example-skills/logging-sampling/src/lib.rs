//! Proposes to gate or to sample log calls that suspected commits put into hot code.
//!
//! [`calls`] knows log calls by their trees, [`gates`] how a logger is asked whether it listens, [`rewrite`] what becomes of a call.

pub mod calls;
pub mod gates;
pub mod rewrite;

use negawatt_skill::prelude::*;
use negawatt_skill::rewrite::{Host, Strategy, propose};

negawatt_skill::skill!(investigate);

/// What is proposed.
pub const STRATEGY: Strategy = Strategy {
    name: "logging-sampling",
    rewrite: rewrite::rewrite,
    validation: "The frames of logging and formatting leave the profile of the function, and its share goes back to where it was. The \
                 volume of this message falls to nothing where its level is off, or to a hundredth; others stay as they are.",
};

/// Patches for log calls that suspected commits put into code that got slower, or into loops.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    propose(&Host, &STRATEGY, case)
}
