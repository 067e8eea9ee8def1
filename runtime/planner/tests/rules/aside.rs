//! A skill that fails in case after case is put aside until somebody puts it back.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::Verdict;
use negawatt_host::grants::{Grant, LimitsChange};
use negawatt_host::limits::HostLimits;
use negawatt_host::{Host, HostConfig, Status};
use negawatt_planner::{Board, Terms};
use negawatt_test_guests::READER;

use crate::world::{Card, World, catalog, ended, grant, mischief};

/// A world in which two failures are enough.
fn world(names: &[&str]) -> World {
    let cards: Vec<_> = names.iter().map(|name| mischief(name)).collect();
    let mut world = World::new(&cards, &[grant("*")]);
    let limits = HostLimits { failures: 2, ..HostLimits::default() };
    world.runtime.host = Arc::new(Host::new(HostConfig { limits, ..HostConfig::default() }).unwrap());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_planned_no_more_and_the_case_says_why() {
    let world = world(&["bad"]);
    let open = world.opened("panic").await;
    for _ in 0..2 {
        assert_eq!(ended(&world.case("panic").await), [("bad", Status::Trap)]);
    }
    let case = world.case("nothing").await;
    assert!(case.steps.is_empty());
    let concluded = case.concluded().unwrap();
    assert_eq!(concluded.verdict, Verdict::Inconclusive, "who was put aside has not looked");
    let missing = concluded.would_settle.as_deref().unwrap();
    assert!(missing.contains("bad@0.1.0 was put aside: it failed 2 times in a row; the last: trap in "), "{missing}");
    let [aside] = &Terms::of(&case).put_aside[..] else { panic!("{:?}", Terms::of(&case)) };
    assert_eq!(aside.skill, "bad@0.1.0");
    assert_eq!(Board::of(&case).aside().len(), 1);

    // A case that was opened before goes on as it began.
    assert_eq!(ended(&world.resume(&open).await), [("bad", Status::Trap)]);

    let standing = world.book.standings().unwrap().remove(0);
    assert_eq!(standing.failures, 3);
    assert!(world.book.restore(&standing.digest).unwrap());
    assert_eq!(ended(&world.case("nothing").await), [("bad", Status::Ok)]);
    assert_eq!(case, world.book.load(&case.id).unwrap(), "what a case was opened with stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_of_the_same_name_starts_at_zero() {
    let mut world = world(&["bad"]);
    for _ in 0..2 {
        world.case("panic").await;
    }
    let mended = Card { reads: "acme.more", ..mischief("bad") };
    world.runtime.catalog = catalog(&[mended], &[grant("*")]);
    assert_eq!(ended(&world.case("panic").await), [("bad", Status::Trap)]);
    assert_eq!(ended(&world.case("panic").await), [("bad", Status::Trap)]);
    assert!(world.case("panic").await.steps.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_as_a_failure() {
    let mut world = world(&["any"]);
    let limits = LimitsChange { compute: Some(Duration::from_millis(500)), ..LimitsChange::default() };
    world.runtime.catalog = catalog(&[mischief("any")], &[grant("*"), Grant { limits, ..Grant::to("any", []) }]);
    for (title, status, counts) in [
        ("panic", Status::Trap, true),
        ("loop", Status::Timeout, true),
        ("findings 300", Status::OverBudget, true),
        ("kind", Status::Invalid, true),
        // What it says, and what it was told by a tool and passed on.
        ("error over-budget", Status::Error, false),
        ("error not-found", Status::Error, false),
        ("denied", Status::Denied, false),
    ] {
        // A call that works ends the row.
        assert_eq!(ended(&world.case("nothing").await), [("any", Status::Ok)]);
        assert!(world.book.standings().unwrap().is_empty(), "{title}");
        assert_eq!(ended(&world.case(title).await), [("any", status)]);
        assert_eq!(world.book.standings().unwrap().iter().any(|standing| standing.failures == 1), counts, "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_not_blamed_for_what_others_showed_it() {
    let shows = Card { component: READER, name: "shows", consumes: "", reads: "", produces: "change-point" };
    let shown = Card { consumes: "change-point", produces: "note", ..mischief("shown") };
    let mut world = World::new(&[shows, shown], &[grant("*")]);
    let limits = HostLimits { failures: 1, ..HostLimits::default() };
    world.runtime.host = Arc::new(Host::new(HostConfig { limits, ..HostConfig::default() }).unwrap());
    for _ in 0..2 {
        assert_eq!(ended(&world.case("panic").await), [("shows", Status::Ok), ("shown", Status::Trap)]);
    }
    assert!(world.book.standings().unwrap().iter().all(|standing| standing.failures == 0));
}
