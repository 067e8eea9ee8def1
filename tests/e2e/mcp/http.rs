//! The same server over HTTP, mounted in a router as a program mounts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::case::{labelled, mischief, told};
use super::client::{NEW, OLD};
use super::served::{ORIGIN, Served, VIEWER, WORKER};

const HOUR: &str = "[limits]\ntime = \"1h\"\ncompute = \"1h\"\n[case]\ntime = \"1h\"\n";

/// An answer: its status, its headers in small letters, and what is still to be read.
struct Answer {
    status: u16,
    head: String,
    body: BufReader<TcpStream>,
}

impl Answer {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The next message of a stream, or the only one of a body that is no stream.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.body.read_line(&mut line).unwrap() > 0, "the answer ended");
            let data = line.trim().strip_prefix("data:").unwrap_or(line.trim()).trim();
            if data.starts_with('{') {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// The last message: the answer to the request.
    fn done(mut self) -> Value {
        loop {
            let message = self.next();
            if message.get("id").is_some() {
                return message;
            }
        }
    }

    fn text(mut self) -> String {
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        text
    }
}

/// Sends a request. HTTP 1.0 has no chunks: what is answered can be read as it is.
fn send(served: &Served, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(served.address).unwrap();
    let mut head = format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n", body.len());
    let usual = [
        ("Host", "localhost"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Authorization", WORKER),
    ];
    let named = |name: &str| headers.iter().any(|(known, _)| *known == name);
    for (name, value) in usual.iter().filter(|(name, _)| !named(name)).chain(headers) {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // Who is refused may not be listened to any more.
    let _ = stream.write_all(body.as_bytes());
    let mut body = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(body.read_line(&mut head).unwrap() > 0, "no answer: {head}");
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body }
}

/// A request of the new revision, which needs no session.
fn new(served: &Served, method: &str, mut params: Value, headers: &[(&str, &str)]) -> Answer {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(NEW);
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "raw", "version": "1" });
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut all = vec![("MCP-Protocol-Version", NEW), ("Mcp-Method", method)];
    if !name.is_empty() {
        all.push(("Mcp-Name", &name));
    }
    all.extend(headers);
    send(served, "/mcp", &all, &body)
}

/// A session of the old revision.
struct Session<'a> {
    served: &'a Served,
    id: String,
}

impl Session<'_> {
    fn begin(served: &Served) -> Session<'_> {
        let params =
            json!({ "protocolVersion": OLD, "capabilities": {}, "clientInfo": { "name": "raw", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let answer = send(served, "/mcp", &[], &body.to_string());
        let id = answer.header("mcp-session-id").unwrap().to_owned();
        assert_eq!(answer.done()["result"]["protocolVersion"], OLD);
        let session = Session { served, id };
        assert_eq!(session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).status, 202);
        session
    }

    fn send(&self, message: &Value) -> Answer {
        let headers = [("MCP-Protocol-Version", OLD), ("Mcp-Session-Id", &*self.id)];
        send(self.served, "/mcp", &headers, &message.to_string())
    }

    fn call(&self, id: u64, tool: &str, arguments: Value) -> Answer {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": id } });
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }))
    }
}

/// Asks until a case has ended.
fn ended(served: &Served, case: &str) -> Value {
    loop {
        let params = json!({ "name": "case_get", "arguments": { "case": case, "wait_seconds": 50 } });
        let got = new(served, "tools/call", params, &[]).done();
        if got["result"]["structuredContent"]["state"] == "ended" {
            return got["result"]["structuredContent"].clone();
        }
    }
}

#[test]
fn both_revisions_investigate() {
    let (folder, incident, truth) = labelled();
    let served = Served::start(folder.path());
    let session = Session::begin(&served);
    let mut answer = session.call(7, "investigate", json!({ "incident": incident }));
    let mut said = 0;
    let result = loop {
        let message = answer.next();
        if message["id"] == 7 {
            break message["result"]["structuredContent"].clone();
        }
        assert_eq!(message["params"]["progressToken"], 7);
        said += 1;
    };
    assert_eq!((&result["verdict"], &result["suspects"][0]["id"]), (&json!("regression"), &truth["suspect"]["id"]));
    assert!(said > 5, "{said}");

    let params = json!({ "name": "investigate", "arguments": { "incident": incident } });
    let again = new(&served, "tools/call", params, &[]).done();
    assert_eq!(again["result"]["structuredContent"]["suspects"][0]["id"], truth["suspect"]["id"], "{again}");
    assert_eq!(again["result"]["structuredContent"]["earlier"], result["case"]);
}

#[test]
fn nobody_comes_in_unasked() {
    let folder = mischief(&["mischief".to_owned()], "");
    let served = Served::start(folder.path());
    let refused = new(&served, "tools/list", json!({}), &[("Authorization", "Bearer other")]);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("bearer")));
    assert_eq!(refused.text(), "a token is missing");
    // Before anything is read: not even whether it is a message.
    assert_eq!(send(&served, "/mcp", &[("Authorization", "x")], "{").status, 401);

    let ask = |headers: &[(&str, &str)]| new(&served, "tools/list", json!({}), headers).status;
    assert_eq!(ask(&[]), 200);
    assert_eq!(ask(&[("Host", "rebound.example.com")]), 403);
    assert_eq!(ask(&[("Origin", ORIGIN)]), 200);
    for origin in ["https://evil.example.com", "null", "http://app.example.com"] {
        assert_eq!(ask(&[("Origin", origin)]), 403, "{origin}");
    }
}

#[test]
fn who_may_look_opens_nothing() {
    let folder = mischief(&["mischief".to_owned()], "");
    let served = Served::start(folder.path());
    let viewer = [("Authorization", VIEWER)];
    let call = |tool: &str, arguments: Value| {
        new(&served, "tools/call", json!({ "name": tool, "arguments": arguments }), &viewer).done()
    };
    for tool in ["investigate", "case_start", "mischief"] {
        let answer = call(tool, json!({ "incident": told("nothing") }));
        let said = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(said.contains("Grace may look at cases, and neither open nor cancel one"), "{answer}");
    }
    assert_eq!(call("review_list", json!({}))["result"]["structuredContent"]["more"], false);
    let params = json!({ "name": "mischief", "arguments": { "incident": told("nothing") } });
    let found = new(&served, "tools/call", params, &[]).done();
    let case = found["result"]["structuredContent"]["case"].clone();
    let shown = call("case_show", json!({ "case": case }));
    let reason = &shown["result"]["structuredContent"]["plan"][0]["reason"];
    assert_eq!(reason, "asked for over MCP by Ada with raw 1", "{shown}");
}

#[test]
fn a_server_that_was_mounted_without_admission_serves_nobody() {
    let folder = mischief(&["mischief".to_owned()], "");
    let served = Served::start(folder.path());
    let params = json!({
        "name": "case_start", "arguments": { "incident": told("nothing") },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let headers = [("MCP-Protocol-Version", NEW), ("Mcp-Method", "tools/call"), ("Mcp-Name", "case_start")];
    let answer = send(&served, "/open", &headers, &body).done();
    assert_eq!(answer["error"]["message"], "nobody said who asks", "{answer}");
}

#[test]
fn what_is_cancelled_stops_in_the_sandbox() {
    let folder = mischief(&["mischief".to_owned()], HOUR);
    let served = Served::start(folder.path());
    let began = |answer: &mut Answer| {
        let case = answer.next()["params"]["message"].as_str().unwrap().strip_prefix("case ").unwrap().to_owned();
        assert!(answer.next()["params"]["message"].as_str().unwrap().starts_with("runs s1"));
        case
    };
    let session = Session::begin(&served);
    for (id, tool) in [(1, "mischief"), (2, "investigate")] {
        let mut answer = session.call(id, tool, json!({ "incident": told("loop") }));
        let case = began(&mut answer);
        let cancelled = json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id, "reason": "enough" },
        });
        assert_eq!(session.send(&cancelled).status, 202);
        assert!(ended(&served, &case)["result"]["verdict"].is_null());
    }
    // In the new revision who hangs up has cancelled.
    for tool in ["mischief", "investigate"] {
        let params =
            json!({ "name": tool, "arguments": { "incident": told("loop") }, "_meta": { "progressToken": "p" } });
        let mut answer = new(&served, "tools/call", params, &[]);
        let case = began(&mut answer);
        drop(answer);
        assert!(ended(&served, &case)["result"]["verdict"].is_null());
    }
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let folder = mischief(&["mischief".to_owned()], "");
    let served = Served::start(folder.path());
    let versions = [("MCP-Protocol-Version", NEW)];
    for body in ["{", "[]", "{}", "{\"jsonrpc\":\"2.0\",\"id\":1}", "\u{0}"] {
        let answer = send(&served, "/mcp", &versions, body);
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.head);
    }
    let long = "x".repeat(5 << 20);
    assert_eq!(send(&served, "/mcp", &versions, &long).status, 413);
    let wrong = new(&served, "tools/call", json!({ "name": "review_approve", "arguments": {} }), &[]).done();
    assert_eq!(wrong["error"]["code"], -32602);
    assert_eq!(new(&served, "tools/list", json!({}), &[("Accept", "text/html")]).status, 406);
}
