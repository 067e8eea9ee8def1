//! What can go wrong with the trial itself; what is wrong with what is tried is told in the report.

use std::error::Error;

/// What anything here gives that may fail, with a sentence.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
