//! Folders to serve.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use negawatt_package::{Package, pack};
use negawatt_test_guests::MISCHIEF;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::write;

/// A labelled case of a commit that made a service slower, its incident, and what caused it.
pub fn labelled() -> (TempDir, Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let truth = generate(Scenario::Commit, 7_001, folder.path()).unwrap().to_json();
    let incident = read(folder.path(), "incident.json");
    (folder, incident, truth)
}

/// A JSON file of a folder.
pub fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// A folder with skills that do what an incident's title says, under these names.
pub fn mischief(names: &[String], more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = Package::read(MISCHIEF).unwrap().manifest.text;
    std::fs::create_dir(folder.path().join("skills")).unwrap();
    for name in names {
        let wasm = pack(MISCHIEF, &manifest.replace("name: mischief", &format!("name: {name}"))).unwrap();
        std::fs::write(folder.path().join(format!("skills/{name}.wasm")), wasm).unwrap();
    }
    let config = "[skills]\nbundled = false\npaths = [\"skills\"]\n[casebook]\npath = \"casebook\"\n\
                  [[grants]]\nskill = \"*\"\ntools = [\"metrics\"]\n";
    write(folder.path().join("negawatt.toml"), &format!("{config}{more}"));
    folder
}

/// An incident whose title says what a mischievous skill does.
pub fn told(title: &str) -> Value {
    json!({
        "kind": "regression", "title": title, "service": "checkout",
        "metric": { "name": "cpu", "labels": {} },
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    })
}
