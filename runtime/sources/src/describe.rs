//! What a source says of itself.

use std::collections::BTreeSet;

use negawatt_host::model::{Error, Timestamp};
use negawatt_host::time;

use crate::files::DataError;

/// What a source can answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// In one line.
    pub text: String,
    /// The services that it knows by name; none where it does not know services.
    pub services: BTreeSet<String>,
}

impl Described {
    /// Of a source that knows no services.
    pub fn text(text: impl Into<String>) -> Described {
        Described { text: text.into(), services: BTreeSet::new() }
    }
}

/// Why a source has no answer: its data is wrong, which is between it and the operator, or what whoever asks may know.
#[derive(Debug, Clone)]
pub enum Trouble {
    Data(DataError),
    Told(Error),
}

impl From<DataError> for Trouble {
    fn from(error: DataError) -> Trouble {
        Trouble::Data(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Told(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Error {
        match trouble {
            Trouble::Data(error) => error.into(),
            Trouble::Told(error) => error,
        }
    }
}

/// A number of things, in words.
pub fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// A stretch of time from the first to the last instant, in seconds.
pub fn between(first: Timestamp, last: Timestamp) -> String {
    let shown = |micros: Timestamp| time::rfc3339(micros.saturating_sub(micros.rem_euclid(1_000_000)));
    if first == last { shown(first) } else { format!("{} … {}", shown(first), shown(last)) }
}
