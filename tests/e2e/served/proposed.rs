//! What a case proposes is examined without any other case waiting for it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::common::case::{case, endless};
use crate::common::server::{Server, until};

#[test]
fn no_verdict_waits_for_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Checks of the first case, which would not end by themselves, keep all who carry cases on.
    case(folder, &endless(&listener), "[serve]\nworkers = 1\nshutdown = \"1s\"\n");
    let server = Server::start(folder);
    let mut events = server.hear("/v1/events", "");
    let incident = std::fs::read_to_string(folder.join("incident.json")).unwrap();
    let post = || {
        let (status, accepted) = server.ask("POST", "/v1/incidents?again=true", &incident);
        assert_eq!(status, 202, "{accepted}");
        accepted["case"].clone()
    };
    let first = post();
    let (mut check, _) = listener.accept().unwrap();
    let second = post();
    let verdict = events.next_of("verdict", |data| data["case"] == second);
    assert_eq!(verdict["verdict"], "regression");
    // Both are here until what they propose is examined; whoever stops the first lets the second be.
    let health = until(|| {
        let health = server.ask("GET", "/healthz", "").1;
        (health["running"] == 0).then_some(health)
    });
    assert_eq!(health["carrying"], 2);
    let metrics = server.ask_with("GET", "/metrics", "", "").2;
    assert!(metrics.contains("negawatt_cases_carrying 2\n"), "{metrics}");
    let path = format!("/v1/cases/{}", first.as_str().unwrap());
    assert_eq!(server.ask("GET", &path, "").1["verdict"], "regression");
    assert_eq!(server.ask("POST", &format!("{path}/stop"), "").0, 202);
    assert_eq!(check.read(&mut [0]).expect("the check has ended"), 0);
    events.next_of("ended", |data| data["case"] == first);
    listener.accept().unwrap();
}

/// Stopped while the guard looked, a case with a verdict goes on when it is resumed.
#[test]
fn what_a_stopped_case_proposes_is_examined_when_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    case(folder, &endless(&listener), "[serve]\nworkers = 1\nshutdown = \"1s\"\n");
    let server = Server::start(folder);
    let mut events = server.hear("/v1/events", "");
    let incident = std::fs::read_to_string(folder.join("incident.json")).unwrap();
    let first = server.ask("POST", "/v1/incidents", &incident).1["case"].clone();
    let path = format!("/v1/cases/{}", first.as_str().unwrap());
    let (mut check, _) = listener.accept().unwrap();
    assert_eq!(server.ask("POST", &format!("{path}/stop"), "").0, 202);
    events.next_of("ended", |data| data["case"] == first);
    assert_eq!(check.read(&mut [0]).expect("the check has ended"), 0);
    assert_eq!(server.ask("POST", &format!("{path}/resume"), "").0, 202);
    // Each of its two proposals is checked, and as soon as somebody says so the check is over.
    for _ in 0..2 {
        listener.accept().unwrap().0.write_all(b"go on\n").unwrap();
    }
    events.next_of("ended", |data| data["case"] == first);
    let proposals = &server.ask("GET", &path, "").1["mitigations"];
    let stages: Vec<_> = proposals.as_array().unwrap().iter().map(|proposal| &proposal["stage"]).collect();
    assert_eq!(stages, ["waiting", "waiting"], "{proposals:#}");
    assert_eq!(server.ask("POST", &format!("{path}/resume"), "").0, 409, "nothing is left to do");
}

/// Killed while the guard looked, a server leaves what the next one goes on with.
#[test]
fn what_a_killed_server_left_is_examined_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    case(folder, &endless(&listener), "[serve]\nworkers = 1\nshutdown = \"1s\"\n");
    let server = Server::start(folder);
    let incident = std::fs::read_to_string(folder.join("incident.json")).unwrap();
    let first = server.ask("POST", "/v1/incidents", &incident).1["case"].clone();
    let _check = listener.accept().unwrap();
    server.end("-KILL");
    let server = Server::start(folder);
    let mut events = server.hear("/v1/events", "");
    for _ in 0..2 {
        listener.accept().unwrap().0.write_all(b"go on\n").unwrap();
    }
    events.next_of("ended", |data| data["case"] == first);
    let path = format!("/v1/cases/{}", first.as_str().unwrap());
    let proposals = &server.ask("GET", &path, "").1["mitigations"];
    assert!(proposals.as_array().unwrap().iter().all(|proposal| proposal["stage"] == "waiting"), "{proposals:#}");
}
