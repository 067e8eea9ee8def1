//! What is printed for programs, read again to be shown to people: so a server's answer looks like this machine's own.

use std::slice::Iter;

use serde_json::Value;

/// The items of a list; none of what is no list.
pub fn items(list: &Value) -> Iter<'_, Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// A text; empty where there is none.
pub fn word(text: &Value) -> &str {
    text.as_str().unwrap_or_default()
}
