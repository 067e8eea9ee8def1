//! Parses a text, within bounds.

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser};

use crate::Language;

/// How often a parse is looked at before it is given up. A MiB of a program takes 8,000 looks by its own grammar, and 12,000 by another
/// one's. Counted, not timed, so that the answer is the same everywhere.
const MAX_LOOKS: u32 = 15_000;

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Nobody knows the grammar.
    #[error("there is no grammar for {0:?}")]
    NoGrammar(String),
    /// The text is too long.
    #[error("it has {bytes} bytes; files of {most} bytes at most are parsed for this")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it may have.
        most: usize,
    },
    /// The text takes too long.
    #[error("its text takes too long to parse")]
    TooHard,
    /// There is too much in it.
    #[error("it has more than {most} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
}

/// The syntax tree of a text of `most` bytes at most, by the grammar that its path's ending names.
///
/// A text can be made so that its parse takes gigabytes, or breaks the grammar: what nobody vouches for is read in a process of its own.
pub fn parse(path: &str, text: &str, most: usize) -> Result<(Language, tree_sitter::Tree), SyntaxError> {
    let language = Language::of_path(path).ok_or_else(|| SyntaxError::NoGrammar(path.to_owned()))?;
    if text.len() > most {
        return Err(SyntaxError::TooLong { bytes: text.len(), most });
    }
    let mut parser = Parser::new();
    // Only a grammar of another age is refused, and those are pinned.
    parser.set_language(&language.grammar().into()).map_err(|_| SyntaxError::NoGrammar(path.to_owned()))?;
    let mut looks = 0;
    let mut progress = |_: &_| {
        looks += 1;
        if looks > MAX_LOOKS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options)).ok_or(SyntaxError::TooHard)?;
    Ok((language, tree))
}
