//! Values that are kept in Rust: for the turns of a loop, or for a thread.

use negawatt_skill::Error;
use negawatt_skill::rewrite::{Draft, indentation, newline, statement, unit};
use negawatt_skill::tree::Node;

use super::{MOST, Wanted};
use crate::signature::is_copied;

/// Keeps what a call gives for all turns of a loop: it is asked where it was asked first, and not at all where it was not. Whether there
/// is a place for it.
pub fn once(
    draft: &mut Draft<'_>,
    call: Node<'_>,
    around: Node<'_>,
    name: &str,
    is_copied: bool,
) -> Result<bool, Error> {
    let language = draft.language();
    let Some(place) = statement(language, around) else { return Ok(false) };
    let tree = draft.tree();
    let before = &tree.text()[tree.line_range(place.first_line()).start..place.start()];
    if !before.trim().is_empty() {
        return Ok(false);
    }
    let Some(kept) = draft.fresh(&[name, "once"], false)? else { return Ok(false) };
    let (indent, end) = (indentation(place), newline(tree));
    draft.edits.insert(place.start(), format!("let mut {kept} = None;{end}{indent}"));
    let asked = format!("{kept}.get_or_insert_with(|| {})", call.text());
    // What binds tighter than `*`.
    let is_inside = call.parent().is_some_and(|parent| {
        matches!(parent.kind(), "field_expression" | "index_expression" | "try_expression" | "await_expression")
    });
    let value = match (is_copied, is_inside) {
        (true, true) => format!("(*{asked})"),
        (true, false) => format!("*{asked}"),
        (false, _) => format!("{asked}.clone()"),
    };
    draft.edits.replace(call.range(), value);
    Ok(true)
}

/// Keeps what a function gives for the calls of a thread, under its name; what it did so far is done by another one. Whether there are
/// names and a place for it.
pub fn for_thread(draft: &mut Draft<'_>, wanted: &Wanted<'_, '_>) -> Result<bool, Error> {
    let Some(body) = wanted.function.child_by_field("body") else { return Ok(false) };
    if wanted.has_name(&["key", "kept", "made", "cache"]) {
        return Ok(false);
    }
    let (cache, uncached) =
        (draft.fresh(&[wanted.name, "cache"], true)?, draft.fresh(&[wanted.name, "uncached"], false)?);
    let cell = draft.imports.need("std::cell::RefCell", wanted.function);
    let map = draft.imports.need("std::collections::HashMap", wanted.function);
    let (Some(cache), Some(uncached), Some(cell), Some(map)) = (cache, uncached, cell, map) else { return Ok(false) };
    let parameters = &wanted.signature.parameters;
    let of_key = |of: &str| if of == "&str" { "String".to_owned() } else { of.to_owned() };
    let key = |name: &str, of: &str| match of {
        "&str" => format!("{name}.to_owned()"),
        "String" => format!("{name}.clone()"),
        _ => name.to_owned(),
    };
    let types: Vec<String> = parameters.iter().map(|parameter| of_key(parameter.of)).collect();
    let values: Vec<String> = parameters.iter().map(|parameter| key(parameter.name, parameter.of)).collect();
    let whole = |parts: &[String]| match parts {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    let result = wanted.signature.result;
    let (copy, made) = if is_copied(result) { ("copied", "made") } else { ("cloned", "made.clone()") };
    let unit = unit(draft.language(), draft.tree());
    draft.declare(
        wanted.function,
        format!(
            "thread_local! {{\n{unit}static {cache}: {cell}<{map}<{}, {result}>> = {cell}::new({map}::new());\n}}",
            whole(&types)
        ),
    );
    let lines = [
        format!("{{\n{unit}let key = {};", whole(&values)),
        format!("{unit}if let Some(kept) = {cache}.with_borrow(|cache| cache.get(&key).{copy}()) {{"),
        format!("{unit}{unit}return kept;\n{unit}}}"),
        format!("{unit}let made = {uncached}({});", wanted.arguments()),
        format!("{unit}{cache}.with_borrow_mut(|cache| {{"),
        format!("{unit}{unit}if cache.len() >= {MOST} {{\n{unit}{unit}{unit}cache.clear();\n{unit}{unit}}}"),
        format!("{unit}{unit}cache.insert(key, {made});\n{unit}}});\n{unit}made\n}}\n"),
        format!("fn {uncached}{} -> {result} ", wanted.parameters()),
    ];
    let (indent, end) = (indentation(wanted.function), newline(draft.tree()));
    let text = lines.join("\n").split('\n').enumerate().fold(String::new(), |text, (at, line)| match (at, line) {
        (0, line) => line.to_owned(),
        (_, "") => text + end,
        (_, line) => text + end + indent + line,
    });
    draft.edits.insert(body.start(), text);
    Ok(true)
}
