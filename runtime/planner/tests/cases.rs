//! Whole cases over a real host and a real casebook: independent steps run at the same time, what they find is accepted in plan
//! order, and every budget of a case ends it.

mod common;
#[path = "common/host.rs"]
mod host;

use std::sync::Arc;
use std::time::Duration;

use common::incident;
use host::{investigate, runtime};
use negawatt_casebook::{Casebook, Ending};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Status, Tool};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn independent_steps_run_at_the_same_time_and_are_accepted_in_plan_order() {
    let names = ["one", "two", "three"];
    let case = investigate(&runtime(&names, names.len(), CaseLimits::default()), "read").await;
    let planned: Vec<_> = case.steps.iter().map(|step| (step.planned.step.as_str(), step.status())).collect();
    assert_eq!(planned, [("s1", Status::Ok), ("s2", Status::Ok), ("s3", Status::Ok)]);
    let found: Vec<_> = case.board.iter().map(|posted| (posted.evidence.id.as_str(), posted.step.as_str())).collect();
    assert_eq!(found, [("e1", "s1"), ("e2", "s2"), ("e3", "s3")]);
    assert!(case.board.iter().all(|posted| posted.tools == [Tool::Metrics].into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_budget_of_a_case_ends_it() {
    let ending = async |budget: CaseLimits| {
        let case = investigate(&runtime(&["one"], 1, budget), "read").await;
        (case.concluded().unwrap().ending, case.steps.len())
    };
    let whole = CaseLimits::default;
    assert_eq!(ending(whole()).await.1, 1);
    assert_eq!(ending(CaseLimits { steps: 1, ..whole() }).await, (Ending::BudgetSpent, 1));
    assert_eq!(ending(CaseLimits { tool_calls: 1, ..whole() }).await, (Ending::BudgetSpent, 1));
    assert_eq!(ending(CaseLimits { read_bytes: 1, ..whole() }).await, (Ending::BudgetSpent, 1));
    assert_eq!(ending(CaseLimits { time: Duration::ZERO, ..whole() }).await, (Ending::TimeOver, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_resumed_over_the_skills_that_are_there_now() {
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let file = IncidentFile { incident: incident(), fingerprint: "f".into() };
    let first = runtime(&["one"], 1, CaseLimits::default());
    let open = first.investigate(&book, file, Arc::new(|_| {}), cancel).await.unwrap();
    assert!(open.end.is_none(), "an interrupted case stays open");
    let later = runtime(&["new", "one"], 1, CaseLimits::default());
    let case = later.resume(&book, &open.id, Arc::new(|_| {}), CancellationToken::new()).await.unwrap();
    let skills: Vec<_> = case.steps.iter().map(|step| step.planned.skill.as_str()).collect();
    assert_eq!(skills, ["new@0.1.0", "one@0.1.0"]);
}
