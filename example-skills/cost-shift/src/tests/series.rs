use negawatt_skill::Dice;
use negawatt_skill::prelude::*;
use negawatt_skill::stretches::Around;

use crate::balance::Moved;
use crate::{functions, services};

const POINTS: i64 = 240;
const STEP: i64 = 60 * time::SECOND;
const CHANGE: i64 = POINTS / 2 * STEP;
const WINS: f64 = 0.01;

/// A series at a level that changes by `by` at a time, with noise that is alike from point to point, and points that are missing
/// or late.
fn series(dice: &mut Dice, label: &str, value: &str, level: f64, by: f64, at: i64, noise: f64) -> metrics::Series {
    let labels = vec![Label { name: label.into(), value: value.into() }];
    let (mut times, mut values, mut state) = (Vec::new(), Vec::new(), dice.normal());
    for point in 0..POINTS {
        state = 0.4 * state + 0.84_f64.sqrt() * dice.normal();
        if dice.unit() < 0.03 {
            continue;
        }
        let time = point * STEP + (dice.unit() * 0.05 * STEP as f64) as i64;
        times.push(time);
        values.push(level + if time >= at { by } else { 0.0 } + noise * state);
    }
    metrics::Series { labels, times, values }
}

fn part(runs: u64, one: impl Fn(&mut Dice) -> Option<Moved>) -> f64 {
    let won = (0..runs).filter(|seed| one(&mut Dice::new(*seed)).is_some_and(|moved| moved.doubt < WINS)).count();
    won as f64 / runs as f64
}

fn around() -> Around {
    Around::new(CHANGE, [CHANGE], crate::ENOUGH)
}

/// What is said of `cart` when it rises by 10 of 100 cores and its neighbour changes so, among others that stay.
fn of_services(dice: &mut Dice, neighbour: f64, at: i64) -> Option<Moved> {
    let mut all = vec![
        series(dice, "service", "cart", 100.0, 10.0, CHANGE, 2.0),
        series(dice, "service", "auth", 80.0, neighbour, at, 2.0),
    ];
    for other in ["users", "web", "search"] {
        let level = dice.between(20.0, 300.0);
        all.push(series(dice, "service", other, level, 0.0, CHANGE, 2.0));
    }
    let near = all.iter().map(|one| one.labels[0].value.clone()).collect();
    services::among(&all, "cart", &near, &around()).map(|(_, moved)| moved)
}

#[test]
fn what_one_service_lost_another_has() {
    let found = part(100, |dice| of_services(dice, -10.0, CHANGE));
    assert!(found >= 0.95, "{found}");
}

#[test]
fn what_no_service_lost_was_added() {
    assert_eq!(part(200, |dice| of_services(dice, 0.0, CHANGE)), 0.0);
    assert_eq!(part(100, |dice| of_services(dice, 3.0, CHANGE)), 0.0);
    assert!(part(100, |dice| of_services(dice, -5.0, CHANGE)) <= 0.02, "half of it was added");
}

#[test]
fn what_was_lost_at_another_time_or_is_far_more_is_something_else() {
    assert!(part(100, |dice| of_services(dice, -10.0, CHANGE / 2)) <= 0.02);
    assert!(part(100, |dice| of_services(dice, -10.0, CHANGE * 3 / 2)) <= 0.02);
    assert_eq!(part(100, |dice| of_services(dice, -40.0, CHANGE)), 0.0);
}

#[test]
fn only_services_near_by_pay() {
    let mut dice = Dice::new(1);
    let all = [
        series(&mut dice, "service", "cart", 100.0, 10.0, CHANGE, 1.0),
        series(&mut dice, "service", "auth", 80.0, -10.0, CHANGE, 1.0),
    ];
    let edge = |caller: &str, callee: &str| topology::Edge { caller: caller.into(), callee: callee.into() };
    let far = [edge("cart", "a"), edge("b", "a"), edge("b", "auth")];
    assert!(services::among(&all, "cart", &services::near("cart", &far), &around()).is_none());
    let siblings = [edge("web", "cart"), edge("web", "auth")];
    assert!(services::among(&all, "cart", &services::near("cart", &siblings), &around()).is_some());
}

/// What is said of `new` by shares of functions alone, when it rises from 5 % to 9 % of CPU.
fn of_functions(dice: &mut Dice, old: f64, large: f64) -> Option<Moved> {
    let all = [
        series(dice, "function", "new", 0.05, 0.04, CHANGE, 0.003),
        series(dice, "function", "old", 0.10, old, CHANGE, 0.003),
        series(dice, "function", "large", 0.55, large, CHANGE, 0.003),
    ];
    functions::among(&all, "new", &around()).map(|(_, moved)| moved)
}

#[test]
fn shares_of_functions_tell_without_profiles() {
    let found = part(100, |dice| of_functions(dice, -0.04, 0.0));
    assert!(found >= 0.95, "{found}");
    // 4.4 % more of all cost: the others keep 0.958 of their shares, the large one loses 2.3 points.
    let found = part(100, |dice| of_functions(dice, -0.0042, -0.0232));
    assert_eq!(found, 0.0);
}

#[test]
fn amounts_add_up_that_are_no_parts() {
    let metric = |name: &str| Metric {
        name: name.into(),
        labels: Vec::new(),
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    for name in ["cpu_usage_cores", "process_cpu_seconds_total", "container.cpu.millicores", "CPU_Seconds"] {
        assert!(services::adds_up(&metric(name)), "{name}");
    }
    for name in
        ["cpu_seconds_per_request", "cpu_utilization", "latency_seconds", "cpu_percent", "cpu_idle_seconds", "cpu"]
    {
        assert!(!services::adds_up(&metric(name)), "{name}");
    }
    let mean = Aggregate { operation: Aggregation::Avg, by: vec![] };
    assert!(!services::adds_up(&Metric { aggregate: Some(mean), ..metric("cpu_usage_cores") }));
}
