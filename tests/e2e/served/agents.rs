//! What agents do at `/mcp`: written down like everything else that is done, and counted.

use std::path::Path;

use serde_json::{Value, json as object};

use crate::common::server::{Server, token, until};
use crate::common::{json, run, write};

const REVISION: &str = "2026-07-28";

/// Calls a method, in the revision that needs no session; what is answered.
fn call(server: &Server, secret: &str, method: &str, name: Option<&str>, mut params: Value) -> Value {
    params["_meta"] = object!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } },
    });
    let name = name.map_or(String::new(), |name| format!("Mcp-Name: {name}\r\n"));
    let head = format!(
        "Authorization: Bearer {secret}\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: {REVISION}\r\nMcp-Method: {method}\r\n{name}"
    );
    let body = object!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let (_, _, answer) = server.ask_with("POST", "/mcp", &head, &body);
    let messages = answer.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
    let mut messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.find(|message| message["id"] == 1).unwrap_or_else(|| panic!("{answer}"))
}

fn tool(server: &Server, secret: &str, name: &str, arguments: Value) -> Value {
    call(server, secret, "tools/call", Some(name), object!({ "name": name, "arguments": arguments }))
}

/// Who did what to what, and what came of it, of all that agents did.
fn log(folder: &Path) -> Vec<(String, String, String, String)> {
    let log = json(folder, &["audit", "list", "--config", "negawatt.toml", "--json"]);
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_else(|| panic!("{entry}")).to_owned();
    let entries = log["entries"].as_array().unwrap().iter().filter(|entry| text(entry, "action").starts_with("mcp "));
    let name = |who: String| who.split(' ').next().unwrap().to_owned();
    let told = |entry: &Value| {
        assert!(entry["role"].is_string() && text(entry, "address") == "127.0.0.1", "{entry}");
        assert!(text(entry, "detail").starts_with("request "), "{entry}");
        (name(text(entry, "who")), text(entry, "action"), text(entry, "object"), text(entry, "outcome"))
    };
    entries.map(told).collect()
}

#[test]
fn what_agents_do_is_written_down_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    let config = "[casebook]\npath = \"casebook\"\n[skills]\nbundled = false\npaths = [\"skills\"]\n\
                  [[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
    write(folder.join("negawatt.toml"), config);
    let server = Server::start(folder);
    let (viewer, operator) = (token(folder, "Vera", "viewer"), token(folder, "Otto", "operator"));
    let incident = |title: &str| {
        let metric = object!({ "name": "cpu", "labels": { "service": "checkout" } });
        let window = object!({ "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" });
        object!({ "kind": "regression", "title": title, "service": "checkout", "metric": metric, "window": window })
    };
    let of = |title: &str| object!({ "incident": incident(title) });
    let refused = tool(&server, &viewer, "investigate", of("nothing"));
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let started = tool(&server, &operator, "case_start", of("nothing"));
    let case =
        started["result"]["structuredContent"]["case"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    server_rests(&server, &operator, &case);
    // One that works, one that fails, and looking, which is nothing to write down.
    assert_eq!(tool(&server, &operator, "mischief", of("nothing"))["result"]["isError"], false);
    assert_eq!(tool(&server, &operator, "mischief", of("panic"))["result"]["isError"], true);
    assert_eq!(tool(&server, &viewer, "case_show", object!({ "case": case }))["result"]["isError"], false);
    let cancel = object!({ "taskId": case });
    assert!(call(&server, &viewer, "tasks/cancel", Some(&case), cancel.clone())["error"].is_object());
    assert!(call(&server, &operator, "tasks/cancel", Some(&case), cancel)["result"].is_object());
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let cancelled = call(&server, &operator, "tasks/cancel", Some(unknown), object!({ "taskId": unknown }));
    assert!(cancelled["error"].is_object(), "{cancelled}");
    let entry = |who: &str, what: &str, to: &str, came: &str| {
        (who.to_owned(), format!("mcp {what}"), to.to_owned(), came.to_owned())
    };
    let expected = [
        entry("Vera", "investigate", "checkout", "refused"),
        entry("Otto", "case_start", "checkout", "done"),
        entry("Otto", "mischief", "checkout", "done"),
        entry("Otto", "mischief", "checkout", "done"),
        entry("Otto", "mischief", "checkout", "failed"),
        entry("Vera", "cancel", &case, "refused"),
        entry("Otto", "cancel", &case, "done"),
        entry("Otto", "cancel", unknown, "done"),
        entry("Otto", "cancel", unknown, "failed"),
    ];
    assert_eq!(log(folder), expected);
    let (_, _, metrics) = server.ask_with("GET", "/metrics", &format!("Authorization: Bearer {viewer}\r\n"), "");
    for line in [
        "negawatt_cases_accepted_total{from=\"agent\"} 3\n",
        "negawatt_cases_ended_total{verdict=\"dismissed\"} 1\n",
        "negawatt_cases_ended_total{verdict=\"none\"} 2\n",
        "negawatt_case_seconds_count 1\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(run(folder, &["audit", "verify", "--config", "negawatt.toml"]).status.success());
}

/// Waits for the end of a case.
fn server_rests(server: &Server, secret: &str, case: &str) {
    let asked = object!({ "case": case, "wait_seconds": 50 });
    let state = |answer: &Value| answer["result"]["structuredContent"]["state"].clone();
    until(|| (state(&tool(server, secret, "case_get", asked.clone())) == "ended").then_some(()));
}
