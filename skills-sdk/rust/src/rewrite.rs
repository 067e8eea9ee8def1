//! Rewriting code: for skills that propose a patch where a syntax tree shows that it changes nothing but what something costs.
//!
//! [`propose`] does what all of them do: it takes the commits that are suspected, finds which of their files still stand at the branch's
//! tip and which lines of them are theirs, and has a [`Strategy`] look at each file's tree. What the strategy changes goes through a
//! [`Draft`], which knows names, imports and the file's style, and comes out as one patch for each commit. Needs the feature `patch`.
//!
//! A file is somebody's text: a tree that has errors is left alone, and whatever is not known for sure is a reason not to touch it.

mod draft;
mod gather;
mod imports;
mod language;
mod layout;
mod pure;
mod report;
mod scope;

pub use draft::{Done, Draft};
pub use gather::{File, Heat, Host, Tools};
pub use imports::Imports;
pub use language::Language;
pub use layout::{alone, indentation, newline, unit, wrap};
pub use pure::{Purity, Unknown};
pub use report::{Strategy, propose};
pub use scope::{
    arguments, binds, calls, definitions, function, is_test, lines_of, loops, name_of, occurrences, outermost,
    statement, unquoted, writes,
};
