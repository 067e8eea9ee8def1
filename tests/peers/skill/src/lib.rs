//! What the skill `asker` of Negawatt's tests does when an incident is called `kilobyte`, with JSON instead of the contract.

use serde::{Deserialize, Serialize};

#[cfg(target_family = "wasm")]
mod plugin;

/// What the skill is called with.
#[derive(Serialize, Deserialize)]
pub struct Case {
    pub title: String,
    pub service: String,
    pub metric: String,
    pub window: Window,
    pub now: i64,
    pub seed: u64,
}

/// A time, in microseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Window {
    pub start: i64,
    pub end: i64,
}

/// What it asks its one tool.
#[derive(Serialize, Deserialize)]
pub struct Question {
    pub name: String,
    pub label: String,
    pub is_not: String,
    pub window: Window,
}

/// What the tool answers.
#[derive(Serialize, Deserialize)]
pub struct Series {
    pub times: Vec<i64>,
    pub values: Vec<f64>,
}

/// What it returns.
#[derive(Serialize, Deserialize)]
pub struct Finding {
    pub note: String,
    pub confidence: f64,
    pub explanation: String,
}

/// The question about a case, a kilobyte long.
pub fn question(case: Case) -> Question {
    Question { name: case.metric, label: "version".into(), is_not: "x".repeat(960), window: case.window }
}

/// What the answer to it shows.
pub fn findings(series: &Series) -> Vec<Finding> {
    vec![Finding { note: series.times.len().to_string(), confidence: 1.0, explanation: "A note.".into() }]
}
