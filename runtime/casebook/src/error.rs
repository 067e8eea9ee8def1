//! What can go wrong with a casebook.

use std::fmt;
use std::path::PathBuf;

use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use negawatt_host::time::rfc3339;
use negawatt_store::Problem;

use crate::id::{CaseId, NotACaseId};
use crate::process::Owner;

/// What can go wrong with a casebook.
#[derive(Debug, thiserror::Error)]
pub enum CasebookError {
    /// Its folder or file cannot be made, or cannot be trusted.
    #[error("the casebook in {} cannot be used: {what}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("the casebook {}: {problem}", file.display())]
    Store {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// A recorded answer is not there any more.
    #[error(
        "the recorded answer {0} is not in the casebook: it may have been removed for its age; a case that needs it cannot be replayed"
    )]
    NoBlob(Digest),
    /// There is no such case.
    #[error("there is no case {0}; `negawatt case list` shows those that there are")]
    NoSuchCase(String),
    /// Several cases have ids that begin so.
    #[error("several cases have ids that begin with {prefix}: {}; write more of it", list(cases))]
    Ambiguous {
        /// The beginning.
        prefix: String,
        /// Some of the cases.
        cases: Vec<CaseId>,
    },
    /// A text that is no id of a case, nor the beginning of one.
    #[error(transparent)]
    NotACaseId(#[from] NotACaseId),
    /// Somebody else is working on the case.
    #[error(
        "{owner} has been working on the case {case} since {}; wait until it is done, or stop it (without a sign of life it loses the case at {})",
        rfc3339(*since), rfc3339(*until)
    )]
    Owned {
        /// The case.
        case: CaseId,
        /// Who it is.
        owner: Owner,
        /// Since when.
        since: Timestamp,
        /// When its lease ends unless it is renewed.
        until: Timestamp,
    },
    /// Somebody else took over the case. Nothing was written.
    #[error("the case {case} was taken over by {owner}; nothing was written: stop working on it")]
    TakenOver {
        /// The case.
        case: CaseId,
        /// Who has it now, or had it last.
        owner: Owner,
    },
    /// A newer version has written to the case, so this one does not know all that happened.
    #[error(
        "a newer version of negawatt wrote `{event}` (version {version}) to the case {case}; it can be shown, and only that version can continue it"
    )]
    NewerCase {
        /// The case.
        case: CaseId,
        /// The type of the event.
        event: String,
        /// The version of the type.
        version: u8,
    },
    /// What was exported elsewhere cannot be read. Nothing was imported.
    #[error("{what}; nothing was imported")]
    Foreign {
        /// The line, from 1, counted after decompressing.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// A case of the same id is there, and other things happened to it. Nothing was imported.
    #[error(
        "the casebook has a case {case} to which other things happened, from event {event} on; nothing was imported"
    )]
    Conflict {
        /// The case.
        case: CaseId,
        /// The first event that differs.
        event: u64,
    },
    /// What is exported cannot be written where it goes.
    #[error("the cases cannot be exported: {0}")]
    Export(String),
    /// An event that cannot come next. Nothing was written.
    #[error("the case {case} cannot take the event `{event}`: {what}; nothing was written")]
    Misplaced {
        /// The case.
        case: CaseId,
        /// The event.
        event: String,
        /// Why.
        what: String,
    },
}

/// An error inside of a transaction: the file's name is added where it ends.
#[derive(Debug)]
pub(crate) enum Fault {
    Store(Problem),
    Case(CasebookError),
}

impl Fault {
    pub(crate) fn damaged(what: impl fmt::Display) -> Fault {
        Fault::Store(Problem::Damaged(what.to_string()))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Store(error.into())
    }
}

impl From<CasebookError> for Fault {
    fn from(error: CasebookError) -> Fault {
        Fault::Case(error)
    }
}

fn list(cases: &[CaseId]) -> String {
    cases.iter().map(CaseId::to_string).collect::<Vec<_>>().join(", ")
}
