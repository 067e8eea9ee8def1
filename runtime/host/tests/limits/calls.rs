//! Limits of one call. Those on memory are in `memory.rs`; time, and what else was limited from the beginning, in `../calls.rs`.

use std::sync::Arc;
use std::time::Duration;

use negawatt_host::limits::{Fuel, Limits};
use negawatt_host::{Outcome, Status, Tools};

use crate::memory::with_module;
use crate::{HOST, SKILL, TALKER, TenTokens, call_of, call_with, envelope, message, note, run};

/// The least value of a limit with which a call ends well, and how it ends with one less.
async fn least(title: &str, most: u64, set: impl Fn(&mut Limits, u64)) -> (u64, Outcome, Outcome) {
    let with = async |value| call_with(title, |limits| set(limits, value)).await;
    let (mut low, mut high) = (0, most);
    assert_eq!(with(high).await.status, Status::Ok, "{title} with {high}");
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if with(middle).await.status == Status::Ok { high = middle } else { low = middle }
    }
    (high, with(high).await, with(low).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn fuel_is_counted_and_limited() {
    let (fuel, enough, short) = least("nothing", 1 << 24, |limits, fuel| limits.fuel = Fuel(fuel)).await;
    assert!(fuel > 1_000, "{fuel}");
    assert_eq!((enough.status, short.status), (Status::Ok, Status::OverBudget));
    assert_eq!(message(&short), format!("it spent the {} units of fuel of a call", fuel - 1));
    let again = call_with("nothing", |limits| limits.fuel = Fuel(fuel - 1)).await;
    assert_eq!(again.status, Status::OverBudget, "the same instructions cost the same every time");
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_are_limited() {
    let (handles, enough, short) = least("handles 50", 1_000, |limits, handles| limits.handles = handles as u32).await;
    assert!((50..100).contains(&handles), "{handles}: fifty timers, and what the runtime of the guest holds");
    assert_eq!(note(&enough), "50");
    assert_eq!(short.status, Status::OverBudget, "{}", message(&short));
    assert!(message(&short).contains(&format!("more than {} handles", handles - 1)), "{}", message(&short));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_takes_too_long_is_unavailable() {
    let limit = |limits: &mut Limits| limits.tool_time = Duration::from_millis(20);
    let outcome = call_with("wait", limit).await;
    assert_eq!(outcome.status, Status::Error, "{}", message(&outcome));
    assert!(message(&outcome).contains("metrics.query did not answer within 20ms"), "{}", message(&outcome));
    assert_eq!(outcome.usage.tool_calls, 1, "what was asked is recorded");
    assert_eq!(note(&call_with("read", limit).await), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_limited_together() {
    let (bytes, enough, short) = least("findings 10", 1 << 20, |limits, bytes| limits.findings_bytes = bytes).await;
    assert!((100..1_000).contains(&bytes), "{bytes}");
    assert_eq!((enough.findings.len(), short.status), (10, Status::OverBudget));
    assert!(message(&short).contains("together"), "{}", message(&short));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_limited() {
    let text = |bytes| call_with("text 1000", move |limits| limits.text_bytes = bytes);
    assert_eq!(note(&text(1_000).await).len(), 1_000);
    let outcome = text(999).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(message(&outcome).contains("has 1000 bytes, and the limit is 999"), "{}", message(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_limited() {
    let links = |links| call_with("links 5", move |limits| limits.links = links);
    assert_eq!(links(5).await.findings[0].because.len(), 5);
    let outcome = links(4).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(message(&outcome).contains("links to 5 pieces of evidence"), "{}", message(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_are_limited() {
    for (log_lines, kept) in [(9, 9), (10, 10), (11, 10)] {
        let outcome = call_with("lines 10", |limits| limits.log_lines = log_lines).await;
        assert_eq!((outcome.status, outcome.log.len()), (Status::Ok, kept));
    }
    for title in ["stdout", "stderr"] {
        let outcome = call_with(title, |limits| limits.log_lines = 3).await;
        assert_eq!((outcome.status, outcome.log.len()), (Status::Ok, 3), "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_models_are_limited() {
    let ask = async |title: &str, tokens: u32| {
        let model = Arc::new(TenTokens::default());
        let mut envelope = envelope(title);
        envelope.tools = Arc::new(Tools { language_model: Some(model.clone()), ..Tools::default() });
        envelope.limits.model_tokens = tokens;
        let outcome = run(&HOST, &TALKER, envelope).await;
        let left = model.left.lock().unwrap().clone();
        (outcome, left)
    };
    let (outcome, left) = ask("ask 4", 31).await;
    assert_eq!((note(&outcome), left), ("4", vec![31, 21, 11, 1]), "the model is told what is left");
    let (outcome, left) = ask("ask 4", 30).await;
    assert_eq!((note(&outcome), left), ("3", vec![30, 20, 10]), "what is refused does not reach the model");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_is_limited() {
    // A function that calls itself before the skill is asked anything.
    let recurse = async |depth: u32| {
        let body = "(if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))))";
        let start = format!("(func $start (call $down (i32.const {depth}))) (start $start)");
        let skill = with_module(&format!("(module (func $down (param i32) {body}) {start})"));
        call_of(&skill, "nothing", |_| {}).await
    };
    assert_eq!(recurse(10_000).await.status, Status::Ok);
    let outcome = recurse(10_000_000).await;
    assert_eq!(outcome.status, Status::Trap);
    assert!(message(&outcome).contains("stack"), "{}", message(&outcome));
    // In Rust, whose frames are in memory too.
    assert_eq!(note(&call_with("recurse 100", |_| {}).await), "100");
    assert_eq!(call_with("recurse", |_| {}).await.status, Status::Trap);
    assert_eq!(run(&HOST, &SKILL, envelope("nothing")).await.status, Status::Ok);
}
