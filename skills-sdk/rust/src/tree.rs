//! Syntax trees, as [`code::tree`](crate::code::tree) answers them: a view that costs nothing, and goes up and down.
//!
//! The columns come from outside. [`Tree::new`] looks at each row once, and refuses what is no tree: whatever is asked of a [`Node`]
//! after that has an answer.

use std::fmt;
use std::ops::Range;

use crate::Error;
use crate::code::SyntaxTree;

/// A node's row, checked.
#[derive(Clone, Copy, Debug)]
struct Row {
    kind: u16,
    field: u16,
    flags: u8,
    parent: u32,
    /// The row before it in its parent; its own where there is none.
    before: u32,
    /// The first row that is not inside of it.
    after: u32,
    start: u32,
    end: u32,
}

const NAMED: u8 = 1;
const ERROR: u8 = 2;
const MISSING: u8 = 4;

/// Nodes around a node at most: whoever follows them into each other does not run out of stack, and nobody writes that by hand.
const DEEPEST: usize = 1_000;

/// A file's text and its syntax tree.
#[derive(Clone, Debug)]
pub struct Tree {
    language: String,
    text: String,
    kinds: Vec<String>,
    fields: Vec<String>,
    rows: Vec<Row>,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// A node of a tree. Two are equal where they are the same one.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    row: usize,
}

impl Tree {
    /// The tree that the columns hold; `invalid` where they hold none: no row at all, columns of other lengths, a row that names what
    /// is not there or is not in preorder, a node that is no piece of the text, one inside of a thousand others.
    pub fn new(columns: SyntaxTree) -> Result<Tree, Error> {
        let SyntaxTree { language, text, kinds, fields, node_kinds, node_fields, .. } = columns;
        let (parents, starts, ends) = (columns.node_parents, columns.node_starts, columns.node_ends);
        let flags = columns.node_flags;
        let count = node_kinds.len();
        let lengths = [node_fields.len(), parents.len(), starts.len(), ends.len(), flags.len()];
        if count == 0 || lengths.iter().any(|length| *length != count) {
            return Err(Error::Invalid(format!("the syntax tree has columns of {count} and {lengths:?} rows")));
        }
        let mut rows: Vec<Row> = Vec::with_capacity(count);
        // The rows around the one before.
        let mut open: Vec<usize> = Vec::new();
        // The last row right inside of each.
        let mut last: Vec<Option<u32>> = vec![None; count];
        for at in 0..count {
            let wrong = |what: &str| Err(Error::Invalid(format!("row {at} of the syntax tree {what}")));
            let parent = parents[at] as usize;
            if usize::from(node_kinds[at]) >= kinds.len() || usize::from(node_fields[at]) >= fields.len() {
                return wrong("names a kind or a field that is not there");
            }
            if text.get(starts[at] as usize..ends[at] as usize).is_none() {
                return wrong("is no piece of the text");
            }
            while open.last().is_some_and(|&inner| inner != parent) {
                let Some(ended) = open.pop() else { break };
                rows[ended].after = at as u32;
            }
            if at > 0 && open.last() != Some(&parent) || at == 0 && parent != 0 {
                return wrong("does not follow its parent");
            }
            if open.len() > DEEPEST {
                return wrong("is nested too deep");
            }
            open.push(at);
            let before = if at > 0 { last[parent].replace(at as u32) } else { None };
            rows.push(Row {
                kind: node_kinds[at],
                field: node_fields[at],
                flags: flags[at],
                parent: parents[at],
                before: before.unwrap_or(at as u32),
                after: count as u32,
                start: starts[at],
                end: ends[at],
            });
        }
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Ok(Tree { language, text, kinds, fields, rows, lines })
    }

    /// The language whose grammar was used, such as `python`.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The node that holds all others.
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, row: 0 }
    }

    /// The innermost node that holds a range of the text; the root where none does.
    pub fn holding(&self, range: Range<usize>) -> Node<'_> {
        let mut here = self.root();
        while let Some(inner) = here.children().find(|child| child.start() <= range.start && range.end <= child.end()) {
            here = inner;
        }
        here
    }

    /// The number, from 1, of the line that a byte of the text is on.
    pub fn line(&self, at: usize) -> u32 {
        self.lines.partition_point(|&start| start <= at) as u32
    }

    /// Bytes between the beginning of its line and a byte of the text.
    pub fn column(&self, at: usize) -> usize {
        at - self.line_range(self.line(at)).start.min(at)
    }

    /// A line's bytes, from its number from 1, with its end; empty, at the end of the text, where there is no such line.
    pub fn line_range(&self, line: u32) -> Range<usize> {
        let start = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len());
        let line = line as usize;
        start(line.saturating_sub(1))..start(line)
    }
}

impl<'t> Node<'t> {
    fn of(self, row: usize) -> Node<'t> {
        Node { tree: self.tree, row }
    }

    fn data(self) -> Row {
        self.tree.rows[self.row]
    }

    /// The tree that it is of.
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    /// Its kind, by the grammar's own name.
    pub fn kind(self) -> &'t str {
        &self.tree.kinds[usize::from(self.data().kind)]
    }

    /// What it is to its parent, by the grammar's own name; empty where the grammar does not say.
    pub fn field(self) -> &'t str {
        &self.tree.fields[usize::from(self.data().field)]
    }

    /// Whether the grammar gives it a name; others are keywords and signs.
    pub fn is_named(self) -> bool {
        self.data().flags & NAMED != 0
    }

    /// Whether the grammar could not read something in it, or missed something.
    pub fn has_error(self) -> bool {
        let inside = self.row..self.data().after as usize;
        self.tree.rows[inside].iter().any(|row| row.flags & (ERROR | MISSING) != 0)
    }

    /// Where it begins in the text.
    pub fn start(self) -> usize {
        self.data().start as usize
    }

    /// The first byte after it.
    pub fn end(self) -> usize {
        self.data().end as usize
    }

    /// Its bytes in the text.
    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// Its text.
    pub fn text(self) -> &'t str {
        &self.tree.text[self.range()]
    }

    /// The number, from 1, of the line that it begins on.
    pub fn first_line(self) -> u32 {
        self.tree.line(self.start())
    }

    /// The number of the line that it ends on; of one that ends with its line, that one.
    pub fn last_line(self) -> u32 {
        self.tree.line(self.end().saturating_sub(1).max(self.start()))
    }

    /// The node around it; absent for the root.
    pub fn parent(self) -> Option<Node<'t>> {
        (self.row > 0).then(|| self.of(self.data().parent as usize))
    }

    /// The nodes around it, the innermost first.
    pub fn ancestors(self) -> impl Iterator<Item = Node<'t>> {
        std::iter::successors(self.parent(), |node| node.parent())
    }

    /// The nodes right inside of it, in order.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> {
        let end = self.data().after as usize;
        let child = move |row: usize| (row < end).then(|| self.of(row));
        std::iter::successors(child(self.row + 1), move |node| child(node.data().after as usize))
    }

    /// Those of them that the grammar gives a name to.
    pub fn named_children(self) -> impl Iterator<Item = Node<'t>> {
        self.children().filter(|child| child.is_named())
    }

    /// The first node right inside of it that is this to it.
    pub fn child_by_field(self, field: &str) -> Option<Node<'t>> {
        self.children().find(|child| child.field() == field)
    }

    /// The node after it in its parent.
    pub fn next_sibling(self) -> Option<Node<'t>> {
        let parent = self.parent()?;
        let next = self.data().after;
        (next < parent.data().after).then(|| self.of(next as usize))
    }

    /// The node before it in its parent.
    pub fn previous_sibling(self) -> Option<Node<'t>> {
        let before = self.data().before as usize;
        (before != self.row).then(|| self.of(before))
    }

    /// It and all nodes inside of it, in preorder.
    pub fn descendants(self) -> impl Iterator<Item = Node<'t>> {
        (self.row..self.data().after as usize).map(move |row| self.of(row))
    }

    /// Whether another node is this one or inside of it.
    pub fn holds(self, other: Node<'_>) -> bool {
        std::ptr::eq(self.tree, other.tree) && (self.row..self.data().after as usize).contains(&other.row)
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.row == other.row
    }
}

impl Eq for Node<'_> {}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind(), self.text())
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
