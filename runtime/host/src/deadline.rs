//! When the call under way ends, for whoever answers its tools.

use std::future::Future;
use std::time::{Duration, Instant};

/// A call under way.
#[derive(Clone, Copy)]
struct Call {
    until: Instant,
    limit: Duration,
}

tokio::task_local! {
    static CALL: Call;
}

/// How long the call that asks a tool may still take, tools included; `None` outside of a call.
///
/// A source that waits for somebody else should give up before, so that the skill is told what is away and can go on
/// without. Threads that a source starts do not know it.
pub fn time_left() -> Option<Duration> {
    CALL.try_with(|call| call.until.saturating_duration_since(Instant::now())).ok()
}

/// How long the call that asks a tool may take in all; `None` outside of a call.
pub fn time_limit() -> Option<Duration> {
    CALL.try_with(|call| call.limit).ok()
}

/// Answers a question of a call that may take so long in all and has spent a part of that; inside, [`time_left`] tells what is
/// left of it.
pub fn within<F: Future>(limit: Duration, spent: Duration, answer: F) -> impl Future<Output = F::Output> {
    // A limit may be longer than any clock runs.
    let now = Instant::now();
    let until = now.checked_add(limit.saturating_sub(spent)).unwrap_or_else(|| now + FAR);
    CALL.scope(Call { until, limit }, answer)
}

const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_knows_its_time() {
        const SECOND: Duration = Duration::from_secs(1);
        let times = async || (time_left(), time_limit());
        let (left, limit) = within(60 * SECOND, 20 * SECOND, times()).await;
        assert_eq!(limit, Some(60 * SECOND));
        assert!(left.is_some_and(|left| left > 30 * SECOND && left <= 40 * SECOND), "{left:?}");
        let (left, limit) = within(Duration::MAX, SECOND, times()).await;
        assert!(left > Some(300 * 24 * 3600 * SECOND) && limit == Some(Duration::MAX), "{left:?}");
        assert_eq!(times().await, (None, None), "nobody calls");
    }
}
