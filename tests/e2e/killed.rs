//! A killed investigation leaves a casebook that opens, and the case can be continued.

mod common;

use std::process::Stdio;

use common::{json, write};
use negawatt_casegen::{Scenario, generate};

#[test]
fn a_killed_case_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 80, folder.path()).unwrap();
    // A skill that loops holds the first wave open: the kill comes while the case runs.
    std::fs::create_dir(folder.path().join("skills")).unwrap();
    std::fs::write(folder.path().join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let config = folder.path().join("negawatt.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let skills = "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
    write(&config, &format!("{text}{skills}time = \"600s\"\ncompute = \"600s\"\n"));
    let incident = folder.path().join("incident.json");
    let mut value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
    value["title"] = "loop".into();
    write(&incident, &value.to_string());

    let mut running = common::negawatt(folder.path())
        .args(["investigate", "incident.json", "--config", "negawatt.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It is killed as soon as the first step is over; the looping one never is.
    let told = std::io::BufRead::lines(std::io::BufReader::new(running.stderr.take().unwrap()));
    let over = told.map_while(Result::ok).find(|line| line.contains("findings:"));
    assert!(over.is_some(), "it ended before a step was over");
    running.kill().unwrap();
    running.wait().unwrap();

    let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
    let case = &list["cases"][0];
    assert_eq!(case["state"], "open");
    let id = case["case"].as_str().unwrap();
    let shown = json(folder.path(), &["case", "show", id, "--config", "negawatt.toml", "--json"]);
    assert!(shown["verdict"].is_null());
    assert!(!shown["plan"].as_array().unwrap().is_empty());

    // With a limit that ends the loop, the case goes on from where it was and has its verdict.
    write(&config, &format!("{text}{skills}compute = \"100ms\"\n"));
    let resumed = json(folder.path(), &["case", "resume", id, "--config", "negawatt.toml", "--json"]);
    assert_eq!(resumed["case"], id);
    assert_eq!(resumed["verdict"], "regression");
    let first = &shown["plan"][0];
    assert_eq!(resumed["plan"][0]["skill"], first["skill"]);
    let statuses: Vec<_> = resumed["plan"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert!(statuses.contains(&"timeout".into()) && !statuses.contains(&"skipped".into()), "{statuses:?}");
}
