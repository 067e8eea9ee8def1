//! What a client is told. A model reads it, so nothing of it may hide, and nothing may fill its memory.

use std::fmt::{self, Display};

use negawatt_casebook::CasebookError;
use negawatt_host::json::JsonError;
use negawatt_host::text::{is_invisible, printable_lines, shorten};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

/// Why a tool did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolError {
    /// What happened.
    pub(crate) message: String,
    /// Where: an argument.
    pub(crate) place: Option<String>,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl ToolError {
    pub(crate) fn new(message: impl Display) -> ToolError {
        ToolError { message: message.to_string(), place: None, help: None }
    }

    pub(crate) fn at(self, place: impl Display) -> ToolError {
        ToolError { place: Some(place.to_string()), ..self }
    }

    pub(crate) fn help(self, help: impl Display) -> ToolError {
        ToolError { help: Some(help.to_string()), ..self }
    }
}

/// Characters of an error that are told.
const MOST_OF_ERROR: usize = 4_000;

impl Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &str| shorten(&printable_lines(text.trim_end()), MOST_OF_ERROR);
        write!(f, "error: {}", part(&self.message))?;
        if let Some(place) = &self.place {
            write!(f, "\nwhere: {}", part(place))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {}", part(help))?;
        }
        Ok(())
    }
}

impl From<CasebookError> for ToolError {
    fn from(error: CasebookError) -> ToolError {
        ToolError::new(error)
    }
}

impl ToolError {
    /// Of an argument that is JSON.
    pub(crate) fn of_json(argument: &str, error: JsonError) -> ToolError {
        ToolError::new(error.message).at(format!("{argument}, {}", error.place))
    }
}

impl From<ToolError> for CallToolResult {
    fn from(error: ToolError) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(error.to_string())])
    }
}

/// Work that waits for the disk, off the threads that answer.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ToolError::new("the host failed; its log has more")))
}

/// What a tool gives: the value as structured content, sufficient by itself, and the same as text for clients that know no other.
pub(crate) fn structured(value: Value) -> CallToolResult {
    CallToolResult::structured(fit(value))
}

/// Bytes of a value that are told at most.
const MOST_BYTES: usize = 512 * 1024;

/// Characters of a text, and entries of a list, that are left where a value is too large; the first that is enough is taken.
const CUTS: [(usize, usize); 5] = [(16_384, 1_024), (4_096, 256), (1_024, 64), (256, 32), (128, 8)];

/// A value in which nothing hides, cut until it is no longer than it may be. Its key `cut` says whether something is missing.
pub(crate) fn fit(mut value: Value) -> Value {
    show(&mut value);
    let mut cut = None;
    for (characters, entries) in CUTS {
        if value.to_string().len() <= MOST_BYTES {
            break;
        }
        shrink(&mut value, characters, entries);
        cut = Some(format!(
            "it was too long: texts end after {characters} characters, and lists after {entries} entries; \
             `negawatt case show` has all of it"
        ));
    }
    if value.is_object() {
        value["cut"] = json!(cut);
    }
    value
}

/// Makes visible what hides in texts. Lines and tabs stay: patches are made of them.
fn show(value: &mut Value) {
    let hides = |c: char| is_invisible(c) || c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    match value {
        Value::String(text) if text.contains(hides) => {
            *text = text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect();
        }
        Value::Array(items) => items.iter_mut().for_each(show),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains(hides)) {
                let all = std::mem::take(fields).into_iter();
                *fields = all
                    .map(|(key, value)| (key.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect(), value))
                    .collect();
            }
            fields.values_mut().for_each(show);
        }
        _ => {}
    }
}

fn shrink(value: &mut Value, characters: usize, entries: usize) {
    match value {
        Value::String(text) if text.len() > characters => *text = shorten(text, characters),
        Value::Array(items) => {
            items.truncate(entries);
            items.iter_mut().for_each(|item| shrink(item, characters, entries));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| shrink(field, characters, entries)),
        _ => {}
    }
}

/// The schema of an object with the key that [`fit`] adds.
pub(crate) fn with_cut(mut schema: Value) -> Value {
    schema["properties"]["cut"] = json!({
        "type": ["string", "null"],
        "description": "What is missing, where it was too long to tell; null where nothing is.",
    });
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides() {
        let told = fit(json!({ "a\u{200b}": ["x\u{e0041}\u{1b}[2J", "-\tif\r\n+\tfor\n"], "n": 1.5 }));
        assert_eq!(told, json!({ "a\u{fffd}": ["x\u{fffd}\u{fffd}[2J", "-\tif\r\n+\tfor\n"], "n": 1.5, "cut": null }));
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let long = json!({ "texts": vec!["é".repeat(20_000); 300], "kept": "short" });
        let told = fit(long);
        assert!(told.to_string().len() <= MOST_BYTES, "{}", told.to_string().len());
        assert_eq!(told["kept"], "short");
        assert!(told["cut"].as_str().unwrap().contains("characters"), "{}", told["cut"]);
        assert!(told["texts"][0].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = ToolError::new("no\u{1b}[2J").at("incident, window.end").help("write it later");
        assert_eq!(error.to_string(), "error: no\u{fffd}[2J\nwhere: incident, window.end\nhelp: write it later");
        assert!(ToolError::new("x".repeat(10_000)).to_string().len() < 5_000);
    }
}
