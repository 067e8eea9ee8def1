//! What the host does with a proposal: whether it may be shown, in words made for its reader, and how it goes to a forge.

pub mod forge;
pub mod guard;
mod program;
pub mod text;

pub use program::git;
