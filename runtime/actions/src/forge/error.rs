//! Why a submission fails.

use std::path::PathBuf;

use negawatt_text::{printable, shorten};

use super::Stop;

/// Why a submission fails. No message holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// Who was told of the progress stopped it.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// The forge is not configured as it must be.
    #[error("the forge cannot be used: {0}")]
    Settings(String),
    /// The submission is not one that a forge can take.
    #[error("the submission cannot be made: {0}")]
    Invalid(String),
    /// The operator's repository cannot be read, or does not have what is needed.
    #[error("the repository {} cannot be used: {what}", repository.display())]
    Repository {
        /// The repository.
        repository: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The patch makes no commit of the base.
    #[error("the patch makes no commit on {base}: {what}")]
    Patch {
        /// The base.
        base: String,
        /// Why.
        what: String,
    },
    /// The target branch is not where the proposal was examined. Nothing was made.
    #[error(
        "the branch {target} is at {tip}, and the proposal was examined on {examined}; nothing was submitted: run the guardrails again"
    )]
    Moved {
        /// The target branch.
        target: String,
        /// The commit on which the proposal was examined.
        examined: String,
        /// Where the branch is now.
        tip: String,
    },
    /// The target branch is not there.
    #[error("{forge} has no branch {target}; name a branch that it has")]
    NoTarget {
        /// The forge.
        forge: String,
        /// The target branch.
        target: String,
    },
    /// Somebody else's work bears the name. It was left as it is.
    #[error(
        "{reference} is there already, at {tip}, and is not this proposal's; it was left as it is: rename or delete it"
    )]
    Taken {
        /// The branch or reference.
        reference: String,
        /// Where it is.
        tip: String,
    },
    /// An earlier approval of the same proposal left this behind, and the forge cannot replace it only where nobody changed it.
    #[error(
        "{reference} is there already, at {tip}, as an earlier approval of this proposal left it; delete it at the forge, and submit again"
    )]
    LeftBehind {
        /// The branch.
        reference: String,
        /// Where it is.
        tip: String,
    },
    /// The forge will not: credentials, rights or rules.
    #[error("{forge} refuses: {what}")]
    Refused {
        /// The forge.
        forge: String,
        /// Why, and what to do.
        what: String,
    },
    /// The forge takes no more requests for now, longer than is worth waiting for.
    #[error("{forge} takes no more requests until {}; submit again then", time(*until))]
    RateLimited {
        /// The forge.
        forge: String,
        /// When it takes some again, in seconds since the Unix epoch.
        until: i64,
    },
    /// The forge cannot be reached, or fails.
    #[error("{forge} is not available: {what}; submit again later")]
    Unavailable {
        /// The forge.
        forge: String,
        /// Why.
        what: String,
    },
    /// The forge answers what cannot be used.
    #[error("{forge} gave an answer that cannot be used: {what}")]
    Unusable {
        /// The forge.
        forge: String,
        /// What is wrong with it.
        what: String,
    },
}

impl ForgeError {
    /// Whether the same submission may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            ForgeError::Stopped(_)
                | ForgeError::RateLimited { .. }
                | ForgeError::Unavailable { .. }
                | ForgeError::Unusable { .. }
        )
    }
}

fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

/// Text of a stranger as it may stand in a message: one line, not long.
pub(super) fn quoted(text: &str) -> String {
    shorten(&printable(text.trim()), 300)
}
