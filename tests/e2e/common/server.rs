//! `negawatt serve` as its clients see it, to the byte.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

pub use negawatt_test_servers::negawatt::SERVE;
use negawatt_test_servers::negawatt::{self, PATIENCE, ask};
use serde_json::{Value, json};

use super::json;

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
        let address = negawatt::listening(child.stdout.take().unwrap()).unwrap();
        Server { child, address }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it. What does not come in time ends the test.
    pub fn connect(&self) -> TcpStream {
        negawatt::connect(&self.address).unwrap()
    }

    /// Asks, with more lines of the head; gives the status, the head and the body.
    pub fn ask_with(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, String, String) {
        let answer = ask(&self.address, method, path, head, body).unwrap();
        (answer.status, answer.head, answer.body)
    }

    /// Asks; the answer is JSON.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = ask(&self.address, method, path, "", body).unwrap();
        (answer.status, answer.json().unwrap())
    }

    /// What happens from now on, to one case or to all.
    pub fn hear(&self, path: &str, head: &str) -> Events {
        Events(negawatt::Events::of(&self.address, path, head).unwrap())
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
pub struct Events(negawatt::Events);

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
        self.0.next().map(Result::unwrap)
    }
}

/// A new token of a role: the secret.
pub fn token(folder: &Path, name: &str, role: &str) -> String {
    let arguments = ["token", "create", "--name", name, "--role", role, "--config", "negawatt.toml", "--json"];
    json(folder, &arguments)["secret"].as_str().unwrap().to_owned()
}
