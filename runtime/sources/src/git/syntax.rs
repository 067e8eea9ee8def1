//! What a file defines and its syntax tree, for `code.outline` and `code.tree`.
//!
//! Grammars are native code, and what they read was written by anybody who commits: they run in a process of its own, which ends with
//! whatever a text makes of them.

use std::process::ExitCode;
use std::time::Duration;

use negawatt_host::child::{Bounds, Failed, Unable, work_for_parent};
use negawatt_host::model::code::{Definition, DefinitionKind, FileOutline, LineRange, SyntaxTree};
use negawatt_host::model::{Answer, Error};
use negawatt_host::{Child, Scope};
use negawatt_syntax::{Kind, Language, MAX_BYTES, MAX_TREE_BYTES, SyntaxError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::derived::Basis;
use super::repository::Reader;
use super::tree;

/// What the parse of one file may take. A MiB of a program takes a tenth of it.
const BOUNDS: Bounds = Bounds { memory: 1 << 30, time: Duration::from_secs(4), result: 8 << 20 };

/// What is made of a file's text.
struct Made<T> {
    /// What it is called, in the words to the child and in errors.
    name: &'static str,
    /// The longest text that it is made of, in bytes.
    most: usize,
    /// Makes it, told the ending of the file's path.
    make: fn(&str, &str) -> Result<T, SyntaxError>,
    /// Adds what need not come back from the child: the text is here already.
    complete: fn(T, String) -> T,
}

const OUTLINE: Made<FileOutline> =
    Made { name: "outline", most: MAX_BYTES, make: make_outline, complete: |outline, _| outline };
const TREE: Made<SyntaxTree> =
    Made { name: "tree", most: MAX_TREE_BYTES, make: make_tree, complete: |tree, text| SyntaxTree { text, ..tree } };

/// What came of a text: what was made of it, or why there is too much in it.
type Parsed<T> = Result<T, String>;

/// A file of a repository, which may be read under the same conditions as its text.
pub struct File<'a, 'r> {
    /// The repository.
    pub reader: &'a Reader<'r>,
    /// What the case may see.
    pub scope: &'a Scope,
    /// The file's path.
    pub path: &'a str,
    /// A full hash, or absent for the tip.
    pub revision: Option<&'a str>,
}

impl File<'_, '_> {
    /// What it defines.
    pub fn outline(&self, parser: Option<&Child>) -> Answer<FileOutline> {
        self.parsed(&OUTLINE, parser)
    }

    /// Its text and syntax tree.
    pub fn tree(&self, parser: Option<&Child>) -> Answer<SyntaxTree> {
        self.parsed(&TREE, parser)
    }

    fn parsed<T: Serialize + DeserializeOwned>(&self, made: &Made<T>, parser: Option<&Child>) -> Answer<T> {
        let (path, name) = (self.path, made.name);
        // Before a process is started for it.
        let language = Language::of_path(path).ok_or_else(|| {
            let why = SyntaxError::NoGrammar(path.to_owned());
            Error::Invalid(format!("{path:?} has no {name}: {why}"))
        })?;
        let blob = tree::find(self.reader, self.scope, path, self.revision)?;
        let basis = Basis::Text { blob, made: name, language: language.name() };
        let parsed = self.reader.derived(basis, || {
            let text = tree::text(self.reader, path, blob)?;
            self.work(made, parser, &text)
                .map(|(parsed, is_known)| (parsed.map(|parsed| (made.complete)(parsed, text)), is_known))
        })?;
        parsed.map_err(|why| Error::OverBudget(format!("{path:?} has no {name}: {why}")))
    }

    /// What comes of its text, and whether it always does.
    fn work<T: DeserializeOwned>(
        &self,
        made: &Made<T>,
        parser: Option<&Child>,
        text: &str,
    ) -> Answer<(Parsed<T>, bool)> {
        if text.len() > made.most {
            return Ok((Err(SyntaxError::TooLong { bytes: text.len(), most: made.most }.to_string()), true));
        }
        let ending = self.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let Some(parser) = parser else {
            return Ok(((made.make)(ending, text).map_err(|error| error.to_string()), true));
        };
        let (why, is_known) = match parser.work(&[made.name, ending], text.as_bytes(), BOUNDS) {
            Ok(encoded) => {
                let parsed = postcard::from_bytes(&encoded)
                    .map_err(|error| Error::Internal(format!("the parser answered otherwise: {error}")))?;
                return Ok((Ok(parsed), true));
            }
            Err(Failed::Refused(why)) => (why, true),
            Err(Failed::Result) => (format!("there is more in it than {} MiB hold", BOUNDS.result >> 20), true),
            // What else the machine had to do is in these two as well.
            Err(Failed::Time) => (format!("parsing it took longer than {:?}", BOUNDS.time), false),
            Err(Failed::Crashed(how)) => {
                let memory = BOUNDS.memory >> 20;
                (format!("parsing it took more than {memory} MiB of memory, or crashed its grammar ({how})"), false)
            }
            Err(Failed::Start(why)) => return Err(Error::Unavailable(format!("the parser cannot be started: {why}"))),
        };
        Ok((Err(why), is_known))
    }
}

/// Whether a text parses: no more of it is an error to its grammar than of the text before. What has no grammar is not looked at.
///
/// The error says what is wrong. What cannot be parsed within the limits of a file is not taken for right.
pub fn parses(parser: &Child, path: &str, before: Option<&str>, after: &str) -> Result<(), String> {
    if Language::of_path(path).is_none() {
        return Ok(());
    }
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let errors = |text: &str| -> Result<u32, String> {
        let counted = parser.work(&[ERRORS, ending], text.as_bytes(), BOUNDS).map_err(|failed| match failed {
            Failed::Refused(why) | Failed::Start(why) => why,
            Failed::Crashed(how) => format!("its grammar crashed ({how})"),
            Failed::Time | Failed::Result => "it takes too long to parse".to_owned(),
        })?;
        postcard::from_bytes(&counted).map_err(|error| format!("the parser answered otherwise: {error}"))
    };
    let (before, after) = (before.map_or(Ok(0), errors)?, errors(after)?);
    if after > before {
        return Err(format!("its grammar finds {after} errors in it, and {before} without the patch"));
    }
    Ok(())
}

/// How the child is asked for the number of errors in a text.
const ERRORS: &str = "errors";

fn count_errors(ending: &str, text: &str) -> Result<u32, SyntaxError> {
    let tree = negawatt_syntax::tree(&format!("text.{ending}"), text)?;
    let is_error = |flags: &&u8| **flags & (negawatt_syntax::ERROR | negawatt_syntax::MISSING) != 0;
    Ok(u32::try_from(tree.node_flags.iter().filter(is_error).count()).unwrap_or(u32::MAX))
}

/// What the child does that parses. `arguments` are those that [`Child`] added.
pub fn parse_for_parent(arguments: &[String]) -> ExitCode {
    work_for_parent(arguments, |words, text| {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let text = String::from_utf8(text).map_err(|error| Unable::Fails(error.to_string()))?;
        match word(0) {
            name if name == OUTLINE.name => encoded(&OUTLINE, word(1), &text),
            name if name == TREE.name => encoded(&TREE, word(1), &text),
            ERRORS => {
                let count = count_errors(word(1), &text).map_err(|error| Unable::Refuses(error.to_string()))?;
                postcard::to_allocvec(&count).map_err(|error| Unable::Fails(error.to_string()))
            }
            other => Err(Unable::Fails(format!("nobody makes {other:?} of a file"))),
        }
    })
}

fn encoded<T: Serialize>(made: &Made<T>, ending: &str, text: &str) -> Result<Vec<u8>, Unable> {
    let made = (made.make)(ending, text).map_err(|error| Unable::Refuses(error.to_string()))?;
    postcard::to_allocvec(&made).map_err(|error| Unable::Fails(error.to_string()))
}

fn make_outline(ending: &str, text: &str) -> Result<FileOutline, SyntaxError> {
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

/// The tree without its text.
fn make_tree(ending: &str, text: &str) -> Result<SyntaxTree, SyntaxError> {
    let tree = negawatt_syntax::tree(&format!("text.{ending}"), text)?;
    Ok(SyntaxTree {
        language: tree.language.to_owned(),
        text: String::new(),
        kinds: tree.kinds,
        fields: tree.fields,
        node_kinds: tree.node_kinds,
        node_fields: tree.node_fields,
        node_parents: tree.node_parents,
        node_starts: tree.node_starts,
        node_ends: tree.node_ends,
        node_flags: tree.node_flags,
    })
}
