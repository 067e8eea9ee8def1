//! What a call may hold and return has limits, and a skill with more to read or to say keeps within them: it looks at what
//! matters most and says the most telling, not nothing.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::common::{json, write};

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

/// For machines that do much else.
const TIME: &str = "time = \"300s\"\ncompute = \"60s\"\n";

fn changes(folder: &Path, limits: &str) -> (Vec<Value>, String) {
    let sources = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n";
    write(folder.join("negawatt.toml"), &format!("{sources}[limits]\n{TIME}{limits}"));
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
    let (few, log) = changes(folder.path(), "findings = 10\n");
    assert!(log.contains("changes the 10 largest are told"), "{log}");
    let size = |change: &Value| (change["after"].as_f64().unwrap() - change["before"].as_f64().unwrap()).abs();
    let mut largest = all.clone();
    largest.sort_by(|a, b| size(b).total_cmp(&size(a)));
    largest.truncate(10);
    largest.sort_by_key(|change| change["time"].as_str().unwrap().to_owned());
    assert_eq!(few, largest);
    assert!(all.is_sorted_by_key(|change| change["time"].as_str().unwrap()));
}

/// Thousands of settings, and megabytes of values, cost neither the memory of a call nor the cause its place.
#[test]
fn a_flood_of_settings_neither_costs_the_memory_nor_hides_the_cause() {
    const START: u64 = 1_795_000_000;
    const MINUTES: u64 = 2_880;
    const CHANGE: u64 = START + 1_500 * 60;
    let folder = tempfile::tempdir().unwrap();
    let mut csv = String::from("time,service,value\n");
    for minute in 0..MINUTES {
        let time = START + minute * 60;
        let level = if time < CHANGE { 1.0 } else { 2.0 };
        writeln!(csv, "{time},shop,{:.2}", level + (minute % 7) as f64 / 100.0).unwrap();
    }
    write(folder.path().join("metrics/request_seconds.csv"), &csv);
    let mut lines = String::new();
    let mut record = |id: String, time: u64, key: &str, before: &str, after: &str| {
        writeln!(
            lines,
            r#"{{"id":"{id}","time":{time},"service":"shop","key":"{key}","before":{before},"after":{after},"author":"bot"}}"#
        )
        .unwrap();
    };
    for n in 0..5_000 {
        record(format!("f{n}"), START + n * 34, "mail.interval", "10", "11");
    }
    // More than the memory of a call, and at one instant more than one answer holds.
    let long = format!("\"{}\"", "x".repeat(100_000));
    for n in 0..350 {
        record(format!("l{n}"), START + n * 480, &format!("page.{n}"), &long, "1");
        record(format!("i{n}"), CHANGE + 86_000, &format!("page.{n}"), &long, "1");
    }
    record("cause".to_owned(), CHANGE - 120, "cache.ttl_seconds", "300", "30");
    write(folder.path().join("configs.jsonl"), &lines);
    let rfc3339 = |seconds: u64| negawatt_host::time::rfc3339(seconds as i64 * 1_000_000);
    write(
        folder.path().join("incident.json"),
        &serde_json::json!({
            "kind": "regression", "title": "slow", "service": "shop",
            "metric": { "name": "request_seconds", "labels": { "service": "shop" } },
            "window": { "start": rfc3339(START), "end": rfc3339(START + MINUTES * 60) },
        })
        .to_string(),
    );
    write(
        folder.path().join("evidence.json"),
        &serde_json::json!([{
            "kind": "change-point", "confidence": 0.99, "summary": "", "because": [],
            "time": rfc3339(CHANGE), "before": 1.03, "after": 2.03, "relative": 0.97, "p_value": 1e-12,
            "method": "", "shape": "step",
        }])
        .to_string(),
    );
    // The memory is what a call has anyway.
    write(
        folder.path().join("negawatt.toml"),
        &format!(
            "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n[sources.configs]\nkind = \"files\"\n\
             path = \"configs.jsonl\"\n[limits]\nmemory = \"64MiB\"\n{TIME}"
        ),
    );
    let run = ["skill", "run", "culprit-config", "--incident", "incident.json", "--config", "negawatt.toml", "--json"];
    let said = json(folder.path(), &[&run[..], &["--evidence", "evidence.json"]].concat());
    let findings = said["findings"].as_array().unwrap();
    assert_eq!(findings.first().map(|finding| &finding["id"]), Some(&"cause".into()), "{said:#}");
    assert!(findings[0]["confidence"].as_f64().unwrap() > 0.7, "{said:#}");
}
