use negawatt_skill::Dice;

use super::service::{Sampling, Service, USUAL};
use crate::Answer;

/// Confidences that beat a change point of 0.99 are those that count.
const WINS: f64 = 0.01;

/// A service and two of its functions that never meet on a stack.
fn two(dice: &mut Dice) -> (Service, String, String) {
    loop {
        let service = Service::new(dice);
        let sized = service.sized(0.03..0.12);
        let apart = |one: &String, other: &String| !service.meet(one, other) && one != other;
        let pairs: Vec<(&String, &String)> = sized
            .iter()
            .flat_map(|one| sized.iter().map(move |other| (one, other)))
            .filter(|(one, other)| apart(one, other))
            .collect();
        if !pairs.is_empty() {
            let (one, other) = pairs[dice.below(pairs.len())];
            return (service.clone(), one.clone(), other.clone());
        }
    }
}

/// Of so many simulations, the part in which the skill wins against a sure change.
fn wins(runs: u64, one: impl Fn(&mut Dice) -> Option<Answer>) -> f64 {
    let won = (0..runs).filter(|seed| one(&mut Dice::new(*seed)).is_some_and(|answer| answer.doubt < WINS)).count();
    won as f64 / runs as f64
}

const RUNS: u64 = 30;

/// Moves a part of the cost of `from` to `to`, where it costs `factor` times as much.
fn hand_over(service: &mut Service, from: &str, to: &str, part: f64, factor: f64) {
    let (cost, all) = (part * service.cost(from).0, service.cost(to).0);
    service.scale(from, false, 1.0 - part);
    service.scale(to, false, 1.0 + factor * cost / all);
}

fn renamed(service: &mut Service, from: &str, to: &str, factor: f64) {
    service.replace(factor, |stack| {
        let at = stack.iter().position(|name| name == from)?;
        let mut stack = stack.to_vec();
        stack[at] = to.to_owned();
        Some(stack)
    });
}

#[test]
fn cost_that_moved_to_another_function_is_no_regression() {
    let found = wins(RUNS, |dice| {
        let (mut service, to, from) = two(dice);
        hand_over(&mut service, &from, &to, 0.8, 1.0);
        service.ask(dice, USUAL, &to)
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn cost_that_grew_is_one() {
    for factor in [1.1, 1.5, 3.0, 8.0] {
        let found = wins(RUNS, |dice| {
            let (mut service, to, _) = two(dice);
            service.scale(&to, false, factor);
            service.ask(dice, USUAL, &to)
        });
        assert!(found <= 0.02, "{found} at {factor}");
    }
}

#[test]
fn cost_that_grew_below_it_is_one() {
    let found = wins(RUNS, |dice| {
        let (mut service, to, _) = two(dice);
        let inner: Vec<String> =
            service.sized(0.002..0.1).into_iter().filter(|name| *name != to && service.meet(&to, name)).collect();
        let callee = &inner[dice.below(inner.len())];
        service.scale(callee, true, 6.0);
        service.ask(dice, USUAL, &to)
    });
    assert!(found <= 0.02, "{found}");
}

#[test]
fn a_renamed_function_is_no_regression() {
    let found = wins(RUNS, |dice| {
        let (mut service, from, _) = two(dice);
        renamed(&mut service, &from, "module_9::renamed", 1.0);
        service.ask(dice, USUAL, "module_9::renamed")
    });
    assert!(found >= 0.95, "{found}");
}

#[test]
fn a_renamed_function_that_grew_is_one() {
    // The less it grew, the more samples it takes to see it.
    for (factor, samples) in [(1.2, 60_000.0), (1.3, 20_000.0), (1.6, 6_000.0), (2.5, 6_000.0)] {
        let found = wins(RUNS, |dice| {
            let (mut service, from, _) = two(dice);
            renamed(&mut service, &from, "module_9::renamed", factor);
            service.ask(dice, Sampling { samples, spread: 0.05, ..USUAL }, "module_9::renamed")
        });
        assert!(found <= 0.04, "{found} at {factor}");
    }
}

#[test]
fn cost_that_moved_and_doubled_is_one() {
    let found = wins(RUNS, |dice| {
        let (mut service, to, from) = two(dice);
        hand_over(&mut service, &from, &to, 0.8, 2.0);
        service.ask(dice, USUAL, &to)
    });
    assert!(found <= 0.04, "{found}");
}

#[test]
fn what_was_inlined_is_no_regression_of_its_caller() {
    // The metric counts the caller without what it calls: its levels are nearer to those.
    let found = wins(RUNS, |dice| {
        let (mut service, outer, _) = two(dice);
        service.add(&["main", "web::Handler::route_0", &outer], 0.02);
        service.add(&["main", "web::Handler::route_0", &outer, "module_9::inlined"], 0.03);
        service.replace(1.0, |stack| {
            let (leaf, above) = stack.split_last()?;
            (leaf == "module_9::inlined").then(|| above.to_vec())
        });
        service.ask_of_own(dice, USUAL, &outer)
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn a_caller_that_takes_another_path_is_no_regression() {
    // What called `inner` through one function calls it through another.
    let found = wins(RUNS, |dice| {
        let (mut service, one, other) = two(dice);
        for path in [&one, &other] {
            service.add(&["main", "web::Handler::route_1", path, "module_9::inner"], 0.04);
        }
        service.replace(1.0, |stack| {
            let goes = stack.len() > 1 && stack[stack.len() - 2] == one && stack[stack.len() - 1] == "module_9::inner";
            goes.then(|| vec!["main".into(), "web::Handler::route_1".into(), other.clone(), "module_9::inner".into()])
        });
        service.ask(dice, USUAL, &other)
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn two_functions_that_became_one_paid_together() {
    let found = wins(RUNS, |dice| {
        let (mut service, one, other) = two(dice);
        renamed(&mut service, &one, "module_9::merged", 1.0);
        renamed(&mut service, &other, "module_9::merged", 1.0);
        service.ask(dice, USUAL, "module_9::merged")
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn noise_is_not_dismissed() {
    let found = wins(RUNS, |dice| {
        let (service, to, _) = two(dice);
        service.ask(dice, USUAL, &to)
    });
    assert_eq!(found, 0.0);
}

#[test]
fn a_part_that_became_a_helper_is_no_regression() {
    // A helper exists below another caller already; now `from` calls it for what it did itself.
    let found = wins(RUNS, |dice| {
        let (mut service, from, other) = two(dice);
        service.add(&["main", "web::Handler::route_0", &other, "util::helper"], 0.02);
        let stack = |stack: &[String]| stack.contains(&from);
        let from_stacks: Vec<Vec<String>> =
            service.lines.iter().map(|line| line.stack.clone()).filter(|line| stack(line)).collect();
        service.replace(1.0, |line| {
            let at = from_stacks.iter().position(|stack| stack == line)?;
            (at % 2 == 0).then(|| [line, &["util::helper".to_owned()]].concat())
        });
        service.ask(dice, USUAL, "util::helper")
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn a_helper_shared_by_two_callers_is_paid_for_by_both() {
    let found = wins(RUNS, |dice| {
        let (mut service, one, other) = two(dice);
        service.add(&["main", "web::Handler::route_1", "util::helper"], 0.01);
        for caller in [&one, &other] {
            service.add(&["main", "web::Handler::route_2", caller], 0.03);
        }
        service.replace(1.0, |line| {
            let is_own = line.last().is_some_and(|leaf| *leaf == one || *leaf == other);
            is_own.then(|| [line, &["util::helper".to_owned()]].concat())
        });
        service.ask(dice, USUAL, "util::helper")
    });
    assert!(found >= 0.9, "{found}");
}

#[test]
fn a_large_share_that_makes_room_pays_for_nothing() {
    // A function of 4 % grows to a third of all; one of 40 % makes room by more than ten points.
    let found = wins(RUNS, |dice| {
        let (mut service, to, other) = two(dice);
        service.add(&["main", "web::Handler::route_3", &other], 0.6);
        service.scale(&to, false, 9.0);
        service.ask(dice, USUAL, &to)
    });
    assert!(found <= 0.02, "{found}");
}

#[test]
fn the_collector_that_works_more_does_not_hide_growth() {
    let found = wins(RUNS, |dice| {
        let (mut service, to, _) = two(dice);
        service.scale(&to, false, 2.5);
        service.scale("gc::mark", false, 2.5);
        service.scale("gc::sweep", false, 2.0);
        service.ask(dice, USUAL, &to)
    });
    assert!(found <= 0.02, "{found}");
}

#[test]
fn few_files_say_little_and_nothing_wrong() {
    let few = Sampling { files: 8, samples: 1_500.0, spread: 0.15, likeness: 0.5 };
    let found = wins(60, |dice| {
        let (mut service, to, _) = two(dice);
        service.scale(&to, false, 1.6);
        service.ask(dice, few, &to)
    });
    assert!(found <= 0.01, "{found}");
}
