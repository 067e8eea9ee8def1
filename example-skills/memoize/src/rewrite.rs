//! Which functions get a cache.

use negawatt_skill::Error;
use negawatt_skill::rewrite::{Draft, Language, calls, name_of, statement};
use negawatt_skill::tree::Node;

use crate::cache::{self, Wanted};
use crate::evidence::{Repeated, Why, repeated};
use crate::signature::{is_copied, signature};

/// How sure it is that only the cost changes: of a value that is kept for one loop, of a decorator, of a cache that is written out.
const FOR_A_LOOP: f64 = 0.9;
const DECORATED: f64 = 0.85;
const WRITTEN_OUT: f64 = 0.8;
/// How probable it is that a function whose cache the commit took off is where the regression is, if it got slower, and if not.
const UNCACHED_HOT: f64 = 0.9;
const UNCACHED: f64 = 0.7;

/// Caches what a file has computed again and again.
pub fn rewrite(draft: &mut Draft<'_>) -> Result<(), Error> {
    for one in repeated(draft) {
        if draft.is_full() {
            break;
        }
        let Some(place) = place(draft, &one) else { continue };
        // What a look-up costs as well is not worth one, and what is cached needs none.
        if !is_work(draft.language(), one.function) || is_decorated(one.function) {
            continue;
        }
        let name = name_of(one.function);
        let shown = match draft.purity().pure(one.function) {
            Ok(()) => signature(draft.language(), one.function),
            Err(why) => Err(why),
        };
        let signature = match shown {
            Ok(signature) => signature,
            Err(why) => {
                draft.refuse(one.call, format_args!("`{name}` is {}, but {why}", told(&one)));
                continue;
            }
        };
        let wanted = Wanted { function: one.function, name, signature: &signature };
        let (is_written, what, sure) = match (draft.language(), one.why) {
            (Language::Rust, Why::Invariant { around }) if is_unchanged(one.call, around) => {
                let is_written = cache::rust::once(draft, one.call, around, name, is_copied(signature.result))?;
                (is_written, format!("Ask `{name}` once for all turns of the loop,"), FOR_A_LOOP)
            }
            (Language::Rust, _) => (
                cache::rust::for_thread(draft, &wanted)?,
                format!("Keep the last 1024 answers of `{name}`,"),
                WRITTEN_OUT,
            ),
            (Language::Python, _) => (
                cache::python::decorated(draft, &wanted),
                format!("Keep the last 1024 answers of `{name}`,"),
                DECORATED,
            ),
            (Language::Go, _) => {
                (cache::go::for_all(draft, &wanted)?, format!("Keep the last 1024 answers of `{name}`,"), WRITTEN_OUT)
            }
        };
        if is_written {
            draft.done(one.call, format!("{what} which is {},", told(&one)), sure, place);
        } else {
            draft.refuse(one.call, format_args!("there is no name, or no place, for a cache of `{name}`"));
        }
    }
    Ok(())
}

/// Why calls repeat, after `it is`.
fn told(one: &Repeated<'_>) -> String {
    match one.why {
        Why::Invariant { around } => {
            format!("asked the same in every turn of the loop in line {}", around.first_line())
        }
        Why::Again { around } => {
            format!("asked the same again in every turn of the loop in line {}", around.first_line())
        }
        Why::Uncached => "without the cache that the commit took off".to_owned(),
    }
}

/// How probable it is that the calls are where the regression is: see [`Draft::place`]. It counts as well where the function itself got
/// slower, and where the commit put the call into its loop.
fn place(draft: &Draft<'_>, one: &Repeated<'_>) -> Option<f64> {
    let is_hot = draft.is_hot(one.function);
    match one.why {
        Why::Uncached => Some(if is_hot { UNCACHED_HOT } else { UNCACHED }),
        Why::Invariant { around } | Why::Again { around } => {
            let of_call = draft.place(one.call);
            let of_loop = draft.place(around).filter(|_| draft.file.is_added(around));
            let of_function = is_hot.then_some(if draft.file.is_added(one.call) { 0.9 } else { 0.4 });
            [of_call, of_loop, of_function].into_iter().flatten().reduce(f64::max)
        }
    }
}

/// Whether a function does more than a look-up would: it goes over something, or calls somebody.
fn is_work(language: Language, function: Node<'_>) -> bool {
    let Some(body) = function.child_by_field("body") else { return false };
    let slight =
        ["len", "min", "max", "abs", "int", "str", "string", "float64", "Some", "Ok", "u64::from", "f64::from"];
    body.descendants().any(|node| language.is_loop(node))
        || calls(language, body).any(|(_, called)| !slight.contains(&called.text()))
}

/// Whether a function of Python has decorators: what they make of it is not known, and a cache is one.
fn is_decorated(function: Node<'_>) -> bool {
    function.parent().is_some_and(|parent| parent.kind() == "decorated_definition")
}

/// Whether no argument of a call can change in a loop of Rust, by any means: each is a literal, a constant, or a name, borrowed or not,
/// that is bound without `mut`; a field may be changed through a reference.
fn is_unchanged(call: Node<'_>, around: Node<'_>) -> bool {
    let language = Language::Rust;
    let root = call.tree().root();
    negawatt_skill::rewrite::arguments(call).flat_map(Node::descendants).all(|node| match node.kind() {
        "field_expression" => false,
        "identifier" => root
            .descendants()
            .filter(|other| other.text() == node.text() && negawatt_skill::rewrite::binds(language, *other))
            .all(|bound| {
                let parent = bound.parent();
                let is_mutable = parent.is_some_and(|parent| {
                    parent.kind() == "mut_pattern" || parent.children().any(|child| child.kind() == "mutable_specifier")
                });
                let is_through = parent.is_some_and(|parent| parent.text().contains("&mut"));
                !is_mutable && !is_through && !around.holds(bound)
            }),
        _ => true,
    }) && statement(language, around).is_some()
}
