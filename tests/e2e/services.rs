//! A service that got slower because of one that it calls: named where the metrics tell, and where they do not, nobody.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::common::{investigate, write};

/// A shop behind a gateway, at ten minutes a point over two days, from levels before and after 20 November 2026, 06:00.
fn case(folder: &Path, metric: &str, services: &[(&str, f64, f64)]) {
    let mut csv = String::from("time,service,value\n");
    for (seed, (service, before, after)) in services.iter().enumerate() {
        let mut dice = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1);
        for point in 0..288 {
            // Knuth's generator; the sum of four is about as good as normal.
            let mut roll = || {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (dice >> 40) as f64 / (1 << 24) as f64 - 0.5
            };
            let noise = 0.05 * before * (roll() + roll() + roll() + roll());
            let level = if point < 180 { before } else { after };
            let (day, hour, minute) = (19 + point / 144, point % 144 / 6, point % 6 * 10);
            writeln!(csv, "2026-11-{day}T{hour:02}:{minute:02}:00Z,{service},{:.5}", level + noise).unwrap();
        }
    }
    write(folder.join("metrics").join(metric).with_extension("csv"), &csv);
    write(
        folder.join("topology.csv"),
        "caller,callee\ngateway,shop\nshop,cart\nshop,search\ncart,database\nreports,database\n",
    );
    write(
        folder.join("incident.json"),
        &serde_json::json!({
            "kind": "regression", "title": format!("{metric} of shop up"), "service": "shop",
            "metric": { "name": metric, "labels": { "service": "shop" } },
            "window": { "start": "2026-11-19T00:00:00Z", "end": "2026-11-21T00:00:00Z" },
        })
        .to_string(),
    );
    write(
        folder.join("negawatt.toml"),
        "[casebook]\npath = \"casebook\"\n[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n\
         [sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n",
    );
}

/// The answer of a case in which the skill ran, and how many findings it had.
fn ask(metric: &str, services: &[(&str, f64, f64)]) -> (Value, usize) {
    let folder = tempfile::tempdir().unwrap();
    case(folder.path(), metric, services);
    let answer = investigate(folder.path());
    assert_eq!(answer["verdict"], "regression", "{answer}");
    assert_eq!(answer["change_point"]["time"], "2026-11-20T06:00:00Z");
    let plan = answer["plan"].as_array().unwrap();
    let step = plan.iter().find(|step| step["skill"].as_str().unwrap().starts_with("service-rca@")).unwrap();
    assert_eq!(step["status"], "ok", "{step}");
    let found = step["evidence"].as_array().unwrap().len();
    (answer, found)
}

/// What the shop calls; all that lies on the way to the database waits for it.
const SLOW_DATABASE: [(&str, f64, f64); 5] = [
    ("gateway", 0.25, 0.34),
    ("shop", 0.20, 0.29),
    ("cart", 0.10, 0.19),
    ("search", 0.06, 0.06),
    ("database", 0.02, 0.11),
];

#[test]
fn the_deepest_service_that_got_slower_is_named() {
    let (answer, _) = ask("request_seconds", &SLOW_DATABASE);
    let suspects = answer["suspects"].as_array().unwrap();
    let first = &suspects[0];
    assert_eq!((&first["kind"], &first["id"]), (&"service".into(), &"database".into()), "{suspects:?}");
    assert!(first["confidence"].as_f64().unwrap() > 0.8, "{first}");
    assert!(first["author"].is_null() && first["files"] == serde_json::json!([]), "{first}");
    let factor = &first["factors"][0];
    let reason = factor["reason"].as_str().unwrap();
    assert!(factor["skill"].as_str().unwrap().starts_with("service-rca@"), "{factor}");
    assert!(
        reason.starts_with("its request_seconds rose from 0.02") && reason.ends_with("it calls nothing"),
        "{reason}"
    );
    // Who waits, calls from above, or did not shift is not blamed beside it.
    let others = suspects[1..].iter().map(|suspect| suspect["confidence"].as_f64().unwrap()).sum::<f64>();
    assert!(others < 0.2, "{suspects:?}");
    assert!(suspects.iter().all(|suspect| suspect["id"] != "gateway" && suspect["id"] != "reports"), "{suspects:?}");
}

#[test]
fn nobody_is_named_where_callees_are_not_measured_or_do_not_explain_the_metric() {
    let (answer, found) = ask("request_seconds", &SLOW_DATABASE[..2]);
    assert_eq!((found, &answer["suspects"]), (0, &serde_json::json!([])), "callees without a metric: {answer}");
    let (answer, found) = ask("cpu_seconds_per_request", &SLOW_DATABASE);
    assert_eq!((found, &answer["suspects"]), (0, &serde_json::json!([])), "CPU is one's own: {answer}");
}
