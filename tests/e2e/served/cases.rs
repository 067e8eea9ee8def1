//! Cases that are stopped, resumed, and ended by somebody else.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json as object};

use crate::common::server::{Server, until};
use crate::common::{json, negawatt, run, write};

/// A folder with a skill that never ends where the title is `loop`, and a configuration without it over the same casebook.
fn looping(serve: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("skills")).unwrap();
    std::fs::write(path.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let book = "[casebook]\npath = \"casebook\"\n[skills]\nbundled = false\n";
    write(path.join("without.toml"), book);
    let grant = "[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\ntime = \"600s\"\ncompute = \"600s\"\n";
    let text = format!("{book}paths = [\"skills\"]\n{grant}[serve]\nworkers = 1\nshutdown = \"1s\"\n{serve}");
    write(path.join("negawatt.toml"), &text);
    folder
}

fn incident(service: &str) -> String {
    let metric = object!({ "name": "cpu", "labels": { "service": service } });
    let window = object!({ "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" });
    object!({ "kind": "regression", "title": "loop", "service": service, "metric": metric, "window": window })
        .to_string()
}

/// The id of a new case.
fn accepted(server: &Server, service: &str) -> String {
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(service));
    assert_eq!(status, 202, "{accepted}");
    accepted["case"].as_str().unwrap().to_owned()
}

/// Asks for the health until it says so.
fn healthy(server: &Server, what: impl Fn(&Value) -> bool) {
    until(|| what(&server.ask("GET", "/healthz", "").1).then_some(()));
}

fn post(server: &Server, case: &str, what: &str) -> u16 {
    server.ask("POST", &format!("/v1/cases/{case}/{what}"), "").0
}

#[test]
fn what_waits_and_is_stopped_gives_its_place_back() {
    let folder = looping("queue = 1\n");
    let server = Server::start(folder.path());
    let first = accepted(&server, "first");
    healthy(&server, |health| health["running"] == 1);
    let second = accepted(&server, "second");
    assert_eq!(server.ask("POST", "/v1/incidents", &incident("third")).0, 429);
    assert_eq!(post(&server, &second, "stop"), 202);
    assert_eq!(post(&server, &second, "stop"), 409, "it waits no more");
    let third = accepted(&server, "third");
    // It is asked for again: it waits, whether or not there is a place.
    assert_eq!(post(&server, &second, "resume"), 202);
    assert_eq!(server.ask("GET", "/healthz", "").1["waiting"], 2);
    // One that runs gives its worker to the next one; one that is resumed while it ends waits again.
    assert_eq!((post(&server, &first, "stop"), post(&server, &first, "resume")), (202, 202));
    healthy(&server, |health| health["running"] == 1 && health["waiting"] == 2);
    for case in [&second, &third, &first] {
        assert_eq!(post(&server, case, "stop"), 202);
    }
    healthy(&server, |health| health["running"] == 0 && health["waiting"] == 0);
}

#[test]
fn who_hears_a_case_hears_its_end_whoever_ends_it() {
    let folder = looping("");
    let server = Server::start(folder.path());
    let mut events = server.hear("/v1/events", "");
    let case = accepted(&server, "checkout");
    events.next_of("planned", |told| told["case"] == case.as_str());
    assert_eq!(post(&server, &case, "stop"), 202);
    healthy(&server, |health| health["running"] == 0);
    let heard = std::thread::scope(|scope| {
        let hears = scope.spawn(|| server.events(&case));
        // Another process goes on with it, and has no skill for it.
        resume(folder.path(), &case);
        hears.join().unwrap()
    });
    assert_eq!(heard, ["state", "ended"]);
    let (_, shown) = server.ask("GET", &format!("/v1/cases/{case}"), "");
    assert_eq!(shown["verdict"], "inconclusive");
    assert_eq!(shown["plan"][0]["status"], "skipped", "{shown}");
}

#[test]
fn who_waits_for_a_case_that_is_stopped_hears_that_it_has_no_verdict() {
    let folder = looping("");
    let folder = folder.path();
    let server = Server::start(folder);
    write(folder.join("incident.json"), &incident("checkout"));
    let url = format!("http://{}", server.address);
    let output = std::thread::scope(|scope| {
        let asks = scope.spawn(|| run(folder, &["investigate", "incident.json", "--server", &url, "--json"]));
        healthy(&server, |health| health["running"] == 1);
        let case = server.ask("GET", "/v1/cases", "").1["cases"][0]["case"].as_str().unwrap().to_owned();
        assert_eq!(post(&server, &case, "stop"), 202);
        asks.join().unwrap()
    });
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("has no verdict: it was stopped"), "{said}");
    assert!(output.stdout.is_empty());
}

fn resume(folder: &Path, case: &str) {
    let mut command: Command = negawatt(folder);
    let output = command.args(["case", "resume", case, "--config", "without.toml", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ended = json(folder, &["case", "show", case, "--config", "without.toml", "--json"]);
    assert_eq!(ended["verdict"], "inconclusive", "{ended}");
}
