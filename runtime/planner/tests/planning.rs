//! The search planner composes strangers: it knows kinds, never names.

mod common;

use common::*;
use negawatt_casebook::Ending;
use negawatt_host::grants::Grants;
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Origin, Skill, Status};
use negawatt_package::pack;
use negawatt_planner::{Board, Catalog, Decision, Experience, Knowledge, Planner, SearchPlanner, Situation, outline};
use proptest::prelude::*;

/// A skill as the planner sees it: name, consumes, reads, produces.
type Card = (&'static str, &'static str, &'static str, &'static str);

/// The shape of an investigation.
const CARDS: [Card; 6] = [
    ("detects", "", "", "change-point"),
    ("dismisses", "change-point", "function-shift", "dismissal"),
    ("shifts", "change-point", "", "function-shift"),
    ("blames", "change-point", "function-shift", "suspect"),
    ("costs", "change-point", "function-shift", "impact"),
    ("aside", "acme.unknown", "", "acme.other"),
];

fn skill(name: &str, (_, consumes, reads, produces): Card) -> Skill {
    let manifest = format!(
        "---\nname: {name}\ndescription: A stranger.\nmetadata:\n  negawatt.consumes: \"{consumes}\"\n  \
         negawatt.reads: \"{reads}\"\n  negawatt.produces: \"{produces}\"\n  negawatt.tools: \"\"\n  \
         negawatt.version: \"1.0.0\"\n---\n"
    );
    let empty = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    Skill::read(pack(&empty, &manifest).unwrap(), Origin::Bundled).unwrap()
}

fn catalog(cards: &[(String, Card)]) -> Catalog {
    let mut catalog = Catalog::default();
    for (name, card) in cards {
        catalog.add(skill(name, *card), &Grants::default(), &[]).unwrap();
    }
    catalog
}

fn named(cards: &[Card]) -> Vec<(String, Card)> {
    cards.iter().map(|card| (card.0.to_owned(), *card)).collect()
}

/// The outline as waves of what is produced, which does not depend on names.
fn waves(cards: &[(String, Card)]) -> Vec<Vec<String>> {
    let catalog = catalog(cards);
    let produced = |n: &usize| catalog.entries()[*n].skill.manifest.produces[0].to_string();
    let waves = outline(&incident(), &catalog, &Knowledge::default());
    waves
        .iter()
        .map(|(_, wave)| {
            let mut wave: Vec<_> = wave.iter().map(produced).collect();
            wave.sort();
            wave
        })
        .collect()
}

#[test]
fn readers_run_after_what_they_read_and_strangers_off_the_path_do_not_run() {
    let expected = [vec!["change-point"], vec!["function-shift"], vec!["dismissal"], vec!["impact", "suspect"]];
    assert_eq!(waves(&named(&CARDS)), expected);
}

#[test]
fn removing_a_skill_changes_only_its_part() {
    let without = |name: &str| {
        let cards: Vec<_> = CARDS.into_iter().filter(|card| card.0 != name).collect();
        waves(&named(&cards))
    };
    assert_eq!(without("shifts"), [vec!["change-point"], vec!["dismissal"], vec!["impact", "suspect"]]);
    assert_eq!(without("detects"), Vec::<Vec<String>>::new());
    assert_eq!(without("dismisses"), [vec!["change-point"], vec!["function-shift"], vec!["impact", "suspect"]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn names_and_order_do_not_matter(
        order in Just((0..CARDS.len()).collect::<Vec<_>>()).prop_shuffle(),
        names in proptest::collection::btree_set("[a-z]{3,8}", CARDS.len()),
    ) {
        let cards: Vec<_> = names.into_iter().zip(order).map(|(name, n)| (name, CARDS[n])).collect();
        prop_assert_eq!(waves(&cards), waves(&named(&CARDS)));
    }
}

/// The kinds that the next wave would produce, or why it ends.
fn next(catalog: &Catalog, board: &Board, steps: u32) -> Result<Vec<String>, Ending> {
    let (incident, knowledge) = (incident(), Knowledge::default());
    let left = CaseLimits { steps, ..CaseLimits::default() };
    let situation = Situation { incident: &incident, board, catalog, knowledge: &knowledge, left: &left };
    match SearchPlanner.next(&situation) {
        Decision::Conclude(ending) => Err(ending),
        Decision::Run(choices) => {
            let name = |n: usize| catalog.entries()[n].skill.manifest.name.clone();
            Ok(choices.into_iter().map(|choice| name(choice.entry)).collect())
        }
    }
}

/// Takes a step of a skill of the catalog.
fn take(board: &mut Board, catalog: &Catalog, name: &str, status: Status, found: Vec<negawatt_host::model::Finding>) {
    let skill = &catalog.named(name).unwrap().skill;
    step(board, name, skill.manifest.produces[0].clone(), &[], status, found);
    let taken = board.taken().last().unwrap().clone();
    // The planner knows steps by the skill's bytes.
    let mut renamed = Board::default();
    for old in board.taken() {
        let digest = if old.step == taken.step { skill.digest } else { old.digest };
        renamed.take(negawatt_planner::Taken { digest, ..old.clone() });
    }
    board.items().iter().for_each(|item| renamed.accept(item.clone()));
    *board = renamed;
}

#[test]
fn a_case_runs_its_course() {
    let catalog = catalog(&named(&CARDS));
    let mut board = Board::default();
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["detects".into()]));
    assert_eq!(next(&catalog, &board, 0), Err(Ending::BudgetSpent));

    // Nothing changed: nothing more is asked.
    let mut quiet = board.clone();
    take(&mut quiet, &catalog, "detects", Status::Ok, Vec::new());
    assert_eq!(next(&catalog, &quiet, 9), Err(Ending::GoalReached));

    take(&mut board, &catalog, "detects", Status::Ok, vec![change(10, 1.0, 2.0, 0.99)]);
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["shifts".into()]));
    // It cannot run: those that read it go on without.
    take(&mut board, &catalog, "shifts", Status::Trap, Vec::new());
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["dismisses".into()]));

    // Dismissed: nobody looks for a cause.
    let mut dismissed = board.clone();
    let season = dismissal(negawatt_host::model::DismissalReason::Seasonal, None, 0.999);
    take(&mut dismissed, &catalog, "dismisses", Status::Ok, vec![season]);
    assert_eq!(next(&catalog, &dismissed, 9), Err(Ending::GoalReached));

    take(&mut board, &catalog, "dismisses", Status::Ok, Vec::new());
    assert_eq!(next(&catalog, &board, 9).unwrap().len(), 2);
    assert_eq!(next(&catalog, &board, 1).unwrap().len(), 1, "the budget of steps cuts the wave");
    take(&mut board, &catalog, "blames", Status::Ok, vec![suspect("a", 3.0)]);
    take(&mut board, &catalog, "costs", Status::Ok, Vec::new());
    assert_eq!(next(&catalog, &board, 9), Err(Ending::NothingLeft));
}

#[test]
fn where_nothing_changed_those_who_need_no_change_may_still_name_the_reason() {
    let cards = [CARDS[0], CARDS[1], ("season", "", "change-point", "dismissal")];
    let catalog = catalog(&named(&cards));
    let mut board = Board::default();
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["detects".into()]));
    let mut better = board.clone();
    take(&mut board, &catalog, "detects", Status::Ok, Vec::new());
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["season".into()]));
    take(&mut board, &catalog, "season", Status::Ok, Vec::new());
    assert_eq!(next(&catalog, &board, 9), Err(Ending::GoalReached));
    // What changed only for the better needs no excuse.
    take(&mut better, &catalog, "detects", Status::Ok, vec![change(10, 2.0, 1.0, 0.99)]);
    assert_eq!(next(&catalog, &better, 9), Err(Ending::GoalReached));
}

/// One good reason is enough: what another skill would still say could not make it a regression again.
#[test]
fn work_that_cannot_change_the_verdict_is_left_undone() {
    let cards: [Card; 4] = [
        ("detects", "", "", "change-point"),
        ("first", "change-point", "", "dismissal"),
        ("slow", "change-point", "", "note"),
        ("later", "change-point", "note", "dismissal"),
    ];
    let catalog = catalog(&named(&cards));
    let mut board = Board::default();
    take(&mut board, &catalog, "detects", Status::Ok, vec![change(10, 1.0, 2.0, 0.99)]);
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["first".into(), "slow".into()]));
    take(&mut board, &catalog, "slow", Status::Ok, Vec::new());
    let season = |confidence| dismissal(negawatt_host::model::DismissalReason::Seasonal, None, confidence);
    let mut doubted = board.clone();
    take(&mut doubted, &catalog, "first", Status::Ok, vec![season(0.6)]);
    assert_eq!(next(&catalog, &doubted, 9), Ok(vec!["later".into()]), "it does not outweigh the change");
    take(&mut board, &catalog, "first", Status::Ok, vec![season(0.999)]);
    assert_eq!(next(&catalog, &board, 9), Err(Ending::GoalReached));
}

#[test]
fn a_skill_runs_again_only_when_something_arrives_that_it_reads() {
    let cards: [Card; 3] = [
        ("detects", "", "", "change-point"),
        ("first", "change-point", "note", "suspect"),
        ("later", "suspect", "", "note"),
    ];
    let catalog = catalog(&named(&cards));
    let mut board = Board::default();
    take(&mut board, &catalog, "detects", Status::Ok, vec![change(10, 1.0, 2.0, 0.99)]);
    // It would wait for the note, which waits for it.
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["first".into()]));
    take(&mut board, &catalog, "first", Status::Ok, vec![suspect("a", 1.0)]);
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["later".into()]));
    let note = finding(negawatt_host::model::FindingBody::Note("read me".into()), 0.9);
    take(&mut board, &catalog, "later", Status::Ok, vec![note]);
    assert_eq!(next(&catalog, &board, 9), Ok(vec!["first".into()]), "a note arrived that it reads");
    take(&mut board, &catalog, "first", Status::Ok, vec![suspect("a", 2.0)]);
    take(&mut board, &catalog, "first", Status::Ok, vec![suspect("a", 2.0)]);
    assert_eq!(next(&catalog, &board, 9), Err(Ending::NothingLeft), "three times at most");
}

#[test]
fn what_brought_more_for_less_comes_first() {
    let cards: [Card; 3] = [
        ("detects", "", "", "change-point"),
        ("slow", "change-point", "", "suspect"),
        ("quick", "change-point", "", "suspect"),
    ];
    let catalog = catalog(&named(&cards));
    let mut knowledge = Knowledge::default();
    knowledge
        .0
        .insert("slow".into(), Experience { runs: 10, useful: 10, wall_us: 10_000_000, ..Experience::default() });
    knowledge.0.insert("quick".into(), Experience { runs: 10, useful: 10, wall_us: 10_000, ..Experience::default() });
    let waves = outline(&incident(), &catalog, &knowledge);
    let name = |n: &usize| catalog.entries()[*n].skill.manifest.name.as_str();
    assert_eq!(waves[1].1.iter().map(name).collect::<Vec<_>>(), ["quick", "slow"]);
}
