//! `--report`: the page is the same whenever it is made, loads nothing, and is there or the case says why it is not.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use serde_json::Value;

use crate::common::page::read;
use crate::common::{json, json_error, write};

const INVESTIGATE: [&str; 7] =
    ["investigate", "incident.json", "--config", "negawatt.toml", "--json", "--report", "page.html"];

/// Investigates the case in a folder with a page; the answer and the page.
fn investigated(folder: &Path) -> (Value, String) {
    let answer = json(folder, &INVESTIGATE);
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    // A year later it is printed again, byte for byte.
    let id = answer["case"].as_str().unwrap();
    let shown = ["case", "show", id, "--config", "negawatt.toml", "--json", "--report", "again.html"];
    assert_eq!(json(folder, &shown), answer);
    assert_eq!(std::fs::read_to_string(folder.join("again.html")).unwrap(), page);
    (answer, page)
}

#[test]
fn a_regression_has_a_page_that_tells_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 301, folder.path()).unwrap();
    let (answer, page) = investigated(folder.path());
    let (elements, texts) = read(&page);
    assert_eq!(answer["verdict"], "regression");
    assert!(elements.iter().any(|element| element == "svg"));
    for word in
        ["The series", "Functions", "Where CPU time goes, before and after", "Suspects", "none of these", "Evidence"]
    {
        assert!(texts.contains(word), "{word}");
    }
    let mut named = 0;
    let mut names = |value: &Value| {
        let text = value.as_str().unwrap();
        assert!(texts.contains(text), "{text} is missing");
        named += 1;
    };
    for suspect in answer["suspects"].as_array().unwrap() {
        names(&suspect["id"]);
        names(&suspect["author"]);
        for factor in suspect["factors"].as_array().unwrap() {
            names(&factor["reason"]);
            names(&factor["skill"]);
        }
    }
    for step in answer["plan"].as_array().unwrap() {
        names(&step["skill"]);
    }
    for evidence in answer["evidence"].as_array().unwrap() {
        names(&evidence["id"]);
        names(&evidence["summary"]);
    }
    names(&answer["functions"][0]["name"]);
    names(&answer["fingerprint"]);
    names(&answer["case"]);
    assert!(named > 20, "{answer}");
}

#[test]
fn what_is_hostile_is_text() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Hostile, 302, folder.path()).unwrap();
    let incident = folder.path().join("incident.json");
    let mut changed: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
    changed["title"] = "</title><script>alert(1)</script>\u{202e}<img src=x onerror=alert(1)>".into();
    write(&incident, &changed.to_string());
    let (_, page) = investigated(folder.path());
    let (elements, texts) = read(&page);
    assert_eq!(elements.iter().filter(|element| *element == "script").count(), 1, "its own");
    assert!(!elements.contains(&"img".to_owned()));
    assert!(texts.contains("<script>alert(1)</script>"));
    let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!page.contains(steers));
}

#[test]
fn every_verdict_has_a_page() {
    for (scenario, seed, verdict) in [
        (Scenario::Season, 303, "dismissed"),
        (Scenario::Noise, 304, "dismissed"),
        (Scenario::Short, 305, "inconclusive"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        generate(scenario, seed, folder.path()).unwrap();
        let (answer, page) = investigated(folder.path());
        assert_eq!(answer["verdict"], verdict);
        let (_, texts) = read(&page);
        assert!(texts.contains(verdict) && texts.contains("What to do next") && texts.contains("The plan as it ran"));
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    let incident = serde_json::json!({
        "kind": "opportunity", "title": "what is hot?", "service": "shop",
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    });
    write(folder.path().join("incident.json"), &incident.to_string());
    let (_, page) = investigated(folder.path());
    let (elements, texts) = read(&page);
    assert!(texts.contains("what is hot?"));
    assert!(!elements.iter().any(|element| element == "svg" || element == "script"), "there is nothing to draw");
}

#[test]
fn a_hundred_thousand_values_are_a_small_page() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = String::from("time,service,value\n");
    let start = 1_795_000_000;
    for n in 0..100_000_u64 {
        let noise = (n * 7919 % 1000) as f64 / 1000.0;
        let level = if n < 60_000 { 10.0 } else { 12.0 };
        rows += &format!("{},shop,{}\n", start + 10 * n, level + noise);
    }
    write(folder.path().join("metrics/latency.csv"), &rows);
    let config = "[casebook]\npath = \"casebook\"\n[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n";
    write(folder.path().join("negawatt.toml"), config);
    let time = |seconds: u64| negawatt_host::time::rfc3339(seconds as i64 * 1_000_000);
    let incident = serde_json::json!({
        "kind": "regression", "title": "slower", "service": "shop",
        "metric": { "name": "latency", "labels": {"service": "shop"} },
        "window": { "start": time(start), "end": time(start + 1_000_000) },
    });
    write(folder.path().join("incident.json"), &incident.to_string());
    // Whatever skills make of them, in whatever time they have.
    let (_, page) = investigated(folder.path());
    assert!(read(&page).1.contains("100000 values"));
    assert!(page.len() < 120_000, "{} bytes", page.len());
}

#[test]
fn where_a_page_cannot_be_written_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Short, 306, folder.path()).unwrap();
    let to =
        |file: &'static str| ["investigate", "incident.json", "--config", "negawatt.toml", "--json", "--report", file];
    for (file, said) in [("nowhere/page.html", "No such file"), (".", "folder"), ("/dev/null", "no regular file")] {
        let (code, error) = json_error(folder.path(), &to(file));
        assert_eq!((code, error["code"].as_str(), error["where"].as_str()), (2, Some("report"), Some(file)), "{error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        assert!(error["help"].as_str().unwrap().contains("name a file"), "{error}");
    }
    let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
    assert_eq!(list["cases"], serde_json::json!([]), "no case was opened");
}
