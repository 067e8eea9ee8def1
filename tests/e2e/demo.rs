//! The recorded demo: the right commit and author, from any folder, found from the recording alone.

mod common;

use std::path::Path;

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
