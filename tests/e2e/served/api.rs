//! What is asked becomes what is answered: cases, problems, refusals, what is read anew, and what is turned away.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use serde_json::{Value, json as object};

use crate::common::server::{AGENT, INITIALIZE, Server, token, until};
use crate::common::{json, run, write};

fn incident(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("incident.json")).unwrap()
}

/// The same incident, of another service or time, so that it is another case.
fn other(folder: &Path, number: usize) -> String {
    let mut value: Value = serde_json::from_str(&incident(folder)).unwrap();
    value["title"] = format!("incident {number}").into();
    value["fingerprint"] = format!("fingerprint-{number}").into();
    value.to_string()
}

#[test]
fn an_incident_becomes_a_case_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(Scenario::Commit, 9_100, folder).unwrap();
    let server = Server::start(folder);
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(folder));
    assert_eq!((status, &accepted["duplicate"]), (202, &false.into()), "{accepted}");
    let case = accepted["case"].as_str().unwrap();
    let events = server.events(case);
    assert_eq!((events[0].as_str(), events.last().unwrap().as_str()), ("state", "ended"), "{events:?}");
    // The same once more is the same case.
    let (status, again) = server.ask("POST", "/v1/incidents", &incident(folder));
    assert_eq!((status, &again["case"], &again["duplicate"]), (200, &accepted["case"], &true.into()));
    let (status, anew) = server.ask("POST", "/v1/incidents?again=true", &incident(folder));
    assert_eq!((status, anew["case"] == accepted["case"]), (202, false));
    server.events(anew["case"].as_str().unwrap());
    // As JSON, as text and as a page, as the command line shows it.
    let (status, shown) = server.ask("GET", &format!("/v1/cases/{case}"), "");
    assert_eq!((status, &shown["verdict"]), (200, &"regression".into()));
    let (_, head, text) = server.ask_with("GET", &format!("/v1/cases/{case}"), "Accept: text/plain\r\n", "");
    assert!(head.to_lowercase().contains("content-type: text/plain") && text.contains("Verdict"), "{head}\n{text}");
    assert_eq!(server.ask_with("GET", &format!("/v1/cases/{case}"), "Accept: image/png\r\n", "").0, 406);
    let (_, head, page) = server.ask_with("GET", &format!("/v1/cases/{case}"), "Accept: text/html\r\n", "");
    assert!(page.starts_with("<!") && head.to_lowercase().contains("content-security-policy: sandbox"));
    // Lists have pages.
    let (_, first) = server.ask("GET", "/v1/cases?limit=1", "");
    assert_eq!((&first["cases"][0]["case"], &first["cases"][0]["state"]), (&anew["case"], &"regression".into()));
    let (_, second) = server.ask("GET", &format!("/v1/cases?limit=1&cursor={}", first["next"].as_str().unwrap()), "");
    assert_eq!(second["cases"][0]["case"], accepted["case"]);
    let (_, none) = server.ask("GET", "/v1/cases?state=dismissed", "");
    assert_eq!(none["cases"], object!([]));
    // The command line asks the same of the server.
    let url = format!("http://{}", server.address);
    assert_eq!(json(folder, &["case", "show", case, "--server", &url, "--json"]), shown);
    let asked = json(folder, &["investigate", "incident.json", "--server", &url, "--json"]);
    assert_eq!((&asked["earlier"], &asked["verdict"]), (&anew["case"], &"regression".into()), "it is a new one");
    let listed = json(folder, &["case", "list", "--server", &url, "--json"]);
    assert_eq!(listed["cases"].as_array().unwrap().len(), 3);
    for path in ["/v1/stats", "/v1/skills", "/v1/reviews?all=true", "/v1/openapi.json", "/healthz"] {
        assert_eq!(server.ask("GET", path, "").0, 200, "{path}");
    }
    assert_eq!(server.ask_with("POST", "/mcp", AGENT, INITIALIZE).0, 200);
    let (status, _, metrics) = server.ask_with("GET", "/metrics", "", "");
    assert!(status == 200 && metrics.contains("negawatt_cases_ended_total{verdict=\"regression\"} 3"), "{metrics}");
    assert_eq!(server.end("-TERM"), Some(0));
}

#[test]
fn what_is_asked_wrongly_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder.join("negawatt.toml"), "[serve]\nbody = \"64KiB\"\n");
    let server = Server::start(folder);
    let refused = |method: &str, path: &str, head: &str, body: &str| {
        let (status, head, body) = server.ask_with(method, path, head, body);
        assert!(head.to_lowercase().contains("content-type: application/problem+json"), "{head}\n{body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], status);
        let kind = problem["type"].as_str().unwrap().strip_prefix("urn:negawatt:").unwrap().to_owned();
        (status, kind)
    };
    for (method, path, head, body, status, kind) in [
        ("POST", "/v1/incidents", "", "{}", 400, "incident"),
        ("POST", "/v1/incidents", "", "", 400, "incident"),
        ("GET", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "", 404, "no-such-case"),
        ("GET", "/v1/cases/..%2f", "", "", 400, "not-a-case-id"),
        ("GET", "/v1/cases?limit=0", "", "", 400, "limit"),
        ("GET", "/v1/cases?cursor=x", "", "", 400, "cursor"),
        ("GET", "/v1/cases?limit=many", "", "", 400, "query"),
        ("GET", "/v1/cases?colour=red", "", "", 400, "query"),
        ("GET", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/proposals/first", "", "", 400, "path"),
        ("POST", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/outcome", "", "{", 400, "body"),
        ("POST", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/outcome", "", "{\"what\": 1}", 422, "body"),
        ("GET", "/nowhere", "", "", 404, "no-such-path"),
        ("DELETE", "/v1/cases", "", "", 405, "method"),
        ("GET", "/v1/cases?cursor=01arz3ndektsv4rrffq69g5fav&limit=501", "", "", 400, "limit"),
        ("GET", "/v1/reviews?limit=0", "", "", 400, "limit"),
        ("GET", "/v1/reviews?cursor=x", "", "", 400, "cursor"),
        ("GET", "/v1/cases", "Host: evil.example\r\n", "", 421, "host"),
        ("GET", "/v1/cases", "Origin: https://evil.example\r\n", "", 403, "origin"),
        ("GET", "/v1/stats", "Sec-Fetch-Site: cross-site\r\n", "", 403, "origin"),
        ("GET", "/v1/stats", "Sec-Fetch-Site: same-site\r\n", "", 403, "origin"),
        ("POST", "/v1/webhooks/alertmanager", "", "[]", 400, "payload"),
        ("POST", "/v1/webhooks/generic/none", "", "{}", 404, "no-such-webhook"),
        // Without tokens nobody knows who asks, and a decision takes a person.
        ("POST", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/proposals/1/approve", "", "{}", 403, "nobody"),
    ] {
        assert_eq!(refused(method, path, head, body), (status, kind.to_owned()), "{method} {path} {head}");
    }
    // What the user typed, and pages of the server itself.
    for site in ["none", "same-origin"] {
        assert_eq!(server.ask_with("GET", "/v1/stats", &format!("Sec-Fetch-Site: {site}\r\n"), "").0, 200);
    }
    // After a page that nobody had there is nothing.
    let (_, none) = server.ask("GET", "/v1/cases?cursor=01ARZ3NDEKTSV4RRFFQ69G5FAV", "");
    assert_eq!(none, object!({ "cases": [], "next": null }));
    let (_, head, _) = server.ask_with("DELETE", "/v1/cases", "", "");
    assert!(head.to_lowercase().contains("allow: get,head"), "{head}");
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(65 << 10));
    assert_eq!(refused("POST", "/v1/incidents", "", &large), (413, "too-large".to_owned()));
    // A list cannot be read as another address than that of this machine.
    let output = run(folder, &["serve", "--listen", "0.0.0.0:0", "--config", "negawatt.toml", "--json"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are no tokens"), "{output:?}");
}

#[test]
fn tokens_say_who_may_do_what_and_it_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(Scenario::Commit, 9_100, folder).unwrap();
    // The first token closes a server that runs.
    let server = Server::start(folder);
    assert_eq!(server.ask_with("GET", "/v1/cases", "", "").0, 200);
    let (viewer, operator) = (token(folder, "Vera", "viewer"), token(folder, "ci", "operator"));
    let ask = |secret: &str, method: &str, path: &str, body: &str| {
        server.ask_with(method, path, &format!("Authorization: Bearer {secret}\r\n"), body).0
    };
    assert_eq!(server.ask_with("GET", "/v1/cases", "", "").0, 401);
    assert_eq!(server.ask_with("POST", "/mcp", AGENT, INITIALIZE).0, 401);
    let (status, _, agent) =
        server.ask_with("POST", "/mcp", &format!("{AGENT}Authorization: Bearer {viewer}\r\n"), INITIALIZE);
    assert!(status == 200 && agent.contains("serverInfo"), "{agent}");
    assert_eq!(ask("ngw_wrong", "GET", "/v1/cases", ""), 401);
    assert_eq!(ask(&viewer, "GET", "/v1/cases", ""), 200);
    assert_eq!(ask(&viewer, "POST", "/v1/incidents", &incident(folder)), 403);
    assert_eq!(ask(&operator, "POST", "/v1/incidents", &incident(folder)), 202);
    assert_eq!(ask(&operator, "POST", "/v1/reload", ""), 403);
    assert_eq!(ask(&operator, "POST", "/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/proposals/1/approve", "{}"), 403);
    assert_eq!(server.ask_with("GET", "/healthz", "", "").0, 200, "nobody is asked for it");
    drop(server);
    let log = json(folder, &["audit", "list", "--config", "negawatt.toml", "--json"]).to_string();
    assert!(log.contains("POST /v1/incidents") && log.contains("ci (") && !log.contains(&operator), "{log}");
    assert!(log.contains("Vera (") && log.contains("refused"), "what is refused is written down as well: {log}");
    assert!(run(folder, &["audit", "verify", "--config", "negawatt.toml"]).status.success());
}

#[test]
fn skills_and_configuration_are_read_anew_and_broken_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder.join("negawatt.toml"), "[skills]\npaths = [\"skills\"]\n");
    std::fs::create_dir(folder.join("skills")).unwrap();
    let server = Server::start(folder);
    let names = || {
        let (_, skills) = server.ask("GET", "/v1/skills", "");
        let names = skills["skills"].as_array().unwrap().iter().map(|skill| skill["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), skills["refused"].as_array().unwrap().len())
    };
    assert!(!names().0.contains(&"reader".to_owned()));
    let file = folder.join("skills/reader.wasm");
    std::fs::write(&file, negawatt_test_guests::READER).unwrap();
    let (status, reloaded) = server.ask("POST", "/v1/reload", "");
    assert_eq!((status, &reloaded["refused"]), (200, &object!([])), "{reloaded}");
    assert!(names().0.contains(&"reader".to_owned()));
    // What is broken now is told, and what it was stays.
    std::fs::write(&file, b"broken").unwrap();
    let (_, reloaded) = server.ask("POST", "/v1/reload", "");
    assert_eq!(reloaded["refused"].as_array().unwrap().len(), 1, "{reloaded}");
    assert_eq!((names().0.contains(&"reader".to_owned()), names().1), (true, 1));
    // So does the configuration.
    write(folder.join("negawatt.toml"), "[skills\n");
    assert_eq!(server.ask("POST", "/v1/reload", "").0, 409);
    assert!(names().0.contains(&"reader".to_owned()));
}

#[test]
fn what_does_not_fit_into_the_queue_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    generate(Scenario::Commit, 9_100, folder).unwrap();
    let config = std::fs::read_to_string(folder.join("negawatt.toml")).unwrap();
    // A skill that loops keeps the only worker.
    std::fs::create_dir(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let looping = "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\ntime = \"600s\"\ncompute = \"600s\"\n";
    let serve = "[serve]\nworkers = 1\nqueue = 1\nshutdown = \"1s\"\n";
    write(folder.join("negawatt.toml"), &format!("{serve}{config}{looping}"));
    let mut value: Value = serde_json::from_str(&incident(folder)).unwrap();
    value["title"] = "loop".into();
    let server = Server::start(folder);
    let (_, first) = server.ask("POST", "/v1/incidents", &value.to_string());
    let case = first["case"].as_str().unwrap().to_owned();
    // Until the worker has it.
    until(|| (server.ask("GET", "/healthz", "").1["running"] == 1).then_some(()));
    assert_eq!(server.ask("POST", "/v1/incidents", &other(folder, 1)).0, 202);
    let (status, head, body) = server.ask_with("POST", "/v1/incidents", "", &other(folder, 2));
    assert_eq!(status, 429, "{body}");
    assert!(head.to_lowercase().contains("retry-after: "), "{head}");
    // What is told to end parks what it cannot finish, and the case goes on where it was.
    assert_eq!(server.end("-TERM"), Some(0));
    let shown = json(folder, &["case", "show", &case, "--config", "negawatt.toml", "--json"]);
    assert!(shown["verdict"].is_null(), "{shown}");
}
