//! Lines of the tip's files that match a pattern.

use negawatt_host::model::code::CodeMatch;
use negawatt_host::model::{Answer, Error};
use regex::bytes::RegexBuilder;

use super::derived::Basis;
use super::repository::Reader;
use super::text::{is_binary, line};
use super::tree::{Filter, blob, visit};

/// The most lines that are given.
pub const MAX_MATCHES: usize = 1_000;

/// The most bytes that one search looks at.
const MAX_BYTES: usize = 1 << 30;

/// A compiled pattern may have this many bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Lines by path and number, of the files at or below some paths; none means all. Binary files and those that are too large are left out.
pub fn lines(reader: &Reader<'_>, pattern: &str, paths: &[String]) -> Answer<Vec<CodeMatch>> {
    let filter = Filter::new(paths)?;
    let basis = Basis::Files { tip: reader.tip, pattern: pattern.to_owned(), paths: paths.to_vec() };
    reader.derived(basis, || Ok((found(reader, pattern, &filter)?, true)))
}

fn found(reader: &Reader<'_>, pattern: &str, filter: &Filter) -> Answer<Vec<CodeMatch>> {
    let regex = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
    let regex = regex.map_err(|error| Error::Invalid(format!("the pattern {pattern:?} is no RE2: {error}")))?;
    let mut matches = Vec::new();
    let mut bytes = 0;
    visit(reader, reader.tip, filter, &mut |path, id| {
        let Some(content) = blob(reader, id)?.filter(|content| !is_binary(content)) else { return Ok(true) };
        bytes += content.len();
        if bytes > MAX_BYTES {
            return Err(Error::OverBudget(format!("the search looked at {} MiB; name fewer paths", MAX_BYTES >> 20)));
        }
        let text = content.strip_suffix(b"\n").unwrap_or(&content);
        for (text, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            if regex.is_match(text.strip_suffix(b"\r").unwrap_or(text)) {
                matches.push(CodeMatch { path: path.to_owned(), line: number, text: line(text) });
                if matches.len() == MAX_MATCHES {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })?;
    Ok(matches)
}
