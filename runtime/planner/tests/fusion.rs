//! Properties of the fusion of suspects.

mod common;

use common::*;
use negawatt_host::{Kind, Status, Tool};
use negawatt_planner::{Board, Ranked, rank};
use proptest::prelude::*;

type Said = Vec<(String, f64)>;

#[test]
fn a_copy_that_asks_more_or_nothing_adds_nothing() {
    let say = |board: &mut Board, skill: &str, tools: &[Tool]| {
        step(board, skill, Kind::Suspect, tools, Status::Ok, vec![suspect("a", 2.0)]);
    };
    let mut board = Board::default();
    say(&mut board, "x", &[Tool::Changes]);
    let once = confidence(&board, "a");
    say(&mut board, "more", &[Tool::Changes, Tool::Metrics]);
    say(&mut board, "nothing", &[]);
    assert!((confidence(&board, "a") - once).abs() < 1e-12);
}

fn board(skills: &[(&str, Tool, Said)]) -> Board {
    let mut board = Board::default();
    for (skill, tool, said) in skills {
        let found = said.iter().map(|(id, log_odds)| suspect(id, *log_odds)).collect();
        step(&mut board, skill, Kind::Suspect, &[*tool], Status::Ok, found);
    }
    board
}

fn confidence(board: &Board, id: &str) -> f64 {
    rank(board).iter().find(|ranked| ranked.id == id).map_or(0.0, |ranked| ranked.confidence)
}

fn said() -> impl Strategy<Value = Said> {
    proptest::collection::vec(("[a-d]", -9.0..9.0f64), 1..6)
}

proptest! {
    #[test]
    fn with_none_of_these_it_is_a_distribution(a in said(), b in said()) {
        let ranked = rank(&board(&[("x", Tool::Changes, a), ("y", Tool::Metrics, b)]));
        let sum: f64 = ranked.iter().map(|ranked| ranked.confidence).sum();
        prop_assert!(ranked.iter().all(|ranked| (0.0..=1.0).contains(&ranked.confidence)));
        prop_assert!(sum <= 1.0 + 1e-12, "{sum}");
        prop_assert!(ranked.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    }

    #[test]
    fn a_copy_of_a_skill_changes_nothing(a in said(), b in said()) {
        let once = board(&[("x", Tool::Changes, a.clone()), ("y", Tool::Metrics, b.clone())]);
        let twice = board(&[("x", Tool::Changes, a.clone()), ("y", Tool::Metrics, b), ("copy", Tool::Changes, a)]);
        let strip = |board: &Board| rank(board).into_iter().map(|r: Ranked| (r.id, r.confidence)).collect::<Vec<_>>();
        for ((id, p), (copied, q)) in strip(&once).into_iter().zip(strip(&twice)) {
            prop_assert_eq!(id, copied);
            prop_assert!((p - q).abs() < 1e-12, "{} {}", p, q);
        }
    }

    #[test]
    fn contrary_evidence_lowers(a in said(), against in 0.01..9.0f64, same_data in any::<bool>()) {
        let id = a[0].0.clone();
        let tool = if same_data { Tool::Changes } else { Tool::Metrics };
        let before = confidence(&board(&[("x", Tool::Changes, a.clone())]), &id);
        let with = board(&[("x", Tool::Changes, a.clone()), ("y", tool, vec![(id.clone(), -against)])]);
        let after = confidence(&with, &id);
        // Where the same data already said worse, there is nothing left to lower.
        let sum: f64 = a.iter().filter(|(other, _)| *other == id).map(|(_, odds)| odds).sum();
        if same_data && sum.max(-8.0) <= (-against).max(-8.0) {
            prop_assert!((after - before).abs() < 1e-12);
        } else {
            prop_assert!(after < before, "{} {}", after, before);
        }
    }

    #[test]
    fn other_data_that_agrees_raises(a in said(), in_favour in 0.01..8.0f64) {
        let id = a[0].0.clone();
        let before = confidence(&board(&[("x", Tool::Changes, a.clone())]), &id);
        let with = board(&[("x", Tool::Changes, a), ("y", Tool::Metrics, vec![(id.clone(), in_favour)])]);
        prop_assert!(confidence(&with, &id) > before);
    }
}

#[test]
fn without_information_nobody_is_accused() {
    let said: Said = (0..9).map(|n| (format!("c{n}"), 0.0)).collect();
    let ranked = rank(&board(&[("x", Tool::Changes, said)]));
    assert!(ranked.iter().all(|ranked| (ranked.confidence - 0.1).abs() < 1e-12));
}

#[test]
fn no_skill_is_certain_by_itself() {
    let said: Said = (0..100).map(|_| ("a".to_owned(), 5.0)).collect();
    assert!(confidence(&board(&[("x", Tool::Changes, said)]), "a") < 0.9997);
}
