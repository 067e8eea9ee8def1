//! Walks a syntax tree once and writes down what it defines.

use std::collections::BTreeSet;

use tree_sitter::Node;

use crate::announce::announced;
use crate::parse::parse;
use crate::{Language, SyntaxError};

/// The longest text whose definitions are told. Its tree takes some hundred times as much memory, and one that was made for it far more.
pub const MAX_BYTES: usize = 1 << 20;
/// The longest name that is written down.
const MAX_NAME: usize = 200;
/// The deepest nesting that is written down: of more, the innermost.
const MAX_CONTAINERS: usize = 16;
/// The deepest definition that is written down: what is deeper belongs to the one around it.
const MAX_DEPTH: usize = 100;
/// The most definitions of a file.
const MAX_DEFINITIONS: usize = 20_000;

/// What is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that runs.
    Function,
    /// A type, a module or a namespace: something that holds functions.
    Type,
    /// A value with a name, outside of functions.
    Constant,
}

/// A definition in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The definitions around it, the outermost first; a method defined outside of its type has that type here.
    pub containers: Vec<String>,
    /// Its first line, from 1, with its attributes, annotations and decorators.
    pub first_line: u32,
    /// Its last line.
    pub last_line: u32,
    /// Whether an attribute, annotation or decorator of it, or of what is around it, speaks of tests.
    pub is_test: bool,
    /// The names that it mentions, without those that an inner function mentions; sorted. Those of types are empty.
    pub mentions: Vec<String>,
}

/// What a file defines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The definitions by first line, the outer before the inner.
    pub definitions: Vec<Definition>,
    /// First and last lines, from 1, that hold comments (or texts that document) and nothing else.
    pub comments: Vec<(u32, u32)>,
}

/// What a file defines, by the grammar that its path's ending names.
///
/// A text can be made so that its parse takes gigabytes, or breaks the grammar: what nobody vouches for is read in a process of its own.
pub fn outline(path: &str, text: &str) -> Result<Outline, SyntaxError> {
    let (language, tree) = parse(path, text, MAX_BYTES)?;
    let walk =
        Walk { language, text, open: Vec::new(), functions: 0, written_before: None, outline: Outline::default() };
    walk.whole(tree.root_node())
}

/// A definition that the walk is inside of.
struct Open {
    /// Its place among the definitions.
    at: usize,
    /// The node where it ends.
    end: usize,
    mentions: BTreeSet<String>,
}

/// What stands before a definition and belongs to it: attributes and decorators.
#[derive(Clone, Copy)]
struct Head {
    row: usize,
    speaks_of_tests: bool,
}

/// A walk on its way. Nothing in it asks a node for its parent or for what is before it: a tree answers that from its root.
struct Walk<'text> {
    language: Language,
    text: &'text str,
    open: Vec<Open>,
    /// How many of them are functions.
    functions: usize,
    written_before: Option<Head>,
    outline: Outline,
}

impl Walk<'_> {
    fn whole(mut self, root: Node<'_>) -> Result<Outline, SyntaxError> {
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            while self.open.last().is_some_and(|open| open.end <= node.start_byte()) {
                self.close();
            }
            let descend = self.enter(node);
            if self.outline.definitions.len() > MAX_DEFINITIONS {
                return Err(SyntaxError::TooMany { what: "definitions", most: MAX_DEFINITIONS });
            }
            if descend && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    while !self.open.is_empty() {
                        self.close();
                    }
                    return Ok(self.outline);
                }
            }
        }
    }

    /// Writes down what a node is; whether to look inside.
    fn enter(&mut self, node: Node<'_>) -> bool {
        if self.is_comment(node) {
            self.comment(node);
            return false;
        }
        if node.child_count() == 0 && node.kind().ends_with("identifier") {
            self.mention(node);
            return false;
        }
        let row = node.start_position().row;
        match node.kind() {
            "attribute_item" | "decorator" => {
                let head = self.written_before.get_or_insert(Head { row, speaks_of_tests: false });
                head.speaks_of_tests |= speaks_of_tests(self.text, node);
                return false;
            }
            "decorated_definition" => self.written_before = Some(Head { row, speaks_of_tests: false }),
            _ => {
                let head = self.written_before.take().unwrap_or(Head { row, speaks_of_tests: false });
                if self.open.len() < MAX_DEPTH
                    && let Some(found) = announced(node, self.language, self.functions > 0)
                    && let Some(name) = self.of(found.name)
                {
                    let owner = found.owner.and_then(|owner| self.of(owner));
                    self.define(node, found.kind, name, owner, head);
                }
            }
        }
        true
    }

    fn define(&mut self, node: Node<'_>, kind: Kind, name: String, owner: Option<String>, head: Head) {
        let definitions = &self.outline.definitions;
        // A value bound to a function is around that function, not its container.
        let around = self.open.iter().rev().map(|open| &definitions[open.at]).filter(|d| d.kind != Kind::Constant);
        let names = owner.into_iter().chain(around.map(|around| around.name.clone()));
        let mut containers: Vec<String> = names.take(MAX_CONTAINERS).collect();
        containers.reverse();
        let modifiers = node.child(0).filter(|child| child.kind() == "modifiers");
        let is_test = head.speaks_of_tests
            || modifiers.is_some_and(|modifiers| speaks_of_tests(self.text, modifiers))
            || self.open.last().is_some_and(|open| definitions[open.at].is_test);
        self.functions += usize::from(kind == Kind::Function);
        self.open.push(Open { at: definitions.len(), end: node.end_byte(), mentions: BTreeSet::new() });
        self.outline.definitions.push(Definition {
            name,
            kind,
            containers,
            first_line: head.row as u32 + 1,
            last_line: last_line(node),
            is_test,
            mentions: Vec::new(),
        });
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let definition = &mut self.outline.definitions[open.at];
        self.functions -= usize::from(definition.kind == Kind::Function);
        let mut mentions = open.mentions;
        mentions.remove(&definition.name);
        definition.mentions = mentions.into_iter().collect();
    }

    /// Adds a name to the innermost function or constant around it.
    fn mention(&mut self, node: Node<'_>) {
        let Some(name) = self.of(node) else { return };
        let definitions = &self.outline.definitions;
        if let Some(open) = self.open.iter_mut().rev().find(|open| definitions[open.at].kind != Kind::Type) {
            open.mentions.insert(name);
        }
    }

    fn is_comment(&self, node: Node<'_>) -> bool {
        match node.kind() {
            "comment" | "line_comment" | "block_comment" => true,
            // A text alone as a statement documents what it stands in.
            "expression_statement" if self.language == Language::Python => {
                node.named_child_count() == 1 && node.named_child(0).is_some_and(|child| child.kind() == "string")
            }
            _ => false,
        }
    }

    /// Writes down the lines that a comment has for itself.
    fn comment(&mut self, node: Node<'_>) {
        let (first, last) = (node.start_position().row as u32 + 1, last_line(node));
        // A comment of a line ends with it in some grammars, and before its end in others.
        let before = self.text[..node.start_byte()].trim_end_matches([' ', '\t']);
        let after = self.text[node.end_byte()..].trim_start_matches([' ', '\t', '\r']);
        let first = if before.is_empty() || before.ends_with('\n') { first } else { first + 1 };
        let ends_line = after.is_empty() || after.starts_with('\n') || node.end_position().column == 0;
        let last = if ends_line { last } else { last - 1 };
        if first > last {
            return;
        }
        match self.outline.comments.last_mut() {
            Some((_, end)) if *end + 1 >= first => *end = (*end).max(last),
            _ => self.outline.comments.push((first, last)),
        }
    }

    /// The text of a name; `None` where it is none.
    fn of(&self, node: Node<'_>) -> Option<String> {
        let text = self.text.get(node.byte_range())?.trim_matches(['"', '\'']);
        (!text.is_empty() && text.len() <= MAX_NAME && !text.contains('\n')).then(|| text.to_owned())
    }
}

/// Whether attributes, annotations or decorators mark what they belong to as a test.
fn speaks_of_tests(text: &str, node: Node<'_>) -> bool {
    let text = text.get(node.byte_range()).unwrap_or_default();
    text.len() < 1_000 && text.to_ascii_lowercase().contains("test")
}

/// The last line that a node is on: one that ends at the beginning of a line ends on the line before.
fn last_line(node: Node<'_>) -> u32 {
    let end = node.end_position();
    let row = if end.column == 0 && end.row > node.start_position().row { end.row - 1 } else { end.row };
    row as u32 + 1
}
