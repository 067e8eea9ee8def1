//! What a file defines, for `code.outline`.
//!
//! Grammars are native code, and what they read was written by anybody who commits: they run in a process of its own, which ends with
//! whatever a text makes of them.

use std::process::ExitCode;
use std::time::Duration;

use negawatt_host::child::{Bounds, Failed, Unable, work_for_parent};
use negawatt_host::model::code::{Definition, DefinitionKind, FileOutline, LineRange};
use negawatt_host::model::{Answer, Error};
use negawatt_host::{Child, Scope};
use negawatt_syntax::{Kind, Language, MAX_BYTES, SyntaxError};

use super::repository::Reader;
use super::tree;

/// What the parse of one file may take. A MiB of a program takes a tenth of it.
const BOUNDS: Bounds = Bounds { memory: 1 << 30, time: Duration::from_secs(4), result: 8 << 20 };

/// The outline of a file, which may be read under the same conditions as its text.
pub fn of_file(
    reader: &Reader<'_>,
    scope: &Scope,
    path: &str,
    revision: Option<&str>,
    parser: Option<&Child>,
) -> Answer<FileOutline> {
    let refused = |why: String| Error::Invalid(format!("{path:?} has no outline: {why}"));
    let too_much = |why: String| Error::OverBudget(format!("{path:?} has no outline: {why}"));
    // Before a process is started for it.
    if Language::of_path(path).is_none() {
        return Err(refused(SyntaxError::NoGrammar(path.to_owned()).to_string()));
    }
    let text = tree::read(reader, scope, path, revision)?;
    if text.len() > MAX_BYTES {
        return Err(too_much(SyntaxError::TooLong(text.len()).to_string()));
    }
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let Some(parser) = parser else {
        return outline(ending, &text).map_err(|error| too_much(error.to_string()));
    };
    let encoded = parser.work(&[ending], text.as_bytes(), BOUNDS).map_err(|failed| match failed {
        Failed::Refused(why) => too_much(why),
        Failed::Time => too_much(format!("parsing it took longer than {:?}", BOUNDS.time)),
        Failed::Result => too_much(format!("it defines more than {} MiB hold", BOUNDS.result >> 20)),
        Failed::Crashed(how) => too_much(format!(
            "parsing it took more than {} MiB of memory, or crashed its grammar ({how})",
            BOUNDS.memory >> 20
        )),
        Failed::Start(why) => Error::Unavailable(format!("the parser cannot be started: {why}")),
    })?;
    postcard::from_bytes(&encoded).map_err(|error| Error::Internal(format!("the parser answered otherwise: {error}")))
}

/// What the child does that parses. `arguments` are those that [`Child`] added.
pub fn outline_for_parent(arguments: &[String]) -> ExitCode {
    work_for_parent(arguments, |words, text| {
        let ending = words.first().map_or("", String::as_str);
        let text = String::from_utf8(text).map_err(|error| Unable::Fails(error.to_string()))?;
        let outline = outline(ending, &text).map_err(|error| Unable::Refuses(error.to_string()))?;
        postcard::to_allocvec(&outline).map_err(|error| Unable::Fails(error.to_string()))
    })
}

fn outline(ending: &str, text: &str) -> Result<FileOutline, SyntaxError> {
    let outline = negawatt_syntax::outline(&format!("text.{ending}"), text)?;
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
