//! What a skill does to the world outside, told before it is done.

use async_trait::async_trait;

use crate::model::Answer;

/// Hears of every outside effect of a call before it happens: each request over HTTP with another method than GET or HEAD, and
/// each call of a tool of another server.
#[async_trait]
pub trait Effects: Send + Sync {
    /// Keeps the intent, so that what was begun is known even if this process ends here. Where it cannot be kept, or may not
    /// be done, nothing is sent, and the skill is answered with the error.
    ///
    /// `what` names the effect: the same effect has the same name.
    async fn intend(&self, what: &str) -> Answer<()>;
}
