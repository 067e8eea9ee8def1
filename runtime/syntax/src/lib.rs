#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod announce;
mod language;
mod outline;

pub use language::Language;
pub use outline::{Definition, Kind, MAX_BYTES, Outline, SyntaxError, outline};
