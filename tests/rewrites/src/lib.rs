#![doc = include_str!("../README.md")]

mod case;
mod generated;
mod hostile;
mod repository;
mod toolchains;

pub use case::{CULPRIT, becomes, case, changed, mitigation, patched, proposed, shift, stays};
pub use generated::culprits;
pub use hostile::survives;
pub use repository::{Repository, tree};
pub use toolchains::{check, is_formatted, python};
