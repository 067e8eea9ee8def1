//! What a file defines, for `code.outline`.

use negawatt_host::Scope;
use negawatt_host::model::code::{Definition, DefinitionKind, FileOutline, LineRange};
use negawatt_host::model::{Answer, Error};
use negawatt_syntax::{Kind, SyntaxError};

use super::repository::Reader;
use super::tree;

/// How often a parse is looked at before it is given up: a text that was made to be hard must not hold a thread. A MiB of a program takes
/// 8,000 looks by its own grammar, and 12,000 by another one's. Counted, not timed, so that the answer is the same everywhere.
const MAX_LOOKS: u32 = 15_000;

/// The outline of a file, which may be read under the same conditions as its text.
pub fn of_file(reader: &Reader<'_>, scope: &Scope, path: &str, revision: Option<&str>) -> Answer<FileOutline> {
    let text = tree::read(reader, scope, path, revision)?;
    let mut looks = 0;
    let stop = || {
        looks += 1;
        looks > MAX_LOOKS || reader.stop.check().is_err()
    };
    let outline = negawatt_syntax::outline(path, &text, stop).map_err(|error| {
        let told = format!("{path:?} has no outline: {error}");
        match error {
            SyntaxError::NoGrammar(_) => Error::Invalid(told),
            SyntaxError::TooLong(_) | SyntaxError::Stopped => Error::OverBudget(told),
        }
    });
    // Who stopped it is told as that.
    reader.stop.check()?;
    let outline = outline?;
    let definitions = outline.definitions.into_iter().map(|definition| Definition {
        name: definition.name,
        kind: match definition.kind {
            Kind::Function => DefinitionKind::Function,
            Kind::Type => DefinitionKind::Type,
            Kind::Constant => DefinitionKind::Constant,
        },
        containers: definition.containers,
        first_line: definition.first_line,
        last_line: definition.last_line,
        is_test: definition.is_test,
        mentions: definition.mentions,
    });
    let comments = outline.comments.into_iter().map(|(first, last)| LineRange { first, last });
    Ok(FileOutline { definitions: definitions.collect(), comments: comments.collect() })
}
