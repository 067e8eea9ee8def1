//! Reading JSON strictly: each field once, by name, with the path in every error.

use serde_json::{Map, Value};

use crate::model::{Duration, Timestamp};
use crate::time;

/// What is wrong with a JSON text, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct JsonError {
    /// A line and column, or the path of a key such as `metric.worse`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

pub(super) type Read<T> = Result<T, JsonError>;

/// Parses JSON text.
pub(super) fn parse(text: &str) -> Read<Value> {
    serde_json::from_str(text).map_err(|error| {
        let whole = error.to_string();
        let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
        JsonError { place: format!("line {}, column {}", error.line(), error.column()), message: message.to_owned() }
    })
}

/// A JSON object that is being read; its path is part of every error.
pub(super) struct Fields {
    path: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(super) fn new(path: &str, value: Value) -> Read<Fields> {
        match value {
            Value::Object(map) => Ok(Fields { path: path.to_owned(), map, known: Vec::new() }),
            other => {
                Err(JsonError { place: place(path), message: format!("must be an object, and is {}", name(&other)) })
            }
        }
    }

    pub(super) fn error(&self, key: &str, message: impl Into<String>) -> JsonError {
        JsonError { place: self.child(key), message: message.into() }
    }

    pub(super) fn child(&self, key: &str) -> String {
        // A key may be empty, and has a place nevertheless.
        let key = if key.is_empty() { "\"\"" } else { key };
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key; `None` where it is absent or null.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.map.remove(key).filter(|value| !value.is_null())
    }

    fn must(&mut self, key: &'static str) -> Read<Value> {
        self.take(key).ok_or_else(|| self.error(key, "is missing"))
    }

    fn wrong(&self, key: &str, must: &str, is: &Value) -> JsonError {
        self.error(key, format!("must be {must}, and is {}", name(is)))
    }

    pub(super) fn object(&mut self, key: &'static str) -> Read<Fields> {
        let value = self.must(key)?;
        Fields::new(&self.child(key), value)
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Read<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a string", &other)),
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Read<String> {
        self.optional_text(key)?.ok_or_else(|| self.error(key, "is missing"))
    }

    pub(super) fn number(&mut self, key: &'static str) -> Read<f64> {
        let value = self.must(key)?;
        value.as_f64().ok_or_else(|| self.wrong(key, "a number", &value))
    }

    pub(super) fn time(&mut self, key: &'static str) -> Read<Timestamp> {
        let text = self.text(key)?;
        time::parse_rfc3339(&text)
            .ok_or_else(|| self.error(key, format!("{text:?} is not a time; write it as 2026-11-18T00:00:00Z")))
    }

    /// A list of strings; empty where it is absent.
    pub(super) fn texts(&mut self, key: &'static str) -> Read<Vec<String>> {
        let values = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(other) => return Err(self.wrong(key, "a list of strings", &other)),
        };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            other => Err(self.wrong(key, "a list of strings", &other)),
        };
        values.into_iter().map(text).collect()
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Read<T> {
        self.optional_word(key, words)?.ok_or_else(|| self.error(key, "is missing"))
    }

    pub(super) fn optional_word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Read<Option<T>> {
        let Some(text) = self.optional_text(key)? else { return Ok(None) };
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(self.error(key, format!("{text:?} is not known; it must be one of {}", known()))),
        }
    }

    /// Pairs of names and values; empty where absent.
    pub(super) fn pairs(&mut self, key: &'static str) -> Read<Vec<(String, String)>> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        serde_json::from_value(value).map_err(|_| self.error(key, "must be a list of pairs of strings"))
    }

    /// What is left is refused by name.
    pub(super) fn end(self) -> Read<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.error(key, format!("is not a known key; there are: {}", self.known.join(", ")))),
        }
    }

    /// The keys that are left.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.map
    }
}

/// Reads a length of time such as `5m`, in microseconds: a whole number and one of `us`, `ms`, `s`, `m`, `h`, `d` and `w`.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "w" => 604_800_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// The shortest text that [`duration`] reads as this length.
pub(super) fn duration_text(micros: Duration) -> String {
    let units = [
        ("w", 604_800_000_000),
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
    ];
    let fitting = units.into_iter().find(|(_, unit)| micros > 0 && micros.is_multiple_of(*unit));
    let (unit, size) = fitting.unwrap_or(("us", 1));
    format!("{}{unit}", micros / size)
}

fn place(path: &str) -> String {
    if path.is_empty() { "the whole text".to_owned() } else { path.to_owned() }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
