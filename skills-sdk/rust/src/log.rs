//! What a skill says while it works. Needs no grant.

pub use crate::bindings::negawatt::skill::log::{Level, log, progress};

/// Writes a line for the skill's author.
pub fn debug(text: impl AsRef<str>) {
    log(Level::Debug, text.as_ref());
}

/// Writes a line for whoever reads the case.
pub fn info(text: impl AsRef<str>) {
    log(Level::Info, text.as_ref());
}

/// Writes a line that says that something is odd.
pub fn warn(text: impl AsRef<str>) {
    log(Level::Warn, text.as_ref());
}
