//! The built program on generated cases: regressions are attributed to the right commit and author at the right time, noise is
//! dismissed, hostile text changes nothing, and missing data is said to be missing.

use std::path::Path;
use std::sync::Mutex;

use negawatt_casegen::{Scenario, Truth, generate};
use serde_json::Value;

use crate::common;

/// Runs cases of a scenario on two threads; gives the answers with the truths.
fn cases(scenario: Scenario, seeds: std::ops::Range<u64>) -> Vec<(u64, Value, Truth)> {
    changed_cases(scenario, seeds, &|_| {})
}

/// The same, of cases in whose folders something is changed before.
fn changed_cases(
    scenario: Scenario,
    seeds: std::ops::Range<u64>,
    change: &(dyn Fn(&Path) + Sync),
) -> Vec<(u64, Value, Truth)> {
    let seeds = Mutex::new(seeds);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().next() else { return };
                    let folder = tempfile::tempdir().unwrap();
                    let truth = generate(scenario, seed, folder.path()).unwrap();
                    std::fs::remove_file(folder.path().join("truth.json")).unwrap();
                    change(folder.path());
                    let answer = common::investigate(folder.path());
                    done.lock().unwrap().push((seed, answer, truth));
                }
            });
        }
    });
    done.into_inner().unwrap()
}

/// Whether verdict, reason, culprit and author are right.
fn is_right(answer: &Value, truth: &Truth) -> bool {
    let expected = truth.to_json();
    let suspect = &answer["suspects"][0];
    answer["verdict"] == expected["verdict"]
        && (expected["reason"].is_null() || answer["dismissal"]["reason"] == expected["reason"])
        && match &expected["suspect"] {
            Value::Null => true,
            culprit => {
                suspect["id"] == culprit["id"]
                    && suspect["kind"] == culprit["kind"]
                    && suspect["author"] == culprit["author"]
            }
        }
}

fn seconds(time: &Value) -> i64 {
    let text = time.as_str().unwrap();
    negawatt_host::time::parse_rfc3339(text).unwrap() / 1_000_000
}

/// At least so many of the cases must be right; which are not is said.
fn check(scenario: Scenario, seeds: std::ops::Range<u64>, at_least: usize) {
    check_cases(&cases(scenario, seeds), at_least);
}

fn check_cases(cases: &[(u64, Value, Truth)], at_least: usize) {
    let count = cases.len();
    let wrong: Vec<_> = cases.iter().filter(|(_, answer, truth)| !is_right(answer, truth)).collect();
    let told: Vec<_> = wrong
        .iter()
        .map(|(seed, answer, truth)| {
            let got = (&answer["verdict"], &answer["dismissal"]["reason"], &answer["suspects"][0]["id"]);
            format!("seed {seed}: {got:?}, expected {}", truth.to_json())
        })
        .collect();
    assert!(count - wrong.len() >= at_least, "{} of {count} right\n{}", count - wrong.len(), told.join("\n"));
}

#[test]
fn regressions_are_attributed_to_the_right_commit_and_author() {
    check(Scenario::Commit, 5_000..5_010, 9);
}

#[test]
fn a_callee_in_another_file_is_found() {
    check(Scenario::Callee, 5_000..5_006, 5);
}

#[test]
fn many_commits_in_the_same_hour_do_not_confuse() {
    check(Scenario::Distractors, 5_000..5_006, 5);
}

#[test]
fn hostile_text_changes_nothing() {
    check(Scenario::Hostile, 5_000..5_006, 6);
}

#[test]
fn pure_noise_is_dismissed() {
    check(Scenario::Noise, 5_000..5_010, 9);
}

#[test]
fn a_spike_that_went_away_is_dismissed() {
    check(Scenario::Spike, 5_000..5_006, 5);
}

#[test]
fn a_daily_season_is_dismissed() {
    check(Scenario::Season, 5_000..5_006, 5);
}

#[test]
fn cost_that_moved_is_dismissed() {
    check(Scenario::CostShift, 5_000..5_006, 5);
}

#[test]
fn a_configuration_change_is_blamed() {
    check(Scenario::Config, 5_000..5_006, 5);
}

/// Thousands of innocent records of the same service, from one writer and at any time.
#[test]
fn a_configuration_change_is_blamed_in_a_flood_of_others() {
    let flood = |folder: &Path| {
        let incident: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("incident.json")).unwrap()).unwrap();
        let (start, end) = (seconds(&incident["window"]["start"]), seconds(&incident["window"]["end"]));
        let mut lines = std::fs::read_to_string(folder.join("configs.jsonl")).unwrap();
        for n in 0..5_000 {
            let time = start + (end - start) * n / 5_000;
            let (service, key) = (&incident["service"], if n % 2 == 0 { "mail.interval" } else { "audit.interval" });
            let record = serde_json::json!({
                "id": format!("flood-{n}"), "time": time, "service": service, "key": key, "before": 10, "after": 11,
                "author": "bot",
            });
            lines += &format!("\n{record}");
        }
        common::write(folder.join("configs.jsonl"), &lines);
    };
    check_cases(&changed_cases(Scenario::Config, 5_000..5_006, &flood), 5);
}

#[test]
fn an_experiment_is_blamed() {
    check(Scenario::Experiment, 5_000..5_006, 5);
}

#[test]
fn a_slow_drift_is_attributed() {
    check(Scenario::Drift, 5_000..5_006, 5);
}

#[test]
fn an_improvement_is_no_regression() {
    check(Scenario::Improvement, 5_000..5_005, 4);
}

#[test]
fn too_little_data_is_inconclusive() {
    check(Scenario::Short, 5_000..5_005, 5);
    check(Scenario::Late, 5_000..5_005, 4);
}

#[test]
fn a_metric_that_hurts_downward_is_understood() {
    check(Scenario::WorseDown, 5_000..5_005, 4);
}

#[test]
fn the_time_of_the_change_is_right() {
    let cases = cases(Scenario::Commit, 6_000..6_006);
    let off: Vec<_> = cases
        .iter()
        .filter(|(_, answer, truth)| {
            let expected = truth.to_json();
            let window = &answer["incident"]["window"];
            // Within one part in a hundred of the window.
            let slack = (seconds(&window["end"]) - seconds(&window["start"])) / 100;
            answer["change_point"]["time"].is_null()
                || (seconds(&answer["change_point"]["time"]) - seconds(&expected["change_time"])).abs() > slack
        })
        .map(|(seed, answer, truth)| format!("seed {seed}: {} {}", answer["change_point"], truth.to_json()))
        .collect();
    assert!(off.len() <= 1, "{}", off.join("\n"));
}
