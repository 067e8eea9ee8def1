//! Blocking work of the sources, off the threads that serve skills.

use std::ops::Deref;
use std::sync::Arc;

use negawatt_host::model::{Answer, Error};

/// A source that the host and the threads that work for it own together.
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub fn new(source: T) -> Shared<T> {
        Shared(Arc::new(source))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Runs work that reads files on a thread of its own. A panic in it costs this answer and nothing else.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) if error.is_cancelled() => Err(Error::Cancelled("the host is shutting down".to_owned())),
        Err(_) => Err(Error::Internal("a source failed while it read its data; its log says more".to_owned())),
    }
}
