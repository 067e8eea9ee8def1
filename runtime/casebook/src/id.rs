//! The ids of cases.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// Names a case: a ULID, so ids of later cases sort after those of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CaseId(Ulid);

impl CaseId {
    /// A new one, of the present.
    pub(crate) fn generate() -> CaseId {
        CaseId(Ulid::generate())
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A text that is no id of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no id of a case; it has 26 letters and digits, of which the first few will do; `negawatt case list` shows all"
)]
pub struct NotACaseId(String);

impl NotACaseId {
    pub(crate) fn new(text: &str) -> NotACaseId {
        NotACaseId(text.to_owned())
    }
}

impl FromStr for CaseId {
    type Err = NotACaseId;

    fn from_str(text: &str) -> Result<CaseId, NotACaseId> {
        Ulid::from_string(text).map(CaseId).map_err(|_| NotACaseId::new(text))
    }
}
