//! What becomes of a log call in hot code: a block that runs only where somebody listens, or once in a hundred times.

use negawatt_skill::Error;
use negawatt_skill::format::shown;
use negawatt_skill::rewrite::{
    Draft, Language, alone, arguments, function, is_test, loops, name_of, occurrences, wrap,
};
use negawatt_skill::tree::Node;

use crate::calls::{Call, Level, call};
use crate::gates::gate;

/// Of so many calls, one is written.
const ONE_IN: u32 = 100;
/// How sure it is that nobody misses anything: of what is off anyway, of what happens, and of what is for those who look for a fault
/// and was not off.
const GATED: f64 = 0.9;
const SAMPLED: f64 = 0.7;
const SAMPLED_DEBUG: f64 = 0.6;
/// Log calls of a file that are looked at.
const MOST_CANDIDATES: usize = 200;
/// Statements before a call that only it needs, at most.
const MOST_BEFORE: usize = 8;
/// Words of conditions that switch logging off, or let only a part of it through.
const GUARDS: [&str; 10] =
    ["enabled", "debug", "verbos", "trace", "sampl", "level", "every", "%", "once", "is_multiple_of"];

/// Gates or samples the log calls that the commit put into hot code.
pub fn rewrite(draft: &mut Draft<'_>) -> Result<(), Error> {
    let tree = draft.tree();
    let mut candidates = 0;
    for node in tree.root().descendants() {
        if draft.is_full() || candidates == MOST_CANDIDATES {
            break;
        }
        let language = draft.language();
        let is_call = language.is_call(node) || node.kind() == "macro_invocation";
        if !is_call || !draft.file.is_added(node) {
            continue;
        }
        let Some(found) = call(draft, node) else { continue };
        candidates += 1;
        let Some(function) = function(language, node) else { continue };
        let in_loop = !loops(language, node).is_empty();
        // What was there before, and what runs seldom, is nobody's regression.
        let is_cause = in_loop || draft.is_hot(function);
        let Some(place) = draft.place(node).filter(|_| is_cause) else { continue };
        if is_test(language, node) || is_guarded(node, function) {
            continue;
        }
        if found.level == Level::Warn {
            draft.refuse(node, format_args!("`{}` says what is wrong, and is left whole", shown(node.text(), 60)));
            continue;
        }
        let before = match before(draft, &found, function) {
            Ok(before) => before,
            Err(why) => {
                draft.refuse(node, format_args!("what it is given must be computed each time: {why}"));
                continue;
            }
        };
        let first = before.first().copied().unwrap_or(found.statement);
        let is_marked = first.previous_sibling().is_some_and(|before| before.kind() == "attribute_item");
        if is_marked || !alone(language, first, found.statement) {
            draft.refuse(node, "other statements share its lines, or an attribute is its own");
            continue;
        }
        if let Err(why) = quiet(draft, &found) {
            draft.refuse(node, format_args!("`{}` must be computed each time: {why}", shown(node.text(), 60)));
            continue;
        }
        let is_costly = !before.is_empty() || is_eager(language, &found);
        let is_debug = matches!(found.level, Level::Debug | Level::Trace);
        let text = shown(node.text().split('\n').next().unwrap_or(""), 60);
        if let Some(open) = gate_of(draft, &found, is_debug && is_costly) {
            wrap(language, first, found.statement, &open, &mut draft.edits);
            draft.done(node, format!("Gate `{text}` on its level"), GATED, place);
        } else if let Some(open) = sample(draft, &found, name_of(function))? {
            wrap(language, first, found.statement, &open, &mut draft.edits);
            let sure = if is_debug { SAMPLED_DEBUG } else { SAMPLED };
            draft.done(node, format!("Write 1 of {ONE_IN} of `{text}`"), sure, place);
        } else {
            draft.refuse(node, "there is no name, or no place, for a counter");
        }
    }
    Ok(())
}

fn gate_of(draft: &mut Draft<'_>, found: &Call<'_>, is_wanted: bool) -> Option<String> {
    if is_wanted { gate(draft, found) } else { None }
}

/// Whether a condition within the function lets only a part of the calls through already.
fn is_guarded(node: Node<'_>, function: Node<'_>) -> bool {
    let conditions = node
        .ancestors()
        .take_while(|around| *around != function)
        .filter(|around| {
            matches!(around.kind(), "if_statement" | "if_expression" | "elif_clause" | "conditional_expression")
        })
        .filter_map(|around| around.child_by_field("condition"));
    conditions
        .map(|condition| condition.text().to_lowercase())
        .any(|text| GUARDS.iter().any(|word| text.contains(word)))
}

/// The statements right before a call that make what only it needs, and that change nothing: they go where it goes. Where one may change
/// something, why: without it little is saved.
fn before<'t>(draft: &Draft<'_>, found: &Call<'t>, function: Node<'t>) -> Result<Vec<Node<'t>>, String> {
    let (language, text, tree) = (draft.language(), function.text(), function.tree());
    let mut moved: Vec<Node<'t>> = Vec::new();
    let mut next = found.statement;
    while let Some(statement) = next.previous_sibling().filter(|_| moved.len() < MOST_BEFORE) {
        let Some((name, value)) = definition(language, statement) else { break };
        let here = statement.start()..found.statement.end();
        let uses: Vec<usize> = occurrences(text, name).map(|at| function.start() + at).collect();
        let is_elsewhere = uses.iter().any(|at| !here.contains(at));
        let is_used = uses.iter().any(|at| *at >= statement.end());
        // A name that something else binds, too, is more than this call's.
        let bound = uses.iter().filter(|at| {
            let node = tree.holding(**at..**at + name.len());
            negawatt_skill::rewrite::binds(language, node)
        });
        if is_elsewhere || !is_used || bound.count() > 1 {
            break;
        }
        draft.purity().quiet(value)?;
        moved.insert(0, statement);
        next = statement;
    }
    Ok(moved)
}

/// The name that a statement gives a value, and the value.
fn definition(language: Language, statement: Node<'_>) -> Option<(&str, Node<'_>)> {
    let (name, value) = match (language, statement.kind()) {
        (Language::Python, "expression_statement") => {
            let assignment = statement.named_children().next().filter(|inner| inner.kind() == "assignment")?;
            (assignment.child_by_field("left")?, assignment.child_by_field("right")?)
        }
        (Language::Rust, "let_declaration") => {
            (statement.child_by_field("pattern")?, statement.child_by_field("value")?)
        }
        (Language::Go, "short_var_declaration") => {
            let (left, right) = (statement.child_by_field("left")?, statement.child_by_field("right")?);
            if left.named_children().count() != 1 || right.named_children().count() != 1 {
                return None;
            }
            (left.named_children().next()?, right.named_children().next()?)
        }
        _ => return None,
    };
    (name.kind() == "identifier").then_some((name.text(), value))
}

/// Whether a call's arguments may be left alone where it is not written; else why not.
fn quiet(draft: &Draft<'_>, found: &Call<'_>) -> Result<(), String> {
    let purity = draft.purity();
    if let Some(tokens) = found.call.children().find(|child| child.kind() == "token_tree") {
        return purity.quiet_tokens(tokens);
    }
    let receiver = found.receiver.into_iter().filter(|receiver| !is_handle(*receiver));
    receiver.chain(arguments(found.call)).try_for_each(|part| purity.quiet(part))
}

/// `zap.L()` and `zap.S()` give what is there.
fn is_handle(receiver: Node<'_>) -> bool {
    ["zap.L()", "zap.S()", "slog.Default()"].contains(&receiver.text())
}

/// Whether a call's arguments cost something before anybody asks whether it is heard. Those of Rust's macros do not.
fn is_eager(language: Language, found: &Call<'_>) -> bool {
    let costly = |node: Node<'_>| {
        let called = node.child_by_field("function").map_or("", Node::text);
        matches!(
            node.kind(),
            "interpolation"
                | "list_comprehension"
                | "dictionary_comprehension"
                | "generator_expression"
                | "composite_literal"
        ) || node.kind() == "binary_operator"
            || language.is_call(node)
                && !["len", "cap", "string", "int", "id", "zap.String", "zap.Int"].contains(&called)
    };
    language != Language::Rust && arguments(found.call).any(|argument| argument.descendants().any(costly))
}

/// The line that opens a block which runs once in a hundred times, the first time among them, with its counter declared.
fn sample(draft: &mut Draft<'_>, found: &Call<'_>, function: &str) -> Result<Option<String>, Error> {
    let at = found.call;
    let Some(name) = draft.fresh(&[function, "log", "turns"], true)? else { return Ok(None) };
    let (declaration, open) = match draft.language() {
        Language::Python => {
            let Some(itertools) = draft.imports.need("itertools", at) else { return Ok(None) };
            (format!("{name} = {itertools}.count()"), format!("if next({name}) % {ONE_IN} == 0:"))
        }
        Language::Rust => {
            let counter = draft.imports.need("std::sync::atomic::AtomicU64", at);
            let ordering = draft.imports.need("std::sync::atomic::Ordering", at);
            let (Some(counter), Some(ordering)) = (counter, ordering) else { return Ok(None) };
            (
                format!("static {name}: {counter} = {counter}::new(0);"),
                format!("if {name}.fetch_add(1, {ordering}::Relaxed) % {ONE_IN} == 0 {{"),
            )
        }
        Language::Go => {
            let Some(atomic) = draft.imports.need("sync/atomic", at) else { return Ok(None) };
            (format!("var {name} {atomic}.Uint64"), format!("if {name}.Add(1)%{ONE_IN} == 1 {{"))
        }
    };
    Ok(draft.declare(at, declaration).then_some(open))
}
