//! What nodes are, language by language.

use crate::tree::{Node, Tree};

/// A language that code is rewritten in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Go.
    Go,
}

impl Language {
    /// The language of a tree; absent for those that nothing is rewritten in.
    pub fn of(tree: &Tree) -> Option<Language> {
        Some(match tree.language() {
            "rust" => Language::Rust,
            "python" => Language::Python,
            "go" => Language::Go,
            _ => return None,
        })
    }

    /// By the ending of a path.
    pub fn of_path(path: &str) -> Option<Language> {
        Some(match path.rsplit_once('.')?.1 {
            "rs" => Language::Rust,
            "py" => Language::Python,
            "go" => Language::Go,
            _ => return None,
        })
    }

    /// Whether a node defines a function with a name.
    pub fn is_function(self, node: Node<'_>) -> bool {
        match self {
            Language::Rust => node.kind() == "function_item",
            Language::Python => node.kind() == "function_definition",
            Language::Go => matches!(node.kind(), "function_declaration" | "method_declaration"),
        }
    }

    /// Whether a node is a function without a name.
    pub fn is_closure(self, node: Node<'_>) -> bool {
        match self {
            Language::Rust => matches!(node.kind(), "closure_expression" | "async_block"),
            Language::Python => node.kind() == "lambda",
            Language::Go => node.kind() == "func_literal",
        }
    }

    /// Whether what is inside of a node may run many times for each time that the node does.
    pub fn is_loop(self, node: Node<'_>) -> bool {
        match self {
            Language::Rust => matches!(node.kind(), "for_expression" | "while_expression" | "loop_expression"),
            Language::Python => matches!(
                node.kind(),
                "for_statement"
                    | "while_statement"
                    | "list_comprehension"
                    | "set_comprehension"
                    | "dictionary_comprehension"
                    | "generator_expression"
            ),
            Language::Go => node.kind() == "for_statement",
        }
    }

    /// Whether the nodes right inside of a node are statements.
    pub fn is_block(self, node: Node<'_>) -> bool {
        match self {
            Language::Rust => matches!(node.kind(), "block" | "source_file" | "declaration_list"),
            Language::Python => matches!(node.kind(), "block" | "module"),
            Language::Go => matches!(node.kind(), "statement_list" | "source_file"),
        }
    }

    /// Whether a node is a call of a function or method.
    pub fn is_call(self, node: Node<'_>) -> bool {
        node.kind() == if self == Language::Python { "call" } else { "call_expression" }
    }

    /// Whether a node is a comment.
    pub fn is_comment(self, node: Node<'_>) -> bool {
        matches!(node.kind(), "comment" | "line_comment" | "block_comment")
    }

    /// What a comment for the rest of a line begins with.
    pub fn comment(self) -> &'static str {
        if self == Language::Python { "#" } else { "//" }
    }
}
