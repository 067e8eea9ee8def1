//! The same work as a program that is started for each call: it reads a case as JSON from standard input, asks one question
//! with a kilobyte, reads the answer, and writes its findings.

use std::io::{BufRead, Write};

use serde_json::{Value, json};

fn main() {
    let (mut lines, mut out) = (std::io::stdin().lock().lines(), std::io::stdout().lock());
    let mut read = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let case = read();
    let question = json!({ "name": case["metric"], "value": "x".repeat(960), "window": case["window"] });
    writeln!(out, "{question}").unwrap();
    out.flush().unwrap();
    let samples = read()["values"].as_array().unwrap().len();
    writeln!(out, "{}", json!([{ "kind": "note", "text": samples.to_string(), "confidence": 1.0 }])).unwrap();
}
