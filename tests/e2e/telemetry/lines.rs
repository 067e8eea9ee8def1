//! The lines of the log.

use serde_json::Value;

use super::collector::{Collector, has, hex};
use super::{INVESTIGATE, TRACE, case, ended, incident, investigated, parent, serve};
use crate::common::{json, negawatt, write};

/// Characters that steer a terminal, or end a line for whoever reads lines.
const HOSTILE: &str = "a\n{\"level\":\"error\"}\u{1b}[2J\u{2028}\u{202e}\"\\";

#[test]
fn lines_of_the_log_are_objects() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let more =
        format!("[skills]\npaths = [\"own\"]\n[telemetry]\nlog = \"json\"\ntraces = \"{}\"\n", collector.server.url());
    case(folder, 9_305, &more);
    // Its name is told, since it is no skill.
    let named = format!("own/{HOSTILE}.wasm").replace('/', "%").replacen('%', "/", 1);
    write(folder.join(named), "no component");
    let server = serve(folder, &[("NEGAWATT_LOG", "debug")]);
    let mut incident = incident(folder);
    incident["title"] = HOSTILE.into();
    incident["service"] = HOSTILE.into();
    let case = investigated(&server, &incident, &format!("traceparent: {}\r\nX-Request-Id: mine\r\n", parent(TRACE)));
    assert_eq!(server.ask_with("GET", "/%0a%7b%7d", "X-Request-Id: two words\r\n", "").0, 404);
    let said = ended(server, folder);
    let lines: Vec<Value> = said
        .lines()
        .map(|line| {
            assert!(line.chars().all(|c| !c.is_control() && c != '\u{2028}' && c != '\u{202e}'), "{line:?}");
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
        .collect();
    for line in &lines {
        assert!(line["time"].as_str().unwrap().ends_with('Z') && line["message"].is_string(), "{line}");
        assert!(["error", "warn", "info", "debug"].contains(&line["level"].as_str().unwrap()), "{line}");
    }
    let not_used = lines.iter().find(|line| line["message"].as_str().unwrap().contains("is not used")).unwrap();
    assert!(not_used["message"].as_str().unwrap().contains("\u{1b}[2J") && not_used["level"] == "warn", "{not_used}");
    // A line for each request, with what the spans around it say.
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let first = answered.iter().find(|line| line["request"] == "mine").unwrap();
    assert_eq!((&first["level"], &first["status"]), (&"info".into(), &202.into()));
    assert_eq!((&first["method"], &first["route"]), (&"POST".into(), &"/v1/incidents".into()));
    assert_eq!(first["trace_id"], TRACE);
    assert_eq!(first["span_id"].as_str(), Some(hex(&collector.spans().one("POST /v1/incidents").span_id).as_str()));
    let lost = answered.iter().find(|line| line["status"] == 404).unwrap();
    assert!(lost["request"].as_str().unwrap().len() == 26, "what is no id is none: {lost}");
    assert!(collector.spans().named("case").iter().any(|span| has(span, "case").as_deref() == Some(&case)));
}

/// What a line says of its case does not depend on traces, nor on which lines are wanted.
#[test]
fn a_line_says_of_which_case_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, 9_306, "[telemetry]\nlog = \"json\"\n");
    // A file of metrics that cannot be read is told of, in the step that asks for it.
    let metric = std::fs::read_dir(folder.join("metrics")).unwrap().next().unwrap().unwrap().path();
    write(metric, "no,csv,of\nmetrics");
    let output = negawatt(folder).args(INVESTIGATE).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let line: Value =
        serde_json::from_str(said.lines().next().unwrap()).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((&line["case"], &line["level"]), (&answer["case"], &"warn".into()), "{line}");
    assert!(line["step"].as_str().unwrap().starts_with('s') && line["skill"].is_string(), "{line}");
    assert!(line.get("trace_id").is_none() && line["message"].as_str().unwrap().contains("cannot be read"), "{line}");
    // The same for people.
    let file = folder.join("negawatt.toml");
    let toml = std::fs::read_to_string(&file).unwrap();
    write(&file, &toml.replace("log = \"json\"", "log = \"text\""));
    let output = negawatt(folder).args(INVESTIGATE).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.trim_start().starts_with("WARN") && said.contains("cannot be read"), "{said}");
    assert_eq!(
        json(folder, &["case", "list", "--config", "negawatt.toml", "--json"])["cases"].as_array().unwrap().len(),
        2
    );
}
