//! Arrows between crates point one way, nothing but the host names wasmtime, and no skill is named where none may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// For each crate below `runtime/`, those of ours that it may depend on.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("package", &[]),
    ("config", &["package"]),
    ("host", &["package"]),
    ("sources", &["package", "config", "host"]),
    ("casebook", &["host"]),
    ("planner", &["host", "casebook"]),
    ("cli", &["package", "config", "host", "sources", "casebook", "planner"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Names under `[dependencies]` of a crate.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("runtime").join(krate).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default().split("\n[").next().unwrap_or_default();
    let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
    section.lines().map(name).filter(|name| !name.is_empty() && !name.starts_with('#')).collect()
}

/// The text of all Rust files below a folder, without tests.
fn sources(folder: &Path, into: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.insert(path, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

#[test]
fn crates_depend_one_way() {
    let found =
        std::fs::read_dir(root().join("runtime")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(found.count(), ALLOWED.len(), "a crate is not in the table");
    for (krate, allowed) in ALLOWED {
        for dependency in dependencies(krate) {
            let Some(ours) = dependency.strip_prefix("negawatt-") else { continue };
            assert!(allowed.contains(&ours), "{krate} depends on {ours}");
        }
    }
}

#[test]
fn nothing_but_the_host_names_wasmtime() {
    for (krate, _) in ALLOWED.iter().filter(|(krate, _)| *krate != "host") {
        assert!(!dependencies(krate).iter().any(|dependency| dependency.starts_with("wasmtime")), "{krate}");
    }
    assert!(dependencies("host").contains(&"wasmtime".to_owned()));
}

#[test]
fn no_skill_is_named_in_the_planner_or_the_host() {
    let contract = std::fs::read_to_string(root().join("wit/types.wit")).unwrap();
    let contract: Vec<_> = contract.split(|c: char| !c.is_ascii_lowercase() && c != '-').map(str::to_owned).collect();
    let skills: Vec<String> = std::fs::read_dir(root().join("example-skills"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Some names are words of the contract too: kinds of evidence, reasons of dismissals. With a version they are skills.
        .map(|name| if contract.contains(&name) { format!("{name}@") } else { name })
        .collect();
    assert!(skills.len() >= 4, "{skills:?}");
    for krate in ["planner", "host", "casebook", "sources"] {
        let mut files = BTreeMap::new();
        sources(&root().join("runtime").join(krate).join("src"), &mut files);
        for (path, text) in files {
            for skill in &skills {
                assert!(!text.contains(skill.as_str()), "{} names {skill}", path.display());
            }
        }
    }
}
