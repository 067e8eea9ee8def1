//! Traces reach a collector over OTLP as what happened: request → case → step → call → tool, within the trace of whoever asked and of
//! whoever is asked; and no collector, whatever it does, costs a case anything.

mod collector;
mod lines;
mod runs;
mod served;

use std::fs::File;
use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use negawatt_test_servers::Request;
use serde_json::Value;

use crate::common::server::{SERVE, Server};
use crate::common::{negawatt, write};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What a caller sends that is in a trace, which is sampled.
fn parent(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

/// A case in a folder, with more in its configuration.
fn case(folder: &Path, seed: u64, more: &str) {
    generate(Scenario::Commit, seed, folder).unwrap();
    let file = folder.join("negawatt.toml");
    let said = std::fs::read_to_string(&file).unwrap();
    write(file, &format!("{said}\n{more}"));
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

const INVESTIGATE: [&str; 5] = ["investigate", "incident.json", "--config", "negawatt.toml", "--json"];

fn incident(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("incident.json")).unwrap()).unwrap()
}

/// A server whose standard error is kept.
fn serve(folder: &Path, environment: &[(&str, &str)]) -> Server {
    let said = File::create(folder.join("said")).unwrap();
    Server::of(negawatt(folder).args(SERVE).envs(environment.iter().copied()).stderr(said))
}

/// Sends an incident, and waits until its case rests; gives the case.
fn investigated(server: &Server, incident: &Value, head: &str) -> String {
    let (status, _, body) = server.ask_with("POST", "/v1/incidents", head, &incident.to_string());
    assert_eq!(status, 202, "{body}");
    let accepted: Value = serde_json::from_str(&body).unwrap();
    let case = accepted["case"].as_str().unwrap().to_owned();
    server.events(&case);
    case
}

/// Tells it to end; what it said on standard error.
fn ended(server: Server, folder: &Path) -> String {
    assert_eq!(server.end("-TERM"), Some(0));
    std::fs::read_to_string(folder.join("said")).unwrap()
}
