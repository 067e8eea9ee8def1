//! What a test case of a skill expects, and how that differs from what the skill found.
//!
//! `expected.json` is a list of findings: those that the skill must return, all of them, in order. Each names only the fields
//! that must match:
//!
//! ```json
//! [ { "kind": "suspect", "id": "payments", "log_odds": { "between": [2, 4] }, "reason": { "contains": "+25" } } ]
//! ```
//!
//! A number matches one that differs by at most a millionth of it; `between` takes numbers or times, both ends included;
//! `contains` takes a part of a text. Objects match by the fields that are named, lists item by item. Instead of a list there
//! may be an object: `{ "at_least": [ … ] }` lets other findings stand before, between and after; `{ "error": "not-found" }`
//! expects that error.

use std::fmt::Write;

use negawatt_host::text::printable;
use negawatt_host::time::parse_rfc3339;
use serde_json::{Map, Value};

/// What a case expects.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// These findings and no others, in order.
    Exactly(Vec<Pattern>),
    /// These findings in order, and perhaps others.
    AtLeast(Vec<Pattern>),
    /// An error with this code.
    Error(String),
}

/// The fields of a finding that must match.
pub type Pattern = Map<String, Value>;

/// How far a number may be from the expected one, as a part of it.
const TOLERANCE: f64 = 1e-6;

impl Expected {
    /// Reads `expected.json`; the error says where and what is wrong.
    pub fn read(text: &str) -> Result<Expected, String> {
        let wrong = "must be a list of findings, or {\"at_least\": [ … ]}, or {\"error\": \"not-found\"}";
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Value::Object(map) = value else { return patterns(value, wrong).map(Expected::Exactly) };
        let mut pairs = map.into_iter();
        match (pairs.next(), pairs.next()) {
            (Some((key, value)), None) if key == "at_least" => patterns(value, wrong).map(Expected::AtLeast),
            (Some((key, Value::String(code))), None) if key == "error" => Ok(Expected::Error(code)),
            _ => Err(wrong.to_owned()),
        }
    }

    /// How what was found differs from what is expected, line by line; nothing when it does not.
    pub fn differences(&self, found: &[Value]) -> Vec<String> {
        match self {
            Expected::Exactly(patterns) => exactly(patterns, found),
            Expected::AtLeast(patterns) => at_least(patterns, found),
            Expected::Error(code) => {
                let kinds: Vec<_> = found.iter().map(title).collect();
                let kinds = if kinds.is_empty() { "no finding".into() } else { kinds.join(", ") };
                vec![format!("expected the error `{code}`, and it returned {kinds}")]
            }
        }
    }

    /// The same for an error that the skill returned; `message` begins with its code.
    pub fn differences_from_error(&self, message: &str) -> Vec<String> {
        match self {
            Expected::Error(code) if message.split(':').next() == Some(code) => Vec::new(),
            Expected::Error(code) => {
                vec![format!("expected the error `{code}`, and it ended with: {}", printable(message))]
            }
            _ => vec![format!("expected findings, and it ended with: {}", printable(message))],
        }
    }
}

fn patterns(value: Value, wrong: &str) -> Result<Vec<Pattern>, String> {
    let Value::Array(values) = value else { return Err(wrong.to_owned()) };
    let pattern = |(n, value)| match value {
        Value::Object(map) if map.contains_key("kind") => {
            map.values().try_for_each(|value| check(value, n))?;
            Ok(map)
        }
        _ => Err(format!("[{n}]: must be an object with at least the key `kind`")),
    };
    values.into_iter().enumerate().map(pattern).collect()
}

/// Refuses what could never match.
fn check(value: &Value, n: usize) -> Result<(), String> {
    match Operator::of(value) {
        Some(Operator::Wrong(problem)) => Err(format!("[{n}]: {problem}")),
        Some(_) => Ok(()),
        None => match value {
            Value::Array(values) => values.iter().try_for_each(|value| check(value, n)),
            Value::Object(map) => map.values().try_for_each(|value| check(value, n)),
            _ => Ok(()),
        },
    }
}

fn exactly(patterns: &[Pattern], found: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    if patterns.len() != found.len() {
        lines.push(format!("expected {}, found {}", count(patterns.len()), count(found.len())));
    }
    for n in 0..patterns.len().max(found.len()) {
        match (patterns.get(n), found.get(n)) {
            (Some(pattern), Some(finding)) => explain(n, pattern, finding, &mut lines),
            (Some(pattern), None) => lines.push(format!("finding {} is missing: {}", n + 1, compact(pattern))),
            (None, Some(finding)) => lines.push(format!("finding {} is not expected: {}", n + 1, title(finding))),
            (None, None) => {}
        }
    }
    lines
}

/// Each pattern takes the first finding that matches, after the one that the last pattern took: if there is any way to match
/// all, this is one.
fn at_least(patterns: &[Pattern], found: &[Value]) -> Vec<String> {
    let mut from = 0;
    for pattern in patterns {
        match (from..found.len()).find(|&n| mismatches(pattern, &found[n]).is_empty()) {
            Some(n) => from = n + 1,
            None => {
                let mut lines = vec![format!("nothing that was found matches {}", compact(pattern))];
                let same_kind = (from..found.len()).filter(|&n| found[n].get("kind") == pattern.get("kind"));
                match same_kind.min_by_key(|&n| mismatches(pattern, &found[n]).len()) {
                    Some(nearest) => explain(nearest, pattern, &found[nearest], &mut lines),
                    None => {
                        let others: Vec<_> = found[from..].iter().map(title).collect();
                        let others = if others.is_empty() { "nothing".into() } else { others.join(", ") };
                        lines.push(format!("left to match was {others}"));
                    }
                }
                return lines;
            }
        }
    }
    Vec::new()
}

fn explain(n: usize, pattern: &Pattern, finding: &Value, lines: &mut Vec<String>) {
    let mismatches = mismatches(pattern, finding);
    if mismatches.is_empty() {
        return;
    }
    lines.push(format!("finding {} differs: {}", n + 1, title(finding)));
    let width = mismatches.iter().map(|mismatch| mismatch.path.len()).max().unwrap_or_default();
    for Mismatch { path, expected, found } in mismatches {
        lines.push(format!("  {path:<width$}  expected {expected}, found {found}"));
    }
}

struct Mismatch {
    path: String,
    expected: String,
    found: String,
}

fn mismatches(pattern: &Pattern, finding: &Value) -> Vec<Mismatch> {
    let mut found = Vec::new();
    match finding {
        Value::Object(fields) => compare_fields("", pattern, fields, &mut found),
        other => found.push(Mismatch { path: String::new(), expected: "an object".into(), found: shown(other) }),
    }
    found
}

fn compare_fields(path: &str, pattern: &Pattern, fields: &Map<String, Value>, out: &mut Vec<Mismatch>) {
    for (key, expected) in pattern {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match fields.get(key) {
            Some(found) => compare(&path, expected, found, out),
            None if expected.is_null() => {}
            None => {
                let known: Vec<_> = fields.keys().map(String::as_str).collect();
                let found = format!("no such field; there are: {}", printable(&known.join(", ")));
                out.push(Mismatch { path, expected: shown(expected), found });
            }
        }
    }
}

fn compare(path: &str, expected: &Value, found: &Value, out: &mut Vec<Mismatch>) {
    let same = match (Operator::of(expected), expected, found) {
        (Some(operator), ..) => operator.matches(found),
        (None, Value::Object(pattern), Value::Object(fields)) => return compare_fields(path, pattern, fields, out),
        (None, Value::Array(patterns), Value::Array(values)) if patterns.len() == values.len() => {
            for (n, (expected, found)) in patterns.iter().zip(values).enumerate() {
                compare(&format!("{path}[{n}]"), expected, found, out);
            }
            return;
        }
        (None, Value::Number(expected), Value::Number(found)) => match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => (expected - found).abs() <= TOLERANCE * expected.abs(),
            _ => expected == found,
        },
        (None, expected, found) => expected == found,
    };
    if !same {
        out.push(Mismatch { path: path.to_owned(), expected: shown(expected), found: shown(found) });
    }
}

/// An object that is no value, but says which values match.
enum Operator<'a> {
    Numbers(f64, f64),
    Times(i64, i64),
    Contains(&'a str),
    Wrong(String),
}

impl<'a> Operator<'a> {
    fn of(value: &'a Value) -> Option<Operator<'a>> {
        let Value::Object(map) = value else { return None };
        let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
        match (key.as_str(), value) {
            ("between", Value::Array(ends)) => Some(Self::between(ends)),
            ("between", _) => Some(Self::between(&[])),
            ("contains", Value::String(part)) => Some(Operator::Contains(part)),
            ("contains", _) => Some(Operator::Wrong("`contains` takes a text".into())),
            _ => None,
        }
    }

    fn between(ends: &[Value]) -> Operator<'a> {
        let time = |value: &Value| value.as_str().and_then(parse_rfc3339);
        let ordered = match ends {
            [low, high] => match (low.as_f64(), high.as_f64(), time(low), time(high)) {
                (Some(low), Some(high), ..) if low <= high => Some(Operator::Numbers(low, high)),
                (_, _, Some(low), Some(high)) if low <= high => Some(Operator::Times(low, high)),
                _ => None,
            },
            _ => None,
        };
        let wrong = "`between` takes two numbers or two times, the lesser first";
        ordered.unwrap_or_else(|| Operator::Wrong(wrong.into()))
    }

    fn matches(&self, found: &Value) -> bool {
        match self {
            Operator::Numbers(low, high) => found.as_f64().is_some_and(|found| (*low..=*high).contains(&found)),
            Operator::Times(low, high) => {
                found.as_str().and_then(parse_rfc3339).is_some_and(|found| (*low..=*high).contains(&found))
            }
            Operator::Contains(part) => found.as_str().is_some_and(|found| found.contains(part)),
            Operator::Wrong(_) => false,
        }
    }
}

/// A value as it is shown: on one line, cut when it is long.
fn shown(value: &Value) -> String {
    let text = match Operator::of(value) {
        Some(Operator::Contains(part)) => format!("something with {part:?}"),
        Some(Operator::Numbers(low, high)) => format!("between {low} and {high}"),
        Some(Operator::Times(..)) => format!("between {} and {}", value["between"][0], value["between"][1]),
        _ => value.to_string(),
    };
    negawatt_host::text::shorten(&printable(&text), 200)
}

fn compact(pattern: &Pattern) -> String {
    let mut text = String::new();
    for (key, value) in pattern {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{}: {}", printable(key), shown(value));
    }
    text
}

/// A finding in a few words.
fn title(finding: &Value) -> String {
    let text = |key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default();
    let summary = negawatt_host::text::shorten(&printable(text("summary")), 100);
    format!("{} {summary:?}", printable(text("kind")))
}

fn count(findings: usize) -> String {
    if findings == 1 { "1 finding".into() } else { format!("{findings} findings") }
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
