//! The cases of the example skills, run in the sandbox as `negawatt skill test` runs them for whoever wrote them.

use std::path::{Path, PathBuf};
use std::process::Command;

use negawatt_package::{Package, pack};
use serde_json::Value;

use crate::common::{json, json_error, run, write};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("example-skills")
}

/// The example skills, by name.
fn skills() -> Vec<String> {
    let folders = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
    let skills = folders.filter(|folder| folder.join("SKILL.md").is_file());
    let mut names: Vec<_> = skills.map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// A skill as the program's build script built it, under another digest: so it is in the place of a build by its author, which is
/// not the bundled one byte for byte and gets nothing but what its cases grant.
fn built(skill: &str) -> Vec<u8> {
    let wasm = std::fs::read(Path::new(env!("OUT_DIR")).join(skill).with_extension("wasm")).unwrap();
    let text = Package::read(&wasm).unwrap().manifest.text;
    pack(&wasm, &(text + "\n")).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// A project with the skill, built, and its cases.
fn project(skill: &str, folder: &Path) {
    let (from, to) = (examples().join(skill), folder.join(skill));
    write(to.join("SKILL.md"), &std::fs::read_to_string(from.join("SKILL.md")).unwrap());
    std::fs::write(to.join(skill).with_extension("wasm"), built(skill)).unwrap();
    if from.join("cases").is_dir() {
        copy(&from.join("cases"), &to.join("cases"));
    }
}

#[test]
fn every_example_skill_has_cases_and_finds_what_they_expect() {
    let folder = tempfile::tempdir().unwrap();
    let mut failed = String::new();
    for skill in skills() {
        project(&skill, folder.path());
        let output = run(folder.path(), &["skill", "test", &skill, "--no-build"]);
        if !output.status.success() {
            let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            failed += &format!("{skill}: {}\n{out}{err}\n", output.status);
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn no_case_and_another_finding_fail() {
    let folder = tempfile::tempdir().unwrap();
    project("impact", folder.path());
    let test = ["skill", "test", "impact", "--no-build", "--json"];
    let cases = folder.path().join("impact/cases");
    let expected = cases.join("service-in-cores/expected.json");
    let text = std::fs::read_to_string(&expected).unwrap();
    write(&expected, &text.replace("19200", "19201"));
    // The cases could be run, so that a program gets its object; for people, who see none, the command fails.
    let output = run(folder.path(), &test);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["ok"], &found["failures"]), (&false.into(), &1.into()), "{found:#}");
    for case in found["cases"].as_array().unwrap() {
        let differences = case["differences"].as_array().unwrap();
        let told = |of: &Value| of.as_str().unwrap().contains("expected 19201, found 19200");
        assert_eq!(differences.iter().any(told), case["name"] == "service-in-cores", "{case:#}");
        assert!(case["log"].is_array());
    }
    let output = run(folder.path(), &test[..4]);
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("1 of 3 cases failed") && out.contains("expected 19201, found 19200"), "{out}{err}");
    write(&expected, &text);
    let found = json(folder.path(), &test);
    assert_eq!((&found["ok"], &found["failures"]), (&true.into(), &0.into()), "{found:#}");
    std::fs::remove_dir_all(&cases).unwrap();
    std::fs::create_dir(&cases).unwrap();
    let (code, error) = json_error(folder.path(), &test);
    assert_eq!((code, &error["message"]), (2, &"there is no case".into()), "{error}");
    std::fs::remove_file(folder.path().join("impact/impact.wasm")).unwrap();
    let (code, error) = json_error(folder.path(), &test);
    assert_eq!((code, &error["help"]), (2, &"negawatt skill build impact".into()), "{error}");
}

/// The repository of a case is bytes; what is in it can be read beside it.
#[test]
fn repositories_of_cases_are_what_their_text_says() {
    let mut seen = 0;
    for skill in skills() {
        let Ok(cases) = std::fs::read_dir(examples().join(skill).join("cases")) else { continue };
        for case in cases.map(|entry| entry.unwrap().path()).filter(|case| case.join("repo.git").exists()) {
            let folder = tempfile::tempdir().unwrap();
            let history = std::fs::File::open(case.join("history.fast-import")).unwrap();
            let git = |arguments: &[&str]| {
                let mut git = Command::new("git");
                git.arg("-C").arg(folder.path()).args(arguments);
                git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
                git.env_remove("GIT_DIR").env_remove("GIT_DEFAULT_HASH");
                git
            };
            assert!(git(&["init", "--quiet", "--bare", "--object-format=sha1"]).status().unwrap().success());
            assert!(git(&["fast-import", "--quiet"]).stdin(history).status().unwrap().success());
            let made = git(&["rev-parse", "main"]).output().unwrap().stdout;
            let kept = std::fs::read(case.join("repo.git/refs/heads/main")).unwrap();
            assert_eq!(String::from_utf8(made).unwrap(), String::from_utf8(kept).unwrap(), "{}", case.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}
