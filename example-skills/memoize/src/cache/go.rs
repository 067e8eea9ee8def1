//! A cache of Go, for all goroutines.

use negawatt_skill::Error;
use negawatt_skill::rewrite::{Draft, newline};

use super::{MOST, Wanted};

/// Keeps what a function gives, under its name; what it did so far is done by another one. Whether there are names and a place for it.
pub fn for_all(draft: &mut Draft<'_>, wanted: &Wanted<'_, '_>) -> Result<bool, Error> {
    let Some(body) = wanted.function.child_by_field("body") else { return Ok(false) };
    if wanted.has_name(&["key", "kept", "ok"]) {
        return Ok(false);
    }
    let (cache, uncached) =
        (draft.fresh(&[wanted.name, "cache"], true)?, draft.fresh(&[wanted.name, "uncached"], true)?);
    let (Some(cache), Some(uncached)) = (cache, uncached) else { return Ok(false) };
    let Some(sync) = draft.imports.need("sync", wanted.function) else { return Ok(false) };
    let result = wanted.signature.result;
    let (of_key, value, key_type) = match wanted.signature.parameters.as_slice() {
        [one] => (one.of.to_owned(), one.name.to_owned(), String::new()),
        several => {
            let Some(key) = draft.fresh(&[wanted.name, "key"], true)? else { return Ok(false) };
            // As the formatter has it: types below each other.
            let width = several.iter().map(|parameter| parameter.name.len()).max().unwrap_or(0);
            let fields: String =
                several.iter().map(|parameter| format!("\t{:width$} {}\n", parameter.name, parameter.of)).collect();
            let key_type = format!("type {key} struct {{\n{fields}}}\n\n");
            (key.clone(), format!("{key}{{{}}}", wanted.arguments()), key_type)
        }
    };
    let map = format!("map[{of_key}]{result}");
    let declared = draft.declare(
        wanted.function,
        format!("{key_type}var {cache} = struct {{\n\t{sync}.Mutex\n\tkept {map}\n}}{{kept: {map}{{}}}}"),
    );
    let text = format!(
        "{{\n\tkey := {value}\n\t{cache}.Lock()\n\tkept, ok := {cache}.kept[key]\n\t{cache}.Unlock()\n\tif ok {{\n\t\treturn kept\n\t}}\n\t\
         kept = {uncached}({})\n\t{cache}.Lock()\n\tdefer {cache}.Unlock()\n\tif len({cache}.kept) >= {MOST} {{\n\t\t\
         {cache}.kept = {map}{{}}\n\t}}\n\t{cache}.kept[key] = kept\n\treturn kept\n}}\n\nfunc {uncached}{} {result} ",
        wanted.arguments(),
        wanted.parameters()
    );
    draft.edits.insert(body.start(), text.replace('\n', newline(draft.tree())));
    Ok(declared)
}
