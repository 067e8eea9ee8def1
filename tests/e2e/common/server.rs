//! `negawatt serve` as its clients see it, to the byte.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::json;

/// How long something that must come may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// A server that is killed when it is forgotten.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
}

impl Server {
    /// With the configuration of a folder. Tests ask as fast as they can: where it says no rate, there is as good as none.
    pub fn start(folder: &Path) -> Server {
        let file = folder.join("negawatt.toml");
        let said = std::fs::read_to_string(&file).unwrap();
        let has = |line: &str| said.lines().any(|known| known.starts_with(line));
        if !has("rate = ") {
            super::write(
                file,
                &match has("[serve]") {
                    true => said.replacen("[serve]", SERVE_FAST, 1),
                    false => format!("{said}\n{SERVE_FAST}\n"),
                },
            );
        }
        Server::of(super::negawatt(folder).args(SERVE))
    }

    /// A command that starts one.
    pub fn of(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Server { child, address }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it. What does not come in time ends the test.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks, with more lines of the head; gives the status, the head and the body.
    pub fn ask_with(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        let host = if head.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\n{host}{head}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// Asks; the answer is JSON.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, _, body) = self.ask_with(method, path, "", body);
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    /// What happens from now on, to one case or to all.
    pub fn hear(&self, path: &str, head: &str) -> Events {
        let mut stream = self.connect();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{head}\r\n", self.address);
        stream.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines();
        // Whoever has heard the head hears all that comes after it.
        let status = lines.next().unwrap().unwrap();
        assert!(status.contains(" 200 "), "{status}");
        assert!(lines.any(|line| line.unwrap().is_empty()), "the head has no end");
        Events { lines, until: Instant::now() + PATIENCE, name: String::new() }
    }

    /// The words of the events of a case, until it rests.
    pub fn events(&self, case: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (word, _) in self.hear(&format!("/v1/cases/{case}/events"), "") {
            words.push(word);
            if words.last().is_some_and(|word| word == "ended") {
                break;
            }
        }
        words
    }

    /// Ends it by a signal; its exit code.
    pub fn end(mut self, signal: &str) -> Option<i32> {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An incident of which nobody has data, so that its case ends at once and is inconclusive; another one for each number.
pub fn incident(number: usize) -> String {
    json!({
        "kind": "regression", "title": format!("incident {number}"), "service": "checkout",
        "metric": { "name": "cpu_cores", "labels": { "service": "checkout" } },
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
        "fingerprint": format!("fingerprint-{number}"),
    })
    .to_string()
}

/// What an agent takes as an answer.
pub const AGENT: &str = "Accept: application/json, text/event-stream\r\n";

/// An agent's first words.
pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},
    "clientInfo":{"name":"test","version":"1"}}}"#;

/// A section that lets everybody ask as fast as they can.
const SERVE_FAST: &str = "[serve]\nrate = 1000000";

/// What starts a server on a free port.
pub const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--config", "negawatt.toml"];

/// Asks for something until it is so.
pub fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(so) = ask() {
            return so;
        }
        assert!(Instant::now() < end, "it did not become so in {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// Server-sent events as they come, each with its name and its data.
pub struct Events {
    lines: Lines<BufReader<TcpStream>>,
    until: Instant,
    name: String,
}

impl Events {
    /// Waits for the next event of a name of which something is so.
    pub fn next_of(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let found = self.find(|(word, data)| word == name && is_so(data));
        found.unwrap_or_else(|| panic!("there was no event {name}")).1
    }
}

impl Iterator for Events {
    type Item = (String, Value);

    fn next(&mut self) -> Option<(String, Value)> {
        for line in self.lines.by_ref() {
            // A server that says nothing else says that it is there.
            assert!(Instant::now() < self.until, "nothing came in {PATIENCE:?}");
            let line = line.unwrap();
            if let Some(word) = line.strip_prefix("event: ") {
                word.clone_into(&mut self.name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.until = Instant::now() + PATIENCE;
                return Some((self.name.clone(), serde_json::from_str(data).unwrap()));
            }
        }
        None
    }
}

/// A new token of a role: the secret.
pub fn token(folder: &Path, name: &str, role: &str) -> String {
    let arguments = ["token", "create", "--name", name, "--role", role, "--config", "negawatt.toml", "--json"];
    json(folder, &arguments)["secret"].as_str().unwrap().to_owned()
}
