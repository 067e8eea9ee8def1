//! What is done with a thing that is constructed.

use negawatt_skill::rewrite::{Language, occurrences, writes};
use negawatt_skill::tree::Node;

use crate::known::Sharing;

/// How a value of Rust is used, which decides how a reference to a shared one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'t> {
    /// It is bound to a variable of this name.
    Bound(&'t str),
    /// A method of it is called.
    Receiver,
    /// It is borrowed: `&Regex::new(…)`.
    Borrowed,
    /// Anything else.
    Value,
}

/// What stands around a construction.
pub fn place(language: Language, whole: Node<'_>) -> Place<'_> {
    let Some(parent) = whole.parent() else { return Place::Value };
    let target = match (language, parent.kind()) {
        (Language::Python, "assignment") if whole.field() == "right" => parent.child_by_field("left"),
        (Language::Rust, "let_declaration") => {
            // A type that is written out is that of a value.
            parent.child_by_field("pattern").filter(|_| parent.child_by_field("type").is_none())
        }
        (Language::Go, "expression_list") if parent.named_children().count() == 1 => {
            let around = parent.parent();
            let declaration = around.filter(|around| around.kind() == "short_var_declaration");
            let left = declaration.and_then(|around| around.child_by_field("left"));
            left.and_then(|left| left.named_children().next())
        }
        _ => None,
    };
    match (parent.kind(), target) {
        (_, Some(name)) if name.kind() == "identifier" => Place::Bound(name.text()),
        ("attribute", _) if whole.field() == "object" => Place::Receiver,
        ("field_expression", _) if whole.field() == "value" => Place::Receiver,
        ("selector_expression", _) if whole.field() == "operand" => Place::Receiver,
        ("reference_expression", _) if !parent.children().any(|child| child.kind() == "mutable_specifier") => {
            Place::Borrowed
        }
        _ => Place::Value,
    }
}

/// Whether all that is done with a thing may be done with one that is shared; else why not.
pub fn may_share(language: Language, whole: Node<'_>, function: Node<'_>, sharing: Sharing) -> Result<(), String> {
    let methods = match sharing {
        Sharing::Never(why) => return Err(why.to_owned()),
        // A value of Rust becomes a reference.
        Sharing::Frozen if language == Language::Rust => None,
        Sharing::Frozen => return Ok(()),
        Sharing::Methods(methods) => Some(methods),
    };
    match place(language, whole) {
        Place::Bound(name) => occurrences(function.text(), name)
            .map(|at| function.start() + at)
            .map(|at| function.tree().holding(at..at + name.len()))
            .filter(|node| node.text() == name && !is_another(*node, whole))
            .try_for_each(|node| is_use(language, node, methods)),
        Place::Receiver => is_method(language, whole, methods),
        Place::Borrowed => Ok(()),
        Place::Value => Err("it is handed on as a value, to somebody who may change it".to_owned()),
    }
}

/// Whether a word is no use of the variable: where it is bound, and the names of fields.
fn is_another(node: Node<'_>, whole: Node<'_>) -> bool {
    let declaration = whole
        .ancestors()
        .find(|around| matches!(around.kind(), "assignment" | "let_declaration" | "short_var_declaration"));
    let is_target = declaration.is_some_and(|around| around.holds(node));
    is_target || node.field() == "attribute" || matches!(node.kind(), "field_identifier" | "line_comment" | "comment")
}

/// Whether one use of a variable leaves what it holds as it is.
fn is_use(language: Language, node: Node<'_>, methods: Option<&[&str]>) -> Result<(), String> {
    let Some(parent) = node.parent() else { return Ok(()) };
    if writes(language, node) {
        return Err(format!("`{}` is written to in line {}", node.text(), node.first_line()));
    }
    if parent.kind() == "token_tree" && node.next_sibling().is_some_and(|next| next.kind() == ".") {
        return Ok(());
    }
    if language == Language::Rust && place(language, node) == Place::Borrowed {
        return Ok(());
    }
    is_method(language, node, methods)
}

/// Whether a node is that of which a method is called, one of those.
fn is_method(language: Language, node: Node<'_>, methods: Option<&[&str]>) -> Result<(), String> {
    let elsewhere = || Err(format!("`{}` goes elsewhere in line {}", node.text(), node.first_line()));
    let Some(parent) = node.parent().filter(|_| place(language, node) == Place::Receiver) else { return elsewhere() };
    let is_called = parent.field() == "function" && parent.parent().is_some_and(|call| language.is_call(call));
    let name = ["attribute", "field"].iter().find_map(|field| parent.child_by_field(field)).map_or("", Node::text);
    match methods {
        _ if !is_called => elsewhere(),
        Some(methods) if !methods.contains(&name) => {
            Err(format!("`{name}` of it is called in line {}", node.first_line()))
        }
        _ => Ok(()),
    }
}
