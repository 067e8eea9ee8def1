//! What stands around a node, and what names do in it.

use super::Language;
use crate::tree::Node;

/// The innermost function with a name around a node; absent outside of functions.
pub fn function(language: Language, node: Node<'_>) -> Option<Node<'_>> {
    node.ancestors().find(|around| language.is_function(*around))
}

/// The name of a function.
pub fn name_of(function: Node<'_>) -> &str {
    function.child_by_field("name").map_or("", Node::text)
}

/// The loops around a node inside of its function, the innermost first. Those that only its own closure is in do not count: when that
/// runs, nobody knows.
pub fn loops(language: Language, node: Node<'_>) -> Vec<Node<'_>> {
    node.ancestors()
        .take_while(|around| !language.is_function(*around) && !language.is_closure(*around))
        .filter(|around| language.is_loop(*around))
        .collect()
}

/// The statement that a node is in or is; absent where a closure without statements, or no block at all, is around it.
pub fn statement(language: Language, node: Node<'_>) -> Option<Node<'_>> {
    std::iter::once(node)
        .chain(node.ancestors())
        .take_while(|here| *here == node || !language.is_function(*here))
        .find(|here| here.parent().is_some_and(|parent| language.is_block(parent)))
}

/// The item around a node that stands right in its module: what a declaration of the module can stand before.
pub fn outermost(language: Language, node: Node<'_>) -> Node<'_> {
    let is_module = |around: Node<'_>| match language {
        Language::Rust => {
            around.kind() == "source_file"
                || around.kind() == "declaration_list" && around.parent().is_some_and(|of| of.kind() == "mod_item")
        }
        Language::Python | Language::Go => around.parent().is_none(),
    };
    let mut here = node;
    while let Some(parent) = here.parent().filter(|parent| !is_module(*parent)) {
        here = parent;
    }
    here
}

/// The first and the last line of a node.
pub fn lines_of(node: Node<'_>) -> std::ops::RangeInclusive<u32> {
    node.first_line()..=node.last_line()
}

/// Where a name stands as a word in a text, by bytes.
pub fn occurrences<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(name).map(|(at, _)| at).filter(move |&at| {
        !name.is_empty() && !is_part(text[..at].chars().next_back()) && !is_part(text[at + name.len()..].chars().next())
    })
}

/// The text of a string without its quotes; absent where a node is none, and where something is put into it.
pub fn unquoted(node: Node<'_>) -> Option<&str> {
    let is_content = |child: &Node<'_>| child.kind().ends_with("content");
    let is_string =
        matches!(node.kind(), "string" | "string_literal" | "raw_string_literal" | "interpreted_string_literal");
    let odd = |child: Node<'_>| matches!(child.kind(), "interpolation" | "escape_sequence");
    if !is_string || node.descendants().any(odd) {
        return None;
    }
    let contents: Vec<Node<'_>> = node.named_children().filter(is_content).collect();
    match contents.as_slice() {
        [] => Some(""),
        [one] => Some(one.text()),
        _ => None,
    }
}

/// The calls inside of a node, with what each calls.
pub fn calls<'t>(language: Language, node: Node<'t>) -> impl Iterator<Item = (Node<'t>, Node<'t>)> {
    let called = move |call: Node<'t>| Some((call, call.child_by_field("function")?));
    node.descendants().filter(move |node| language.is_call(*node)).filter_map(called)
}

/// The arguments of a call.
pub fn arguments(call: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let list = call.child_by_field("arguments");
    list.into_iter().flat_map(|list| list.named_children()).filter(|child| !child.kind().ends_with("comment"))
}

/// The functions that a file defines right in its modules, outside of types and of other functions.
pub fn definitions(language: Language, root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    root.descendants().filter(move |node| is_definition(language, *node))
}

/// Whether a node defines a function right in a module.
pub fn is_definition(language: Language, node: Node<'_>) -> bool {
    let is_owner = |around: Node<'_>| matches!(around.kind(), "class_definition" | "impl_item" | "trait_item");
    language.is_function(node)
        && node.kind() != "method_declaration"
        && !node.ancestors().any(|around| language.is_function(around) || is_owner(around))
}

/// Whether a node is part of a test, as attributes and names tell.
pub fn is_test(language: Language, node: Node<'_>) -> bool {
    std::iter::once(node).chain(node.ancestors()).any(|around| match language {
        Language::Rust => {
            let before = std::iter::successors(around.previous_sibling(), |before| before.previous_sibling());
            let mut attributes =
                before.take_while(|before| before.kind() == "attribute_item" || language.is_comment(*before));
            attributes.any(|one| one.kind() == "attribute_item" && one.text().contains("test"))
        }
        Language::Python => language.is_function(around) && name_of(around).starts_with("test"),
        Language::Go => {
            language.is_function(around) && ["Test", "Benchmark"].iter().any(|of| name_of(around).starts_with(of))
        }
    })
}

/// Climbs out of patterns, to the node that is bound or written as a whole.
fn out_of<'t>(node: Node<'t>, patterns: &[&str]) -> Node<'t> {
    let mut here = node;
    while let Some(parent) = here.parent().filter(|parent| patterns.contains(&parent.kind())) {
        // The name of a variant is none that a pattern binds.
        if here.field() == "type" {
            break;
        }
        here = parent;
    }
    here
}

const PATTERNS: [&str; 16] = [
    "pattern_list",
    "tuple_pattern",
    "list_pattern",
    "list_splat_pattern",
    "dictionary_splat_pattern",
    "typed_parameter",
    "expression_list",
    "tuple_struct_pattern",
    "struct_pattern",
    "field_pattern",
    "ref_pattern",
    "mut_pattern",
    "reference_pattern",
    "captured_pattern",
    "or_pattern",
    "match_pattern",
];

/// Whether an identifier gives its name a meaning: a variable, a parameter, a definition, an import.
pub fn binds(language: Language, identifier: Node<'_>) -> bool {
    if !matches!(
        identifier.kind(),
        "identifier" | "shorthand_field_identifier" | "package_identifier" | "type_identifier"
    ) {
        return false;
    }
    let whole = out_of(identifier, &PATTERNS);
    let Some(parent) = whole.parent() else { return false };
    let (kind, field) = (parent.kind(), whole.field());
    match language {
        Language::Python => match kind {
            "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => field == "left",
            "named_expression" | "default_parameter" | "typed_default_parameter" => field == "name",
            "function_definition" | "class_definition" => field == "name",
            "parameters" | "lambda_parameters" | "as_pattern_target" => true,
            "global_statement" | "nonlocal_statement" | "delete_statement" => true,
            "dotted_name" => parent.parent().is_some_and(|of| of.kind() == "case_pattern"),
            "type_alias_statement" => true,
            _ => false,
        },
        Language::Rust => match kind {
            "let_declaration" | "parameter" | "for_expression" | "let_condition" | "match_arm" => field == "pattern",
            "closure_parameters" => true,
            "const_item" | "static_item" | "function_item" | "struct_item" | "enum_item" | "union_item"
            | "type_item" | "trait_item" | "mod_item" | "macro_definition" => field == "name",
            _ => false,
        },
        Language::Go => match kind {
            "short_var_declaration" | "range_clause" | "receive_statement" => field == "left",
            "parameter_declaration" | "variadic_parameter_declaration" | "var_spec" | "const_spec" => field == "name",
            "function_declaration" | "type_spec" | "type_alias" => field == "name",
            "type_switch_statement" => field == "alias",
            _ => false,
        },
    }
}

/// Whether an identifier is bound, or what it stands for is written to: itself, a field or an element of it, or something behind it.
pub fn writes(language: Language, identifier: Node<'_>) -> bool {
    if binds(language, identifier) {
        return true;
    }
    // From `x` of `x.y[1].z` to the whole.
    let mut here = identifier;
    while let Some(parent) = here.parent() {
        let is_root = match parent.kind() {
            "attribute" => here.field() == "object",
            "subscript" => here.field() == "value",
            "field_expression" => here.field() == "value",
            "selector_expression" | "index_expression" => {
                here.field() == "operand" || parent.children().next() == Some(here)
            }
            "unary_expression" | "parenthesized_expression" | "expression_list" | "pattern_list" => true,
            _ => false,
        };
        if !is_root {
            break;
        }
        here = parent;
    }
    let Some(parent) = here.parent() else { return false };
    match parent.kind() {
        "assignment"
        | "augmented_assignment"
        | "assignment_expression"
        | "compound_assignment_expr"
        | "assignment_statement" => here.field() == "left",
        "inc_statement" | "dec_statement" | "delete_statement" => true,
        "reference_expression" => parent.children().any(|child| child.kind() == "mutable_specifier"),
        _ => false,
    }
}
