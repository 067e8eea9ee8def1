//! Which nodes of a syntax tree define something, language by language.

use tree_sitter::Node;

use crate::{Kind, Language};

/// What a node defines.
pub struct Announced<'tree> {
    pub kind: Kind,
    /// The node that holds the name.
    pub name: Node<'tree>,
    /// The node that names the type that it is a method of, where that stands apart from the nesting.
    pub owner: Option<Node<'tree>>,
}

fn plain(kind: Kind, name: Option<Node<'_>>) -> Option<Announced<'_>> {
    name.map(|name| Announced { kind, name, owner: None })
}

/// What a node defines, if anything. `inside` says that a function is around it: its constants are not the file's.
pub fn announced(node: Node<'_>, language: Language, inside: bool) -> Option<Announced<'_>> {
    let name = || node.child_by_field_name("name");
    match language {
        Language::Rust => match node.kind() {
            "function_item" | "macro_definition" => plain(Kind::Function, name()),
            "impl_item" => plain(Kind::Type, node.child_by_field_name("type").map(bare)),
            "mod_item" if node.child_by_field_name("body").is_none() => None,
            "mod_item" | "trait_item" | "struct_item" | "enum_item" | "union_item" => plain(Kind::Type, name()),
            "const_item" | "static_item" if !inside => plain(Kind::Constant, name()),
            _ => None,
        },
        Language::Python => match node.kind() {
            "function_definition" => plain(Kind::Function, name()),
            "class_definition" => plain(Kind::Type, name()),
            "assignment" if !inside => {
                let named = node.child_by_field_name("left").filter(|left| left.kind() == "identifier");
                let lambda = node.child_by_field_name("right").is_some_and(|right| right.kind() == "lambda");
                plain(if lambda { Kind::Function } else { Kind::Constant }, named)
            }
            _ => None,
        },
        Language::Go => match node.kind() {
            "function_declaration" => plain(Kind::Function, name()),
            "method_declaration" => {
                let receiver = node.child_by_field_name("receiver");
                let owner = receiver.and_then(|receiver| first_of(receiver, "type_identifier"));
                name().map(|name| Announced { kind: Kind::Function, name, owner })
            }
            "type_spec" | "type_alias" => plain(Kind::Type, name()),
            "const_spec" | "var_spec" if !inside => plain(Kind::Constant, name()),
            _ => None,
        },
        Language::Java => match node.kind() {
            "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
                plain(Kind::Function, name())
            }
            "class_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "record_declaration"
            | "annotation_type_declaration" => plain(Kind::Type, name()),
            "field_declaration" | "constant_declaration" if !inside => {
                let declarator = node.child_by_field_name("declarator");
                plain(Kind::Constant, declarator.and_then(|declarator| declarator.child_by_field_name("name")))
            }
            _ => None,
        },
        Language::Cpp => cpp(node, inside),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript(node, inside),
    }
}

fn cpp(node: Node<'_>, inside: bool) -> Option<Announced<'_>> {
    let name = || node.child_by_field_name("name");
    match node.kind() {
        "function_definition" => {
            let name = innermost(node.child_by_field_name("declarator")?)?;
            if name.kind() != "qualified_identifier" {
                return plain(Kind::Function, Some(name));
            }
            // `a::B::c`: c, a method of B.
            let (mut owner, mut last) = (None, name);
            while last.kind() == "qualified_identifier" {
                owner = last.child_by_field_name("scope").map(bare).or(owner);
                last = last.child_by_field_name("name")?;
            }
            Some(Announced { kind: Kind::Function, name: bare(last), owner })
        }
        "class_specifier" | "struct_specifier" | "union_specifier" | "enum_specifier"
            if node.child_by_field_name("body").is_some() =>
        {
            plain(Kind::Type, name().map(bare))
        }
        "namespace_definition" => plain(Kind::Type, name()),
        "preproc_function_def" => plain(Kind::Function, name()),
        "preproc_def" => plain(Kind::Constant, name()),
        "init_declarator" if !inside => plain(Kind::Constant, innermost(node.child_by_field_name("declarator")?)),
        _ => None,
    }
}

/// The name within pointers, references, parameters and parentheses around it.
fn innermost(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut here = declarator;
    // Each step goes down; a declarator is not deep, and one that is has no use.
    for _ in 0..32 {
        here = match here.kind() {
            "identifier"
            | "field_identifier"
            | "qualified_identifier"
            | "destructor_name"
            | "operator_name"
            | "operator_cast"
            | "type_identifier" => return Some(here),
            "template_function" => here.child_by_field_name("name")?,
            _ => here.child_by_field_name("declarator").or_else(|| here.named_child(0))?,
        };
    }
    None
}

fn javascript(node: Node<'_>, inside: bool) -> Option<Announced<'_>> {
    let name = || node.child_by_field_name("name");
    let runs = |field: &str| {
        node.child_by_field_name(field).is_some_and(|value| {
            matches!(value.kind(), "arrow_function" | "function_expression" | "generator_function" | "function")
        })
    };
    match node.kind() {
        "function_declaration" | "generator_function_declaration" | "method_definition" => {
            plain(Kind::Function, name())
        }
        "class_declaration"
        | "abstract_class_declaration"
        | "class"
        | "interface_declaration"
        | "enum_declaration"
        | "type_alias_declaration"
        | "internal_module"
        | "module" => plain(Kind::Type, name()),
        "variable_declarator" if runs("value") => plain(Kind::Function, name()),
        "variable_declarator" if !inside => plain(Kind::Constant, name().filter(|name| name.kind() == "identifier")),
        "public_field_definition" | "field_definition" => {
            let kind = if runs("value") { Kind::Function } else { Kind::Constant };
            plain(kind, name().or_else(|| node.child_by_field_name("property")))
        }
        "pair" if runs("value") => plain(Kind::Function, node.child_by_field_name("key")),
        "assignment_expression" if runs("right") => {
            let left = node.child_by_field_name("left")?;
            let name = left.child_by_field_name("property").unwrap_or(left);
            plain(Kind::Function, matches!(name.kind(), "identifier" | "property_identifier").then_some(name))
        }
        _ => None,
    }
}

/// A type without its arguments and path: of `a::B<C>`, `B`.
fn bare(node: Node<'_>) -> Node<'_> {
    let mut here = node;
    for _ in 0..32 {
        let inner = match here.kind() {
            "generic_type" | "reference_type" | "pointer_type" => here.child_by_field_name("type"),
            "scoped_type_identifier" | "template_type" | "template_function" | "qualified_identifier" => {
                here.child_by_field_name("name")
            }
            _ => return here,
        };
        let Some(inner) = inner else { return here };
        here = inner;
    }
    here
}

/// The first node of a kind below another, in the order of the text.
fn first_of<'tree>(node: Node<'tree>, kind: &str) -> Option<Node<'tree>> {
    let mut cursor = node.walk();
    loop {
        if cursor.node().kind() == kind {
            return Some(cursor.node());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() || cursor.node() == node {
                return None;
            }
        }
    }
}
