//! Effects outside: what a step does to the world is recorded before it does it, so that it is never done twice.

use async_trait::async_trait;

use crate::model::Answer;

/// Records what a call is about to do outside.
#[async_trait]
pub trait Effects: Send + Sync {
    /// Returns when the intent is recorded for good; only then is it done. An error means that it must not be done.
    async fn intend(&self, what: &str) -> Answer<()>;
}
