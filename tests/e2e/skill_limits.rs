//! What a call may return has a limit, and a skill that has more to say keeps within it: it says the most telling, not nothing.

mod common;

use std::fmt::Write;
use std::path::Path;

use common::{json, write};
use serde_json::Value;

/// Changes of level in the series.
const CHANGES: usize = 300;
/// Observations of each level, and a part of as many more.
const LEAST: usize = 30;

/// A year's worth of a series that changes its level a few hundred times, each level unlike its neighbours.
fn restless(folder: &Path) {
    let (mut csv, mut dice, mut time) = (String::from("time,service,value\n"), 9_u64, 1_795_000_000_u64);
    let start = time;
    for _ in 0..=CHANGES {
        // Knuth's generator.
        let mut roll = || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 40) as f64 / (1 << 24) as f64
        };
        let level = 10.0 + 200.0 * roll();
        for _ in 0..LEAST + (roll() * LEAST as f64) as usize {
            writeln!(csv, "{time},shop,{:.3}", level + 0.2 * (roll() - 0.5)).unwrap();
            time += 300;
        }
    }
    write(folder.join("metrics/queue_length.csv"), &csv);
    let rfc3339 = |seconds: u64| negawatt_host::time::rfc3339(seconds as i64 * 1_000_000);
    write(
        folder.join("incident.json"),
        &serde_json::json!({
            "kind": "regression", "title": "the queue is restless", "service": "shop",
            "metric": { "name": "queue_length", "labels": { "service": "shop" } },
            "window": { "start": rfc3339(start), "end": rfc3339(time) },
        })
        .to_string(),
    );
}

fn changes(folder: &Path, limits: &str) -> (Vec<Value>, String) {
    write(folder.join("negawatt.toml"), &format!("[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n{limits}"));
    let run = ["skill", "run", "change-point", "--incident", "incident.json", "--config", "negawatt.toml", "--json"];
    let said = json(folder, &run);
    (said["findings"].as_array().unwrap().clone(), said["log"].to_string())
}

#[test]
fn of_more_changes_than_a_call_may_return_the_largest_are_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    restless(folder.path());
    let (all, log) = changes(folder.path(), "");
    assert_eq!(all.len(), 256, "{log}");
    assert!(log.contains("changes the 256 largest are told"), "{log}");
    let (few, log) = changes(folder.path(), "[limits]\nfindings = 10\n");
    assert!(log.contains("changes the 10 largest are told"), "{log}");
    let size = |change: &Value| (change["after"].as_f64().unwrap() - change["before"].as_f64().unwrap()).abs();
    let mut largest = all.clone();
    largest.sort_by(|a, b| size(b).total_cmp(&size(a)));
    largest.truncate(10);
    largest.sort_by_key(|change| change["time"].as_str().unwrap().to_owned());
    assert_eq!(few, largest);
    assert!(all.is_sorted_by_key(|change| change["time"].as_str().unwrap()));
}
