//! Diffs: lines with their numbers, and the blocks and the function that a line stands in.
//!
//! What encloses a line is told by indentation, which people and formatters keep in every language; nothing is parsed, so that text of
//! any kind costs no more than looking at it.

use crate::changes::{FileDiff, Hunk};

/// A line of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What became of it.
    pub sign: Sign,
    /// Its number before, from 1; absent for one that is new.
    pub old: Option<u32>,
    /// Its number after, from 1; absent for one that is gone.
    pub new: Option<u32>,
    /// The line.
    pub text: &'a str,
}

/// What a diff says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stands there before and after.
    Kept,
}

/// The lines of a hunk, in order.
pub fn lines(hunk: &Hunk) -> impl Iterator<Item = Line<'_>> {
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    hunk.text.lines().filter_map(move |line| {
        let (sign, text) = match line.chars().next() {
            Some('+') => (Sign::Added, &line[1..]),
            Some('-') => (Sign::Removed, &line[1..]),
            Some(' ') => (Sign::Kept, &line[1..]),
            // A remark of git's on the end of the file.
            Some('\\') => return None,
            // A blank line whose leading blank was trimmed.
            _ => (Sign::Kept, line),
        };
        let count = |number: &mut u32, counts: bool| {
            let here = *number;
            *number = number.saturating_add(u32::from(counts));
            counts.then_some(here)
        };
        let (old, new) = (count(&mut old, sign != Sign::Added), count(&mut new, sign != Sign::Removed));
        Some(Line { sign, old, new, text })
    })
}

/// The files of a commit's diff that are worth looking at: at most so many of them, and of bytes in their hunks. One that does not fit is
/// left out: nobody wrote it by hand.
pub fn bounded(diffs: &[FileDiff], files: usize, bytes: usize) -> impl Iterator<Item = &FileDiff> {
    let mut room = bytes;
    diffs.iter().take(files).filter(move |diff| {
        let size = diff.hunks.iter().map(|hunk| hunk.text.len()).sum();
        let left = room.checked_sub(size);
        room = left.unwrap_or(room);
        left.is_some()
    })
}

/// What stands around a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around<'a> {
    /// The lines that open the blocks between it and its function, the innermost first.
    pub blocks: Vec<&'a str>,
    /// The name of its function; absent outside of functions, and where it is out of sight.
    pub function: Option<&'a str>,
    /// Whether only the hunk's context line names the function: it is that of the hunk's first change, and may have ended before.
    pub is_guess: bool,
}

/// Blocks that are followed outwards at most, and lines that are looked at for that.
const MOST_BLOCKS: usize = 64;
const MOST_LINES: usize = 3_000;
/// Bytes of a line that opens a block, at most: longer ones are data.
const LONGEST: usize = 1_000;

/// What stands around the line at an index of some lines, such as a whole file, or one side of a hunk with its context line.
pub fn around<'a>(path: &str, lines: &[&'a str], at: usize, context: &'a str) -> Around<'a> {
    let mut found = Around::default();
    let mut least = lines.get(at).map_or(0, |line| indentation(line));
    // A line such as `) {` or `{` closes what another one of the same indentation began.
    let mut goes_on = false;
    let before = lines.get(..at).unwrap_or_default().iter().rev().take(MOST_LINES).map(|line| (*line, false));
    for (line, is_guess) in before.chain([(context, true)]) {
        if least == 0 && !goes_on {
            break;
        }
        if line.len() > LONGEST {
            continue;
        }
        let (depth, text) = (indentation(line), line.trim());
        let is_outer = depth < least || goes_on && depth == least;
        if text.is_empty() || is_aside(text) || !is_outer {
            continue;
        }
        least = depth;
        goes_on = text.starts_with([')', ']', '}', '{']) || text.starts_with("where");
        if let Some(function) = function_name(path, text) {
            (found.function, found.is_guess) = (Some(function), is_guess);
            break;
        }
        if found.blocks.len() == MOST_BLOCKS {
            break;
        }
        found.blocks.push(text);
    }
    found
}

/// How far a line is indented, a tab counting as four.
pub fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// Whether a line without its indentation is no code of a block, as far as it tells by itself: a comment, an attribute, a directive.
fn is_aside(text: &str) -> bool {
    ["#", "@", "//", "/*", "* "].iter().any(|mark| text.starts_with(mark)) || text == "*" || text == "*/"
}

/// Words after which a parenthesis opens, and that name no function.
const NOT_NAMES: [&str; 22] = [
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "new",
    "else",
    "throw",
    "synchronized",
    "super",
    "this",
    "sizeof",
    "do",
    "try",
    "assert",
    "await",
    "typeof",
    "function",
    "using",
    "lock",
    "foreach",
];

/// The name of the function that a line begins to define; absent where it does not, as far as it tells by itself.
pub fn function_name<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let line = line.trim();
    let extension =
        path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, extension)| extension);
    match extension {
        "rs" => after_keyword(line, "fn"),
        "py" | "pyi" | "pyx" | "rb" => after_keyword(line, "def"),
        "go" => {
            let rest = line.strip_prefix("func ")?;
            // A method names its receiver first.
            name_at(rest.strip_prefix('(').and_then(|method| method.split_once(')')).map_or(rest, |(_, rest)| rest))
        }
        "kt" | "kts" => after_keyword(line, "fun").or_else(|| by_parenthesis(line)),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" => {
            after_keyword(line, "function").or_else(|| bound(line)).or_else(|| by_parenthesis(line))
        }
        "php" => after_keyword(line, "function"),
        _ => by_parenthesis(line),
    }
}

/// The name after a keyword, with nothing but words before it: `pub(crate) async fn name`.
fn after_keyword<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let at = line.match_indices(keyword).map(|(at, _)| at).find(|&at| {
        let alone = at == 0 || line[..at].ends_with(' ');
        alone && line[at + keyword.len()..].starts_with([' ', '*'])
    })?;
    let plain = |c: char| c.is_alphanumeric() || " _()\":@".contains(c);
    if !line[..at].chars().all(plain) {
        return None;
    }
    name_at(line[at + keyword.len()..].trim_start_matches(['*', ' ']))
}

/// `const name = (…) =>`, `name: function (…)`.
fn bound(line: &str) -> Option<&str> {
    let value_at = line.find(['=', ':'])?;
    let value = line[value_at + 1..].trim_start();
    let value = value.strip_prefix("async").map_or(value, str::trim_start);
    let is_function =
        value.starts_with("function") || (value.starts_with('(') && (line.contains("=>") || line.ends_with('(')));
    if !is_function { None } else { last_name(&line[..value_at]) }
}

/// `Type Owner::name(…) {`, as in C and its relatives.
fn by_parenthesis(line: &str) -> Option<&str> {
    let before = &line[..line.find('(')?];
    if before.contains(['=', '.', '"', '\'', '!', '+', '?', '@', '{', '}']) || line.ends_with(';') {
        return None;
    }
    let name = last_name(before).filter(|name| before.trim_end().ends_with(name))?;
    let words = before.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    if words.clone().any(|word| NOT_NAMES.contains(&word)) {
        return None;
    }
    (line.ends_with('{') || (words.count() > 1 && line.ends_with([')', '(', ',']))).then_some(name)
}

/// The identifier that a text begins with.
fn name_at(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    is_name(&text[..end]).then(|| &text[..end])
}

/// The last identifier of a text.
fn last_name(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).rfind(|word| !word.is_empty()).filter(|word| is_name(word))
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
