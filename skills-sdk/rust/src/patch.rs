//! Patches: what becomes of files, as a unified diff in git's form, which `git apply` takes; and merging texts.
//!
//! What is written holds a file's own bytes, its line ends with them, and nothing but the lines that change and three around them. Texts
//! come from a repository, which anybody may write: paths that leave it, texts that are none and those too large to compare are
//! [`Unfit`]. Needs the feature `patch`.

mod merge;
mod path;

use std::fmt;
use std::ops::Range;

use gix_imara_diff::{Algorithm, Diff, Hunk, InternedInput};

pub use merge::{Lines, merge};

/// The largest text that is compared, in bytes and in lines: what a sandbox compares in a fraction of a second whatever it holds.
pub const MOST_BYTES: usize = 1 << 20;
/// See [`MOST_BYTES`].
pub const MOST_LINES: usize = 20_000;

/// Unchanged lines around a change, as git has them.
const CONTEXT: usize = 3;

/// How lines are compared: as git does by default (E. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1, 1986),
/// with its shortcuts for texts that have little in common.
const ALGORITHM: Algorithm = Algorithm::Myers;

/// A file: where it is, and all of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path in the repository, with `/`.
    pub path: &'a str,
    /// Its text, with the line ends that it has.
    pub text: &'a str,
}

/// What becomes of one file: without a `before` it is new, without an `after` it goes, with two paths it is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    /// The file as it is on the branch.
    pub before: Option<File<'a>>,
    /// The file as it shall be.
    pub after: Option<File<'a>>,
}

/// Why a file cannot be part of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its path leaves the repository, or names what git keeps for itself.
    Path,
    /// It is no text in UTF-8: it has a zero byte, or bytes that were replaced when it was read.
    NoText,
    /// It has more than [`MOST_BYTES`] or [`MOST_LINES`].
    TooLarge,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Path => f.write_str("it has a path that no patch may name"),
            Unfit::NoText => f.write_str("it is no text in UTF-8"),
            Unfit::TooLarge => write!(f, "it has more than {} KiB or {MOST_LINES} lines", MOST_BYTES >> 10),
        }
    }
}

impl std::error::Error for Unfit {}

impl File<'_> {
    /// Whether it may be part of a patch.
    pub fn check(&self) -> Result<(), Unfit> {
        // Whoever reads for a skill replaces what is not UTF-8: lines that look alike then need not be.
        let replaced = ['\0', '\u{fffd}'];
        if !path::stays_inside(self.path) {
            Err(Unfit::Path)
        } else if self.text.len() > MOST_BYTES || self.text.split_inclusive('\n').count() > MOST_LINES {
            Err(Unfit::TooLarge)
        } else if self.text.contains(replaced) {
            Err(Unfit::NoText)
        } else {
            Ok(())
        }
    }

    /// The mode of a new file. The contract does not tell modes: a text that names its interpreter is meant to be run.
    fn mode(&self) -> &'static str {
        if self.text.starts_with("#!") { "100755" } else { "100644" }
    }
}

/// The part of a patch that makes one edit; empty where nothing changes. Parts of several files one after the other are a patch.
pub fn section(edit: Edit<'_>) -> Result<String, Unfit> {
    for file in [edit.before, edit.after].into_iter().flatten() {
        file.check()?;
    }
    let (Some(old), Some(new)) = (edit.before.or(edit.after), edit.after.or(edit.before)) else {
        return Ok(String::new());
    };
    let header = format!("diff --git {} {}\n", path::quoted("a/", old.path), path::quoted("b/", new.path));
    let what = match (edit.before, edit.after) {
        (None, _) => format!("new file mode {}\n", new.mode()),
        (_, None) => format!("deleted file mode {}\n", old.mode()),
        _ if old.path != new.path => {
            format!("rename from {}\nrename to {}\n", path::quoted("", old.path), path::quoted("", new.path))
        }
        _ if old.text == new.text => return Ok(String::new()),
        _ => String::new(),
    };
    let hunks = hunks(edit.before.map_or("", |file| file.text), edit.after.map_or("", |file| file.text));
    if hunks.is_empty() {
        return Ok(header + &what);
    }
    let side = |prefix: &str, file: Option<File<'_>>| {
        file.map_or_else(|| "/dev/null".to_owned(), |file| path::on_its_own(prefix, file.path))
    };
    Ok(format!("{header}{what}--- {}\n+++ {}\n{hunks}", side("a/", edit.before), side("b/", edit.after)))
}

/// How many lines a patch adds and removes.
pub fn size(patch: &str) -> usize {
    let mut inside = false;
    patch
        .split('\n')
        .filter(|line| {
            inside = line.starts_with("@@") || inside && !line.starts_with("diff --git ");
            inside && line.starts_with(['+', '-'])
        })
        .count()
}

/// The lines of a text, each with its end.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The changes from one text to another, as ranges of lines of both, in order and apart.
fn changes(before: &str, after: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(ALGORITHM, &input);
    diff.postprocess_lines(&input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|Hunk { before, after }| (range(before), range(after))).collect()
}

/// The hunks of a unified diff.
fn hunks(before: &str, after: &str) -> String {
    let mut groups: Vec<Vec<(Range<usize>, Range<usize>)>> = Vec::new();
    for change in changes(before, after) {
        match groups.last_mut().and_then(|group| Some((group.last()?.0.end, group))) {
            Some((end, group)) if change.0.start - end <= 2 * CONTEXT => group.push(change),
            _ => groups.push(vec![change]),
        }
    }
    let (before, after) = (lines(before), lines(after));
    groups.iter().filter_map(|group| hunk(&before, &after, group)).collect()
}

/// One hunk, of changes that are near each other.
fn hunk(before: &[&str], after: &[&str], changes: &[(Range<usize>, Range<usize>)]) -> Option<String> {
    let (first, last) = (changes.first()?, changes.last()?);
    let lead = first.0.start.min(CONTEXT);
    let trail = (before.len() - last.0.end).min(CONTEXT);
    let old = first.0.start - lead..last.0.end + trail;
    let new = first.1.start - lead..last.1.end + trail;
    let mut text = format!("@@ -{} +{} @@\n", numbers(&old), numbers(&new));
    let mut add = |sign: char, lines: &[&str]| {
        for line in lines {
            text.push(sign);
            text += line;
            if !line.ends_with('\n') {
                text += "\n\\ No newline at end of file\n";
            }
        }
    };
    let mut unchanged = old.start;
    for (removed, added) in changes {
        add(' ', &before[unchanged..removed.start]);
        add('-', &before[removed.clone()]);
        add('+', &after[added.clone()]);
        unchanged = removed.end;
    }
    add(' ', &before[unchanged..old.end]);
    Some(text)
}

/// A range of lines as a hunk's head has it: the first from 1 and their number, which is left out where it is 1. Of no lines, the one
/// before them.
fn numbers(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(path: &'a str, text: &'a str) -> Option<File<'a>> {
        Some(File { path, text })
    }

    fn modified(before: &str, after: &str) -> String {
        section(Edit { before: file("a.rs", before), after: file("a.rs", after) }).unwrap()
    }

    #[test]
    fn a_patch_is_what_git_writes() {
        // From `git diff` of git 2.47, without the line `index`.
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let expected =
            "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n";
        assert_eq!(modified(before, "1\n2\n3\n4\n6\n7\n8\n9\n"), expected);
        assert_eq!(
            modified("a\r\nb", "a\r\nc\n"),
            "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1,2 +1,2 @@\n a\r\n-b\n\\ No newline at end of file\n+c\n"
        );
        assert_eq!(modified("", "x\n").lines().nth(3), Some("@@ -0,0 +1 @@"));
        assert_eq!(modified("same\n", "same\n"), "");
    }

    #[test]
    fn files_come_go_and_move() {
        let new = section(Edit { before: None, after: file("run", "#!/bin/sh\n") }).unwrap();
        assert_eq!(
            new,
            "diff --git a/run b/run\nnew file mode 100755\n--- /dev/null\n+++ b/run\n@@ -0,0 +1 @@\n+#!/bin/sh\n"
        );
        let gone = section(Edit { before: file("a b", ""), after: None }).unwrap();
        assert_eq!(gone, "diff --git a/a b b/a b\ndeleted file mode 100644\n", "an empty file has no lines");
        let moved = section(Edit { before: file("b", "1\n"), after: file("a", "1\n") }).unwrap();
        assert_eq!(moved, "diff --git a/b b/a\nrename from b\nrename to a\n");
        assert_eq!(section(Edit { before: None, after: None }), Ok(String::new()));
    }

    #[test]
    fn changes_near_each_other_share_a_hunk() {
        let numbered = |changed: &[usize]| -> String {
            let line = |at: usize| if changed.contains(&at) { format!("x{at}\n") } else { format!("{at}\n") };
            (0..30).map(line).collect()
        };
        let heads = |changed: &[usize]| modified(&numbered(&[]), &numbered(changed)).matches("@@ -").count();
        assert_eq!((heads(&[5, 12]), heads(&[5, 13])), (1, 2));
    }

    #[test]
    fn what_is_unfit_is_refused() {
        let of = |path: &str, text: &str| section(Edit { before: file(path, text), after: None }).unwrap_err();
        assert_eq!(of("../a", "x"), Unfit::Path);
        assert_eq!((of("a", "x\0y"), of("a", "x\u{fffd}y")), (Unfit::NoText, Unfit::NoText));
        assert_eq!(of("a", &"x".repeat(MOST_BYTES + 1)), Unfit::TooLarge);
        assert_eq!(of("a", &"\n".repeat(MOST_LINES + 1)), Unfit::TooLarge);
        assert_eq!(Unfit::TooLarge.to_string(), "it has more than 1024 KiB or 20000 lines");
    }

    #[test]
    fn only_changed_lines_are_counted() {
        let one = modified("1\n-- 2\n3\n", "1\n++ 2\n3\n4\n");
        let both = format!("{one}{}", section(Edit { before: file("a", "-\n"), after: None }).unwrap());
        assert_eq!((size(&one), size(&both), size("")), (3, 4, 0));
    }
}
