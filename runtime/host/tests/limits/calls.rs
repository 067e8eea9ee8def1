//! Limits of one call. Those on memory are in `memory.rs`, on time in `time.rs`.

use std::sync::{Arc, Mutex};

use negawatt_host::limits::{Fuel, Limits};
use negawatt_host::{Outcome, Status, Tools};

use crate::memory::with_module;
use crate::{HOST, SKILL, Speechless, TALKER, TenTokens, call_of, call_with, envelope, message, note, run};

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
        let left = model.0.lock().unwrap().clone();
        (outcome, left)
    };
    let (outcome, left) = ask("ask 4", 31).await;
    assert_eq!((note(&outcome), left), ("4", vec![31, 21, 11, 1]), "the model is told what is left");
    let (outcome, left) = ask("ask 4", 30).await;
    assert_eq!((note(&outcome), left), ("3", vec![30, 20, 10]), "what is refused does not reach the model");
    // Nobody knows what an answer took that did not come.
    let model = Arc::new(Speechless::default());
    let mut envelope = envelope("ask 4");
    envelope.tools = Arc::new(Tools { language_model: Some(model.clone()), ..Tools::default() });
    envelope.limits.model_tokens = 30;
    assert_eq!(run(&HOST, &TALKER, envelope).await.status, Status::Error);
    assert_eq!(*model.0.lock().unwrap(), [30]);
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

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_limited_in_number_and_size() {
    let outcome = call_with("findings 11", |limits| limits.findings = 10).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(message(&outcome).contains("11 findings"), "{}", message(&outcome));
    assert_eq!(call_with("findings 10", |limits| limits.findings = 10).await.findings.len(), 10);

    let big = |finding_bytes| {
        call_with("big finding", move |limits| {
            (limits.findings_bytes, limits.text_bytes) = (1 << 30, 1 << 30);
            limits.finding_bytes = finding_bytes;
        })
    };
    let outcome = big(1 << 20).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(outcome.findings.is_empty() && message(&outcome).contains("1048576"), "{}", message(&outcome));
    assert_eq!(big((1 << 20) + 100).await.status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_are_limited() {
    let outcome = call_with("tool loop", |limits| limits.tool_calls = 5).await;
    assert_eq!((outcome.status, outcome.usage.tool_calls), (Status::OverBudget, 5));
    let refused = outcome.answers[5].error.as_deref().unwrap_or_default();
    assert!(
        outcome.answers.len() == 6 && refused.contains("may ask tools 5 times"),
        "the first refusal is kept: {refused}"
    );
    assert_eq!(note(&call_with("tools 5", |limits| limits.tool_calls = 5).await), "0");
    assert_eq!(note(&call_with("tools 6", |limits| limits.tool_calls = 5).await), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_read_through_tools_are_limited() {
    let read = call_with("read", |_| {}).await;
    assert_eq!(note(&read), "100");
    let bytes = read.usage.read_bytes;
    assert!(bytes > 800, "{bytes}");
    assert_eq!(call_with("read", |limits| limits.read_bytes = bytes).await.status, Status::Ok);
    let outcome = call_with("read", |limits| limits.read_bytes = bytes - 1).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(outcome.answers[0].error.as_ref().is_some_and(|error| error.contains("ask for less")));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_limited_and_counted() {
    let outcome = call_with("long question", |_| {}).await;
    assert_eq!(outcome.status, Status::Error, "{}", message(&outcome));
    assert!(message(&outcome).contains("65536"), "{}", message(&outcome));
    assert_eq!((outcome.usage.tool_calls, outcome.answers[0].request.len()), (1, 0), "it counts and is not kept");
    let asked = call_with("read", |_| {}).await.answers[0].request.len() as u64;
    assert_eq!(call_with("read", |limits| limits.read_bytes = asked - 1).await.status, Status::OverBudget);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_of_errors_are_cut() {
    let outcome = call_with("long error", |_| {}).await;
    assert_eq!(outcome.status, Status::Error);
    assert!(message(&outcome).len() < 3_000 && message(&outcome).ends_with('…'));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_and_written_is_limited() {
    for title in ["log", "stdout", "stderr"] {
        let outcome = call_with(title, |limits| limits.log_bytes = 10_000).await;
        assert_eq!(outcome.status, Status::Ok, "{title}: {}", message(&outcome));
        let kept: usize = outcome.log.iter().map(String::len).sum();
        assert!((5_000..30_000).contains(&kept), "{title}: {kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_progress_are_cut() {
    for (bytes, kept) in [(199, 199), (200, 200), (201, 200)] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut envelope = envelope(&format!("progress {bytes}"));
        let hear = heard.clone();
        envelope.progress = Some(Arc::new(move |_, text| hear.lock().unwrap().push(text.len())));
        assert_eq!(run(&HOST, &SKILL, envelope).await.status, Status::Ok);
        assert_eq!(*heard.lock().unwrap(), [kept]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_at_once_are_limited() {
    assert_eq!(note(&call_with("random 1048576", |_| {}).await), "1048576");
    assert_eq!(call_with("random 1048577", |_| {}).await.status, Status::Trap);
}
