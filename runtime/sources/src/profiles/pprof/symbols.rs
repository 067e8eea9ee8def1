//! The tables of a pprof file, and the frames that its locations are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::message::{Function, Location, Mapping};
use crate::profiles::Failure;
use crate::profiles::interner::Interner;

/// The name of a frame of which nothing is known.
pub const UNKNOWN: &str = "<unknown>";

/// The most rows of each table.
const MAX_ROWS: usize = 1 << 20;

/// Strings, mappings, functions and locations.
#[derive(Default)]
pub struct Symbols<'a> {
    strings: Vec<&'a [u8]>,
    mappings: HashMap<u64, Mapping>,
    functions: HashMap<u64, Function>,
    locations: HashMap<u64, Location>,
    /// How many lines all locations have.
    lines: usize,
    /// Frames of locations that were asked for, each from the caller to what was inlined into it.
    frames: Vec<u32>,
    known: HashMap<u64, Range<usize>>,
}

impl<'a> Symbols<'a> {
    /// Adds a string; the first one must be empty.
    pub fn string(&mut self, text: &'a [u8]) -> Result<(), Failure> {
        if self.strings.is_empty() && !text.is_empty() {
            return Err(Failure::file("is damaged: its first string is not empty"));
        }
        self.strings.push(text);
        bounded(self.strings.len(), "strings")
    }

    /// Adds a mapping.
    pub fn mapping(&mut self, mapping: Mapping) -> Result<(), Failure> {
        insert(&mut self.mappings, mapping.id, mapping, "mapping")
    }

    /// Adds a function.
    pub fn function(&mut self, function: Function) -> Result<(), Failure> {
        insert(&mut self.functions, function.id, function, "function")
    }

    /// Adds a location.
    pub fn location(&mut self, location: Location) -> Result<(), Failure> {
        self.lines += location.lines.len();
        bounded(self.lines, "lines")?;
        insert(&mut self.locations, location.id, location, "location")
    }

    /// A string; what is not UTF-8 is replaced.
    pub fn text(&self, index: i64) -> Result<Cow<'a, str>, Failure> {
        let text = usize::try_from(index).ok().and_then(|index| self.strings.get(index).copied());
        // A file without any string has index 0 everywhere.
        let text = text.or((index == 0).then_some(&[][..]));
        let missing =
            || Failure::file(format!("is damaged: it names the string {index}, and has {}", self.strings.len()));
        text.map(String::from_utf8_lossy).ok_or_else(missing)
    }

    /// The frames of a location, from the caller to what was inlined into it; at least one. `None` where there is no such
    /// location.
    pub fn frames(&mut self, id: u64, interner: &mut Interner) -> Result<Option<&[u32]>, Failure> {
        if let Some(range) = self.known.get(&id) {
            return Ok(Some(&self.frames[range.clone()]));
        }
        let Some(location) = self.locations.get(&id) else { return Ok(None) };
        let from = self.frames.len();
        let mut frames = Vec::with_capacity(location.lines.len().max(1));
        for line in location.lines.iter().rev() {
            let function = self.functions.get(&line.function).ok_or_else(|| {
                Failure::file(format!(
                    "is damaged: the location {id} names the function {}, which the file does not have",
                    line.function
                ))
            })?;
            let mut name = self.text(function.name)?;
            if name.is_empty() {
                name = self.text(function.system_name)?;
            }
            if name.is_empty() {
                name = self.nameless(location)?.into();
            }
            // What is no number of a line is unknown, as 0 is.
            frames.push(interner.frame(&name, &self.text(function.file)?, u32::try_from(line.line).unwrap_or(0))?);
        }
        if frames.is_empty() {
            frames.push(interner.frame(&self.nameless(location)?, "", 0)?);
        }
        self.frames.extend(frames);
        self.known.insert(id, from..self.frames.len());
        Ok(Some(&self.frames[from..]))
    }

    /// The name of a frame without a symbol: what it was loaded from, in brackets, as `go tool pprof` shows it. Its address
    /// is no part of the name: it differs from one build to the next, where the name must not.
    fn nameless(&self, location: &Location) -> Result<String, Failure> {
        if location.mapping == 0 {
            return Ok(UNKNOWN.to_owned());
        }
        let mapping = self.mappings.get(&location.mapping).ok_or_else(|| {
            Failure::file(format!(
                "is damaged: the location {} names the mapping {}, which the file does not have",
                location.id, location.mapping
            ))
        })?;
        let path = self.text(mapping.file)?;
        let file = path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
        Ok(match file {
            "" => UNKNOWN.to_owned(),
            file if file.starts_with('[') && file.ends_with(']') => file.to_owned(),
            file => format!("[{file}]"),
        })
    }
}

fn insert<V>(table: &mut HashMap<u64, V>, id: u64, row: V, what: &str) -> Result<(), Failure> {
    if id == 0 {
        return Err(Failure::file(format!("is damaged: a {what} has the id 0, which stands for none")));
    }
    if table.insert(id, row).is_some() {
        return Err(Failure::file(format!("is damaged: there are two {what}s with the id {id}")));
    }
    bounded(table.len(), &format!("{what}s"))
}

fn bounded(rows: usize, what: &str) -> Result<(), Failure> {
    if rows > MAX_ROWS {
        return Err(Failure::file(format!("has more than {MAX_ROWS} {what}")));
    }
    Ok(())
}
