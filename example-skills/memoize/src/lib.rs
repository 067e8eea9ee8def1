//! Proposes to keep what a pure function answered, where the code shows that it is asked the same again and again.
//!
//! [`evidence`] finds calls that repeat, [`signature`] says whether arguments can be keys and results be kept, [`rewrite`] brings both
//! together with what the SDK knows of effects, and [`cache`] writes the caches, which are all bounded.

pub mod cache;
pub mod evidence;
pub mod rewrite;
pub mod signature;

use negawatt_skill::prelude::*;
use negawatt_skill::rewrite::{Host, Strategy, propose};

negawatt_skill::skill!(investigate);

/// What is proposed.
pub const STRATEGY: Strategy = Strategy {
    name: "memoize",
    rewrite: rewrite::rewrite,
    validation: "The function's share of samples falls by about the part of its calls that repeat, and what it answers is the same. Count \
                 hits and misses for a day: where fewer than half are hits, the cache is not worth its memory.",
};

/// Patches that cache what suspected commits have computed again and again.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    propose(&Host, &STRATEGY, case)
}
