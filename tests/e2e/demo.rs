//! The recorded demo: the right commit and author, from any folder, found from the recording alone.

mod common;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn the_demo_names_the_right_commit_and_author() {
    let folder = tempfile::tempdir().unwrap();
    let answer = common::json(folder.path(), &["demo", "--json"]);
    let truth = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/recording/truth.json");
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    assert_eq!(answer["verdict"], "regression");
    let suspect = &answer["suspects"][0];
    assert_eq!(suspect["id"], truth["commit"]);
    assert_eq!(suspect["author"], truth["author"]);
    assert!(suspect["confidence"].as_f64().unwrap() > 0.5, "{suspect}");
    assert!(answer["impact"]["cores"].as_f64().unwrap() > 0.0);
    assert!(answer["impact"]["watts"].as_f64().unwrap() > 0.0);
    let functions: Vec<_> = answer["functions"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect();
    assert!(functions.contains(&truth["function"]), "{functions:?}");
    let time = |value: &Value| negawatt_host::time::parse_rfc3339(value.as_str().unwrap()).unwrap();
    let off = time(&answer["change_point"]["time"]).abs_diff(time(&truth["change_time"]));
    assert!(off <= 20 * 60 * 1_000_000, "{} instead of {}", answer["change_point"]["time"], truth["change_time"]);
}

#[test]
fn time_alone_does_not_single_the_commit_out() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/recording");
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(recording.join("truth.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["clone", "--quiet", "--bare", recording.join("shop.bundle").to_str().unwrap(), "."]);
    let history = git(&["log", "--format=%H %ct %an"]);
    let commits: Vec<Vec<&str>> = history.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    assert!(commits.len() >= 30);
    let authors: std::collections::BTreeSet<_> = commits.iter().map(|commit| commit[2]).collect();
    assert!(authors.len() >= 3, "{authors:?}");
    let change = negawatt_host::time::parse_rfc3339(truth["change_time"].as_str().unwrap()).unwrap() / 1_000_000;
    let before = |commit: &&Vec<&str>| (0..3600).contains(&(change - commit[1].parse::<i64>().unwrap()));
    let near: Vec<_> = commits.iter().filter(before).map(|commit| commit[0]).collect();
    assert!(near.len() >= 3, "{near:?}");
    assert_ne!(Some(near[0]), truth["commit"].as_str(), "the last one before the change is not it");
}

#[test]
fn the_demo_reports_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let output = common::run(folder.path(), &["demo"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["Verdict", "regression", "Change", "Functions", "Suspects", "Impact", "Plan"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only its state is written here");
}
