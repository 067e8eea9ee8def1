//! When the call under way ends, for whoever answers its tools.

use std::future::Future;
use std::time::{Duration, Instant};

tokio::task_local! {
    static UNTIL: Instant;
}

/// How long the call that asks a tool may still take, tools included; `None` outside of a call.
///
/// A source that waits for somebody else should give up before, so that the skill is told what is away and can go on
/// without. Threads that a source starts do not know it.
pub fn time_left() -> Option<Duration> {
    UNTIL.try_with(|until| until.saturating_duration_since(Instant::now())).ok()
}

/// Answers a question of a call that ends after `left`; inside, [`time_left`] tells what is left of it.
pub fn within<F: Future>(left: Duration, answer: F) -> impl Future<Output = F::Output> {
    // A limit may be longer than any clock runs.
    let now = Instant::now();
    UNTIL.scope(now.checked_add(left).unwrap_or_else(|| now + FAR), answer)
}

const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
