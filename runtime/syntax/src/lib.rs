#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod announce;
mod language;
mod outline;
mod parse;
mod tree;

pub use language::Language;
pub use outline::{Definition, Kind, MAX_BYTES, Outline, outline};
pub use parse::SyntaxError;
pub use tree::{ERROR, MAX_NODES, MAX_TREE_BYTES, MISSING, NAMED, Tree, tree};
