//! Forges: where a reviewed proposal becomes a branch, and on GitHub a pull request.
//!
//! A forge proposes and never merges. What it does is idempotent: the branch's name follows from case and proposal, its commit from
//! the submission alone, and before anything is made it is looked for. So a submission that was stopped anywhere is given again, the
//! same as before, and there is one branch, one commit and one pull request.

mod draft;
mod error;
mod git;
mod github;
mod process;
mod submission;

use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use error::ForgeError;
pub use git::{GitForge, GitSettings, MARKDOWN_UNDER};
pub use github::{Clock, GitHubForge, GitHubSettings, SystemClock, TokenSource};
pub use submission::{Reviewer, Submission};

/// Somewhere to submit proposals to.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Submits a proposal, or goes on with one that was stopped: then the submission is the same as before, in every field. `observe` is
    /// told of each effect before it happens and after it did; what is there already happens and is told no more.
    ///
    /// The target branch must still be at the submission's base, until the proposal's branch is there: from then on a retry
    /// completes what had begun, wherever the target went.
    ///
    /// `earlier` are submissions of the same proposal that had begun when it was approved anew. What they made and nobody changed is
    /// replaced, where the forge can do that in one step; otherwise it is told ([`ForgeError::LeftBehind`]).
    async fn submit(
        &self,
        submission: &Submission,
        earlier: &[Submission],
        observe: Observe<'_>,
    ) -> Result<Submitted, ForgeError>;

    /// What has become of a submission.
    async fn state(&self, submission: &Submission, submitted: &Submitted) -> Result<State, ForgeError>;

    /// Whether proposals of an operator's repository can go there, as far as it tells without anything being written; waits for no
    /// server that asks to. Gives the full hash of the branch's tip there.
    async fn probe(&self, repository: &Path, target_branch: &str) -> Result<String, ForgeError>;
}

/// Who is told of effects: records them, and may stop the submission.
pub type Observe<'a> = &'a mut (dyn FnMut(&Progress) -> Result<(), Stop> + Send);

/// Where a submission is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// The effect is about to happen, and must be recorded first.
    About(Effect),
    /// It happened.
    Did(Effect),
}

/// What a forge does outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Puts the proposal as Markdown on a reference of its own (`git`).
    Markdown {
        /// The reference's full name.
        reference: String,
        /// The commit that holds it.
        commit: String,
    },
    /// Uploads the files, trees and the commit, which nobody sees until a branch names them (`github`).
    Objects {
        /// The tree of the commit.
        tree: String,
    },
    /// Makes the branch.
    Branch {
        /// Its name.
        name: String,
        /// The commit that it names.
        commit: String,
    },
    /// Opens the pull request (`github`).
    PullRequest {
        /// The branch that is to be merged.
        branch: String,
        /// The branch that it is to be merged into.
        target: String,
    },
    /// Adds labels to the pull request (`github`).
    Labels {
        /// The pull request.
        number: u64,
        /// The labels.
        labels: Vec<String>,
    },
    /// Asks somebody to review the pull request (`github`).
    Review {
        /// The pull request.
        number: u64,
        /// Their name on the forge.
        login: String,
    },
}

/// Why whoever is told of the progress stops it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the submission was stopped: {0}; given again, it goes on where it was")]
pub struct Stop(pub String);

/// What was made of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The branch.
    pub branch: String,
    /// The commit of the proposal.
    pub commit: String,
    /// Where it is read.
    pub place: Place,
    /// What could not be done and is not worth failing for, such as a reviewer who cannot be asked.
    pub notes: Vec<String>,
}

/// Where a submitted proposal is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Beside the branch: a reference whose commit holds the Markdown and nothing else.
    Reference(String),
    /// In a pull request.
    PullRequest {
        /// Its number.
        number: u64,
        /// Its address for people, as the forge tells it; absent where that is no address of the web.
        url: Option<String>,
    },
}

/// What has become of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nobody decided yet.
    Open,
    /// It is part of the target branch.
    Merged {
        /// The commit that brought it there.
        commit: String,
        /// When that commit was made, or the pull request merged: microseconds since the Unix epoch, UTC.
        time: i64,
    },
    /// It was turned down.
    Closed {
        /// The last comment of a person, if any; text of a stranger, one line, not long.
        reason: Option<String>,
    },
}

/// Has an effect happen between the two records of it.
async fn effect<T>(
    observe: &mut (dyn FnMut(&Progress) -> Result<(), Stop> + Send),
    effect: Effect,
    happen: impl Future<Output = Result<T, ForgeError>>,
) -> Result<T, ForgeError> {
    observe(&Progress::About(effect.clone()))?;
    let made = happen.await?;
    observe(&Progress::Did(effect))?;
    Ok(made)
}
