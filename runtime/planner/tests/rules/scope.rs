//! A step may ask about its case, and nothing else; what it was refused is on the record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Batch, Became, CaseId, Event, Learned, Outcome, Resolved, Traits, Witness};
use negawatt_host::grants::{Grant, Grants};
use negawatt_host::model::{FindingBody, Window};
use negawatt_host::{Origin, Scope, Skill, Status, Tool};
use negawatt_planner::{Catalog, Reach, answer, refused};
use tokio_util::sync::CancellationToken;

use crate::world::{World, ended, grant, incident, mischief};

fn world() -> World {
    World::new(&[mischief("asks")], &[grant("*")])
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_outside_are_denied_recorded_and_shown() {
    let case = world().case("outside 3").await;
    assert_eq!(ended(&case), [("asks", Status::Ok)]);
    let [denied] = &refused(case.steps[0].last_call().unwrap())[..] else { panic!("one refusal, three times") };
    assert_eq!((denied.question.as_str(), denied.times), ("metrics.query", 3));
    assert!(denied.message.starts_with("the window "), "{}", denied.message);
    let shown = answer(&case);
    assert_eq!(shown["plan"][0]["denials"][0]["times"], 3);
    assert_eq!(shown["plan"][0]["denials"][0]["message"], denied.message);

    // The skill is told, and may make it its own answer.
    let case = world().case("denied").await;
    assert_eq!(ended(&case), [("asks", Status::Denied)]);
    assert!(refused(world().case("read").await.steps[0].last_call().unwrap()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_by_its_name_is_denied() {
    let world = world();
    let case = world.case("elsewhere").await;
    assert_eq!(ended(&case), [("asks", Status::Denied)]);
    let [denied] = &refused(case.steps[0].last_call().unwrap())[..] else { panic!("it was not refused") };
    assert_eq!(denied.message, "the service \"elsewhere\" is not the case's; it is about checkout");
    assert!(world.asked.scopes.lock().unwrap().is_empty(), "no source was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_distance_and_the_look_back_are_what_was_configured() {
    let scope = async |reach: Reach| {
        let mut world = world();
        world.runtime.reach = reach;
        world.runtime.neighbours = Arc::new(|service, distance| {
            let all = ["one-away", "two-away"];
            let most = distance.map_or(all.len(), |most| most as usize).min(all.len());
            let services: BTreeSet<_> = all[..most].iter().map(|name| format!("{service}-{name}")).collect();
            Box::pin(async move { services })
        });
        let case = world.case("read").await;
        let scope = world.asked.scopes.lock().unwrap()[0].clone();
        let recorded = answer(&case)["scope"].clone();
        let services: BTreeSet<String> = serde_json::from_value(recorded["services"].clone()).unwrap();
        assert_eq!(services, scope.services, "the record says what held");
        assert_eq!(recorded["distance"], serde_json::json!(reach.distance));
        let look_back = case.opened.as_ref().unwrap().catalog[0].look_back;
        assert_eq!(scope.window.start, -i64::try_from(look_back).unwrap());
        scope
    };
    // The window has a thousand microseconds.
    let by_default = scope(Reach::default()).await;
    assert_eq!((by_default.services.len(), by_default.window), (3, Window { start: -1_000, end: 1_000 }));
    let near = scope(Reach { distance: Some(1), look_back: Some(Duration::from_micros(300)) }).await;
    let names: Vec<_> = near.services.iter().map(String::as_str).collect();
    assert_eq!((names, near.window), (vec!["checkout", "checkout-one-away"], Window { start: -300, end: 1_000 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_goes_on_keeps_its_scope() {
    let mut world = world();
    world.runtime.reach.look_back = Some(Duration::from_micros(10));
    let open = world.opened("read").await;
    world.runtime.reach.look_back = Some(Duration::from_secs(3600));
    world.resume(&open).await;
    assert_eq!(world.asked.scopes.lock().unwrap()[0].window.start, -10);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_end_with_their_step() {
    // The first case reaches far back and has a neighbour; the second, over the same host and the same component, is about
    // another service and another time.
    let mut world = world();
    world.runtime.reach.look_back = Some(Duration::from_micros(5_000));
    world.runtime.neighbours = Arc::new(|_, _| Box::pin(async { BTreeSet::from(["cart".to_owned()]) }));
    world.case("read").await;
    world.runtime.reach.look_back = Some(Duration::from_micros(10));
    world.runtime.neighbours = Arc::new(|_, _| Box::pin(async { BTreeSet::new() }));
    let mut second = incident("outside 1");
    (second.service, second.window) = ("ads".into(), Window { start: 50_000, end: 60_000 });
    let case = world.investigate(second.clone(), Arc::new(|_| {}), CancellationToken::new()).await;
    let [denied] = &refused(case.steps[0].last_call().unwrap())[..] else { panic!("it was not refused") };
    assert!(denied.message.contains("is not inside that of the case, 1970-01-01T00:00:00.04999"), "{}", denied.message);
    second.title = "read".into();
    world.investigate(second, Arc::new(|_| {}), CancellationToken::new()).await;
    let scopes = world.asked.scopes.lock().unwrap().clone();
    let window = |start, end| Window { start, end };
    let services = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        scopes,
        [
            Scope {
                services: services(&["cart", "checkout"]),
                unlabelled: true,
                window: window(-5_000, 1_000),
                everything: false
            },
            Scope { services: services(&["ads"]), unlabelled: true, window: window(49_990, 60_000), everything: false },
        ]
    );
    // Nothing is left in the sandbox either.
    for _ in 0..2 {
        let case = world.case("state").await;
        assert_eq!(case.board[0].evidence.finding.body, negawatt_host::model::FindingBody::Note("1".into()));
    }
}

/// Copies of the guest that asks for precedents, under the rights of their origin.
fn asking(origin: Origin) -> World {
    let wide = Grant { tools: Tool::ALL.into_iter().filter(|tool| *tool != Tool::Http).collect(), ..grant("*") };
    let mut world = World::new(&[], &[]);
    let mut catalog = Catalog::default();
    let grants = Grants { grants: vec![wide], limits: Default::default() };
    catalog.add(Skill::read(negawatt_test_guests::INTRUDER, origin).unwrap(), &grants, &[]).unwrap();
    world.runtime.catalog = Arc::new(catalog);
    world.runtime.neighbours = Arc::new(|_, _| Box::pin(async { BTreeSet::from(["cart".to_owned()]) }));
    world
}

/// A case of a service of which something became.
async fn resolved(world: &World, service: &str) -> CaseId {
    let case = world.case("say\u{1f}nothing").await;
    let mut log = world.book.resume(&case.id).unwrap();
    let (what, by) = (Became::NotARegression, Witness::Person("Ada".into()));
    let mut batch =
        Batch::from(Event::Outcome(Outcome { proposal: None, what, by, at: None, culprit: None, text: String::new() }));
    let precedent = Resolved {
        service: service.to_owned(),
        traits: Traits { text: "precedents".into(), ..Traits::default() },
        summary: String::new(),
        tried: Vec::new(),
        outcome: "not-a-regression".into(),
        said: Vec::new(),
        time: 0,
    };
    batch.learn(Learned { stood: Vec::new(), precedent: Some(precedent) });
    log.append(batch).unwrap();
    log.release().unwrap();
    case.id
}

#[tokio::test(flavor = "multi_thread")]
async fn precedents_of_other_services_are_told_to_the_programs_own_skills_alone() {
    for (origin, all) in [(Origin::Loaded, false), (Origin::Bundled, true)] {
        let world = asking(origin);
        let mut told = Vec::new();
        for (service, is_told) in [("checkout", true), ("cart", true), ("payroll", all), ("", all)] {
            told.push((resolved(&world, service).await, is_told));
        }
        let case = world.case("precedents").await;
        let FindingBody::Note(answer) = &case.board[0].evidence.finding.body else { panic!("{:?}", ended(&case)) };
        for (id, is_told) in told {
            assert_eq!(answer.contains(&id.to_string()), is_told, "{origin:?} {id}: {answer}");
        }
    }
}
