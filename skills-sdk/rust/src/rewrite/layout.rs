//! How a file is laid out: indentation, line ends, and statements with lines of their own.

use super::Language;
use crate::edits::Edits;
use crate::tree::{Node, Tree};

/// The line end of a file.
pub fn newline(tree: &Tree) -> &'static str {
    if tree.text().contains("\r\n") { "\r\n" } else { "\n" }
}

/// The blanks that the line of a node begins with.
pub fn indentation(node: Node<'_>) -> &str {
    let line = &node.tree().text()[node.tree().line_range(node.first_line())];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// One step of indentation: what the first statement of a block has more than the line that opens it; four blanks where none tells.
pub fn unit(language: Language, tree: &Tree) -> String {
    if language == Language::Go {
        return "\t".to_owned();
    }
    let step = |block: Node<'_>| {
        let inside =
            block.named_children().find(|child| child.first_line() > block.parent().map_or(0, Node::first_line))?;
        let (outer, inner) = (indentation(block.parent()?), indentation(inside));
        inner.strip_prefix(outer).filter(|step| !step.is_empty()).map(str::to_owned)
    };
    tree.root().descendants().filter(|node| node.kind() == "block").find_map(step).unwrap_or_else(|| " ".repeat(4))
}

/// Whether statements that stand one after the other have their lines for themselves, but for a comment after the last one.
pub fn alone(language: Language, first: Node<'_>, last: Node<'_>) -> bool {
    let tree = first.tree();
    let before = &tree.text()[tree.line_range(first.first_line()).start..first.start()];
    let end = tree.line_range(last.last_line()).end.max(last.end());
    let after = tree.text()[last.end()..end].trim();
    before.trim().is_empty() && (after.is_empty() || after.starts_with(language.comment()))
}

/// Whether a byte is inside of a text that goes over several lines: its indentation is a part of it.
fn is_in_text(tree: &Tree, at: usize) -> bool {
    let node = tree.holding(at..at);
    std::iter::once(node)
        .chain(node.ancestors())
        .any(|around| around.kind().contains("string") && around.start() < at && at < around.end())
}

/// Puts statements that stand one after the other, [`alone`] in their lines, into a block that a line opens, such as `if x {` or
/// `if x:`; lines before it may be given, too. What a text holds keeps its place.
pub fn wrap(language: Language, first: Node<'_>, last: Node<'_>, open: &str, edits: &mut Edits) {
    let tree = first.tree();
    let (indent, unit, end) = (indentation(first), unit(language, tree), newline(tree));
    let lines = open.split('\n').collect::<Vec<_>>().join(&format!("{end}{indent}"));
    edits.insert(first.start(), format!("{lines}{end}{indent}{unit}"));
    let last_line = tree.line(last.end().saturating_sub(1));
    for line in first.first_line() + 1..=last_line {
        let range = tree.line_range(line);
        if !tree.text()[range.clone()].trim().is_empty() && !is_in_text(tree, range.start) {
            edits.insert(range.start, unit.clone());
        }
    }
    if language != Language::Python {
        let range = tree.line_range(last_line);
        let line = &tree.text()[range.clone()];
        let at = range.start + line.trim_end_matches(['\n', '\r']).len();
        edits.insert(at, format!("{end}{indent}}}"));
    }
}

/// The last statement of what a file of Python begins with: what documents it, imports, and values that follow them.
pub fn head(tree: &Tree) -> Option<Node<'_>> {
    let is_head = |node: &Node<'_>| match node.kind() {
        "comment" | "import_statement" | "import_from_statement" | "future_import_statement" => true,
        "expression_statement" => node.named_children().all(|child| matches!(child.kind(), "string" | "assignment")),
        "if_statement" | "try_statement" => node.descendants().any(|inner| inner.kind().starts_with("import_")),
        _ => false,
    };
    let head: Vec<Node<'_>> = tree.root().named_children().take_while(is_head).collect();
    let last = head.iter().rposition(|node| node.kind() != "comment")?;
    head[..=last].iter().any(|node| node.kind().contains("import")).then(|| head[last])
}
