//! An investigation that is killed or interrupted leaves a casebook that opens, and the case can be continued.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use negawatt_casegen::{Scenario, generate};
use serde_json::Value;

use crate::common;
use crate::common::{json, json_error, write};

const SKILLS: &str = "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";

/// A case in which a skill loops, so that its first wave stays open; gives the configuration without that skill.
fn endless_case(folder: &Path) -> String {
    generate(Scenario::Commit, 80, folder).unwrap();
    std::fs::create_dir(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let config = folder.join("negawatt.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    write(&config, &format!("{text}{SKILLS}time = \"600s\"\ncompute = \"600s\"\n"));
    let incident = folder.join("incident.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
    value["title"] = "loop".into();
    write(&incident, &value.to_string());
    text
}

/// Investigates until the first step is over; the looping one never is.
fn half_way(folder: &Path) -> Child {
    let mut running = common::negawatt(folder)
        .args(["investigate", "incident.json", "--config", "negawatt.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = std::io::BufRead::lines(std::io::BufReader::new(running.stderr.take().unwrap()));
    let over = told.map_while(Result::ok).find(|line| line.contains(" finding"));
    assert!(over.is_some(), "it ended before a step was over");
    running
}

/// The case is open, and goes on from where it was once the loop has a limit.
fn goes_on(folder: &Path, config: &str) {
    let list = json(folder, &["case", "list", "--config", "negawatt.toml", "--json"]);
    let case = &list["cases"][0];
    assert_eq!(case["state"], "open");
    let id = case["case"].as_str().unwrap();
    let shown = json(folder, &["case", "show", id, "--config", "negawatt.toml", "--json"]);
    assert!(shown["verdict"].is_null());
    assert!(!shown["plan"].as_array().unwrap().is_empty());

    write(folder.join("negawatt.toml"), &format!("{config}{SKILLS}compute = \"100ms\"\n"));
    let resumed = json(folder, &["case", "resume", id, "--config", "negawatt.toml", "--json"]);
    assert_eq!(resumed["case"], id);
    assert_eq!(resumed["verdict"], "regression");
    assert_eq!(resumed["plan"][0]["skill"], shown["plan"][0]["skill"]);
    let statuses: Vec<_> = resumed["plan"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert!(statuses.contains(&"timeout".into()) && !statuses.contains(&"skipped".into()), "{statuses:?}");

    // It has ended: there is nothing to go on with.
    let (code, error) = json_error(folder, &["case", "resume", id, "--config", "negawatt.toml", "--json"]);
    assert_eq!((code, &error["code"]), (2, &Value::from("ended")));
}

#[test]
fn a_killed_case_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = endless_case(folder.path());
    let mut running = half_way(folder.path());
    running.kill().unwrap();
    running.wait().unwrap();
    goes_on(folder.path(), &config);
}

#[test]
fn an_interrupted_case_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = endless_case(folder.path());
    let mut running = half_way(folder.path());
    let interrupted = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(running.wait().unwrap().code(), Some(1));
    goes_on(folder.path(), &config);
}
