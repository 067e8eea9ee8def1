//! Where something is written, and what is wrong there.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// The column in characters, from 1; 0 for the whole file.
    pub column: usize,
    /// The key with all that it is in, such as `sources.metrics.kind`; may be empty.
    pub key: String,
}

impl Place {
    /// The whole of a file.
    pub fn whole(file: &Path) -> Place {
        Place { file: file.to_owned(), line: 0, column: 0, key: String::new() }
    }

    /// The place of a byte of a text.
    pub(crate) fn of(file: &Path, text: &str, byte: usize, key: String) -> Place {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        Ok(())
    }
}

/// A value with the place where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Place,
}

impl<T> Located<T> {
    /// An error about this value.
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        ConfigError::new(&self.place, message, help)
    }
}

/// A mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}\n  help: {help}", self.place())]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// The column in characters, from 1; 0 for the whole file.
    pub column: usize,
    /// The key with all that it is in; may be empty.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl ConfigError {
    /// A mistake at a place.
    pub fn new(place: &Place, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        let Place { file, line, column, key } = place.clone();
        ConfigError { file, line, column, key, message: message.into(), help: help.into() }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line, column: self.column, key: self.key.clone() }
    }
}
