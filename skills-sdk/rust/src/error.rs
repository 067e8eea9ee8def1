//! What a skill wants to know of an error, and how it goes on after one. Its `Display` and `std::error::Error` come with the bindings.

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

/// What a tool answered, where the rest of the work says something without it: absent on every error, except that a cancelled
/// case ends the work.
pub fn unless_cancelled<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cancelled_case_ends_the_work() {
        assert_eq!(unless_cancelled(Ok(1)), Ok(Some(1)));
        assert_eq!(unless_cancelled::<()>(Err(Error::OverBudget("spent".into()))), Ok(None));
        assert_eq!(unless_cancelled::<()>(Err(Error::Invalid("no".into()))), Ok(None));
        let cancelled = Error::Cancelled("by hand".into());
        assert_eq!(unless_cancelled::<()>(Err(cancelled.clone())), Err(cancelled));
    }
}
