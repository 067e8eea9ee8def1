//! The casebook: the append-only record of every case.
//!
//! A [`Casebook`] is a SQLite file in a folder. [`Casebook::open_case`] and [`Casebook::resume`] give a [`CaseLog`], the right to
//! write one case; it records [`Event`]s, and a [`Case`] is what they add up to.

#[cfg(test)]
extern crate self as negawatt_casebook;

mod blob;
mod case;
mod casebook;
mod check;
mod compact;
mod encoding;
mod error;
mod event;
mod export;
mod id;
mod import;
mod learned;
mod lease;
mod log;
mod portable;
mod process;
mod proposal;
mod proposals;
mod schema;
mod standing;
mod symptom;
#[cfg(test)]
mod tests;

pub use case::{Case, End, Posted, Step, Totals};
pub use casebook::{Casebook, DEFAULT_TENANT, Summary};
pub use check::{Checked, Damage};
pub use compact::Compacted;
pub use error::CasebookError;
pub use event::*;
pub use export::Exported;
pub use id::{CaseId, NotACaseId};
pub use import::Imported;
pub use learned::{Alike, Learned, Resolved, Said, Stood, Traits, Tried};
pub use lease::LEASE;
pub use log::{Batch, CaseLog};
pub use negawatt_store::Problem;
pub use process::Owner;
pub use proposal::*;
pub use proposals::{Proposal, Proposals, Stage};
pub use standing::{Judged, Standing};
pub use symptom::{Noted, Symptom, series_of};
