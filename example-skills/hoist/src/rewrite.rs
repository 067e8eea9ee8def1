//! Makes a value of the module of what a function constructs.

use std::collections::BTreeMap;

use negawatt_skill::Error;
use negawatt_skill::format::shown;
use negawatt_skill::rewrite::{
    Draft, Language, arguments, function, indentation, is_test, loops, name_of, newline, statement, unit,
};
use negawatt_skill::tree::Node;

use crate::constant::is_constant;
use crate::known::{Constructor, Sharing, constructor};
use crate::uses::{self, Place, may_share};

/// How sure it is that nothing changes: for what cannot be changed at all, and for what is used by its harmless methods.
const FROZEN: f64 = 0.95;
const BY_METHODS: f64 = 0.85;
/// Functions that run once.
const ONCE: [&str; 3] = ["main", "init", "__init_subclass__"];
/// Constructions of a file that are looked at.
const MOST_CANDIDATES: usize = 200;
/// Names of variables that say no more than what kind of thing they hold.
const PLAIN: [&str; 10] =
    ["pattern", "regex", "regexp", "client", "encoder", "decoder", "compiled", "matcher", "template", "replacer"];
/// How long a line of Rust may be before it is broken.
const WIDTH: usize = 100;

/// Something that is constructed in a function.
struct Construction<'t> {
    /// The constructor's call, or what is written out.
    call: Node<'t>,
    /// With `.unwrap()`, or the `&` before it: what becomes a name.
    whole: Node<'t>,
    known: &'static Constructor,
    function: Node<'t>,
}

/// Hoists what a file constructs in the wrong place.
pub fn rewrite(draft: &mut Draft<'_>) -> Result<(), Error> {
    let tree = draft.tree();
    // What is constructed in the same way is one thing.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut candidates = 0;
    for node in tree.root().descendants() {
        if draft.is_full() || candidates == MOST_CANDIDATES {
            break;
        }
        let Some(known) = known(draft, node) else { continue };
        candidates += 1;
        let Some(found) = construction(draft, node, known) else { continue };
        let Some(place) = draft.place(found.call) else { continue };
        if let Err(why) = check(draft, &found) {
            draft.refuse(found.call, format_args!("`{}` stays, for {why}", shown(found.whole.text(), 60)));
            continue;
        }
        let text = found.whole.text().to_owned();
        let name = match names.get(&text) {
            Some(name) if draft.language() != Language::Rust => name.clone(),
            _ => {
                let Some(name) = name(draft, &found)? else {
                    draft.refuse(found.call, "no name for it is known to be free");
                    continue;
                };
                if !declare(draft, &found, &name) {
                    draft.refuse(found.call, "the module has no place for it");
                    continue;
                }
                name
            }
        };
        let reference = match (draft.language(), uses::place(draft.language(), found.whole)) {
            (Language::Rust, Place::Bound(_)) => format!("&*{name}"),
            _ => name.clone(),
        };
        names.insert(text, name.clone());
        draft.edits.replace(found.whole.range(), reference);
        let sure = if found.known.sharing == Sharing::Frozen { FROZEN } else { BY_METHODS };
        let what = format!("Construct `{}` once, as `{name}`,", shown(found.whole.text(), 60));
        draft.done(found.call, what, sure, place);
    }
    Ok(())
}

/// The constructor that a node calls, or in Go writes out, if it is known.
fn known(draft: &Draft<'_>, node: Node<'_>) -> Option<&'static Constructor> {
    let language = draft.language();
    let called = match (language, node.kind()) {
        (Language::Go, "composite_literal") => node.child_by_field("type")?,
        _ if language.is_call(node) => node.child_by_field("function")?,
        _ => return None,
    };
    constructor(language, &draft.imports.resolve(called)?)
}

/// What a node constructs, where it does so in the body of a function, each time that it runs.
fn construction<'t>(draft: &Draft<'_>, node: Node<'t>, known: &'static Constructor) -> Option<Construction<'t>> {
    let language = draft.language();
    let function = function(language, node)?;
    let is_inside = function.child_by_field("body").is_some_and(|body| body.holds(node));
    let is_once = ONCE.contains(&name_of(function)) && loops(language, node).is_empty();
    if !is_inside || is_once || is_test(language, node) || is_kept(language, node, function) {
        return None;
    }
    Some(Construction { call: node, whole: whole(language, node), known, function })
}

/// A call with what makes a value of what it answers, or a literal with its `&`.
fn whole(language: Language, node: Node<'_>) -> Node<'_> {
    let around = match language {
        Language::Rust => node.parent().filter(|field| {
            let name = field.child_by_field("field").map_or("", Node::text);
            field.kind() == "field_expression" && ["unwrap", "expect"].contains(&name)
        }),
        Language::Go => {
            return node
                .parent()
                .filter(|around| around.text().starts_with('&') && around.kind() == "unary_expression")
                .unwrap_or(node);
        }
        Language::Python => None,
    };
    around.and_then(|field| field.parent()).filter(|call| language.is_call(*call)).unwrap_or(node)
}

/// Whether a construction is kept somewhere already: in a static, behind something that runs once, in a function whose answers are
/// cached, or in what is not the function's own.
fn is_kept(language: Language, node: Node<'_>, function: Node<'_>) -> bool {
    let tells = |text: &str| {
        let lower = text.to_lowercase();
        ["once", "lazy", "cache", "get_or_init", "get_or_insert"].iter().any(|word| lower.contains(word))
    };
    let around: Vec<Node<'_>> = node.ancestors().take_while(|around| *around != function).collect();
    let is_behind = around.iter().any(|around| {
        matches!(around.kind(), "static_item" | "const_item")
            || language.is_call(*around) && around.child_by_field("function").is_some_and(|called| tells(called.text()))
    });
    let decorated = function.parent().filter(|parent| parent.kind() == "decorated_definition");
    let is_cached = decorated
        .is_some_and(|around| around.children().any(|child| child.kind() == "decorator" && tells(child.text())));
    // `global pattern`, `self.pattern = …`: it outlives the call.
    let is_global = around.iter().any(|around| {
        let target = around.child_by_field("left").filter(|_| around.kind() == "assignment");
        target.is_some_and(|target| {
            let declared =
                function.descendants().filter(|node| matches!(node.kind(), "global_statement" | "nonlocal_statement"));
            target.kind() != "identifier"
                || declared.into_iter().any(|all| all.named_children().any(|name| name.text() == target.text()))
        })
    });
    is_behind || is_cached || is_global
}

/// Whether a construction may be shared; else why not.
fn check(draft: &Draft<'_>, found: &Construction<'_>) -> Result<(), String> {
    let language = draft.language();
    let constants = match found.call.child_by_field("body") {
        Some(body) => is_constant(language, &draft.imports, body),
        None => arguments(found.call).all(|argument| is_constant(language, &draft.imports, argument)),
    };
    if !constants && !matches!(found.known.sharing, Sharing::Never(_)) {
        return Err("it is made of more than constants".to_owned());
    }
    if found.known.path.starts_with("regex::") && found.whole == found.call {
        return Err("what happens where it is wrong is for its caller to say".to_owned());
    }
    may_share(language, found.whole, found.function, found.known.sharing)?;
    let strings = found.whole.descendants().filter(|node| node.kind().contains("string"));
    if strings.into_iter().any(|text| text.first_line() < text.last_line()) {
        return Err("a text of it goes over several lines".to_owned());
    }
    match statement(language, found.whole) {
        Some(_) => Ok(()),
        None => Err("no statement is around it".to_owned()),
    }
}

/// A name for the module's value: that of the variable, where it says something, else the function's and what it is.
fn name(draft: &mut Draft<'_>, found: &Construction<'_>) -> Result<Option<String>, Error> {
    let own = name_of(found.function);
    let telling = match uses::place(draft.language(), found.whole) {
        Place::Bound(name) if name.len() >= 5 && !PLAIN.contains(&name.to_lowercase().as_str()) => Some(name),
        _ => None,
    };
    match (telling, draft.language()) {
        (Some(name), Language::Go) => draft.fresh(&[own, name], true),
        (Some(name), _) => draft.fresh(&[name], true),
        (None, _) => draft.fresh(&[own, found.known.word], true),
    }
}

/// Declares the module's value. Whether there is a place for it.
fn declare(draft: &mut Draft<'_>, found: &Construction<'_>, name: &str) -> bool {
    let text = dedented(found.whole);
    let declaration = match draft.language() {
        Language::Python => format!("{name} = {text}"),
        Language::Go => format!("var {name} = {text}"),
        Language::Rust => {
            let Some(of) = found.call.child_by_field("function").and_then(|called| called.child_by_field("path"))
            else {
                return false;
            };
            let lazy = match draft.imports.local("once_cell::sync::Lazy") {
                Some(lazy) => lazy.to_owned(),
                None => match draft.imports.need("std::sync::LazyLock", found.call) {
                    Some(lazy) => lazy,
                    None => return false,
                },
            };
            let is_plain = arguments(found.call).next().is_none() && found.whole == found.call;
            let made = found.call.child_by_field("function").filter(|_| is_plain);
            let make = made.map_or_else(|| format!("|| {text}"), |path| path.text().to_owned());
            let (left, right) = (format!("static {name}: {lazy}<{}> =", of.text()), format!("{lazy}::new({make});"));
            if left.len() + right.len() < WIDTH {
                format!("{left} {right}")
            } else {
                format!("{left}\n{}{right}", unit(Language::Rust, draft.tree()))
            }
        }
    };
    draft.declare(found.call, declaration)
}

/// The text of a node, its further lines as far to the left as its first one would stand at the beginning of a line.
fn dedented(node: Node<'_>) -> String {
    let indent = indentation(node);
    let mut lines = node.text().split(newline(node.tree()));
    let first = lines.next().unwrap_or("").to_owned();
    let rest = lines.map(|line| line.strip_prefix(indent).unwrap_or(line));
    std::iter::once(first.as_str()).chain(rest).collect::<Vec<_>>().join("\n")
}
