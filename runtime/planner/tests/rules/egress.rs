//! Nothing confidential leaves through a step that may send out, by whatever way it came.

use std::collections::BTreeSet;
use std::sync::Arc;

use negawatt_casebook::Case;
use negawatt_host::grants::{Grant, Grants};
use negawatt_host::model::{Evidence, FindingBody, Other};
use negawatt_host::{Origin, Skill, Status, Tool};
use negawatt_package::pack;
use negawatt_planner::{Board, Catalog, Item, Progress, shown};
use negawatt_test_guests::{MISCHIEF, READER, SENDER};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::common::finding;
use crate::world::{Card, World, catalog, ended, grant, incident, mischief};

/// Reads code, and finds a change.
const READS: Card<'_> = Card { component: READER, name: "reads", consumes: "", reads: "", produces: "change-point" };
/// Sees the change, and passes something on.
const PASSES: Card<'_> =
    Card { component: MISCHIEF, name: "passes", consumes: "change-point", reads: "", produces: "note" };
/// Sends what it is shown.
const SENDS: Card<'_> =
    Card { component: SENDER, name: "sends", consumes: "note", reads: "change-point", produces: "suspect" };

/// Finds a note by itself.
fn plain() -> Card<'static> {
    Card { produces: "note", ..mischief("plain") }
}

fn exporting() -> Vec<Grant> {
    vec![grant("*"), Grant { may_export: true, ..Grant::to("sends", []) }]
}

fn reason(case: &Case, skill: &str) -> String {
    case.steps.iter().find(|step| step.planned.skill.starts_with(skill)).unwrap().planned.reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_laundered_through_a_chain_does_not_leave() {
    let world = World::new(&[READS, PASSES, SENDS], &[grant("*")]);
    let case = world.case("findings 1").await;
    assert_eq!(ended(&case), [("reads", Status::Ok), ("passes", Status::Ok), ("sends", Status::Denied)]);
    assert!(world.asked.posted.lock().unwrap().is_empty());
    // The note asked nobody anything: it derives from code because of what its author saw.
    assert_eq!(case.board[1].tools, [Tool::Code].into());
    let sends = &case.steps[2];
    assert!(sends.planned.inputs.is_empty());
    assert_eq!(sends.planned.withheld, ["e1", "e2"]);
    let message = sends.last_call().unwrap().message.as_deref().unwrap();
    for part in ["e1, e2", "derives from code", "through mcp", "[[grants]]\nskill = \"sends\"\nmay_export = true"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(reason(&case, "sends").split_once('\n').unwrap().1, message);
    assert!(sends.accepted.as_ref().is_some_and(Vec::is_empty), "it counts as taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_exported_is_sent() {
    let world = World::new(&[READS, PASSES, SENDS], &exporting());
    let case = world.case("findings 1").await;
    assert_eq!(ended(&case)[2], ("sends", Status::Ok));
    assert_eq!(*world.asked.posted.lock().unwrap(), ["e1 e2 explains e1"]);
    assert_eq!(case.board[2].tools, [Tool::Code, Tool::Mcp].into());
    assert!(!reason(&case, "sends").contains("withheld"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_confidential_is_shown_and_nothing_else_is_named() {
    let world = World::new(&[READS, plain(), PASSES, SENDS], &[grant("*")]);
    let case = world.case("findings 1").await;
    assert_eq!(ended(&case).last(), Some(&("sends", Status::Ok)));
    // Not even the id of the change that explains the incident.
    let [posted] = &world.asked.posted.lock().unwrap()[..] else { panic!("it sent something else") };
    let sends = case.steps.last().unwrap();
    let [only] = &sends.planned.inputs[..] else { panic!("{:?}", sends.planned) };
    // By a number of its own, which says nothing of how much is kept from it.
    assert_eq!(*posted, "x1 explains nothing");
    assert_ne!(only, "e1");
    assert_eq!(sends.planned.withheld.len(), 2);
    assert!(case.evidence(only).unwrap().tools.is_empty());
    assert!(reason(&case, "sends").contains("is withheld from it"), "{}", reason(&case, "sends"));
}

/// A case that was stopped when the sender was to begin.
async fn stopped(world: &World) -> Case {
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let watcher = move |progress: &Progress| {
        if let Progress::Planned(steps) = progress
            && steps.iter().any(|step| step.skill.starts_with("sends"))
        {
            token.cancel();
        }
    };
    let case = world.investigate(incident("findings 1"), Arc::new(watcher), cancel).await;
    assert!(case.end.is_none() && world.asked.posted.lock().unwrap().is_empty());
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_goes_on_decides_from_its_record() {
    // What was withheld when it was planned stays withheld, whatever was granted since.
    let cards = [READS, plain(), PASSES, SENDS];
    let mut world = World::new(&cards, &[grant("*")]);
    let case = stopped(&world).await;
    world.runtime.catalog = catalog(&cards, &exporting());
    world.resume(&case.id).await;
    let posted = world.asked.posted.lock().unwrap().clone();
    assert_eq!(posted.len(), 1);
    assert!(posted[0].ends_with("explains nothing") && posted[0].split(' ').count() == 3, "{posted:?}");

    // What it was to be shown is not shown when the right to it is gone.
    let mut world = World::new(&cards, &exporting());
    let case = stopped(&world).await;
    world.runtime.catalog = catalog(&cards, &[grant("*")]);
    let case = world.resume(&case.id).await;
    assert_eq!(ended(&case).last(), Some(&("sends", Status::Denied)));
    assert!(world.asked.posted.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_was_denied_at_first_is_not_shown_more_later() {
    let cards = [READS, PASSES, SENDS];
    let without = Grant { tools: [Tool::Metrics, Tool::Code].into(), ..grant("*") };
    let mut world = World::new(&cards, &[without]);
    let case = stopped(&world).await;
    // It had no right to run; what it would have been shown is recorded as for one that may not export.
    assert_eq!((case.steps[2].status(), &case.steps[2].planned.inputs[..]), (Status::Denied, &[][..]));
    assert_eq!(case.steps[2].planned.withheld, ["e1", "e2"]);
    world.runtime.catalog = catalog(&cards, &exporting());
    let case = world.resume(&case.id).await;
    assert_eq!(ended(&case)[2], ("sends", Status::Denied));
    assert!(world.asked.posted.lock().unwrap().is_empty());
}

const KINDS: [&str; 4] = ["acme.a", "acme.b", "acme.c", "acme.d"];

/// A skill of one of the kinds, with what it imports and whether it may export.
#[derive(Debug, Clone)]
struct Stranger {
    consumes: usize,
    reads: usize,
    produces: usize,
    imports: BTreeSet<Tool>,
    may_export: bool,
}

fn tools() -> impl Strategy<Value = BTreeSet<Tool>> {
    proptest::collection::btree_set(proptest::sample::select(Tool::ALL.to_vec()), 0..4)
}

fn stranger() -> impl Strategy<Value = Stranger> {
    (0..KINDS.len(), 0..KINDS.len(), 0..KINDS.len(), tools(), any::<bool>()).prop_map(
        |(consumes, reads, produces, imports, may_export)| Stranger { consumes, reads, produces, imports, may_export },
    )
}

fn added(catalog: &mut Catalog, n: usize, stranger: &Stranger) {
    let Stranger { consumes, reads, produces, imports, may_export } = stranger;
    let (consumes, reads, produces) = (KINDS[*consumes], KINDS[*reads], KINDS[*produces]);
    let manifest = format!(
        "---\nname: s{n}\ndescription: A stranger.\nmetadata:\n  negawatt.consumes: \"{consumes}\"\n  \
         negawatt.reads: \"{reads}\"\n  negawatt.produces: \"{produces}\"\n  negawatt.tools: \"\"\n  \
         negawatt.version: \"1.0.0\"\n---\n"
    );
    let empty = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    let mut skill = Skill::read(pack(&empty, &manifest).unwrap(), Origin::Loaded).unwrap();
    skill.imports.tools = imports.clone();
    let grant = Grant { may_export: *may_export, ..Grant::to("*", imports.clone()) };
    catalog.add(skill, &Grants { grants: vec![grant], limits: Default::default() }, &[]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any skills take turns on one board. Beside what the host computes, the test follows by itself which evidence holds
    /// something that a confidential tool answered.
    #[test]
    fn no_input_of_an_outward_step_derives_from_a_confidential_tool(
        strangers in proptest::collection::vec(stranger(), 1..6),
        given in proptest::collection::vec((0..KINDS.len(), tools()), 0..4),
        turns in proptest::collection::vec((any::<proptest::sample::Index>(), tools()), 1..12),
    ) {
        let mut catalog = Catalog::default();
        strangers.iter().enumerate().for_each(|(n, stranger)| added(&mut catalog, n, stranger));
        let mut board = Board::default();
        let mut secret = BTreeSet::new();
        let mut post = |board: &mut Board, kind: usize, from: BTreeSet<Tool>, is_secret: bool| {
            let id = format!("e{}", board.items().len() + 1);
            if is_secret {
                secret.insert(id.clone());
            }
            let body = FindingBody::Other(Other { name: KINDS[kind].into(), data: "{}".into() });
            let evidence = Evidence { id, by: "x@1.0.0".into(), finding: finding(body, 0.5) };
            board.accept(Item { evidence, step: String::new(), from });
            secret.clone()
        };
        let confidential = |tools: &BTreeSet<Tool>| Tool::CONFIDENTIAL.iter().any(|tool| tools.contains(tool));
        let mut known = BTreeSet::new();
        for (kind, from) in given {
            known = post(&mut board, kind, from.clone(), confidential(&from));
        }
        for (turn, could_ask) in turns {
            let n = turn.index(strangers.len());
            let (entry, stranger) = (&catalog.entries()[n], &strangers[n]);
            let all: Vec<_> = board.shown(entry.sees()).iter().map(|item| item.evidence.id.clone()).collect();
            let shown = shown(&board, entry);
            let is_outward = Tool::OUTWARD.iter().any(|tool| stranger.imports.contains(tool));
            let parts = |id: &&String| shown.inputs.contains(*id) != shown.withheld.contains(*id);
            prop_assert!(all.iter().all(|id| parts(&id)) && all.len() == shown.inputs.len() + shown.withheld.len());
            match &entry.rights {
                // It may not run: it reads what it could send out.
                Err(_) => {
                    prop_assert!(is_outward && confidential(&stranger.imports) && !stranger.may_export);
                    prop_assert!(shown.inputs.iter().all(|id| !known.contains(id)));
                    continue;
                }
                Ok(_) if is_outward && !stranger.may_export => {
                    prop_assert!(shown.inputs.iter().all(|id| !known.contains(id)));
                    prop_assert!(shown.withheld.iter().all(|id| known.contains(id)), "no more than must be is withheld");
                }
                Ok(_) => prop_assert!(shown.withheld.is_empty()),
            }
            let asked: BTreeSet<Tool> = could_ask.intersection(&stranger.imports).copied().collect();
            let seen = board.items().iter().filter(|item| shown.inputs.contains(&item.evidence.id));
            let from = seen.flat_map(|item| item.from.iter().copied()).chain(asked.iter().copied()).collect();
            let is_secret = confidential(&asked) || shown.inputs.iter().any(|id| known.contains(id));
            known = post(&mut board, stranger.produces, from, is_secret);
        }
    }
}
