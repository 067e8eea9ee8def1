//! Skills that are loaded anew while a case is open: what begins takes what is loaded then, and the record says so.

use std::sync::{Arc, Mutex};

use negawatt_casebook::{Case, CaseId};
use negawatt_host::grants::{Grant, Grants, LimitsChange};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::HostLimits;
use negawatt_host::{Digest, Host, HostConfig, Status, Tools};
use negawatt_planner::{Asked, Board, Known, Progress, ReplayError, Runtime, Watcher};
use tokio_util::sync::CancellationToken;

use crate::world::{Card, World, catalog, ended, grant, incident, mischief};

/// Finds notes.
fn first() -> Card<'static> {
    Card { produces: "note", ..mischief("first") }
}

/// Finds notes where there are some.
fn second() -> Card<'static> {
    Card { consumes: "note", produces: "note", ..mischief("second") }
}

/// Another version of a skill: other bytes under its name.
fn newer(card: Card<'_>) -> Card<'_> {
    Card { reads: "acme.more", ..card }
}

fn digest(card: Card<'_>) -> Digest {
    card.skill().digest
}

/// Does something once, when it is so far.
fn once(when: impl Fn(&Progress) -> bool + Send + Sync + 'static, what: impl FnOnce() + Send + 'static) -> Watcher {
    let what = Mutex::new(Some(what));
    Arc::new(move |progress| {
        if when(progress)
            && let Some(what) = what.lock().unwrap().take()
        {
            what();
        }
    })
}

fn is_planned(progress: &Progress) -> bool {
    matches!(progress, Progress::Planned(_))
}

fn is_called(progress: &Progress) -> bool {
    matches!(progress, Progress::Called { .. })
}

/// A case of a runtime that gives its place to what the world has become since, when it is so far.
async fn swapped(
    world: &World,
    runtime: Arc<Runtime>,
    when: impl Fn(&Progress) -> bool + Send + Sync + 'static,
) -> Case {
    let (old, new) = (runtime.clone(), world.runtime());
    let watcher = once(when, move || old.succeeded_by(new));
    let file = IncidentFile { incident: incident("findings 1"), fingerprint: "f".into() };
    runtime.investigate(&world.book, file, watcher, CancellationToken::new()).await.unwrap()
}

/// A case that was stopped when its first step was about to begin.
async fn stopped(world: &World) -> CaseId {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let case = world.investigate(incident("findings 1"), once(is_planned, move || stop.cancel()), cancel).await;
    assert_eq!((case.end.is_none(), case.steps.len(), case.steps[0].calls.len()), (true, 1, 0));
    case.id
}

fn digests(case: &Case) -> Vec<Digest> {
    case.steps.iter().map(|step| step.planned.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_step_takes_what_is_loaded_now() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    let before = world.runtime();
    // One skill is new, another one is changed, and the first is as it was.
    let third = Card { name: "third", ..second() };
    world.runtime.catalog = catalog(&[first(), newer(second()), third], &[grant("*")]);
    let case = swapped(&world, before, is_called).await;
    assert_eq!(ended(&case), [("first", Status::Ok), ("second", Status::Ok), ("third", Status::Ok)]);
    assert_eq!(digests(&case), [first(), newer(second()), third].map(digest));
    assert_eq!((case.equipped.len(), case.catalog().len()), (1, 3), "the record says when they changed");
    let known = case.entry(&digest(second())).unwrap();
    assert_eq!(known.id, "second@0.1.0", "it also knows what they were before");
    assert!(world.replay(&case.id).await.unwrap().is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_runs_keeps_its_component_and_is_not_taken_twice() {
    let mut world = World::new(&[first()], &[grant("*")]);
    let before = world.runtime();
    world.runtime.catalog = catalog(&[newer(first())], &[grant("*")]);
    let case = swapped(&world, before, is_planned).await;
    assert_eq!(ended(&case), [("first", Status::Ok)]);
    assert_eq!((digests(&case), case.board.len()), (vec![digest(first())], 1));
    // Replay finds what ran by its digest, or says that it is gone.
    let gone = world.replay(&case.id).await.unwrap_err();
    assert!(matches!(&gone, ReplayError::Gone { skills, .. } if skills[0].starts_with("first@0.1.0 (")), "{gone}");
    let mut kept = negawatt_planner::Catalog::clone(&world.runtime.catalog);
    kept.keep(first().skill(), &Grants::default());
    world.runtime.catalog = Arc::new(kept);
    world.runtime.tools = Arc::new(Tools::default());
    let replayed = world.replay(&case.id).await.unwrap();
    assert!(replayed.is_same() && replayed.steps[0].was_run, "{:?}", replayed.differences);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_did_not_begin_is_planned_anew_with_the_new_version() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    world.runtime.budget.steps = 2;
    let open = stopped(&world).await;
    world.runtime.catalog = catalog(&[newer(first()), second()], &[grant("*")]);
    let case = world.resume(&open).await;
    // What could not begin cost nothing: both steps that the budget has were taken.
    assert_eq!(ended(&case), [("first", Status::Skipped), ("first", Status::Ok), ("second", Status::Ok)]);
    assert_eq!(digests(&case), [first(), newer(first()), second()].map(digest));
    let message = case.steps[0].calls[0].message.as_deref().unwrap();
    assert!(message.contains("was replaced by first@0.1.0"), "{message}");
    assert!(world.replay(&case.id).await.unwrap().is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_that_was_removed_is_skipped_with_the_reason() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    let open = stopped(&world).await;
    world.runtime.catalog = catalog(&[second()], &[grant("*")]);
    let case = world.resume(&open).await;
    assert_eq!(ended(&case), [("first", Status::Skipped)], "nothing is there for the second");
    assert_eq!(case.steps[0].calls[0].message.as_deref(), Some("the skill was removed before it began"));
    assert!(case.concluded().is_some());
    assert!(world.replay(&case.id).await.unwrap().is_same());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_taken_away_is_gone_for_the_next_step() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    let before = world.runtime();
    world.runtime.catalog = catalog(&[first(), second()], &[Grant { ..grant("first") }]);
    let case = swapped(&world, before, is_called).await;
    assert_eq!(ended(&case), [("first", Status::Ok), ("second", Status::Denied)]);
    assert!(case.equipped.is_empty(), "the skills are the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_versions_the_word_counts_once() {
    // It runs again when the other one has found something.
    let reads = Card { reads: "note", produces: "suspect note", ..mischief("first") };
    let other = Card { consumes: "suspect", produces: "note", ..mischief("second") };
    let mut world = World::new(&[reads, other], &[grant("*")]);
    let before = world.runtime();
    let again = Card { reads: "note acme.more", ..reads };
    world.runtime.catalog = catalog(&[again, other], &[grant("*")]);
    let (old, new) = (before.clone(), world.runtime());
    let file = IncidentFile { incident: incident("wrong commit"), fingerprint: "f".into() };
    let watcher = once(is_called, move || old.succeeded_by(new));
    let case = before.investigate(&world.book, file, watcher, CancellationToken::new()).await.unwrap();
    assert_eq!(digests(&case), [reads, other].map(digest), "{:?}", ended(&case));
    // As if the other had found a note, the newer one says the same once more.
    let mut board = Board::of(&case);
    let mut later = board.taken()[0].clone();
    (later.step, later.digest) = ("s9".to_owned(), digest(again));
    let mut item = board.items()[0].clone();
    item.step = "s9".to_owned();
    board.take(later);
    board.accept(item);
    assert_eq!(board.standing().map(|item| item.step.as_str()).collect::<Vec<_>>(), ["s9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_put_aside_is_not_planned_and_the_case_says_so() {
    let mut world = World::new(&[first()], &[grant("*")]);
    let limits = HostLimits { failures: 1, ..HostLimits::default() };
    world.runtime.host = Arc::new(Host::new(HostConfig { limits, ..HostConfig::default() }).unwrap());
    let open = world.opened("findings 1").await;
    world.runtime.catalog = catalog(&[newer(first())], &[grant("*")]);
    assert_eq!(ended(&world.case("panic").await), [("first", Status::Trap)]);
    let case = world.resume(&open).await;
    assert!(case.steps.is_empty());
    assert_eq!(Board::of(&case).aside().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_of_one_step_stays_one() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    let runtime = world.runtime();
    let entry = runtime.catalog.named("first").unwrap().clone();
    let file = IncidentFile { incident: incident("findings 1"), fingerprint: "f".into() };
    let asked = Asked { entry, incident: file, known: Known::Given(Vec::new()), reason: "asked".into() };
    // Nobody is left to end it.
    let dies: Watcher = Arc::new(|progress| assert!(!is_planned(progress), "as if the program had been killed"));
    let book = world.book.clone();
    let died = tokio::spawn(async move { runtime.step(&book, asked, dies, CancellationToken::new()).await }).await;
    assert!(died.unwrap_err().is_panic());
    let [open] = world.book.unfinished().unwrap()[..] else { panic!("it is open") };
    world.runtime.catalog = catalog(&[first(), second(), Card { name: "third", ..first() }], &[grant("*")]);
    let case = world.resume(&open).await;
    assert_eq!(ended(&case), [("first", Status::Ok)]);
    assert!(case.equipped.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gave_its_place_away_is_followed_to_the_last() {
    let mut world = World::new(&[first(), second()], &[grant("*")]);
    let before = world.runtime();
    world.runtime.catalog = catalog(&[first()], &[grant("*")]);
    let between = world.runtime();
    let limits = LimitsChange { findings: Some(0), ..grant("second").limits };
    world.runtime.catalog = catalog(&[first(), second()], &[Grant { limits, ..grant("*") }]);
    before.succeeded_by(between.clone());
    // A place is given away once, to one that has none.
    before.succeeded_by(world.runtime());
    world.runtime().succeeded_by(between.clone());
    between.succeeded_by(between.clone());
    between.succeeded_by(before.clone());
    let case = swapped(&world, between, is_called).await;
    assert_eq!(ended(&case), [("first", Status::Ok), ("second", Status::OverBudget)]);
}

#[tokio::test]
async fn of_those_that_had_a_place_none_is_kept_by_those_before() {
    let world = World::new(&[first()], &[grant("*")]);
    let (before, between, last) = (world.runtime(), world.runtime(), world.runtime());
    let (weak, last_weak) = (Arc::downgrade(&between), Arc::downgrade(&last));
    before.succeeded_by(between.clone());
    between.succeeded_by(last);
    drop(between);
    assert!(weak.upgrade().is_none(), "however many there are, memory is as it was");
    assert!(last_weak.upgrade().is_some(), "what runs goes on with it");
    drop(before);
    assert!(last_weak.upgrade().is_none());
}
