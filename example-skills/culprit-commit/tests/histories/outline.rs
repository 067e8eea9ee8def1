//! What the host answers to `code.outline`.

use negawatt_skill::Error;
use negawatt_skill::code::{Definition, DefinitionKind, FileOutline, LineRange};
use negawatt_syntax::Kind;

/// The outline of a text.
pub fn outline(path: &str, text: &str) -> Result<FileOutline, Error> {
    let outline = negawatt_syntax::outline(path, text).map_err(|error| Error::Invalid(error.to_string()))?;
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
