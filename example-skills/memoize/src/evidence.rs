//! What shows that a function is called with equal arguments again and again.

use std::collections::BTreeSet;

use negawatt_skill::changes::FileDiff;
use negawatt_skill::diff::{Sign, function_name, lines};
use negawatt_skill::rewrite::{Draft, Language, arguments, calls, function, is_test, loops, writes};
use negawatt_skill::tree::Node;

/// Calls of a file that are looked at.
const MOST_CALLS: usize = 300;

/// Why calls repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'t> {
    /// In every turn of a loop its arguments are the same.
    Invariant {
        /// The outermost loop of which that is so.
        around: Node<'t>,
    },
    /// It goes over the same things again in every turn of an outer loop.
    Again {
        /// The outer loop.
        around: Node<'t>,
    },
    /// The commit took a cache off it.
    Uncached,
}

/// A function that is asked the same again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated<'t> {
    /// The function.
    pub function: Node<'t>,
    /// A call that repeats; the function itself, where its cache is gone.
    pub call: Node<'t>,
    /// Why.
    pub why: Why<'t>,
}

/// The functions of a file that are asked the same again and again, each with the first call that shows it.
pub fn repeated<'t>(draft: &Draft<'t>) -> Vec<Repeated<'t>> {
    let (language, root) = (draft.language(), draft.tree().root());
    let named = |name: &str| draft.imports.definition(name).filter(|own| !is_test(language, *own));
    let mut found: Vec<Repeated<'t>> = Vec::new();
    let mut add = |one: Repeated<'t>| {
        if !found.iter().any(|known| known.function == one.function) {
            found.push(one);
        }
    };
    for name in uncached(&draft.file.diff) {
        if let Some(function) = named(&name) {
            add(Repeated { function, call: function, why: Why::Uncached });
        }
    }
    let of_file = calls(language, root).filter(|(_, called)| called.kind() == "identifier");
    let known = of_file.filter_map(|(call, called)| Some((call, named(called.text())?)));
    for (call, callee) in known.take(MOST_CALLS) {
        let is_own = function(language, call) == Some(callee);
        if is_own || is_test(language, call) {
            continue;
        }
        if let Some(why) = why(language, call) {
            add(Repeated { function: callee, call, why });
        }
    }
    found
}

/// Why a call repeats, if its loops show that it does.
fn why(language: Language, call: Node<'_>) -> Option<Why<'_>> {
    let repeating: Vec<Node<'_>> =
        loops(language, call).into_iter().filter(|of| is_in_turn(language, *of, call)).collect();
    let parts: Vec<Node<'_>> = arguments(call).collect();
    if parts.is_empty() || !parts.iter().all(|part| is_plain(*part)) {
        return None;
    }
    let is_invariant = |around: &&Node<'_>| parts.iter().all(|part| is_same(language, *part, **around));
    if let Some(around) = repeating.iter().take_while(is_invariant).last() {
        return Some(Why::Invariant { around: *around });
    }
    // Over the same things in every turn of the loop around: what it goes over, and what else is asked with, stay the same.
    let (inner, outer) = (repeating.first()?, repeating.get(1)?);
    let over = gone_over(language, *inner)?;
    let bound = names_bound(language, *inner);
    let is_of_inner = |part: &Node<'_>| part.descendants().any(|node| bound.contains(node.text()));
    let others_stay = parts
        .iter()
        .all(|part| is_of_inner(part) && is_from(language, *part, *inner) || is_same(language, *part, *outer));
    let goes_again = is_plain_to_go_over(language, over) && is_same(language, over, *outer);
    (goes_again && others_stay).then_some(Why::Again { around: *outer })
}

/// Whether a node runs in every turn of a loop, and not once before it.
fn is_in_turn(language: Language, around: Node<'_>, node: Node<'_>) -> bool {
    if let Some(body) = around.child_by_field("body")
        && body.holds(node)
    {
        return true;
    }
    match (language, around.kind()) {
        (_, "while_expression" | "while_statement") => true,
        (Language::Python, kind) if kind.ends_with("comprehension") || kind == "generator_expression" => {
            let mut clauses = around.children().filter(|child| child.kind() == "for_in_clause");
            clauses.next().is_some_and(|first| !first.holds(node))
        }
        _ => false,
    }
}

/// Whether what a loop goes over is plain: what an argument may be, a list of such, or what goes over one.
fn is_plain_to_go_over(language: Language, node: Node<'_>) -> bool {
    let called = node.child_by_field("function").filter(|_| language.is_call(node));
    let iterated = called.filter(|called| called.child_by_field("field").is_some_and(|field| field.text() == "iter"));
    match node.kind() {
        "array_expression" | "list" | "tuple" | "set" => node.named_children().all(|part| is_plain(part)),
        _ if iterated.is_some() => {
            iterated.and_then(|called| called.child_by_field("value")).is_some_and(|value| is_plain(value))
        }
        _ => is_plain(node),
    }
}

/// Whether an argument is a literal, a name, a field of one, or one of these borrowed: what shows by itself whether it changes.
fn is_plain(node: Node<'_>) -> bool {
    match node.kind() {
        "identifier"
        | "string"
        | "integer"
        | "float"
        | "true"
        | "false"
        | "none"
        | "string_literal"
        | "integer_literal"
        | "boolean_literal"
        | "int_literal"
        | "interpreted_string_literal"
        | "raw_string_literal" => true,
        "keyword_argument" | "attribute" | "field_expression" | "selector_expression" | "reference_expression" => {
            let inner = ["value", "object", "operand"].iter().find_map(|field| node.child_by_field(field));
            !node.children().any(|child| child.kind() == "mutable_specifier")
                && inner.is_some_and(|inner| is_plain(inner))
        }
        _ => false,
    }
}

/// The names in a node that stand for values.
fn names<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    node.descendants().filter(|part| {
        let is_name_of_argument =
            part.field() == "name" && part.parent().is_some_and(|parent| parent.kind() == "keyword_argument");
        part.kind() == "identifier" && part.field() != "attribute" && !is_name_of_argument
    })
}

/// Whether nothing in a loop writes to what a node is made of.
fn is_same(language: Language, node: Node<'_>, around: Node<'_>) -> bool {
    names(node).all(|name| {
        let mut written = around.descendants().filter(|other| other.text() == name.text() && writes(language, *other));
        written.next().is_none()
    })
}

/// The names that the head of a loop binds anew in each turn.
fn names_bound<'t>(language: Language, around: Node<'t>) -> BTreeSet<&'t str> {
    let body = around.child_by_field("body");
    let is_head = |node: &Node<'_>| match around.kind() {
        "for_statement" | "for_expression" => body.is_none_or(|body| !body.holds(*node)),
        _ => true,
    };
    around.descendants().filter(is_head).filter(|node| writes(language, *node)).map(Node::text).collect()
}

/// Whether an argument changes with the head of a loop only.
fn is_from(language: Language, part: Node<'_>, around: Node<'_>) -> bool {
    let Some(body) = around.child_by_field("body") else { return false };
    names(part).all(|name| !body.descendants().any(|other| other.text() == name.text() && writes(language, other)))
}

/// What a loop goes over.
fn gone_over(language: Language, around: Node<'_>) -> Option<Node<'_>> {
    match (language, around.kind()) {
        (Language::Python, "for_statement") => around.child_by_field("right"),
        (Language::Python, _) => around
            .children()
            .find(|child| child.kind() == "for_in_clause")
            .and_then(|clause| clause.child_by_field("right")),
        (Language::Rust, "for_expression") => around.child_by_field("value"),
        (Language::Go, "for_statement") => {
            let clause = around.children().find(|child| child.kind() == "range_clause");
            clause.and_then(|clause| clause.child_by_field("right"))
        }
        _ => None,
    }
}

/// The functions that a commit took a cache off: a line such as `@lru_cache` or `#[cached]` that is gone from above one.
fn uncached(diff: &FileDiff) -> Vec<String> {
    let mut names = Vec::new();
    for hunk in &diff.hunks {
        let mut is_open = false;
        for line in lines(hunk) {
            let text = line.text.trim();
            let is_cache = ["@", "#["].iter().any(|mark| {
                let name = text.strip_prefix(mark).unwrap_or("").split(['(', ']']).next().unwrap_or("");
                let last = name.rsplit(['.', ':']).next().unwrap_or("");
                ["lru_cache", "cache", "cached", "memoize", "memoized"].contains(&last)
            });
            if let Some(name) =
                function_name(&diff.file.path, line.text).filter(|_| is_open && line.sign != Sign::Removed)
            {
                names.push(name.to_owned());
            }
            // One that is put back, or moved, is not gone.
            let is_head = text.starts_with(['@', '#']) || text.is_empty();
            is_open = is_cache && line.sign == Sign::Removed || is_open && (is_head || line.sign == Sign::Removed);
            if is_cache && line.sign != Sign::Removed {
                is_open = false;
            }
        }
    }
    names
}
