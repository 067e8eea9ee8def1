//! The built program against a real Prometheus: the same case, served from there instead of from files, has the same answer.

use negawatt_casegen::{Scenario, generate};
use negawatt_test_servers::{Prometheus, openmetrics_of_csv};
use serde_json::Value;

use crate::common;

#[test]
fn a_case_from_prometheus_has_the_answer_of_the_same_case_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let truth = generate(Scenario::Commit, 7_000, folder.path()).unwrap().to_json();
    std::fs::remove_file(folder.path().join("truth.json")).unwrap();
    let metrics = folder.path().join("metrics");
    let Some(prometheus) = Prometheus::with(&openmetrics_of_csv(&metrics).unwrap()) else { return };
    let from_files = common::investigate(folder.path());
    // What is not there any more cannot answer.
    std::fs::remove_dir_all(metrics).unwrap();
    let toml = folder.path().join("negawatt.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let files = "kind = \"files\"\npath = \"metrics\"";
    assert!(text.contains(files), "{text}");
    std::fs::write(&toml, text.replace(files, &format!("kind = \"prometheus\"\nurl = \"{}\"", prometheus.url())))
        .unwrap();

    let doctor = common::run(folder.path(), &["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success() && said.contains("Prometheus "), "{said}");
    let from_prometheus = common::investigate(folder.path());
    let what_counts = |answer: &Value| {
        let ids = |list: &Value, key: &str| -> Vec<Value> {
            list.as_array().unwrap().iter().map(|item| item[key].clone()).collect()
        };
        // Steps of one wave are ordered by what earlier cases took.
        let mut statuses: Vec<String> = answer["plan"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| format!("{} {}", step["skill"], step["status"]))
            .collect();
        statuses.sort();
        (
            answer["verdict"].clone(),
            answer["change_point"]["time"].clone(),
            ids(&answer["suspects"], "id"),
            ids(&answer["functions"], "name"),
            statuses,
        )
    };
    assert_eq!(what_counts(&from_prometheus), what_counts(&from_files));
    assert_eq!(from_prometheus["verdict"], "regression");
    assert_eq!(from_prometheus["suspects"][0]["id"], truth["suspect"]["id"]);
}

#[test]
fn a_prometheus_that_is_away_is_said_and_loses_no_case() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_away(address, "");
}

/// It is told as away, too, and not as a question that was too large: nothing that a skill could ask for would be answered.
#[test]
fn a_prometheus_that_hangs_is_away() {
    // Connections are made by the system; nobody ever takes them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let steps = assert_away(listener.local_addr().unwrap(), "[limits]\ntime = \"8s\"\ncompute = \"8s\"\n");
    for step in &steps {
        let too_large = step["message"].as_str().is_some_and(|message| message.starts_with("over-budget"));
        assert!(step["status"] != "over-budget" && !too_large, "{step}");
        assert_ne!(step["status"], "timeout", "skills are told before their own time is over: {step}");
    }
    let told = |step: &Value| step["message"].as_str().is_some_and(|message| message.contains("sources.metrics.url"));
    assert!(steps.iter().any(told), "{steps:#?}");
}

/// Investigates a case whose metrics are at an address that does not answer; gives its steps.
fn assert_away(address: std::net::SocketAddr, more: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 7_001, folder.path()).unwrap();
    let toml = folder.path().join("negawatt.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let prometheus = format!("kind = \"prometheus\"\nurl = \"http://{address}\"");
    let text = text.replace("kind = \"files\"\npath = \"metrics\"", &prometheus);
    std::fs::write(&toml, format!("{text}\n{more}")).unwrap();
    let answer = common::investigate(folder.path());
    assert_eq!(answer["verdict"], "inconclusive");
    let steps = answer["plan"].as_array().unwrap().clone();
    let address = address.to_string();
    let says_so = |step: &Value| {
        let message = step["message"].as_str().unwrap_or_default();
        step["status"] == "error" && message.contains("unavailable") && message.contains(&address)
    };
    assert!(steps.iter().any(says_so), "{steps:#?}");
    steps
}
