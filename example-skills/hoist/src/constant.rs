//! Whether an expression is made of constants alone.

use negawatt_skill::rewrite::{Imports, Language};
use negawatt_skill::tree::Node;

/// Kinds of nodes that are constants, or hold nothing else.
const PLAIN: [&str; 32] = [
    "string",
    "string_start",
    "string_content",
    "string_end",
    "escape_sequence",
    "concatenated_string",
    "string_literal",
    "raw_string_literal",
    "interpreted_string_literal",
    "interpreted_string_literal_content",
    "raw_string_literal_content",
    "integer",
    "float",
    "true",
    "false",
    "none",
    "nil",
    "integer_literal",
    "float_literal",
    "boolean_literal",
    "int_literal",
    "unary_operator",
    "binary_operator",
    "binary_expression",
    "unary_expression",
    "reference_expression",
    "array_expression",
    "keyword_argument",
    "tuple",
    "literal_value",
    "keyed_element",
    "literal_element",
];

/// Values of libraries that are constants: paths and their beginnings.
const VALUES: [&str; 5] = ["re.", "time.Nanosecond", "time.Millisecond", "time.Second", "time.Minute"];
/// Types of Go whose values are plain where they are written out.
const TYPES: [&str; 1] = ["net/http.Transport"];

/// Whether an argument of a constructor is the same at every call, and shared by nobody else.
pub fn is_constant(language: Language, imports: &Imports<'_>, node: Node<'_>) -> bool {
    let is_name = match (language, node.kind()) {
        // The names of arguments and of fields.
        (Language::Python, "identifier") => node.field() == "name",
        (Language::Go, "identifier") => {
            let key = node.parent().filter(|parent| parent.field() == "key");
            key.is_some_and(|key| key.kind() == "literal_element")
        }
        _ => false,
    };
    if is_name || !node.is_named() {
        return true;
    }
    match node.kind() {
        "attribute" | "selector_expression" => {
            let last = node.text().rsplit('.').next().unwrap_or("");
            let is_flag = language == Language::Go || last.chars().all(|c| c.is_ascii_uppercase());
            let path = imports.resolve(node);
            is_flag && path.is_some_and(|path| VALUES.iter().any(|value| path.starts_with(value)))
        }
        "composite_literal" => {
            let path = node.child_by_field("type").and_then(|of| imports.resolve(of));
            let body = node.child_by_field("body");
            path.is_some_and(|path| TYPES.contains(&path.as_str()))
                && body.is_some_and(|body| is_constant(language, imports, body))
        }
        kind => PLAIN.contains(&kind) && node.children().all(|child| is_constant(language, imports, child)),
    }
}
