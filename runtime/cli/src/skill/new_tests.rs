use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::skill::build;
use crate::skill::expected::Expected;

#[test]
fn a_new_skill_builds_outside_of_the_repository() {
    let parent = tempfile::tempdir().unwrap();
    new("slow-neighbour", parent.path(), true).unwrap();
    let folder = parent.path().join("slow-neighbour");
    let lock = || std::fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let tested = lock();
    let cargo = build::Cargo { profile: "release".into(), target_dir: Some(target_dir()) };
    build::build(&folder, None, cargo, true).unwrap();
    let wasm = std::fs::read(folder.join("slow-neighbour.wasm")).unwrap();
    let skill = negawatt_host::Skill::read(wasm, negawatt_host::Origin::Loaded).unwrap();
    assert_eq!(skill.id(), "slow-neighbour@0.1.0");
    assert_eq!(skill.imports.tools, [negawatt_host::Tool::Metrics].into());
    // Cargo may leave out packages that only features of the host need; it must not take other versions.
    let used = lock();
    for package in used.split("\n[[package]]\n").skip(1) {
        let name_and_version: Vec<_> = package.split_inclusive('\n').take(2).collect();
        assert!(tested.contains(&name_and_version.concat()), "{name_and_version:?} was not tested");
    }
}

/// A folder that keeps what does not change between runs of this test: the macros that the SDK needs. What is made of the
/// project, which is somewhere else each time, is removed.
fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let root = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap();
    let folder = root.join("new-skill");
    let _ = std::fs::remove_dir_all(folder.join(negawatt_package::build::TARGET));
    folder
}

#[test]
fn its_files_say_what_the_host_reads() {
    let files = project("slow-neighbour").unwrap();
    let file = |name: &str| {
        let path = format!("cases/slow-neighbour/{name}");
        &files.iter().find(|(other, _)| *other == path).unwrap().1
    };
    negawatt_host::json::read_incident(file("incident.json")).unwrap();
    assert_eq!(negawatt_host::json::read_findings(file("evidence.json")).unwrap().len(), 1);
    assert!(matches!(Expected::read(file("expected.json")), Ok(Expected::Exactly(list)) if list.len() == 1));
    let open = ["{{name}}", "{{title}}", "{{sdk}}"];
    assert!(files.iter().all(|(_, text)| !open.iter().any(|open| text.contains(open))), "everything is filled in");
}

#[test]
fn names_that_cannot_be_are_refused() {
    for (name, says) in [
        ("GC", "lower-case"),
        ("a--b", "single hyphens"),
        ("../x", "lower-case"),
        ("x\"\nname: y", "cannot be called"),
        ("3am", "digit"),
        ("while", "keeps this word"),
        ("core", "keeps this word"),
        ("wit-bindgen", "a crate that it needs"),
        (SDK_CRATE, "a crate that it needs"),
        (bundle::BUNDLED[0].name, "brings along"),
    ] {
        let error = project(name).unwrap_err();
        assert_eq!(error.code, "name", "{name}: {error}");
        assert!(error.bad_input && error.message.contains(says), "{name}: {error}");
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("gc-pause");
    std::fs::create_dir(&folder).unwrap();
    new("gc-pause", parent.path(), true).unwrap();
    let error = new("gc-pause", parent.path(), true).unwrap_err();
    assert_eq!((error.code, error.bad_input), ("exists", true));
    std::fs::write(parent.path().join("file"), "kept").unwrap();
    assert_eq!(new("file", parent.path(), true).unwrap_err().code, "exists");
    assert_eq!(std::fs::read_to_string(parent.path().join("file")).unwrap(), "kept");
}

#[test]
fn the_lock_file_is_sorted_and_whole() {
    for name in ["aaa", "negawatt-a", "negawatt-z", "zzz"] {
        let lock = lock(name);
        let names: Vec<_> = lock.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(lock.starts_with("# This file") && lock.ends_with("]\n") || lock.ends_with("\"\n"), "{lock}");
        assert_eq!(lock.matches("\n\n[[package]]\n").count(), names.len());
    }
}

/// A project inside of another cargo workspace and git repository stands alone.
#[test]
fn a_new_skill_may_lie_in_another_workspace() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::write(parent.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    new("gc-pause", parent.path(), true).unwrap();
    let cargo = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(parent.path().join("gc-pause"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
}
