//! A client that speaks the protocol by hand, so that nothing is taken for granted that a library would do.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};

use serde_json::{Value, json};

use crate::common::negawatt;

/// The revisions that are tried.
pub const OLD: &str = "2025-11-25";
pub const NEW: &str = "2026-07-28";

/// A program that serves one client.
pub struct Client {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    revision: &'static str,
    capabilities: Value,
    last: u64,
    /// What came that was not yet asked for.
    heard: VecDeque<Value>,
}

impl Client {
    /// Starts the program in a folder and begins as the revision says.
    pub fn start(folder: &Path, revision: &'static str, capabilities: Value) -> Client {
        let mut process = negawatt(folder)
            .args(["mcp", "--config", "negawatt.toml"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        let mut client = Client { process, to, from, revision, capabilities, last: 0, heard: VecDeque::new() };
        if revision == OLD {
            let hello = json!({
                "protocolVersion": OLD, "capabilities": client.capabilities, "clientInfo": { "name": "raw", "version": "1" },
            });
            let answer = client.ask("initialize", hello);
            assert_eq!(answer["result"]["protocolVersion"], OLD, "{answer}");
            client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        client
    }

    /// Parameters as this revision wants them: the new one says with each request who asks.
    fn parameters(&self, mut parameters: Value) -> Value {
        if self.revision == NEW {
            let meta = &mut parameters["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!(NEW);
            meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "raw", "version": "1" });
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        parameters
    }

    /// Sends a line.
    pub fn send(&mut self, message: &Value) {
        self.line(&message.to_string());
    }

    /// Sends a line, whatever it is.
    pub fn line(&mut self, line: &str) {
        let to = self.to.as_mut().unwrap();
        to.write_all(line.as_bytes()).unwrap();
        to.write_all(b"\n").unwrap();
        to.flush().unwrap();
    }

    /// Sends a request and gives its id.
    pub fn request(&mut self, method: &str, parameters: Value) -> u64 {
        self.last += 1;
        let (id, params) = (self.last, self.parameters(parameters));
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The next message; all that comes on standard output is one.
    pub fn next(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.from.read_line(&mut line).unwrap() > 0, "the program went away");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// The answer to a request; what comes before it is kept.
    pub fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.next();
            if message["id"] == id {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.request(method, parameters);
        self.answer(id)
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls a tool that does what it is asked for, and gives what it answers.
    pub fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments);
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        let result = &answer["result"]["structuredContent"];
        let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(&text, result, "for clients that know no structured content it is told as text");
        result.clone()
    }

    /// Calls a tool that cannot do what it is asked for, and gives what it says.
    pub fn fails(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.call(tool, arguments);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// All tools, page by page.
    pub fn tools(&mut self) -> Vec<Value> {
        self.pages("tools/list", "tools").concat()
    }

    /// The pages of a list.
    pub fn pages(&mut self, method: &str, key: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut parameters = json!({});
        loop {
            let answer = self.ask(method, parameters);
            pages.push(answer["result"][key].as_array().unwrap_or_else(|| panic!("{answer}")).clone());
            match answer["result"]["nextCursor"].as_str() {
                Some(cursor) => parameters = json!({ "cursor": cursor }),
                None => return pages,
            }
        }
    }

    /// What came unasked so far.
    pub fn heard(&mut self) -> Vec<Value> {
        self.heard.drain(..).collect()
    }

    /// Goes away, and waits until the program does as well.
    pub fn end(mut self) -> ExitStatus {
        drop(self.to.take());
        self.process.wait().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Of a test that failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
