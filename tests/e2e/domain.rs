//! What experts of one domain know, in whole cases: an endpoint that carries a regression, a message that became larger, a log call in a
//! loop.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common;
use crate::common::{investigate, json, write};

/// The folder of a case of an example skill, whose repository serves here.
fn case_of(skill: &str, case: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    root.join("example-skills").join(skill).join("cases").join(case)
}

/// Numbers about 0, of the same generator in every run: the sum of four is about as good as normal.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut roll = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f64 / (1 << 24) as f64 - 0.5
        };
        roll() + roll() + roll() + roll()
    }
}

/// Points of ten hours, every five minutes; the change is at 04:30.
const POINTS: usize = 120;
const CHANGE: usize = 54;

fn time(point: usize) -> String {
    format!("2026-11-18T{:02}:{:02}:00Z", point / 12, point % 12 * 5)
}

/// A metric with the value of a label in each row, by levels before and after.
fn metric(folder: &Path, name: &str, label: &str, levels: &[(&str, f64, f64)]) {
    let mut noise = Noise(7);
    let mut csv = format!("time,service,{label},value\n");
    for (value, before, after) in levels {
        for point in 0..POINTS {
            let level = if point < CHANGE { before } else { after };
            writeln!(csv, "{},shop,{value},{:.6}", time(point), level * (1.0 + 0.03 * noise.next())).unwrap();
        }
    }
    write(folder.join("metrics").join(name).with_extension("csv"), &csv);
}

/// Profiles of each half hour, from stacks with their samples before and after.
fn profiles(folder: &Path, stacks: &[(&str, f64, f64)]) {
    let mut noise = Noise(9);
    for half in 0..20 {
        let mut folded = String::new();
        for (stack, before, after) in stacks {
            let level: f64 = if half < 9 { *before } else { *after };
            let count = level + level.sqrt() * noise.next();
            if count >= 1.0 {
                writeln!(folded, "{stack} {}", count.round()).unwrap();
            }
        }
        let file = format!("2026-11-18T{:02}-{:02}-00Z.folded", half / 2, half % 2 * 30);
        write(folder.join("profiles/shop").join(file), &folded);
    }
}

fn incident(folder: &Path, metric: &Value, sources: &str) {
    let incident = json!({
        "kind": "regression", "title": "shop got worse", "service": "shop", "metric": metric,
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-18T10:00:00Z" },
    });
    write(folder.join("incident.json"), &incident.to_string());
    let metrics = "[casebook]\npath = \"casebook\"\n[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n";
    write(folder.join("negawatt.toml"), &format!("{metrics}{sources}"));
}

/// A regression of CPU, with profiles and the repository of a skill's case.
fn cpu_case(skill: &str, case: &str, stacks: &[(&str, f64, f64)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    metric(folder.path(), "cpu_seconds_per_request", "zone", &[("a", 0.010, 0.0125)]);
    profiles(folder.path(), stacks);
    let repository = case_of(skill, case).join("repo.git");
    let sources = format!(
        "[sources.profiles]\nkind = \"files\"\npath = \"profiles\"\n[sources.changes]\nkind = \"git\"\npath = {repository:?}\n"
    );
    incident(folder.path(), &json!({ "name": "cpu_seconds_per_request", "labels": { "service": "shop" } }), &sources);
    let answer = investigate(folder.path());
    assert_eq!(answer["verdict"], "regression", "{answer:#}");
    answer
}

/// The log odds that a skill gives a suspect, all its factors together, and its reasons.
fn said(suspect: &Value, skill: &str) -> (f64, Vec<String>) {
    let factors = suspect["factors"].as_array().unwrap();
    let of: Vec<&Value> =
        factors.iter().filter(|factor| factor["skill"].as_str().unwrap().split('@').next() == Some(skill)).collect();
    let sum = of.iter().map(|factor| factor["log_odds"].as_f64().unwrap()).sum();
    (sum, of.iter().map(|factor| factor["reason"].as_str().unwrap().to_owned()).collect())
}

/// The step of a skill.
fn step<'a>(answer: &'a Value, skill: &str) -> &'a Value {
    let plan = answer["plan"].as_array().unwrap();
    plan.iter().find(|step| step["skill"].as_str().unwrap().split('@').next() == Some(skill)).unwrap()
}

/// No function of any stack changed: the message that is written by made code is all that tells.
#[test]
fn a_message_that_became_larger_is_blamed_where_no_function_changed() {
    let answer = cpu_case(
        "schema-change",
        "larger-message",
        &[
            (
                "main;shop::http::serve;shop::wire::serialize_product;prost::message::Message::encode_to_vec",
                1500.0,
                3900.0,
            ),
            ("main;shop::http::serve;shop::wire::serialize_cart;prost::message::Message::encode_to_vec", 700.0, 700.0),
            ("main;shop::http::serve;shop::search::find", 4000.0, 4000.0),
            ("main;shop::idle", 3000.0, 3000.0),
        ],
    );
    let suspect = &answer["suspects"][0];
    assert_eq!(
        (&suspect["kind"], &suspect["author"]),
        (&"commit".into(), &"Cleo <cleo@example.com>".into()),
        "{answer:#}"
    );
    assert!(suspect["confidence"].as_f64().unwrap() > 0.6, "{suspect:#}");
    let (ours, reasons) = said(suspect, "schema-change");
    let (theirs, _) = said(suspect, "culprit-commit");
    assert!(ours > 2.0 && theirs < 0.0, "{ours} {theirs}: {suspect:#}");
    assert!(reasons.iter().any(|reason| reason.contains("`Product`, in proto/catalog.proto")), "{reasons:?}");
}

#[test]
fn a_log_call_in_a_loop_is_named_with_its_line() {
    let logging = "info (logging/__init__.py:1477);emit (logging/__init__.py:1113)";
    let in_rule = format!("serve (shop/http.py:10);total (shop/cart.py:11);price (shop/cart.py:19);{logging}");
    let of_total = format!("serve (shop/http.py:10);total (shop/cart.py:12);{logging}");
    let answer = cpu_case(
        "logging-volume",
        "call-in-a-loop",
        &[
            ("serve (shop/http.py:10);total (shop/cart.py:11);price (shop/cart.py:17)", 4000.0, 4000.0),
            (&in_rule, 0.0, 2400.0),
            (&of_total, 200.0, 200.0),
            ("serve (shop/http.py:14);find (shop/search.py:10)", 5000.0, 5000.0),
        ],
    );
    let suspect = &answer["suspects"][0];
    assert_eq!(suspect["author"], "Cleo <cleo@example.com>", "{answer:#}");
    assert!(suspect["confidence"].as_f64().unwrap() > 0.9, "{suspect:#}");
    let (ours, reasons) = said(suspect, "logging-volume");
    assert!(ours > 3.0, "{suspect:#}");
    assert!(
        reasons.iter().any(|reason| reason.contains("to a loop") && reason.contains("in line 19 of shop/cart.py")),
        "{reasons:?}"
    );
    // Nothing that serialises rose: nobody asks for schemas.
    assert_eq!((&step(&answer, "schema-change")["status"], said(suspect, "schema-change").0), (&"ok".into(), 0.0));
}

#[test]
fn the_endpoint_that_carries_it_is_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let levels = [
        ("cart", 0.12, 0.12),
        ("checkout", 0.31, 0.31),
        ("product", 0.09, 0.16),
        ("recommendations", 0.22, 0.22),
        ("search", 0.17, 0.17),
    ];
    metric(folder.path(), "request_seconds", "operation_name", &levels);
    let metric = json!({ "name": "request_seconds", "labels": { "service": "shop" }, "aggregate": "avg" });
    incident(folder.path(), &metric, "");
    let answer = investigate(folder.path());
    assert_eq!(answer["verdict"], "regression", "{answer:#}");
    let evidence = answer["evidence"].as_array().unwrap();
    let of_kind = |kind: &str| evidence.iter().find(|one| one["kind"] == kind);
    let note = of_kind("note").unwrap()["text"].as_str().unwrap();
    assert!(note.starts_with("Of 5 endpoints `product` carries 100 % of the regression."), "{note}");
    let data = &of_kind("other").unwrap()["data"];
    assert_eq!((&data["carried"], &data["endpoints"][0]["name"]), (&"few".into(), &"product".into()), "{data:#}");
    let id = answer["case"].as_str().unwrap();
    let shown = common::run(folder.path(), &["case", "show", id, "--config", "negawatt.toml"]);
    let shown = String::from_utf8(shown.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("`product` carries 100 % of the regression"), "{shown}");
    // A metric of CPU is none that endpoints are asked about.
    std::fs::rename(
        folder.path().join("metrics/request_seconds.csv"),
        folder.path().join("metrics/cpu_usage_cores.csv"),
    )
    .unwrap();
    let incident = std::fs::read_to_string(folder.path().join("incident.json")).unwrap();
    write(folder.path().join("incident.json"), &incident.replace("request_seconds", "cpu_usage_cores"));
    let plan = &json(folder.path(), &["investigate", "incident.json", "--config", "negawatt.toml", "--json"]);
    assert_eq!(step(plan, "graphql-endpoints")["evidence"], json!([]), "{plan:#}");
}
