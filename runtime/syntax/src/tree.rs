//! Writes a syntax tree down whole, as columns.

use std::collections::HashMap;

use crate::SyntaxError;
use crate::parse::parse;

/// The longest text whose whole tree is written down: a file that people work on.
pub const MAX_TREE_BYTES: usize = 256 << 10;
/// The most nodes of a tree. Files of that length have a third of it; more of them say nothing in each byte.
pub const MAX_NODES: usize = 200_000;

/// A node that the grammar gives a name to; the others are keywords and signs.
pub const NAMED: u8 = 1;
/// A node that the grammar could not read.
pub const ERROR: u8 = 2;
/// A node that the grammar missed: it is not in the text.
pub const MISSING: u8 = 4;

/// A syntax tree as columns of the same length: a row is a node, in preorder. The first row is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The grammar's name: see [`Language::name`](crate::Language::name).
    pub language: &'static str,
    /// Every kind once, by the grammar's own name.
    pub kinds: Vec<String>,
    /// Every field once; the first one is empty: no field.
    pub fields: Vec<String>,
    /// Each node's kind, as an index into `kinds`.
    pub node_kinds: Vec<u16>,
    /// What a node is to the one around it, as an index into `fields`.
    pub node_fields: Vec<u16>,
    /// Each node's parent, a row before its own; the root's is its own row.
    pub node_parents: Vec<u32>,
    /// Where each node begins, in bytes of the text.
    pub node_starts: Vec<u32>,
    /// The first byte after each node.
    pub node_ends: Vec<u32>,
    /// [`NAMED`], [`ERROR`] and [`MISSING`], added up.
    pub node_flags: Vec<u8>,
}

/// The syntax tree of a text, by the grammar that its path's ending names.
///
/// As for [`outline`](crate::outline), what nobody vouches for is read in a process of its own.
pub fn tree(path: &str, text: &str) -> Result<Tree, SyntaxError> {
    let (language, parsed) = parse(path, text, MAX_TREE_BYTES)?;
    let mut tree = Tree { language: language.name(), ..Tree::default() };
    let (mut kinds, mut fields) = (Names::default(), Names::default());
    fields.index("");
    let mut cursor = parsed.walk();
    let mut around = Vec::new();
    loop {
        let node = cursor.node();
        let row = tree.node_kinds.len();
        if row == MAX_NODES {
            return Err(SyntaxError::TooMany { what: "nodes", most: MAX_NODES });
        }
        tree.node_kinds.push(kinds.index(node.kind()));
        tree.node_fields.push(fields.index(cursor.field_name().unwrap_or_default()));
        tree.node_parents.push(around.last().copied().unwrap_or_default());
        tree.node_starts.push(node.start_byte() as u32);
        tree.node_ends.push(node.end_byte() as u32);
        let flag = |is: bool, bit: u8| if is { bit } else { 0 };
        let flags = flag(node.is_named(), NAMED) | flag(node.is_error(), ERROR) | flag(node.is_missing(), MISSING);
        tree.node_flags.push(flags);
        if cursor.goto_first_child() {
            around.push(row as u32);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                (tree.kinds, tree.fields) = (kinds.known, fields.known);
                return Ok(tree);
            }
            around.pop();
        }
    }
}

/// Names, each once.
#[derive(Default)]
struct Names {
    known: Vec<String>,
    at: HashMap<String, u16>,
}

impl Names {
    fn index(&mut self, name: &str) -> u16 {
        if let Some(&at) = self.at.get(name) {
            return at;
        }
        // A grammar has some hundred of them.
        let at = self.known.len() as u16;
        self.known.push(name.to_owned());
        self.at.insert(name.to_owned(), at);
        at
    }
}
