//! Python's own cache.

use negawatt_skill::rewrite::{Draft, indentation, newline};

use super::{MOST, Wanted};

/// Decorates a function. Whether its module can be imported.
pub fn decorated(draft: &mut Draft<'_>, wanted: &Wanted<'_, '_>) -> bool {
    let cache = match draft.imports.local("functools.lru_cache") {
        Some(cache) => cache.to_owned(),
        None => match draft.imports.need("functools", wanted.function) {
            Some(functools) => format!("{functools}.lru_cache"),
            None => return false,
        },
    };
    if !draft.imports.are_given(&cache, wanted.function.start()) {
        return false;
    }
    // `1` and `True` are equal, and what is made of them need not be.
    let is_text = wanted.signature.parameters.iter().all(|parameter| ["str", "bytes"].contains(&parameter.of));
    let typed = if is_text { "" } else { ", typed=True" };
    let (indent, end) = (indentation(wanted.function), newline(draft.tree()));
    draft.edits.insert(wanted.function.start(), format!("@{cache}(maxsize={MOST}{typed}){end}{indent}"));
    true
}
