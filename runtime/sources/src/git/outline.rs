//! What a file defines, for `code.outline`.

use std::time::{Duration, Instant};

use negawatt_host::Scope;
use negawatt_host::model::code::{Definition, DefinitionKind, FileOutline, LineRange};
use negawatt_host::model::{Answer, Error};
use negawatt_syntax::{Kind, SyntaxError};

use super::repository::Reader;
use super::tree;

/// The most time that one file is parsed: a text that was made to be hard must not hold a thread.
const MAX_TIME: Duration = Duration::from_secs(1);

/// The outline of a file, which may be read under the same conditions as its text.
pub fn of_file(reader: &Reader<'_>, scope: &Scope, path: &str, revision: Option<&str>) -> Answer<FileOutline> {
    let text = tree::read(reader, scope, path, revision)?;
    let began = Instant::now();
    let stop = || reader.stop.check().is_err() || began.elapsed() > MAX_TIME;
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
