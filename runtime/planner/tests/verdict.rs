//! The verdict's table, row by row.

mod common;

use common::*;
use negawatt_casebook::Verdict;
use negawatt_host::model::{Direction, DismissalReason, Finding, FindingBody, Incident, IncidentKind, Shape};
use negawatt_host::{Kind, Status, Tool};
use negawatt_planner::{Board, Conclusion, explaining_change};

fn conclude(incident: &Incident, board: &Board) -> Conclusion {
    negawatt_planner::conclude(incident, board, false)
}

fn detected(found: Vec<Finding>) -> Board {
    let mut board = Board::default();
    step(&mut board, "detector", Kind::ChangePoint, &[], Status::Ok, found);
    board
}

#[test]
fn no_change_in_adequate_data_is_noise() {
    let conclusion = conclude(&incident(), &detected(Vec::new()));
    assert_eq!(conclusion.verdict, Verdict::Dismissed);
    assert_eq!(conclusion.dismissal.unwrap().0, DismissalReason::Noise);
    assert_eq!(conclusion.change, None);
}

/// That nothing changed is as sure as the one says who would have seen most, and nothing against what another saw.
#[test]
fn noise_is_as_sure_as_the_window_allows() {
    let noise = |confidence| dismissal(DismissalReason::Noise, None, confidence);
    let sure = conclude(&incident(), &detected(vec![noise(0.8)]));
    assert_eq!((sure.verdict, sure.confidence, sure.change), (Verdict::Dismissed, 0.8, None));
    assert_eq!(sure.dismissal.unwrap().0, DismissalReason::Noise);

    let mut two = detected(vec![noise(0.51)]);
    let blind = conclude(&incident(), &two);
    assert_eq!((blind.verdict, blind.confidence, blind.dismissal), (Verdict::Inconclusive, 0.51, None));
    assert!(blind.missing.unwrap().contains("a longer window"));
    step(&mut two, "other", Kind::ChangePoint, &[], Status::Ok, vec![noise(0.9)]);
    assert_eq!(
        (conclude(&incident(), &two).verdict, conclude(&incident(), &two).confidence),
        (Verdict::Dismissed, 0.9)
    );

    // Who does not look for changes knows nothing of how many would have been seen.
    let mut third = detected(vec![noise(0.51)]);
    step(&mut third, "stranger", Kind::Dismissal, &[], Status::Ok, vec![noise(0.999)]);
    assert_eq!(conclude(&incident(), &third).verdict, Verdict::Inconclusive);

    // Somebody else saw one: of two that look, the one who sees more is right.
    let mut seen = detected(vec![noise(0.99)]);
    step(&mut seen, "other", Kind::ChangePoint, &[], Status::Ok, vec![change(10, 1.0, 2.0, 0.95)]);
    let alone = conclude(&incident(), &detected(vec![change(10, 1.0, 2.0, 0.95)]));
    assert_eq!(conclude(&incident(), &seen).confidence, alone.confidence);
    // Who names a change as chance speaks against it.
    let named = vec![dismissal(DismissalReason::Noise, Some("e2"), 0.99)];
    step(&mut seen, "third", Kind::Dismissal, &[], Status::Ok, named);
    assert_eq!(conclude(&incident(), &seen).verdict, Verdict::Dismissed);

    // One who could not look might have seen a change.
    let mut partly = detected(vec![noise(0.99)]);
    step(&mut partly, "blind", Kind::ChangePoint, &[], Status::Error, Vec::new());
    assert_eq!(conclude(&incident(), &partly).verdict, Verdict::Inconclusive);
    // And a season is another answer than noise, as sure as that may be.
    step(
        &mut partly,
        "season",
        Kind::Dismissal,
        &[],
        Status::Ok,
        vec![dismissal(DismissalReason::Seasonal, None, 0.6)],
    );
    assert_eq!(conclude(&incident(), &partly).dismissal.unwrap().0, DismissalReason::Seasonal);
}

#[test]
fn nobody_could_look_is_inconclusive_and_says_what_would_settle_it() {
    for status in [Status::Error, Status::Trap, Status::Timeout, Status::Denied, Status::Invalid] {
        let mut board = Board::default();
        step(&mut board, "detector", Kind::ChangePoint, &[], status, Vec::new());
        let conclusion = conclude(&incident(), &board);
        assert_eq!(conclusion.verdict, Verdict::Inconclusive);
        assert!(conclusion.missing.unwrap().contains("no series"));
    }
    assert_eq!(conclude(&incident(), &Board::default()).verdict, Verdict::Inconclusive);
}

/// That somebody else found nothing is no proof while the one who could have found something failed.
#[test]
fn nothing_was_found_only_where_everybody_could_look() {
    for status in [
        Status::Error,
        Status::Trap,
        Status::Timeout,
        Status::OverBudget,
        Status::Invalid,
        Status::Cancelled,
        Status::Skipped,
    ] {
        let mut board = Board::default();
        step(&mut board, "detector", Kind::ChangePoint, &[], status, Vec::new());
        step(&mut board, "other", Kind::ChangePoint, &[], Status::Ok, Vec::new());
        let conclusion = conclude(&incident(), &board);
        assert_eq!(
            (conclusion.verdict, conclusion.dismissal, conclusion.confidence),
            (Verdict::Inconclusive, None, 0.5)
        );
        let missing = conclusion.missing.unwrap();
        assert!(missing.contains("detector@1.0.0: not-found: no series"), "{missing}");
        assert!(missing.contains("other@1.0.0 found nothing"), "{missing}");
        // Somebody who knows what raised the alarm is believed all the same.
        let season = vec![dismissal(DismissalReason::Seasonal, None, 0.9)];
        step(&mut board, "season", Kind::Dismissal, &[], Status::Ok, season);
        assert_eq!(conclude(&incident(), &board).verdict, Verdict::Dismissed);

        // It could have found a change for the worse, too.
        let mut better = Board::default();
        step(&mut better, "other", Kind::ChangePoint, &[], Status::Ok, vec![change(10, 2.0, 1.0, 0.99)]);
        assert_eq!(conclude(&incident(), &better).verdict, Verdict::Dismissed);
        step(&mut better, "detector", Kind::ChangePoint, &[], status, Vec::new());
        let conclusion = conclude(&incident(), &better);
        assert_eq!((conclusion.verdict, conclusion.change), (Verdict::Inconclusive, None));
        assert!(!conclusion.missing.unwrap().contains("found nothing"));

        // What an earlier step of the same skill found out stands.
        let mut again = detected(Vec::new());
        step(&mut again, "detector", Kind::ChangePoint, &[], status, Vec::new());
        assert_eq!(conclude(&incident(), &again).verdict, Verdict::Dismissed);
        // So it is not waited for, nor is whom nobody gave the right to run: neither is named among those that are.
        step(&mut again, "stranger", Kind::ChangePoint, &[], Status::Denied, Vec::new());
        step(&mut again, "blind", Kind::ChangePoint, &[], status, Vec::new());
        let missing = conclude(&incident(), &again).missing.unwrap();
        assert!(missing.contains("(blind@1.0.0: not-found: no series; that detector@1.0.0 found nothing"), "{missing}");
    }
    // Nobody waits for whom an operator gave no rights; what ran and was refused an answer could not look.
    let denied = |tools: &[Tool]| {
        let mut board = detected(Vec::new());
        step(&mut board, "stranger", Kind::ChangePoint, tools, Status::Denied, Vec::new());
        conclude(&incident(), &board).verdict
    };
    assert_eq!((denied(&[]), denied(&[Tool::Metrics])), (Verdict::Dismissed, Verdict::Inconclusive));
}

#[test]
fn a_change_that_hurts_is_a_regression() {
    let conclusion = conclude(&incident(), &detected(vec![change(10, 1.0, 2.0, 0.99)]));
    assert_eq!((conclusion.verdict, conclusion.change.as_deref()), (Verdict::Regression, Some("e1")));
    assert!((0.98..1.0).contains(&conclusion.confidence));
    let doubtful = conclude(&incident(), &detected(vec![change(10, 1.0, 2.0, 0.4)]));
    assert_eq!(doubtful.verdict, Verdict::Inconclusive);
    assert!(doubtful.missing.is_some());
}

#[test]
fn nobody_calls_it_a_regression_while_a_dismissal_is_unheard() {
    let board = detected(vec![change(10, 1.0, 2.0, 0.99)]);
    let conclusion = negawatt_planner::conclude(&incident(), &board, true);
    assert_eq!(conclusion.verdict, Verdict::Inconclusive);
    assert!(conclusion.missing.is_some_and(|missing| missing.contains("budget")));
    // What is noise anyway needs nobody else.
    assert_eq!(negawatt_planner::conclude(&incident(), &detected(Vec::new()), true).verdict, Verdict::Dismissed);
}

#[test]
fn a_change_that_helps_is_dismissed() {
    let conclusion = conclude(&incident(), &detected(vec![change(10, 2.0, 1.0, 0.99)]));
    assert_eq!(conclusion.verdict, Verdict::Dismissed);
    assert_eq!(conclusion.dismissal.unwrap().0, DismissalReason::Other);
    assert_eq!(conclusion.change.as_deref(), Some("e1"));
}

#[test]
fn a_dismissal_wins_when_its_odds_are_greater_and_speaks_of_this_change() {
    let with = |of: Option<&str>, confidence| {
        let mut board = detected(vec![change(10, 1.0, 2.0, 0.95)]);
        let found = vec![dismissal(DismissalReason::Seasonal, of, confidence)];
        step(&mut board, "season", Kind::Dismissal, &[], Status::Ok, found);
        conclude(&incident(), &board)
    };
    assert_eq!(with(Some("e1"), 0.97).verdict, Verdict::Dismissed);
    assert_eq!(with(None, 0.97).dismissal.unwrap().0, DismissalReason::Seasonal);
    assert_eq!(with(Some("e1"), 0.9).verdict, Verdict::Regression);
    assert_eq!(with(Some("e7"), 0.99).verdict, Verdict::Regression);
    // Contrary evidence that loses still lowers the confidence.
    assert!(with(Some("e1"), 0.9).confidence < with(Some("e1"), 0.1).confidence);
}

#[test]
fn a_dismissed_excursion_does_not_hide_a_lasting_step() {
    // The spike is four times as large as the step, and would explain the incident.
    let changes = vec![change(10, 1.0, 9.0, 0.95), change(20, 9.0, 1.0, 0.95), change(30, 1.0, 2.0, 0.95)];
    let went_away = |of: &str| dismissal(DismissalReason::WentAway, Some(of), 0.99);
    let after = |dismissals: Vec<Finding>| {
        let mut board = detected(changes.clone());
        step(&mut board, "away", Kind::Dismissal, &[], Status::Ok, dismissals);
        let conclusion = conclude(&incident(), &board);
        (conclusion.verdict, conclusion.change.unwrap())
    };
    assert_eq!(after(Vec::new()), (Verdict::Regression, "e1".to_owned()));
    assert_eq!(after(vec![went_away("e1")]), (Verdict::Regression, "e3".to_owned()));
    // Where everything that hurts is dismissed, the case is.
    assert_eq!(after(vec![went_away("e1"), went_away("e3")]), (Verdict::Dismissed, "e1".to_owned()));
}

#[test]
fn without_a_change_a_believed_reason_for_the_alarm_is_told() {
    let with = |of: Option<&str>, confidence| {
        let mut board = detected(Vec::new());
        let found = vec![dismissal(DismissalReason::Seasonal, of, confidence)];
        step(&mut board, "season", Kind::Dismissal, &[], Status::Ok, found);
        let conclusion = conclude(&incident(), &board);
        assert_eq!(conclusion.verdict, Verdict::Dismissed);
        conclusion.dismissal.unwrap().0
    };
    assert_eq!(with(None, 0.8), DismissalReason::Seasonal);
    assert_eq!(with(None, 0.3), DismissalReason::Noise);
    assert_eq!(with(Some("e9"), 0.9), DismissalReason::Noise);
}

#[test]
fn a_later_run_of_the_same_skill_replaces_what_it_said() {
    let mut board = detected(vec![change(10, 1.0, 2.0, 0.95)]);
    let found = vec![dismissal(DismissalReason::Planned, None, 0.99)];
    step(&mut board, "planned", Kind::Dismissal, &[], Status::Ok, found);
    assert_eq!(conclude(&incident(), &board).verdict, Verdict::Dismissed);
    step(&mut board, "planned", Kind::Dismissal, &[], Status::Ok, Vec::new());
    assert_eq!(conclude(&incident(), &board).verdict, Verdict::Regression);
    step(&mut board, "planned", Kind::Dismissal, &[], Status::Trap, Vec::new());
    assert_eq!(conclude(&incident(), &board).verdict, Verdict::Regression);
}

#[test]
fn without_an_opportunity_there_is_none() {
    let asked = Incident { kind: IncidentKind::Opportunity, metric: None, ..incident() };
    assert_eq!(conclude(&asked, &Board::default()).verdict, Verdict::Inconclusive);
    let mut board = Board::default();
    step(&mut board, "hot", Kind::Opportunity, &[], Status::Ok, Vec::new());
    assert_eq!(conclude(&asked, &board).verdict, Verdict::Dismissed);
    step(&mut board, "patterns", Kind::Opportunity, &[], Status::Trap, Vec::new());
    assert_eq!(conclude(&asked, &board).verdict, Verdict::Inconclusive);
}

fn explaining(worse: Direction, changes: &[(i64, f64, f64, f64)]) -> Option<i64> {
    let mut incident = incident();
    if let Some(metric) = &mut incident.metric {
        metric.worse = worse;
    }
    let board = detected(changes.iter().map(|(time, before, after, p)| change(*time, *before, *after, *p)).collect());
    match &explaining_change(&incident, &board)?.evidence.finding.body {
        FindingBody::ChangePoint(change) => Some(change.time),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_hurts_explains() {
    assert_eq!(explaining(Direction::Up, &[]), None);
    assert_eq!(explaining(Direction::Up, &[(10, 5.0, 1.0, 1.0)]), None);
    assert_eq!(explaining(Direction::Up, &[(10, 5.0, 1.0, 1.0), (20, 1.0, 2.0, 0.9)]), Some(20));
    assert_eq!(explaining(Direction::Down, &[(10, 5.0, 1.0, 1.0), (20, 1.0, 2.0, 0.9)]), Some(10));
}

#[test]
fn the_largest_lasting_harm_explains() {
    // A staircase: the larger step, wherever it is.
    assert_eq!(explaining(Direction::Up, &[(10, 1.0, 4.0, 0.9), (20, 4.0, 5.0, 0.9)]), Some(10));
    assert_eq!(explaining(Direction::Up, &[(10, 1.0, 2.0, 0.9), (20, 2.0, 5.0, 0.9)]), Some(20));
    // Two equal steps: the later, in whatever order they were accepted.
    assert_eq!(explaining(Direction::Up, &[(20, 2.0, 3.0, 0.9), (10, 1.0, 2.0, 0.9)]), Some(20));
    // A large step that is hardly believed loses to a smaller one that is certain.
    assert_eq!(explaining(Direction::Up, &[(10, 1.0, 4.0, 0.2), (20, 4.0, 5.0, 0.99)]), Some(20));
}

#[test]
fn an_excursion_loses_to_what_lasts_but_explains_what_does_not() {
    let spike = [(10, 1.0, 3.0, 0.9), (20, 3.0, 1.0, 0.9)];
    assert_eq!(explaining(Direction::Up, &spike), Some(10));
    assert_eq!(explaining(Direction::Up, &[spike[0], spike[1], (30, 1.0, 2.0, 0.9)]), Some(30));
    assert_eq!(explaining(Direction::Up, &[spike[0], spike[1], (30, 1.0, 1.1, 0.9)]), Some(10));
}

#[test]
fn no_number_is_large_enough_to_win_by_itself() {
    // An enormous change that is hardly believed beside one that is.
    assert_eq!(explaining(Direction::Up, &[(10, 1.0, 1.3, 0.99), (20, 0.0, 1e300, 1e-6)]), Some(10));
    assert_eq!(explaining(Direction::Up, &[(10, 1.0, 1.3, 0.99), (20, -1e308, 1e308, 0.4)]), Some(10));
    let board = detected(vec![change(10, 1.0, 1.3, 0.99), change(20, 0.0, 1e300, 1e-6)]);
    let conclusion = conclude(&incident(), &board);
    assert_eq!((conclusion.verdict, conclusion.change.as_deref()), (Verdict::Regression, Some("e1")));
}

#[test]
fn spread_explains_no_level() {
    let mut wider = change(10, 1.0, 4.0, 0.9);
    if let FindingBody::ChangePoint(change) = &mut wider.body {
        change.shape = Shape::Variance;
    }
    let board = detected(vec![wider, change(20, 4.0, 5.0, 0.9)]);
    assert_eq!(explaining_change(&incident(), &board).unwrap().evidence.id, "e2");
}

#[test]
fn who_was_put_aside_has_not_looked_and_keeps_nobody_from_a_verdict() {
    let aside = |board: &mut Board, produces: Kind| {
        let (skill, reason) = ("gc@1.0.0".to_owned(), "it failed 5 times in a row".to_owned());
        board.put_aside(negawatt_planner::Aside { skill, produces: vec![produces], reason });
    };
    // Another one found nothing; that does not speak for the one that could not look.
    let mut board = detected(Vec::new());
    assert_eq!(conclude(&incident(), &board).verdict, Verdict::Dismissed);
    aside(&mut board, Kind::ChangePoint);
    let conclusion = conclude(&incident(), &board);
    assert_eq!(conclusion.verdict, Verdict::Inconclusive);
    let missing = conclusion.missing.unwrap();
    assert!(missing.contains("gc@1.0.0 was put aside: it failed 5 times in a row"), "{missing}");

    // One that could have dismissed the change is like one that traps.
    let mut board = detected(vec![change(10, 1.0, 2.0, 0.99)]);
    aside(&mut board, Kind::Dismissal);
    assert_eq!(conclude(&incident(), &board).verdict, Verdict::Regression);
}
