//! What a diff does to log calls.

use negawatt_skill::changes::{FileDiff, Hunk};
use negawatt_skill::commits::serves;
use negawatt_skill::diff::{Sign, around, function_name, lines};

use crate::calls::{Call, Level, call};

/// How a commit makes code log more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A call is new.
    Added,
    /// A call that was there moved into a loop.
    MovedIntoLoop,
    /// A call that was there lost the condition that it stood under.
    GuardRemoved,
    /// A call that was there became more important, and so is not switched off any more.
    LevelRaised,
}

/// A log call that a commit adds or lets run more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file, after the commit.
    pub path: String,
    /// The call's line in it, from 1.
    pub line: u32,
    /// The function that it stands in; absent where it is out of sight.
    pub function: Option<String>,
    /// Whether the function is only the one that the hunk's context names.
    pub is_guess: bool,
    /// What was done.
    pub how: How,
    /// How important what it says is.
    pub level: Level,
    /// Loops around it, within its function.
    pub loops: usize,
    /// Conditions around it, within its function.
    pub conditions: usize,
    /// The call as it is written.
    pub text: String,
}

/// What files of programs end in.
const EXTENSIONS: [&str; 20] = [
    "c", "cc", "cjs", "cpp", "cs", "cxx", "go", "h", "hpp", "java", "js", "jsx", "kt", "mjs", "py", "rs", "scala",
    "ts", "tsx", "rb",
];

/// Whether a file is one of a program that runs.
pub fn runs(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, end)| end.to_lowercase());
    serves(path) && extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// Log calls of one file that are looked at on either side.
const MOST_CALLS: usize = 200;
/// Lines that a call's text may go over.
const MOST_OF_CALL: usize = 4;
/// Characters of a call that are kept.
const LONGEST: usize = 100;

/// A log call of one side of a diff.
struct Seen<'a> {
    call: Call<'a>,
    /// What it says, by which it is known again.
    says: String,
    line: u32,
    function: Option<&'a str>,
    is_guess: bool,
    loops: usize,
    conditions: usize,
    guards: usize,
}

/// Log calls that a diff adds, or lets run more often. `text` is the file after the commit, where it was read.
///
/// A call that is gone and another one that says the same are one call: what counts is whether it stands deeper in loops, under
/// fewer conditions that switch it off, or at a higher level. One that says something else in the same function takes another's place.
pub fn edits(diff: &FileDiff, text: Option<&str>) -> Vec<Edit> {
    if !runs(&diff.file.path) || diff.binary {
        return Vec::new();
    }
    let file: Vec<&str> = text.map(|text| text.lines().collect()).unwrap_or_default();
    let side = |sign| {
        let seen = diff.hunks.iter().flat_map(|hunk| of_hunk(&diff.file.path, hunk, sign, &file));
        seen.take(MOST_CALLS).collect::<Vec<_>>()
    };
    let (added, mut removed) = (side(Sign::Added), side(Sign::Removed));
    let mut found = Vec::new();
    let mut others = Vec::new();
    for new in added {
        match removed.iter().position(|old| old.says == new.says) {
            Some(at) => {
                let old = removed.swap_remove(at);
                let how = match () {
                    () if new.loops > old.loops => How::MovedIntoLoop,
                    () if new.guards < old.guards => How::GuardRemoved,
                    () if new.call.level > old.call.level && old.call.level == Level::Debug => How::LevelRaised,
                    () => continue,
                };
                found.push(edit(&diff.file.path, &new, how));
            }
            None => others.push(new),
        }
    }
    for new in others {
        match removed.iter().position(|old| old.function == new.function && old.call.level >= new.call.level) {
            Some(at) => drop(removed.swap_remove(at)),
            None => found.push(edit(&diff.file.path, &new, How::Added)),
        }
    }
    found
}

fn edit(path: &str, seen: &Seen<'_>, how: How) -> Edit {
    Edit {
        path: path.to_owned(),
        line: seen.line,
        function: seen.function.map(str::to_owned),
        is_guess: seen.is_guess,
        how,
        level: seen.call.level,
        loops: seen.loops,
        conditions: seen.conditions,
        text: seen.call.text.chars().take(LONGEST).collect(),
    }
}

/// Log calls of the changed lines of one side of a hunk.
fn of_hunk<'a>(path: &str, hunk: &'a Hunk, changed: Sign, file: &[&'a str]) -> Vec<Seen<'a>> {
    let side: Vec<_> = lines(hunk).filter(|line| line.sign == Sign::Kept || line.sign == changed).collect();
    let shown: Vec<&str> = side.iter().map(|line| line.text).collect();
    let mut seen = Vec::new();
    for (at, line) in side.iter().enumerate().filter(|(_, line)| line.sign == changed) {
        let Some(call) = call(path, line.text).filter(|_| function_name(path, line.text).is_none()) else { continue };
        let number = line.new.or(line.old).unwrap_or_default();
        let in_file =
            (number as usize).checked_sub(1).filter(|&at| changed == Sign::Added && file.get(at) == Some(&line.text));
        let around = match in_file {
            Some(at) => around(path, file, at, ""),
            None => around(path, &shown, at, &hunk.context),
        };
        let of_kind = |is: fn(&str) -> bool| around.blocks.iter().filter(|block| is(block)).count();
        let said: String = shown[at..shown.len().min(at + MOST_OF_CALL)].join("\n");
        seen.push(Seen {
            call,
            says: says(&said),
            line: number,
            function: around.function,
            is_guess: around.is_guess,
            loops: of_kind(is_loop),
            conditions: of_kind(is_condition),
            guards: of_kind(is_guard),
        });
        if seen.len() == MOST_CALLS {
            break;
        }
    }
    seen
}

/// What a call says: its first quoted text, or else its arguments.
fn says(call: &str) -> String {
    for quote in ['"', '\'', '`'] {
        if let Some((_, rest)) = call.split_once(quote)
            && let Some((text, _)) = rest.split_once(quote)
            && !text.trim().is_empty()
        {
            return text.to_owned();
        }
    }
    let first = call.lines().next().unwrap_or("");
    first.split_once('(').map_or(first, |(_, arguments)| arguments).split_whitespace().collect()
}

fn is_loop(block: &str) -> bool {
    let first =
        block.trim_start_matches(['}', ' ']).split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    ["for", "foreach", "while", "loop", "do"].contains(&first)
        || [".for_each(", ".forEach(", ".map(", ".each ", ".flatMap("].iter().any(|call| block.contains(call))
}

fn is_condition(block: &str) -> bool {
    let first =
        block.trim_start_matches(['}', ' ']).split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    ["if", "elif", "else", "catch", "except", "case", "switch", "match", "unless"].contains(&first)
        || block.contains("=> {")
}

/// A condition that switches logging off, or lets only a part of it through.
fn is_guard(block: &str) -> bool {
    let lower = block.to_ascii_lowercase();
    is_condition(block)
        && ["enabled", "debug", "verbos", "trace", "sampl", "level", "every", "%", "once", "v("]
            .iter()
            .any(|word| lower.contains(word))
}

#[cfg(test)]
#[path = "edits_tests.rs"]
mod tests;
