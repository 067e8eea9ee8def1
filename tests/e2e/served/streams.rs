//! What stays open: how many there may be, who gives them up, and that they end with the right to hear them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::common::server::{AGENT, Server, token, until};
use crate::common::{json, write};

/// What is not there after this long never comes.
const NEVER: Duration = Duration::from_secs(300);

/// An answer of which the head was read.
struct Stream {
    status: u16,
    head: String,
    rest: BufReader<TcpStream>,
}

impl Stream {
    fn open(server: &Server, method: &str, path: &str, head: &str, body: &str) -> Stream {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        let (host, length) = (&server.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut rest = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(rest.read_line(&mut head).unwrap() > 0, "no answer: {head}");
        }
        Stream { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_lowercase(), rest }
    }

    /// Of events, with a token or none.
    fn of_events(server: &Server, secret: Option<&str>) -> Stream {
        let head = secret.map_or(String::new(), bearer);
        Stream::open(server, "GET", "/v1/events", &head, "")
    }

    fn header(&self, name: &str) -> &str {
        let value = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }

    /// Waits for its end: the last of the chunks that an answer comes in is empty.
    fn ends(mut self) {
        let mut line = String::new();
        while line.trim_end() != "0" {
            line.clear();
            assert!(self.rest.read_line(&mut line).unwrap() > 0, "it broke off");
        }
    }
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

fn configured(serve: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[casebook]\npath = \"casebook\"\n[skills]\nbundled = false\n[serve]\n{serve}");
    write(folder.path().join("negawatt.toml"), &text);
    folder
}

fn revoke(folder: &Path, secret: &str) {
    let id = secret.split('_').nth(1).unwrap();
    json(folder, &["token", "revoke", id, "--config", "negawatt.toml", "--json"]);
}

#[test]
fn who_takes_no_answer_is_given_up_and_others_have_their_turn() {
    let folder = configured("connections = 1\nstall = \"1s\"\n");
    let server = Server::start(folder.path());
    let mut greedy = TcpStream::connect(&server.address).unwrap();
    let asks = format!("GET /v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).repeat(400);
    greedy.write_all(asks.as_bytes()).unwrap();
    // There is one place, which it has. It never reads, and what was answered is more than the system keeps for it.
    let other = Stream::open(&server, "GET", "/healthz", "Connection: close\r\n", "");
    assert_eq!(other.status, 200);
    // It was answered before it was given up, and not to the end.
    let mut taken = Vec::new();
    let _ = greedy.read_to_end(&mut taken);
    assert!(taken.starts_with(b"HTTP/1.1 200"), "{}", taken.len());
    let one = server.ask_with("GET", "/v1/openapi.json", "", "").2.len();
    assert!(taken.len() < 400 * one, "{}", taken.len());
}

#[test]
fn one_caller_has_so_many_streams_and_others_have_theirs() {
    let folder = configured("streams = 1\n");
    let server = Server::start(folder.path());
    let (ada, bob) = (token(folder.path(), "Ada", "viewer"), token(folder.path(), "Bob", "viewer"));
    let first = Stream::of_events(&server, Some(&ada));
    assert_eq!((first.status, first.header("content-type")), (200, "text/event-stream"));
    let mut second = Stream::of_events(&server, Some(&ada));
    assert_eq!((second.status, second.header("retry-after")), (429, "5"));
    let mut problem = vec![0; second.header("content-length").parse().unwrap()];
    second.rest.read_exact(&mut problem).unwrap();
    assert!(String::from_utf8(problem).unwrap().contains("urn:negawatt:too-many-streams"));
    assert_eq!(Stream::of_events(&server, Some(&bob)).status, 200);
    assert_eq!(server.ask_with("GET", "/v1/cases", &bearer(&ada), "").0, 200, "what is no stream needs no place");
    // Who closes one has its place again.
    drop(first);
    until(|| (Stream::of_events(&server, Some(&ada)).status == 200).then_some(()));
}

/// What a client of agents sends first, under a name, and what it is answered.
fn begun(server: &Server, secret: &str, name: &str) -> Stream {
    let head = format!("{AGENT}{}", bearer(secret));
    let initialize = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25",
        "capabilities":{{}},"clientInfo":{{"name":"{name}","version":"1"}}}}}}"#
    );
    Stream::open(server, "POST", "/mcp", &head, &initialize)
}

/// A client of agents that listens.
fn listening(server: &Server, secret: &str) -> Stream {
    let (head, begun) = (format!("{AGENT}{}", bearer(secret)), begun(server, secret, "test"));
    let session =
        format!("{head}Mcp-Session-Id: {}\r\nMcp-Protocol-Version: 2025-11-25\r\n", begun.header("mcp-session-id"));
    begun.ends();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(Stream::open(server, "POST", "/mcp", &session, ready).status, 202);
    let stream = Stream::open(server, "GET", "/mcp", &session, "");
    assert_eq!(stream.status, 200, "{}", stream.head);
    stream
}

#[test]
fn what_a_token_hears_ends_when_it_is_revoked() {
    let folder = configured("");
    let server = Server::start(folder.path());
    // The first token closes what this machine hears without one.
    let local = Stream::of_events(&server, None);
    let (ada, bob) = (token(folder.path(), "Ada", "viewer"), token(folder.path(), "Bob", "viewer"));
    local.ends();
    let of_ada = [Stream::of_events(&server, Some(&ada)), listening(&server, &ada)];
    let of_bob = Stream::of_events(&server, Some(&bob));
    revoke(folder.path(), &ada);
    of_ada.into_iter().for_each(Stream::ends);
    assert_eq!(Stream::of_events(&server, Some(&ada)).status, 401);
    // The other one still hears what happens.
    let incident = r#"{ "kind": "opportunity", "title": "x", "service": "checkout",
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" } }"#;
    let operator = token(folder.path(), "ci", "operator");
    assert_eq!(server.ask_with("POST", "/v1/incidents", &bearer(&operator), incident).0, 202);
    assert!(of_bob.rest.lines().any(|line| line.unwrap() == "event: accepted"));
}

#[test]
fn one_caller_has_so_many_sessions_of_agents_and_nobody_uses_anothers() {
    let folder = configured("");
    let server = Server::start(folder.path());
    let (ada, bob) = (token(folder.path(), "Ada", "viewer"), token(folder.path(), "Bob", "viewer"));
    assert_eq!(begun(&server, &ada, &"x".repeat(17 << 10)).status, 413, "what a client says of itself is kept");
    let sessions: Vec<String> = std::iter::repeat_with(|| begun(&server, &ada, "test"))
        .take_while(|begun| begun.status == 200)
        .map(|begun| begun.header("mcp-session-id").to_owned())
        .collect();
    assert_eq!(sessions.len(), 100);
    let end = |secret: &str| {
        let head = format!("{AGENT}{}Mcp-Session-Id: {}\r\n", bearer(secret), sessions[0]);
        Stream::open(&server, "DELETE", "/mcp", &head, "").status
    };
    assert_eq!((begun(&server, &ada, "test").status, begun(&server, &bob, "test").status), (429, 200));
    assert_eq!(end(&bob), 404, "it is not his");
    assert_eq!(begun(&server, &ada, "test").status, 429);
    assert!((200..300).contains(&end(&ada)));
    assert_eq!(begun(&server, &ada, "test").status, 200, "there is a place again");
}
