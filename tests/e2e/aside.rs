//! A skill that fails in case after case is put aside, listed with the reason, and put back by an operator; and what a skill was
//! denied is printed.

use std::path::Path;

use serde_json::{Value, json};

use crate::common;
use crate::common::{json, json_error, run, write};

const CONFIG: [&str; 2] = ["--config", "negawatt.toml"];

fn incident(folder: &Path, title: &str) {
    let incident = json!({
        "kind": "regression", "title": title, "service": "checkout",
        "metric": { "name": "cpu", "labels": {} },
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    });
    write(folder.join("incident.json"), &incident.to_string());
}

/// A folder with one skill, which two failures put aside.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("skills")).unwrap();
    std::fs::write(folder.path().join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let config = "[skills]\nbundled = false\npaths = [\"skills\"]\n[casebook]\npath = \"casebook\"\n[host]\nfailures = 2\n\
                  [[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
    write(folder.path().join("negawatt.toml"), config);
    folder
}

fn list(folder: &Path) -> Value {
    json(folder, &["skill", "list", CONFIG[0], CONFIG[1], "--json"])["skills"][0].clone()
}

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[arguments, &CONFIG].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Words are wrapped where the page ends.
    String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_skill_that_fails_is_put_aside_until_an_operator_puts_it_back() {
    let folder = folder();
    let folder = folder.path();
    incident(folder, "panic");
    for failures in 1..=2 {
        assert_eq!(common::investigate(folder)["plan"][0]["status"], "trap");
        assert_eq!(list(folder)["failures"], failures);
    }
    let aside = &list(folder)["put_aside"];
    assert!(aside["reason"].as_str().unwrap().starts_with("it failed 2 times in a row; the last: trap in "), "{aside}");
    assert!(aside["since"].as_str().unwrap().ends_with('Z'));
    let said = printed(folder, &["skill", "list"]);
    assert!(said.contains("put aside: at ") && said.contains("negawatt skill restore mischief"), "{said}");

    let case = common::investigate(folder);
    assert_eq!((&case["plan"], &case["verdict"]), (&json!([]), &"inconclusive".into()));
    assert_eq!(case["put_aside"][0]["skill"], "mischief@0.1.0");
    assert!(case["would_settle"].as_str().unwrap().contains("mischief@0.1.0 was put aside"));
    let said = printed(folder, &["case", "show", case["case"].as_str().unwrap()]);
    assert!(said.contains("mischief could not look: it was put aside"), "{said}");
    let plan = json(folder, &["plan", "incident.json", CONFIG[0], CONFIG[1], "--json"]);
    assert_eq!(plan, json!({ "waves": [], "put_aside": ["mischief@0.1.0"] }));

    let (code, error) = json_error(folder, &["skill", "restore", "nobody", CONFIG[0], CONFIG[1], "--json"]);
    assert_eq!((code, &error["code"]), (2, &"not-put-aside".into()));
    assert!(error["help"].as_str().unwrap().contains("mischief@0.1.0"), "{error}");
    let restored = json(folder, &["skill", "restore", "mischief", CONFIG[0], CONFIG[1], "--json"]);
    assert_eq!(restored["restored"][0]["failures"], 2);
    assert_eq!((&list(folder)["failures"], &list(folder)["put_aside"]), (&json!(0), &Value::Null));

    // It starts at zero, and comes back by its digest too.
    common::investigate(folder);
    assert_eq!(list(folder)["put_aside"], Value::Null);
    let (code, error) = json_error(folder, &["skill", "restore", "mischief", CONFIG[0], CONFIG[1], "--json"]);
    assert_eq!((code, &error["code"]), (2, &"not-put-aside".into()), "one failure does not put it aside");
    assert_eq!(list(folder)["failures"], 1, "and is not forgotten");
    common::investigate(folder);
    let digest = list(folder)["digest"].as_str().unwrap().to_owned();
    assert!(printed(folder, &["skill", "restore", &digest]).contains("mischief@0.1.0 is planned again"));
    assert_eq!(common::investigate(folder)["plan"][0]["status"], "trap");
}

#[test]
fn what_was_denied_is_printed() {
    let folder = folder();
    let folder = folder.path();
    incident(folder, "outside 2");
    let case = common::investigate(folder);
    let step = &case["plan"][0];
    assert_eq!((&step["status"], &step["denials"][0]["times"]), (&"ok".into(), &json!(2)));
    let said = printed(folder, &["case", "show", case["case"].as_str().unwrap()]);
    assert!(said.contains("denied twice: the window "), "{said}");
}
