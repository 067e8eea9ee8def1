//! What a skill wants to know of an error. Its `Display` and `std::error::Error` come with the bindings.

use crate::Error;

impl Error {
    /// The message for people.
    pub fn text(&self) -> &str {
        match self {
            Error::Denied(text)
            | Error::NotFound(text)
            | Error::Unavailable(text)
            | Error::OverBudget(text)
            | Error::Invalid(text)
            | Error::Cancelled(text)
            | Error::Internal(text) => text,
        }
    }

    /// Whether a skill may well go on without what it asked for: it is not there (`not-found`), not to be reached
    /// (`unavailable`) or not to be seen (`denied`).
    pub fn is_absence(&self) -> bool {
        matches!(self, Error::Denied(_) | Error::NotFound(_) | Error::Unavailable(_))
    }
}
