//! Memory: all memories and tables of a call together, from what its instances begin with on. Core modules of all kinds are
//! added to a skill, whose instances are made with its own.

use std::sync::Arc;

use negawatt_host::{Outcome, Skill, Status};
use negawatt_test_guests::MISCHIEF;

use crate::{call_of, call_with, message, note, read};

/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;

/// The skill with one more core module, as text, which is instantiated with it.
pub(crate) fn with_module(text: &str) -> Arc<Skill> {
    read(&negawatt_test_guests::with_module(MISCHIEF, &wat::parse_str(text).unwrap()))
}

/// What the skill holds that was given a module, beyond what it holds by itself; and how it ends with just that and one byte
/// less.
async fn holds(text: &str) -> (u64, Outcome, Outcome) {
    let skill = with_module(text);
    let alone = call_with("nothing", |_| {}).await.usage.peak_memory_bytes;
    let free = call_of(&skill, "nothing", |_| {}).await;
    assert_eq!(free.status, Status::Ok, "{}", message(&free));
    let peak = free.usage.peak_memory_bytes;
    let enough = call_of(&skill, "nothing", |limits| limits.memory = peak).await;
    let short = call_of(&skill, "nothing", |limits| limits.memory = peak - 1).await;
    (peak - alone, enough, short)
}

fn trips(enough: &Outcome, short: &Outcome) {
    assert_eq!(enough.status, Status::Ok, "{}", message(enough));
    assert_eq!(short.status, Status::OverBudget, "{}", message(short));
    assert!(message(short).contains("bytes of memory, and its limit is"), "{}", message(short));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_several_memories_counts_together() {
    let (bytes, enough, short) = holds("(module (memory 100) (memory 50))").await;
    assert_eq!(bytes, 150 * PAGE, "what instances begin with counts");
    trips(&enough, &short);
    let start =
        "(func $start (drop (memory.grow 0 (i32.const 7))) (drop (memory.grow 1 (i32.const 5)))) (start $start)";
    let (bytes, enough, short) = holds(&format!("(module (memory 1) (memory 1) {start})")).await;
    assert_eq!(bytes, 14 * PAGE, "and what they grow by");
    trips(&enough, &short);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_tables_counts() {
    let (bytes, enough, short) = holds("(module (table 10000 funcref) (table 5000 funcref))").await;
    assert_eq!(bytes, 15_000 * 16);
    trips(&enough, &short);
    let start = "(func $start (drop (table.grow (ref.null func) (i32.const 20000)))) (start $start)";
    let (bytes, enough, short) = holds(&format!("(module (table 1 funcref) {start})")).await;
    assert_eq!(bytes, 20_001 * 16);
    trips(&enough, &short);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_not_given_does_not_count() {
    // It asks a hundred times for more than its memory and its table may ever have, and is told that there is none.
    let body = "(drop (memory.grow (i32.const 900))) (drop (table.grow (ref.null func) (i32.const 90000)))";
    let start = format!("(func $start {}) (start $start)", body.repeat(100));
    let (bytes, enough, short) = holds(&format!("(module (memory 1 2) (table 0 9 funcref) {start})")).await;
    assert_eq!(bytes, PAGE);
    trips(&enough, &short);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_a_guest_is_limited() {
    let allocate = |memory: u64| call_with("allocate 20", move |limits| limits.memory = memory);
    let fits = allocate(64 << 20).await;
    assert_eq!(note(&fits), "20");
    let peak = fits.usage.peak_memory_bytes;
    assert!(peak > 20 << 20, "{peak}");
    assert_eq!(note(&allocate(peak).await), "20");
    trips(&fits, &allocate(peak - 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_holds_may_be_passed_to_the_host() {
    // 1 MiB of text. Who passes one text many times over is among the attacks of the hostile corpus (`string-bomb`).
    let outcome = call_with("big finding", |limits| {
        limits.finding_bytes = 4 << 20;
        limits.text_bytes = 4 << 20;
        limits.findings_bytes = 4 << 20;
    });
    assert_eq!(note(&outcome.await).len(), 1 << 20);
}
