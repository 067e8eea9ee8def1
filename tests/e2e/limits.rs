//! Limits that show in the built program only; and that every limit of a configuration has a test that trips it.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use negawatt_test_guests::MISCHIEF;
use serde_json::Value;

use crate::common::{negawatt, write};

/// Runs a skill that nobody compiled before, under these limits of the host; what it says where it fails.
fn runs(host: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 61, folder.path()).unwrap();
    let incident = folder.path().join("incident.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
    value["title"] = "nothing".into();
    write(&incident, &value.to_string());
    std::fs::write(folder.path().join("mischief.wasm"), MISCHIEF).unwrap();
    let grant = "[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
    write(folder.path().join("limits.toml"), &format!("{grant}[host]\n{host}\n"));
    let output = negawatt(folder.path())
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .args(["skill", "run", "mischief.wasm", "--incident", "incident.json", "--config", "limits.toml"])
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
}

#[test]
fn compiling_is_limited_in_time_and_memory() {
    assert_eq!(runs(""), Ok(()));
    let error = runs("compile_time = \"1ms\"").unwrap_err();
    assert!(error.contains("compiling it took longer than 1ms; an operator can raise [host] compile_time"), "{error}");
    for mib in [1, 16, 64] {
        let error = runs(&format!("compile_memory = \"{mib}MiB\"")).unwrap_err();
        let says = format!("more than {mib} MiB of memory, or crashed the compiler");
        assert!(error.contains(&says) && error.contains("[host] compile_memory"), "{error}");
        assert!(!error.contains("panicked"), "what a compiler says when it crashes is for its developers: {error}");
    }
}

#[test]
fn component_bytes_are_limited_where_files_are_read() {
    let bytes = MISCHIEF.len();
    assert_eq!(runs(&format!("component_bytes = \"{bytes}B\"")), Ok(()));
    let error = runs(&format!("component_bytes = \"{}B\"", bytes - 1)).unwrap_err();
    assert!(error.contains(&format!("has {bytes} bytes, and the host takes {}", bytes - 1)), "{error}");
}

/// Which test trips which limit, by the section and key of the configuration.
const TRIPPED: &[(&str, &str, &str)] = &[
    ("limits.memory", "runtime/host/tests/limits/memory.rs", "memory_of_a_guest_is_limited"),
    ("limits.time", "runtime/host/tests/limits/time.rs", "wall_time_is_limited_in_the_guest_and_in_a_tool"),
    ("limits.compute", "runtime/host/tests/limits/time.rs", "compute_time_is_limited"),
    ("limits.tool_time", "runtime/host/tests/limits/time.rs", "a_tool_that_takes_too_long_is_unavailable"),
    ("limits.fuel", "runtime/host/tests/limits/calls.rs", "fuel_is_counted_and_limited"),
    ("limits.handles", "runtime/host/tests/limits/calls.rs", "handles_are_limited"),
    ("limits.tool_calls", "runtime/host/tests/limits/calls.rs", "tool_calls_are_limited"),
    ("limits.read_bytes", "runtime/host/tests/limits/calls.rs", "bytes_read_through_tools_are_limited"),
    ("limits.findings", "runtime/host/tests/limits/calls.rs", "findings_are_limited_in_number_and_size"),
    ("limits.finding_bytes", "runtime/host/tests/limits/calls.rs", "findings_are_limited_in_number_and_size"),
    ("limits.findings_bytes", "runtime/host/tests/limits/calls.rs", "findings_are_limited_together"),
    ("limits.text_bytes", "runtime/host/tests/limits/calls.rs", "texts_are_limited"),
    ("limits.links", "runtime/host/tests/limits/calls.rs", "links_are_limited"),
    ("limits.log_lines", "runtime/host/tests/limits/calls.rs", "lines_of_the_log_are_limited"),
    ("limits.log_bytes", "runtime/host/tests/limits/calls.rs", "what_is_logged_and_written_is_limited"),
    ("limits.model_tokens", "runtime/host/tests/limits/calls.rs", "tokens_of_models_are_limited"),
    ("limits.http_at_once", "runtime/sources/tests/http/limits.rs", "so_many_requests_are_under_way_at_a_time"),
    ("limits.http_request_bytes", "runtime/sources/tests/http/limits.rs", "a_request_has_a_size"),
    ("limits.http_response_bytes", "runtime/sources/tests/http/limits.rs", "an_answer_has_a_size"),
    ("host.calls", "runtime/host/tests/limits/host.rs", "calls_at_the_same_time_are_limited"),
    ("host.calls_per_skill", "runtime/host/tests/limits/host.rs", "calls_per_skill_at_the_same_time_are_limited"),
    ("host.component_bytes", "runtime/host/tests/limits/host.rs", "component_bytes_are_limited"),
    ("host.component_bytes", "tests/e2e/limits.rs", "component_bytes_are_limited_where_files_are_read"),
    ("host.compile_time", "tests/e2e/limits.rs", "compiling_is_limited_in_time_and_memory"),
    ("host.compile_memory", "tests/e2e/limits.rs", "compiling_is_limited_in_time_and_memory"),
    ("host.compiled_bytes", "runtime/host/tests/cache.rs", "what_was_used_longest_ago_makes_room"),
    ("host.failures", "runtime/planner/tests/rules/aside.rs", "it_is_planned_no_more_and_the_case_says_why"),
    ("case.steps", "runtime/planner/tests/rules/budget.rs", "steps"),
    ("case.tool_calls", "runtime/planner/tests/rules/budget.rs", "calls_of_tools_over_the_steps_of_one_wave"),
    ("case.read_bytes", "runtime/planner/tests/rules/budget.rs", "bytes_over_the_steps_of_one_wave"),
    ("case.time", "runtime/planner/tests/rules/budget.rs", "wall_time"),
    ("case.distance", "runtime/planner/tests/rules/scope.rs", "the_distance_and_the_look_back_are_what_was_configured"),
    (
        "case.look_back",
        "runtime/planner/tests/rules/scope.rs",
        "the_distance_and_the_look_back_are_what_was_configured",
    ),
];

/// The sections of a configuration that hold limits and nothing else.
const SECTIONS: [&str; 3] = ["limits", "host", "case"];

#[test]
fn every_limit_has_a_test_that_trips_it() {
    let schema = negawatt_config::schema();
    let keys = |section: &str| {
        let properties = schema["properties"][section]["properties"].as_object().unwrap();
        properties.keys().map(|key| format!("{section}.{key}")).collect::<Vec<_>>()
    };
    let all: Vec<_> = SECTIONS.iter().flat_map(|section| keys(section)).collect();
    for limit in &all {
        assert!(
            TRIPPED.iter().any(|(tripped, ..)| tripped == limit),
            "no test trips {limit}: write one, and name it here"
        );
    }
    for (limit, file, test) in TRIPPED {
        assert!(all.iter().any(|known| known == limit), "there is no limit {limit} any more");
        let (_, key) = limit.split_once('.').unwrap();
        let body = test_body(file, test).unwrap_or_else(|problem| panic!("{limit}: {file}: {test}: {problem}"));
        let word = |word: &str| !word.is_empty() && word == key;
        let names_it = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(word);
        assert!(names_it, "{file}: {test} is said to trip {limit}, and does not name it");
    }
}

/// What is between the braces of a test that runs.
fn test_body(file: &str, test: &str) -> Result<String, &'static str> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let text = std::fs::read_to_string(root.join(file)).map_err(|_| "there is no such file")?;
    let (before, rest) = text.split_once(&format!("fn {test}(")).ok_or("there is no such function")?;
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    let is_test = attributes.contains("#[test]") || attributes.contains("#[tokio::test");
    if !is_test || attributes.contains("#[ignore") {
        return Err("it is no test that runs");
    }
    Ok(rest.split_once("\n}\n").ok_or("it does not end")?.0.to_owned())
}

#[test]
fn a_test_that_is_none_is_noticed() {
    let here = "tests/e2e/limits.rs";
    assert!(test_body(here, "a_test_that_is_none_is_noticed").is_ok());
    assert_eq!(test_body(here, "runs"), Err("it is no test that runs"));
    assert_eq!(test_body(here, "nobody"), Err("there is no such function"));
    assert_eq!(test_body("nowhere.rs", "runs"), Err("there is no such file"));
}
