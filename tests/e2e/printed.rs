//! What is printed: the fixed JSON has every key, errors say what and where, people's output carries nothing hostile.

mod common;

use std::path::Path;

use common::{json, json_error, run, write};
use negawatt_casegen::{Scenario, generate};
use serde_json::Value;

const KEYS: [&str; 12] = [
    "case",
    "verdict",
    "confidence",
    "dismissal",
    "change_point",
    "functions",
    "suspects",
    "mitigations",
    "impact",
    "evidence",
    "plan",
    "usage",
];

#[test]
fn every_key_is_there_whatever_the_verdict() {
    for scenario in [Scenario::Commit, Scenario::Noise, Scenario::Short] {
        let folder = tempfile::tempdir().unwrap();
        generate(scenario, 42, folder.path()).unwrap();
        let answer = common::investigate(folder.path());
        for key in KEYS {
            assert!(answer.get(key).is_some(), "{key} is absent");
        }
        for key in ["functions", "suspects", "mitigations", "evidence", "plan"] {
            assert!(answer[key].is_array(), "{key}");
        }
        for key in ["wall_ms", "skill_calls", "tool_calls", "peak_memory_bytes"] {
            assert!(answer["usage"][key].is_u64(), "{key}");
        }
        let total: f64 = answer["suspects"].as_array().unwrap().iter().map(|s| s["confidence"].as_f64().unwrap()).sum();
        assert!(total <= 1.0 + 1e-9);
        // The same object is shown later.
        let id = answer["case"].as_str().unwrap();
        let shown = json(folder.path(), &["case", "show", id, "--config", "negawatt.toml", "--json"]);
        assert_eq!(shown, answer);
        let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
        assert_eq!(list["cases"][0]["case"], answer["case"]);
    }
}

#[test]
fn the_same_incident_gives_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 43, folder.path()).unwrap();
    let mut first = common::investigate(folder.path());
    let again = common::investigate(folder.path());
    assert_eq!(again["earlier"], first["case"], "it is linked to the earlier case");
    // What was learned from earlier cases may change the order of steps: without them nothing differs.
    std::fs::remove_dir_all(folder.path().join("casebook")).unwrap();
    let mut second = common::investigate(folder.path());
    for answer in [&mut first, &mut second] {
        for key in ["case", "usage", "earlier"] {
            answer[key] = Value::Null;
        }
        for step in answer["plan"].as_array_mut().unwrap() {
            step["wall_us"] = Value::Null;
        }
    }
    assert_eq!(first, second);
}

#[test]
fn bad_input_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 44, folder.path()).unwrap();
    let arguments = ["investigate", "incident.json", "--config", "negawatt.toml", "--json"];

    let incident = folder.path().join("incident.json");
    let good = std::fs::read_to_string(&incident).unwrap();
    write(&incident, &good.replacen("\"window\"", "\"windwo\"", 1));
    let (code, error) = json_error(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(error["where"].as_str().unwrap().contains("incident.json"), "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("window") || error["where"].as_str().unwrap().contains("window")
    );
    write(&incident, &good);

    let config = folder.path().join("negawatt.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    write(&config, &good.replacen("kind =", "kin =", 1));
    let (code, error) = json_error(folder.path(), &arguments);
    assert_eq!(code, 2);
    let place = error["where"].as_str().unwrap();
    assert!(place.contains("negawatt.toml:") && place.contains("sources"), "{error}");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("kind")), "{error}");
    write(&config, &good);

    let (code, _) = json_error(folder.path(), &["investigate", "nowhere.json", "--json"]);
    assert_eq!(code, 2);
    let (code, _) = json_error(folder.path(), &["investigate", "--jsno", "--json"]);
    assert_eq!(code, 2);
}

/// What a command prints to people must not steer their terminal.
fn prints_nothing_that_steers(folder: &Path, arguments: &[&str]) {
    let output = run(folder, arguments);
    for stream in [output.stdout, output.stderr] {
        let text = String::from_utf8(stream).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(steers), "{arguments:?}: {text:?}");
    }
}

#[test]
fn people_see_nothing_that_steers_their_terminal() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Hostile, 45, folder.path()).unwrap();
    prints_nothing_that_steers(folder.path(), &["investigate", "incident.json", "--config", "negawatt.toml"]);
}

#[test]
fn a_skill_cannot_steer_a_terminal() {
    for title in ["terminal", "odd commit", "panic", "error invalid"] {
        let folder = tempfile::tempdir().unwrap();
        generate(Scenario::Commit, 47, folder.path()).unwrap();
        let incident = folder.path().join("incident.json");
        let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
        value["title"] = title.into();
        write(&incident, &value.to_string());
        let skills = folder.path().join("skills");
        std::fs::create_dir(&skills).unwrap();
        std::fs::write(skills.join("mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
        std::fs::write(skills.join("no\u{202e}skill\u{1b}[2J.wasm"), b"no component").unwrap();
        let config = folder.path().join("negawatt.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let granted = "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
        write(&config, &(text + granted));
        let with = ["--config", "negawatt.toml"];
        prints_nothing_that_steers(folder.path(), &[&["investigate", "incident.json"][..], &with].concat());
        let id = json(folder.path(), &[&["case", "list", "--json"][..], &with].concat())["cases"][0]["case"].clone();
        prints_nothing_that_steers(folder.path(), &[&["case", "show", id.as_str().unwrap()][..], &with].concat());
        prints_nothing_that_steers(folder.path(), &[&["case", "list"][..], &with].concat());
        prints_nothing_that_steers(folder.path(), &[&["skill", "list"][..], &with].concat());
        let alone = ["skill", "run", "mischief", "--incident", "incident.json"];
        prints_nothing_that_steers(folder.path(), &[&alone[..], &with].concat());
    }
}

#[test]
fn a_pipe_in_the_skills_folder_is_refused_and_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Noise, 48, folder.path()).unwrap();
    let skills = folder.path().join("skills");
    std::fs::create_dir(&skills).unwrap();
    let made = std::process::Command::new("mkfifo").arg(skills.join("x.wasm")).status().unwrap();
    assert!(made.success());
    let config = folder.path().join("negawatt.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    write(&config, &(text + "\n[skills]\npaths = [\"skills\"]\n"));
    let list = json(folder.path(), &["skill", "list", "--config", "negawatt.toml", "--json"]);
    assert!(list["refused"][0]["reason"].as_str().unwrap().contains("not a file"), "{list}");
}

#[test]
fn a_plan_is_printed_without_running_it() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 46, folder.path()).unwrap();
    let output = run(folder.path(), &["plan", "incident.json", "--config", "negawatt.toml"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("change-point") && text.contains("suspect"), "{text}");
    let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
    assert_eq!(list["cases"], serde_json::json!([]));
}

#[test]
fn help_is_there_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["--help"][..],
        &["investigate", "--help"],
        &["plan", "--help"],
        &["demo", "--help"],
        &["case", "--help"],
        &["skill", "--help"],
    ] {
        let output = run(folder.path(), command);
        assert!(output.status.success() && !output.stdout.is_empty(), "{command:?}");
    }
}
