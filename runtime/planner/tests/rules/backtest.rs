//! A past case with another version of a skill: the same version changes nothing, another one is told apart, and nobody outside hears
//! of it.

use std::sync::Arc;

use negawatt_casebook::{Became, CaseId, Event, Outcome, Verdict, Witness};
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Status, Tool, Tools};
use negawatt_planner::{Backtested, Entry, ReplayError};
use negawatt_test_guests::{MISCHIEF, READER, SENDER};

use crate::world::{Card, World, catalog, grant, mischief};

const READS: Card<'_> = Card { component: READER, name: "reads", consumes: "", reads: "", produces: "change-point" };
const BLAMES: Card<'_> =
    Card { component: MISCHIEF, name: "blames", consumes: "change-point", reads: "", produces: "suspect" };

fn entry(card: Card<'_>) -> Entry {
    catalog(&[card], &[grant("*")]).entries()[0].clone()
}

/// A case with a candidate, which leaves its casebook as it was.
async fn with(world: &World, case: &CaseId, card: Card<'_>, live: Option<&Tools>) -> Result<Backtested, ReplayError> {
    let before = format!("{:?}", world.book.events(case).unwrap());
    let tried = world.backtest(case, &entry(card), live).await;
    assert_eq!(format!("{:?}", world.book.events(case).unwrap()), before);
    assert_eq!(world.book.cases(10).unwrap().len(), 1);
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_version_changes_nothing() {
    for (title, budget) in [
        ("wrong commit", CaseLimits::default()),
        ("findings 3", CaseLimits::default()),
        ("tools 5", CaseLimits { tool_calls: 9, ..CaseLimits::default() }),
        ("large change point", CaseLimits::default()),
        ("panic", CaseLimits::default()),
        ("surroundings", CaseLimits { steps: 1, ..CaseLimits::default() }),
    ] {
        let mut world = World::new(&[READS, BLAMES, mischief("one")], &[grant("*")]);
        world.runtime.budget = budget;
        let case = world.case(title).await;
        world.runtime.tools = Arc::new(Tools::default());
        for card in [READS, BLAMES, mischief("one")] {
            let tried = with(&world, &case.id, card, None).await.unwrap();
            assert!(tried.is_same(), "{title}: {tried:?}");
            assert_eq!((tried.before.status, tried.unanswered.len()), (tried.after.status, 0), "{title}");
            assert!(tried.tools.is_empty() && tried.origins.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_told_apart() {
    let world = World::new(&[READS, BLAMES], &[grant("*")]);
    let case = world.case("wrong commit").await;
    assert_eq!(case.concluded().unwrap().verdict, Verdict::Regression);
    // It may return notes alone, and blames all the same.
    let tried = with(&world, &case.id, Card { produces: "note", ..BLAMES }, None).await.unwrap();
    let culprit = tried.culprit.as_ref().unwrap();
    assert_eq!((culprit.id.as_str(), culprit.is_known), ("a".repeat(40).as_str(), false));
    assert_eq!((tried.before.rank, tried.before.status), (Some(1), Some(Status::Ok)));
    assert_eq!((tried.after.rank, tried.after.status), (None, Some(Status::Invalid)));
    assert!(!tried.is_same());
    // Without the change there is no regression.
    let tried = with(&world, &case.id, Card { component: MISCHIEF, ..READS }, None).await.unwrap();
    assert_eq!((tried.before.verdict, tried.after.verdict), (Verdict::Regression, Verdict::Inconclusive));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_skill_stands_beside_the_others() {
    let world = World::new(&[mischief("one")], &[grant("*")]);
    let case = world.case("nothing").await;
    let before = case.concluded().unwrap().verdict;
    let tried = with(&world, &case.id, READS, None).await.unwrap();
    assert_eq!((tried.before.verdict, tried.after.verdict), (before, Verdict::Regression));
    assert_eq!((tried.before.status, tried.after.status), (None, Some(Status::Ok)));
    assert_eq!(tried.tools, [Tool::Code].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_record_cannot_answer_is_named_or_asked_live() {
    let world = World::new(&[mischief("one")], &[grant("*")]);
    let case = world.case("nothing").await;
    let asks = Card { component: MISCHIEF, name: "asks", consumes: "", reads: "", produces: "note" };
    let reads = Card { name: "asks", ..READS };
    let tried = with(&world, &case.id, reads, None).await.unwrap();
    let [question] = &tried.unanswered[..] else { panic!("{tried:?}") };
    assert_eq!((question.tool, question.function.as_str()), (Tool::Code, "search"));
    let tried = with(&world, &case.id, reads, Some(&world.runtime.tools)).await.unwrap();
    assert!(tried.unanswered.is_empty(), "{tried:?}");
    assert_eq!(with(&world, &case.id, asks, None).await.unwrap().unanswered, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_outside_not_even_live() {
    let world = World::new(&[mischief("one")], &[grant("*")]);
    let case = world.case("nothing").await;
    let sends = Card { component: SENDER, name: "sends", consumes: "", reads: "", produces: "suspect change-point" };
    let tried = with(&world, &case.id, sends, Some(&world.runtime.tools)).await.unwrap();
    assert_eq!(tried.after.status, Some(Status::Denied));
    assert!(world.asked.posted.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_an_outcome_names_is_known() {
    let world = World::new(&[READS, BLAMES], &[grant("*")]);
    let case = world.case("wrong commit").await;
    let mut log = world.book.resume(&case.id).unwrap();
    let by = Witness::Person("Ada".into());
    let what = Became::WrongCulprit;
    let culprit = Some("b".repeat(40));
    log.append(Event::Outcome(Outcome { proposal: None, what, by, at: None, culprit, text: String::new() })).unwrap();
    drop(log);
    let tried = with(&world, &case.id, BLAMES, None).await.unwrap();
    let culprit = tried.culprit.clone().unwrap();
    assert_eq!((culprit.id, culprit.is_known, tried.before.rank), ("b".repeat(40), true, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_without_its_other_components_is_refused() {
    let mut world = World::new(&[READS, BLAMES], &[grant("*")]);
    let case = world.case("wrong commit").await;
    world.runtime.catalog = catalog(&[BLAMES], &[grant("*")]);
    let error = with(&world, &case.id, BLAMES, None).await.unwrap_err();
    assert!(matches!(&error, ReplayError::Gone { skills, .. } if skills[0].starts_with("reads@0.1.0")), "{error}");
    assert!(with(&world, &case.id, READS, None).await.is_ok(), "the old version of the candidate need not be there");
    let open = world.opened("nothing").await;
    assert!(matches!(world.backtest(&open, &entry(READS), None).await, Err(ReplayError::Open { .. })));
}
