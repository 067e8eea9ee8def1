//! Limits of time.

use std::time::Duration;

use negawatt_host::Status;
use negawatt_host::limits::Limits;

use crate::{call_with, message, note};

#[tokio::test(flavor = "multi_thread")]
async fn compute_time_is_limited() {
    let outcome = call_with("loop", |limits| limits.compute = Duration::from_millis(30)).await;
    assert_eq!(outcome.status, Status::Timeout, "{}", message(&outcome));
    assert!(message(&outcome).contains("computed"), "{}", message(&outcome));
    assert!(outcome.usage.guest_us >= 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn wall_time_is_limited_in_the_guest_and_in_a_tool() {
    for title in ["loop", "wait"] {
        let outcome = call_with(title, |limits| limits.time = Duration::from_millis(30)).await;
        assert_eq!(outcome.status, Status::Timeout, "{title}: {}", message(&outcome));
        assert!(message(&outcome).contains("wall time"), "{}", message(&outcome));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_skill_computes_nothing() {
    let outcome = call_with("wait", |limits| {
        limits.compute = Duration::from_millis(50);
        limits.time = Duration::from_millis(100);
    });
    assert!(message(&outcome.await).contains("wall time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_takes_too_long_is_unavailable() {
    let limit = |limits: &mut Limits| limits.tool_time = Duration::from_millis(20);
    let outcome = call_with("wait", limit).await;
    assert_eq!(outcome.status, Status::Error, "{}", message(&outcome));
    assert!(message(&outcome).contains("metrics.query did not answer within 20ms"), "{}", message(&outcome));
    assert_eq!(outcome.usage.tool_calls, 1, "what was asked is recorded");
    assert_eq!(note(&call_with("read", limit).await), "100");
}
