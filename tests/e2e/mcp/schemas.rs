//! What tools say that they answer, and what they answer.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::case::{labelled, read};
use super::client::{Client, NEW};
use crate::common;

/// What a value breaks of a schema.
fn broken(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
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

/// Makes the repository of a case that has one, as its configuration says.
fn history(folder: &Path) {
    let Ok(history) = std::fs::File::open(folder.join("history.fast-import")) else { return };
    let git = |arguments: &[&str], input: Stdio| {
        let mut git = Command::new("git");
        assert!(git.args(arguments).current_dir(folder).stdin(input).stderr(Stdio::null()).status().unwrap().success());
    };
    git(&["init", "--quiet", "--bare", "repo.git"], Stdio::null());
    git(&["-C", "repo.git", "fast-import", "--quiet"], history.into());
}

#[test]
fn every_case_of_every_skill_is_answered_as_its_tool_says() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("example-skills");
    let mut answered = 0;
    for skill in std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()) {
        let name = skill.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(cases) = std::fs::read_dir(skill.join("cases")) else { continue };
        for case in cases.map(|entry| entry.unwrap().path()) {
            // Where its author has it: the skill, and its cases beside it.
            let project = tempfile::tempdir().unwrap();
            let wasm = Path::new(env!("OUT_DIR")).join(&name).with_extension("wasm");
            std::fs::copy(wasm, project.path().join(&name).with_extension("wasm")).unwrap();
            let folder = project.path().join("cases/one");
            copy(&case, &folder);
            history(&folder);
            let folder = folder.as_path();
            let mut arguments = json!({ "incident": read(folder, "incident.json") });
            if folder.join("evidence.json").is_file() {
                arguments["evidence"] = read(folder, "evidence.json");
            }
            let mut client = Client::start(folder, NEW, json!({}));
            let tools = client.tools();
            let tool =
                tools.iter().find(|tool| tool["name"] == name.as_str()).unwrap_or_else(|| panic!("no tool {name}"));
            assert_eq!(broken(&tool["inputSchema"], &arguments), [""; 0], "{}", case.display());
            let answer = client.call(&name, arguments);
            let result = &answer["result"]["structuredContent"];
            assert_eq!(answer["result"]["isError"], false, "{}: {answer}", case.display());
            assert_eq!(broken(&tool["outputSchema"], result), [""; 0], "{}: {result}", case.display());
            answered += 1;
        }
    }
    assert!(answered > 20, "{answered}");
}

#[test]
fn the_other_tools_answer_as_they_say() {
    let (folder, incident, _) = labelled();
    let mut client = Client::start(folder.path(), NEW, json!({}));
    let tools = client.tools();
    let schema = |name: &str, of: &str| tools.iter().find(|tool| tool["name"] == name).unwrap()[of].clone();
    let case = client.done("investigate", json!({ "incident": incident }));
    assert_eq!(broken(&schema("investigate", "outputSchema"), &case), [""; 0]);
    let of_case = json!({ "case": case["case"] });
    for (name, arguments) in [
        ("case_start", json!({ "incident": incident })),
        ("case_get", of_case.clone()),
        ("case_show", of_case),
        ("review_list", json!({ "all": true, "limit": 1 })),
    ] {
        assert_eq!(broken(&schema(name, "inputSchema"), &arguments), [""; 0], "{name}");
        let answer = client.done(name, arguments);
        assert_eq!(broken(&schema(name, "outputSchema"), &answer), [""; 0], "{name}: {answer}");
    }
}

#[test]
fn schemas_are_what_clients_take() {
    let folder = tempfile::tempdir().unwrap();
    common::write(folder.path().join("negawatt.toml"), "# all as it is by default\n");
    let mut client = Client::start(folder.path(), NEW, json!({}));
    let mut all = 0;
    for tool in client.tools() {
        let name = tool["name"].as_str().unwrap();
        assert!(name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            jsonschema::meta::validate(schema).unwrap();
            // Some clients take neither alternatives at the root nor references.
            assert_eq!(schema["type"], "object", "{name}");
            assert!(schema.get("anyOf").is_none() && !schema.to_string().contains("$ref"), "{name}");
        }
        let length = tool.to_string().len();
        assert!(length < 12_000, "{name} has {length} bytes");
        all += length;
    }
    assert!(all < 140_000, "a model reads {all} bytes before it does anything");
}
