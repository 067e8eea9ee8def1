//! An independent client: the Python SDK drives a real investigation.

use std::path::Path;
use std::process::{Command, Stdio};

use negawatt_test_servers::{find, missing};
use serde_json::Value;

use super::case::labelled;
use super::client::{NEW, OLD};
use super::served::{Served, WORKER};
use crate::common::negawatt;

/// How to get it.
const INSTALL: &str = "python3 -m venv <folder> && <folder>/bin/pip install mcp==2.3.0, and put <folder>/bin into PATH";

/// Whether Python has the SDK.
fn is_there() -> bool {
    let imports =
        |python| Command::new(python).args(["-c", "import mcp.client.streamable_http"]).stderr(Stdio::null()).status();
    let there = find("python3").is_some_and(|python| imports(python).is_ok_and(|status| status.success()));
    if !there {
        missing("mcp (Python)", INSTALL);
    }
    there
}

/// What the client found, by the way that it agrees on a revision.
fn talk(mode: &str, way: [&str; 3], folder: &Path) -> Value {
    // The program that it starts finds its state where the others do.
    let like = negawatt(folder);
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/mcp/client.py")).arg(mode).args(way);
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    let incident = std::fs::File::open(folder.join("incident.json")).unwrap();
    let output = python.stdin(incident).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{mode} {way:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn found(answer: &Value, revision: &str, truth: &Value) {
    assert_eq!(answer["revision"], revision);
    assert_eq!((&answer["verdict"], &answer["suspect"]), (&"regression".into(), &truth["suspect"]["id"]));
    assert_eq!(answer["step"], "change-point");
    assert_eq!((&answer["wrong"], &answer["approved"]), (&true.into(), &false.into()));
    let tools = answer["tools"].as_array().unwrap();
    assert!(tools.contains(&"investigate".into()) && tools.contains(&"change-point".into()), "{tools:?}");
    let said = answer["said"].as_array().unwrap();
    assert!(said[0].as_str().unwrap().starts_with("case ") && said.len() > 5, "{said:?}");
    assert!(answer["skill"].as_str().unwrap().starts_with("---\nname: change-point\n"));
}

#[test]
fn python_investigates_over_stdio() {
    if !is_there() {
        return;
    }
    let (folder, _, truth) = labelled();
    let way = ["stdio", env!("CARGO_BIN_EXE_negawatt"), folder.path().to_str().unwrap()];
    for (mode, revision) in [("legacy", OLD), ("auto", NEW), (NEW, NEW)] {
        found(&talk(mode, way, folder.path()), revision, &truth);
    }
}

#[test]
fn python_investigates_over_http() {
    if !is_there() {
        return;
    }
    let (folder, _, truth) = labelled();
    let served = Served::start(folder.path());
    let url = served.url();
    for (mode, revision) in [("legacy", OLD), ("auto", NEW), (NEW, NEW)] {
        found(&talk(mode, ["http", &url, WORKER], folder.path()), revision, &truth);
    }
}
