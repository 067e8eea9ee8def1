//! A case that is run again from its record comes to the same, to every byte; where it does not, it is said where.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Batch, Called, CaseId, Event, Opened};
use negawatt_host::grants::{Grant, LimitsChange};
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Status, Tool, Tools};
use negawatt_planner::{Difference, Differs, Progress, ReplayError, Replayed};
use negawatt_test_guests::{READER, SENDER};
use tokio_util::sync::CancellationToken;

use crate::world::{Card, World, ended, grant, incident, mischief};

/// Runs a case again where nothing stands behind the tools, and looks that nothing was written.
async fn again(world: &mut World, case: &CaseId) -> Result<Replayed, ReplayError> {
    let before = world.book.events(case).unwrap();
    world.runtime.tools = Arc::new(Tools::default());
    let replayed = world.replay(case).await;
    assert_eq!(format!("{:?}", world.book.events(case).unwrap()), format!("{before:?}"));
    assert_eq!(world.book.cases(10).unwrap().len(), 1);
    replayed
}

async fn same(world: &mut World, case: &CaseId) -> Replayed {
    let replayed = again(world, case).await.unwrap();
    assert!(replayed.is_same(), "{:?}", replayed.differences);
    replayed
}

/// A case whose record is another one's, with each event changed.
fn rewritten(world: &World, case: &CaseId, change: impl Fn(&mut Event)) -> World {
    let mut events = world.book.events(case).unwrap().into_iter().map(|recorded| recorded.event);
    let Some(Event::Opened(opened)) = events.next() else { panic!("it was never opened") };
    let other = World::like(world);
    let mut log = other.book.open_case(Opened::clone(&opened)).unwrap();
    for mut event in events {
        let blobs = world.blobs(&event);
        change(&mut event);
        let mut batch = Batch::from(event);
        for blob in &blobs {
            batch.keep(blob);
        }
        log.append(batch).unwrap();
    }
    other
}

fn only(world: &World) -> CaseId {
    world.book.cases(1).unwrap()[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn however_its_steps_end_a_case_is_the_same() {
    for (title, status) in [
        ("findings 7", Status::Ok),
        ("tools 5", Status::Ok),
        ("read", Status::Ok),
        ("denied", Status::Denied),
        ("outside 3", Status::Ok),
        ("tool loop", Status::OverBudget),
        ("budget", Status::Ok),
        ("long question", Status::Error),
        ("long error", Status::Error),
        ("panic", Status::Trap),
        ("allocate", Status::OverBudget),
        ("kind", Status::Invalid),
        ("because unknown", Status::Invalid),
        ("error not-found", Status::Error),
        ("confidence NaN", Status::Invalid),
        ("surroundings", Status::Ok),
        ("sleep", Status::Ok),
        ("large change point", Status::Ok),
    ] {
        let mut world = World::new(&["one", "two"].map(mischief), &[grant("*")]);
        let case = world.case(title).await;
        assert_eq!(ended(&case)[0].1, status, "{title}: {:?}", case.steps[0].calls[0].message);
        let replayed = same(&mut world, &case.id).await;
        assert!(replayed.steps.iter().all(|step| step.was_run), "{title}");
        assert_eq!((replayed.steps.len(), replayed.verdict), (2, case.concluded().map(|end| end.verdict)), "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_was_spent_is_spent_at_the_same_question() {
    for (title, budget) in [
        ("tools 900", CaseLimits { tool_calls: 10, ..CaseLimits::default() }),
        ("tools 5", CaseLimits { tool_calls: 12, ..CaseLimits::default() }),
        ("tools 4", CaseLimits { read_bytes: 9_000, ..CaseLimits::default() }),
        ("tool loop", CaseLimits { read_bytes: 20_000, ..CaseLimits::default() }),
        ("budget", CaseLimits { read_bytes: 77, ..CaseLimits::default() }),
    ] {
        let mut world = World::new(&["one", "two", "three"].map(mischief), &[grant("*")]);
        world.runtime.budget = budget;
        let case = world.case(title).await;
        same(&mut world, &case.id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_limits_were_is_in_the_record() {
    let few = LimitsChange { tool_calls: Some(3), findings: Some(2), ..grant("*").limits };
    for title in ["tools 5", "findings 3", "budget"] {
        let mut world = World::new(&[mischief("one")], &[Grant { limits: few.clone(), ..grant("*") }]);
        let case = world.case(title).await;
        // Others hold now, and nobody has granted anything.
        for now in [vec![grant("*")], Vec::new()] {
            world.runtime.catalog = crate::world::catalog(&[mischief("one")], &now);
            same(&mut world, &case.id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_of_time_is_an_outcome_and_not_run() {
    let little = LimitsChange { compute: Some(Duration::from_millis(20)), ..grant("*").limits };
    let mut world = World::new(&[mischief("one")], &[Grant { limits: little, ..grant("*") }]);
    let case = world.case("loop").await;
    assert_eq!(ended(&case), [("one", Status::Timeout)]);
    let replayed = same(&mut world, &case.id).await;
    assert_eq!((replayed.steps[0].was_run, replayed.steps[0].status), (false, Status::Timeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_was_stopped_is_the_same_as_far_as_it_went_and_when_it_went_on() {
    let cards = [mischief("one"), Card { consumes: "note", ..mischief("two") }];
    let mut world = World::new(&cards, &[grant("*")]);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let watcher = move |progress: &Progress| {
        if matches!(progress, Progress::Called { .. }) {
            token.cancel();
        }
    };
    let open = world.investigate(incident("findings 2"), Arc::new(watcher), cancel).await;
    assert!(open.end.is_none() && !open.steps[0].calls.is_empty());
    let replayed = same(&mut world, &open.id).await;
    assert_eq!((replayed.verdict, replayed.steps.len()), (None, 1));
    let case = world.resume(&open.id).await;
    assert!(case.concluded().is_some());
    same(&mut world, &case.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_shown_as_it_was_shown() {
    let reads = Card { component: READER, name: "reads", consumes: "", reads: "", produces: "change-point" };
    let sends = Card { component: SENDER, name: "sends", consumes: "change-point", reads: "", produces: "suspect" };
    let chain = Card { consumes: "change-point", ..mischief("late") };
    let exporting = Grant { may_export: true, ..grant("*") };
    for grants in [vec![grant("*")], vec![exporting]] {
        let mut world = World::new(&[reads, sends, chain], &grants);
        let case = world.case("surroundings").await;
        assert!(case.steps.len() > 1, "{:?}", ended(&case));
        // What may be exported now says nothing of what was told then.
        world.runtime.catalog = crate::world::catalog(&[reads, sends, chain], &[grant("*")]);
        same(&mut world, &case.id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_outside_is_answered_from_the_record() {
    let sends = Card { component: SENDER, name: "sends", consumes: "", reads: "", produces: "suspect" };
    let mut world = World::new(&[sends], &[grant("*")]);
    let case = world.case("post").await;
    assert_eq!(world.asked.posted.lock().unwrap().len(), 1);
    let replayed = world.replay(&case.id).await.unwrap();
    assert!(replayed.is_same() && replayed.steps[0].was_run, "{replayed:?}");
    assert_eq!(world.asked.posted.lock().unwrap().len(), 1, "it was sent once");
    same(&mut world, &case.id).await;
}

/// What is said of a case of one skill whose record is changed so.
async fn differs_in(title: &str, change: impl Fn(&mut Event)) -> Vec<Difference> {
    let world = World::new(&[mischief("one")], &[grant("*")]);
    let case = world.case(title).await;
    let mut other = rewritten(&world, &case.id, change);
    let id = only(&other);
    again(&mut other, &id).await.unwrap().differences
}

/// The same of its one call.
async fn differs(title: &str, change: impl Fn(&mut Called)) -> Vec<Differs> {
    let all = differs_in(title, |event| {
        if let Event::Called(call) = event {
            change(Arc::make_mut(call));
        }
    });
    let differs = all.await.into_iter().map(|difference| {
        assert_eq!(difference.step, Some(("s1".to_owned(), "one@0.1.0".to_owned())), "{:?}", difference.differs);
        difference.differs
    });
    differs.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_other_is_named() {
    let all = differs("findings 3", |call| call.findings[1].confidence = 0.25).await;
    let [Differs::Finding { number: 2, field: Some(field), recorded, .. }] = &all[..] else { panic!("{all:?}") };
    assert_eq!((field.as_str(), recorded.as_str()), ("confidence", "0.25"));

    let all = differs("findings 3", |call| drop(call.findings.pop())).await;
    assert_eq!(all, [Differs::Findings { recorded: 2, replayed: 3 }]);

    let all = differs("panic", |call| call.status = Status::OverBudget).await;
    let [Differs::Status { recorded: Status::OverBudget, replayed: Status::Trap, .. }] = all[..] else {
        panic!("{all:?}")
    };
    let all = differs("panic", |call| call.message = Some("another".into())).await;
    assert!(matches!(&all[..], [Differs::Message { recorded, .. }] if recorded == "another"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_the_record_cannot_answer_is_named() {
    let all = differs("tools 3", |call| drop(call.answers.pop())).await;
    let [Differs::Finding { number: 1, .. }, Differs::Unanswered { question }] = &all[..] else { panic!("{all:?}") };
    assert_eq!((question.tool, question.function.as_str()), (Tool::Metrics, "query"));

    let all = differs("tools 3", |call| call.answers.push(call.answers[0].clone())).await;
    assert!(matches!(&all[..], [Differs::NotAsked { number: 4, .. }]), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_no_longer_follows_is_named() {
    let all = differs_in("large change point", |event| {
        if let Event::Concluded(concluded) = event {
            concluded.confidence = 0.123;
        }
    });
    let [Difference { step: None, differs: Differs::Verdict { field: "confidence", recorded, .. } }] = &all.await[..]
    else {
        panic!("another difference")
    };
    assert_eq!(recorded, "0.123");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_not_there_is_named() {
    let mut world = World::new(&[mischief("one")], &[grant("*")]);
    let case = world.case("nothing").await;
    world.runtime.catalog = crate::world::catalog(&[mischief("other")], &[grant("*")]);
    let error = again(&mut world, &case.id).await.unwrap_err();
    let ReplayError::Gone { skills, .. } = &error else { panic!("{error}") };
    assert!(skills[0].starts_with("one@0.1.0 (blake3:"), "{skills:?}");
}
