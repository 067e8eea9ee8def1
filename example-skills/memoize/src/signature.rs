//! What a function takes and gives: whether arguments can be keys, and results be kept.

use negawatt_skill::rewrite::{Language, name_of};
use negawatt_skill::tree::Node;

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its type as it is written; empty where it is not.
    pub of: &'t str,
}

/// What a function takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature<'t> {
    /// Its parameters.
    pub parameters: Vec<Parameter<'t>>,
    /// The type of its result as it is written; empty where it is not.
    pub result: &'t str,
}

/// Parameters at most: of more, no two calls are alike.
const MOST: usize = 5;
/// Types whose values are equal only where nothing tells them apart; of floats, 0.0 is -0.0.
const KEYS_OF_RUST: [&str; 16] = [
    "&str", "String", "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize",
];
const KEYS_OF_PYTHON: [&str; 4] = ["str", "bytes", "int", "bool"];
const KEYS_OF_GO: [&str; 14] = [
    "string", "bool", "byte", "rune", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32",
    "uint64",
];

/// A function's signature, where its arguments can be keys and its result be kept; else why not, in half a sentence.
pub fn signature(language: Language, function: Node<'_>) -> Result<Signature<'_>, String> {
    let name = name_of(function);
    let Some(list) = function.child_by_field("parameters") else { return Err(format!("`{name}` takes nothing")) };
    if function.child_by_field("type_parameters").is_some() {
        return Err(format!("`{name}` is generic"));
    }
    let mut parameters = Vec::new();
    for node in list.named_children().filter(|node| !language.is_comment(*node)) {
        parameters.extend(parameter(language, function, node)?);
    }
    if parameters.is_empty() || parameters.len() > MOST {
        return Err(format!("`{name}` takes {} arguments", parameters.len()));
    }
    let result = function.child_by_field(match language {
        Language::Go => "result",
        _ => "return_type",
    });
    let result = result.map_or("", Node::text);
    if !is_kept(language, function, result) {
        return Err(format!("it is not known that nobody can change what `{name}` gives"));
    }
    Ok(Signature { parameters, result })
}

fn parameter<'t>(language: Language, function: Node<'t>, node: Node<'t>) -> Result<Vec<Parameter<'t>>, String> {
    let no_key = || Err(format!("`{}` need not be a value that can be looked up", node.text()));
    match language {
        Language::Python => {
            let name = match node.kind() {
                "identifier" => node,
                "typed_parameter" => {
                    node.named_children().next().filter(|name| name.kind() == "identifier").unwrap_or(node)
                }
                "default_parameter" | "typed_default_parameter" => node.child_by_field("name").unwrap_or(node),
                _ => return no_key(),
            };
            let of = node.child_by_field("type").map_or("", |of| of.text().trim_matches(['"', '\'']));
            let default = node.child_by_field("value").filter(|_| node.kind() == "default_parameter");
            let is_key = KEYS_OF_PYTHON.contains(&of)
                || of.is_empty() && default.is_some_and(|value| matches!(value.kind(), "string" | "integer"))
                || of.is_empty() && is_looked_up(function, name.text());
            if name.kind() != "identifier" || !is_key {
                no_key()
            } else {
                Ok(vec![Parameter { name: name.text(), of }])
            }
        }
        Language::Rust => {
            let (name, of) = (node.child_by_field("pattern"), node.child_by_field("type").map_or("", Node::text));
            let is_mutable = node.children().any(|child| child.kind() == "mutable_specifier");
            match name.filter(|name| name.kind() == "identifier" && !is_mutable && KEYS_OF_RUST.contains(&of)) {
                Some(name) => Ok(vec![Parameter { name: name.text(), of }]),
                None => no_key(),
            }
        }
        Language::Go => {
            let of = node.child_by_field("type").map_or("", Node::text);
            let names: Vec<&str> = node.children().filter(|child| child.field() == "name").map(Node::text).collect();
            let is_plain = node.kind() == "parameter_declaration" && KEYS_OF_GO.contains(&of);
            if !is_plain || names.is_empty() || names.contains(&"_") {
                return no_key();
            }
            Ok(names.into_iter().map(|name| Parameter { name, of }).collect())
        }
    }
}

/// Whether a function looks something up by a parameter before anything else could be done with it: then it can be a key.
fn is_looked_up(function: Node<'_>, name: &str) -> bool {
    function.descendants().any(|node| {
        node.text() == name && node.field() == "subscript" && node.parent().is_some_and(|of| of.kind() == "subscript")
    })
}

/// Whether nobody can change a result of this type; where none is written, whether everything that is returned shows that.
fn is_kept(language: Language, function: Node<'_>, result: &str) -> bool {
    match language {
        Language::Rust => {
            let inner = result.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')).unwrap_or(result);
            inner != "&str" && (KEYS_OF_RUST.contains(&inner) || ["f32", "f64"].contains(&inner))
        }
        Language::Go => KEYS_OF_GO.contains(&result) || ["float32", "float64"].contains(&result),
        Language::Python => {
            let result = result.trim_matches(['"', '\'']);
            let is_plain =
                |of: &str| KEYS_OF_PYTHON.contains(&of) || ["float", "complex", "None", "frozenset"].contains(&of);
            let is_tuple = |of: &str| {
                let inner = of.strip_prefix("tuple[").and_then(|rest| rest.strip_suffix(']'));
                inner.is_some_and(|inner| inner.split(',').all(|one| is_plain(one.trim()) || one.trim() == "..."))
            };
            if !result.is_empty() {
                return result.split('|').map(str::trim).all(|one| is_plain(one) || is_tuple(one));
            }
            let mut returned = function.descendants().filter(|node| node.kind() == "return_statement").peekable();
            returned.peek().is_some()
                && returned.all(|node| node.named_children().next().is_none_or(|value| is_immutable(value)))
        }
    }
}

/// Whether an expression of Python gives what nobody can change.
fn is_immutable(value: Node<'_>) -> bool {
    let called = value.child_by_field("function");
    let method = called.and_then(|called| called.child_by_field("attribute")).map_or("", Node::text);
    match value.kind() {
        "string"
        | "concatenated_string"
        | "integer"
        | "float"
        | "true"
        | "false"
        | "none"
        | "comparison_operator"
        | "not_operator" => true,
        "parenthesized_expression" | "tuple" => value.named_children().all(is_immutable),
        "call" => {
            let name = called.map_or("", Node::text);
            let makes =
                ["len", "str", "int", "float", "bool", "round", "sum", "repr", "hash", "ord", "chr", "frozenset"];
            let methods =
                ["join", "format", "lower", "upper", "strip", "replace", "hexdigest", "title", "casefold", "zfill"];
            makes.contains(&name) || methods.contains(&method)
        }
        _ => false,
    }
}

/// Whether a type of Rust is copied rather than cloned.
pub fn is_copied(of: &str) -> bool {
    !of.contains("String")
}
