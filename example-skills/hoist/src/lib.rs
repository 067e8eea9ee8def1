//! Proposes to construct once what code constructs anew for each call: compiled patterns, clients, encoders.
//!
//! [`known`] says what may be shared, and why; [`constant`] whether it is made of constants alone; [`uses`] whether what is done with it
//! leaves it as it is; [`rewrite`] makes a value of the module of it.

pub mod constant;
pub mod known;
pub mod rewrite;
pub mod uses;

use negawatt_skill::prelude::*;
use negawatt_skill::rewrite::{Host, Strategy, propose};

negawatt_skill::skill!(investigate);

/// What is proposed.
pub const STRATEGY: Strategy = Strategy {
    name: "hoist",
    rewrite: rewrite::rewrite,
    validation: "The constructor's frames leave the profile of the function, and its share goes back to where it was; what it answers is the \
                 same. A pattern that is wrong now fails when the program starts, or at its first use.",
};

/// Patches that hoist what suspected commits construct in code that got slower.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    propose(&Host, &STRATEGY, case)
}
