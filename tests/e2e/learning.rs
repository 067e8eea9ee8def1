//! What becomes of proposals, how that is found, and what later cases make of it.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::case::{case, git, id, observe_recovery};
use common::{Running, investigate, json, negawatt, run};
use serde_json::Value;

/// Watches what the case's metric is, every second, and asks as often what became of proposals.
const WATCH: &str = "[watch]\ninterval = \"1s\"\nwindow = \"48h\"\n[[watch.series]]\nmetric = \"cpu_seconds_per_request\"\n\
                     [review]\nfollow_every = \"1s\"\n";

/// Whoever watches hears of a merge, and of what it brought, without asking for it.
#[test]
fn a_watch_follows_what_was_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", WATCH);
    let answer = investigate(folder);
    assert!(run(folder, &["review", "approve", id(&answer), "--by", "Ada"]).status.success());

    let running = negawatt(folder).args(["watch", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(running.unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    // It is open, which is told to nobody.
    assert!(lines.next().unwrap()["series"].is_number());
    let remote = folder.join("remote.git");
    let target = git(&remote, &["symbolic-ref", "HEAD"]);
    git(&remote, &["update-ref", &target, &format!("refs/heads/negawatt/{}-1", id(&answer))]);
    let told = lines.find(|line| !line["followed"].is_null()).unwrap();
    let merged = &told["followed"][0];
    assert_eq!(
        (&merged["case"], &merged["proposal"], &merged["state"]),
        (&answer["case"], &1.into(), &"merged".into()),
        "{told}"
    );
    assert!(running.interrupt().success());
    let shown = || json(folder, &["review", "show", id(&answer), "1", "--json"])["proposals"][0].clone();
    assert_eq!(shown()["stage"], "merged");

    // A day and some observations later, the series tells what came back.
    observe_recovery(folder, &answer);
    let later = negawatt_host::time::rfc3339(negawatt_host::time::now() + 3 * 86_400_000_000);
    let pass = || json(folder, &["watch", "--once", "--now", &later, "--json"]);
    let first = pass();
    assert_eq!(first["followed"][0]["state"], "recovered", "{first:#}");
    let outcomes = shown()["outcomes"].clone();
    assert!((outcomes[1]["recovered"]["part"].as_f64().unwrap() - 0.9).abs() < 1e-6, "{outcomes:#}");
    assert_eq!(pass()["followed"], Value::Array(Vec::new()), "it is told once");
}

/// A forge that cannot be asked costs no pass, and what became of the proposal is found once it can.
#[test]
fn a_watch_goes_on_where_a_forge_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", WATCH);
    let answer = investigate(folder);
    assert!(run(folder, &["review", "approve", id(&answer), "--by", "Ada"]).status.success());
    observe_recovery(folder, &answer);
    let later = negawatt_host::time::rfc3339(negawatt_host::time::now() + 3 * 86_400_000_000);
    let watch = ["watch", "--once", "--now", &later, "--json"];
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let output = run(folder, &watch);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("nobody knows what became of the proposal 1"), "{said}");
    let first: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&first["series"], &first["followed"]), (&1.into(), &Value::Array(Vec::new())), "{first:#}");
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    git(&folder.join("remote.git"), &["update-ref", "-d", &format!("refs/heads/negawatt/{}-1", id(&answer))]);
    assert_eq!(json(folder, &watch)["followed"][0]["state"], "rejected");
}
