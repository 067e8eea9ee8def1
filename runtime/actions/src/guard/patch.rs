//! Reads a unified diff, strictly: whatever is not understood is refused, so that nothing is left for git to understand otherwise.

use std::collections::BTreeSet;

use super::paths::{refused, unquote};

/// The most of a patch that is looked at.
pub(crate) const MAX_PATCH_BYTES: usize = 1 << 20;

/// The most files of one patch.
pub(crate) const MAX_FILES: usize = 100;

const OF_WINDOWS: &str = "the lines of its header end as those of Windows; write line feeds alone";

/// Changes of text files, each named once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) files: Vec<FileChange>,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) kind: Change,
    pub(crate) hunks: Vec<Hunk>,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Added,
    Deleted,
    Changed,
}

/// Lines next to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// Where it begins before, and how many lines of the file it spans; with none of them, the line that it comes after.
    pub(crate) old: Span,
    /// Where it begins after.
    pub(crate) new: Span,
    /// The lines, with what becomes of them.
    pub(crate) lines: Vec<(Mark, String)>,
}

/// Lines of a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Kept,
    Removed,
    Added,
}

impl Patch {
    /// Reads a whole patch. The error says which line is wrong, and why.
    pub(crate) fn read(text: &str) -> Result<Patch, String> {
        if text.len() > MAX_PATCH_BYTES {
            return Err(format!("the patch has {} bytes; {MAX_PATCH_BYTES} are read", text.len()));
        }
        let Some(whole) = text.strip_suffix('\n') else {
            return Err("the patch ends in the middle of a line: it needs a line feed at its end".to_owned());
        };
        let mut reader = Reader { lines: whole.split('\n').collect(), at: 0 };
        reader.patch().map_err(|why| format!("line {} of the patch: {why}", reader.at + 1))
    }
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn patch(&mut self) -> Result<Patch, String> {
        let mut files: Vec<FileChange> = Vec::new();
        let mut named = BTreeSet::new();
        loop {
            let file = self.file()?;
            if !named.insert(file.path.clone()) {
                return Err(format!("`{}` is named twice", file.path));
            }
            files.push(file);
            if files.len() > MAX_FILES {
                return Err(format!("more than {MAX_FILES} files are touched"));
            }
            // Blank lines at the end say nothing.
            if self.lines[self.at..].iter().all(|line| line.is_empty()) {
                return Ok(Patch { files });
            }
        }
    }

    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn next_if_starts(&mut self, with: &str) -> Option<&'a str> {
        let rest = self.peek()?.strip_prefix(with)?;
        self.at += 1;
        Some(rest)
    }

    fn file(&mut self) -> Result<FileChange, String> {
        let header = self.next_if_starts("diff --git ");
        let mut told = None;
        while header.is_some()
            && let Some(line) = self.peek()
            && !line.starts_with("--- ")
        {
            told = extended(line)?.or(told);
            self.at += 1;
        }
        let old = self.next_if_starts("--- ").ok_or("a file begins with `diff --git` or with `---`")?;
        let old_path = path(old, "a/").inspect_err(|_| self.at -= 1)?;
        let new = self.next_if_starts("+++ ").ok_or("`+++` with the file's name after is missing")?;
        let new_path = path(new, "b/").inspect_err(|_| self.at -= 1)?;
        let (kind, path) = match (old_path, new_path) {
            (None, Some(path)) => (Change::Added, path),
            (Some(path), None) => (Change::Deleted, path),
            (Some(old), Some(new)) if old == new => (Change::Changed, new),
            (Some(_), Some(_)) => return Err("a file gets another name, which a proposal may not do".to_owned()),
            (None, None) => return Err("neither side has a file".to_owned()),
        };
        if told.is_some_and(|told| told != kind) {
            return Err(format!("the header of `{path}` says that it is added or deleted, and its names do not"));
        }
        if header.is_some_and(|header| !names(header, &path)) {
            return Err(format!("`diff --git` names other files than `{path}`"));
        }
        let mut hunks = Vec::new();
        while let Some(numbers) = self.next_if_starts("@@ ") {
            hunks.push(self.hunk(numbers)?);
        }
        if hunks.is_empty() {
            return Err(format!("nothing changes in `{path}`"));
        }
        Ok(FileChange { path, kind, hunks })
    }

    fn hunk(&mut self, numbers: &str) -> Result<Hunk, String> {
        let spans = numbers.split_once(" @@").and_then(|(spans, _)| spans.split_once(' '));
        let spans = spans.and_then(|(old, new)| Some((span(old, '-')?, span(new, '+')?)));
        let (old, new) = spans.ok_or("`@@` lacks the lines that it is about").inspect_err(|_| self.at -= 1)?;
        let mut lines = Vec::new();
        let (mut old_left, mut new_left) = (old.count, new.count);
        while old_left > 0 || new_left > 0 {
            let line = self.peek().ok_or("a hunk ends too early")?;
            // Of a blank line some programs leave the blank before it out.
            let (mark, text) = line.split_at_checked(1).unwrap_or((" ", ""));
            let mark = match mark {
                " " => Mark::Kept,
                "-" => Mark::Removed,
                "+" => Mark::Added,
                "\\" if text.starts_with(' ') && !lines.is_empty() => {
                    self.at += 1;
                    continue;
                }
                _ => return Err("a line of a hunk begins with a blank, `-` or `+`".to_owned()),
            };
            let takes = |left: &mut usize, does: bool| {
                *left = left.checked_sub(usize::from(does)).ok_or("a hunk has more lines than it says")?;
                Ok::<_, &str>(())
            };
            takes(&mut old_left, mark != Mark::Added)?;
            takes(&mut new_left, mark != Mark::Removed)?;
            lines.push((mark, text.to_owned()));
            self.at += 1;
        }
        self.next_if_starts("\\ ");
        if lines.iter().all(|(mark, _)| *mark == Mark::Kept) {
            return Err("a hunk changes nothing".to_owned());
        }
        Ok(Hunk { old, new, lines })
    }
}

/// What a line between `diff --git` and `---` says of the file; only what says nothing new is let through.
fn extended(line: &str) -> Result<Option<Change>, String> {
    match line {
        "new file mode 100644" => Ok(Some(Change::Added)),
        "deleted file mode 100644" | "deleted file mode 100755" => Ok(Some(Change::Deleted)),
        _ => match line.strip_prefix("index ").map(is_index) {
            Some(true) => Ok(None),
            _ if line.ends_with('\r') => Err(OF_WINDOWS.to_owned()),
            _ if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") => {
                Err("a file is binary: only changes of text can be reviewed".to_owned())
            }
            _ if ["old mode", "new mode", "new file mode"].iter().any(|known| line.starts_with(known)) => {
                Err("a proposal may not make links, programs or modules, or change what a file is".to_owned())
            }
            _ if ["rename", "copy", "similarity", "dissimilarity"].iter().any(|known| line.starts_with(known)) => {
                Err("a file gets another name, which a proposal may not do".to_owned())
            }
            _ => Err("this is no part of a unified diff, or a change without lines".to_owned()),
        },
    }
}

/// `1a2b..3c4d`, and perhaps the mode of an ordinary file.
fn is_index(rest: &str) -> bool {
    let (hashes, mode) = rest.split_once(' ').unwrap_or((rest, "100644"));
    let is_hash = |hash: &str| (4..=64).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    hashes.split_once("..").is_some_and(|(old, new)| is_hash(old) && is_hash(new))
        && matches!(mode, "100644" | "100755")
}

/// The path in a line `---` or `+++`; absent for `/dev/null`.
fn path(name: &str, prefix: &str) -> Result<Option<String>, String> {
    // Git ends a name with a tab where there is a blank in it.
    let name = name.strip_suffix('\t').unwrap_or(name);
    if name == "/dev/null" {
        return Ok(None);
    }
    let name =
        if name.starts_with('"') { unquote(name).ok_or("the file's name is badly quoted")? } else { name.to_owned() };
    let path = name.strip_prefix(prefix).ok_or_else(|| format!("the file's name lacks the prefix `{prefix}`"))?;
    match refused(path) {
        None => Ok(Some(path.to_owned())),
        Some(_) if name.ends_with('\r') => Err(OF_WINDOWS.to_owned()),
        Some(why) => Err(format!("the path {path:?} {why}")),
    }
}

/// Whether `diff --git` is followed by this file's names, bare or quoted.
fn names(header: &str, path: &str) -> bool {
    let quoted = header
        .split_once("\" \"")
        .and_then(|(old, new)| Some((unquote(&format!("{old}\""))?, unquote(&format!("\"{new}"))?)));
    quoted.map_or_else(
        || header == format!("a/{path} b/{path}"),
        |names| names == (format!("a/{path}"), format!("b/{path}")),
    )
}

/// `-12,3` or `-12`.
fn span(text: &str, sign: char) -> Option<Span> {
    let text = text.strip_prefix(sign)?;
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    let number = |text: &str| {
        let is_plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten()
    };
    Some(Span { start: number(start)?, count: number(count)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1,3 +1,3 @@ fn x\n a\n-b\n+c\n\n";

    fn why(patch: &str) -> String {
        Patch::read(patch).unwrap_err()
    }

    #[test]
    fn a_plain_diff_and_one_of_git() {
        let git = format!("diff --git a/src/x.rs b/src/x.rs\nindex 1a2b3c4..5d6e7f8 100644\n{PLAIN}\n\n");
        let read = Patch::read(&git).unwrap();
        assert_eq!(read, Patch::read(PLAIN).unwrap());
        let hunk = &read.files[0].hunks[0];
        assert_eq!((hunk.old, hunk.new), (Span { start: 1, count: 3 }, Span { start: 1, count: 3 }));
        let lines = [(Mark::Kept, "a"), (Mark::Removed, "b"), (Mark::Added, "c"), (Mark::Kept, "")];
        assert_eq!(hunk.lines, lines.map(|(mark, text)| (mark, text.to_owned())));
    }

    #[test]
    fn added_deleted_and_quoted_files() {
        let patch = "diff --git a/new b/new\nnew file mode 100644\nindex 0000000..5d6e7f8\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\ndiff --git a/old b/old\ndeleted file mode 100644\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\ndiff --git \"a/gr\\303\\266\\303\\237e\" \"b/gr\\303\\266\\303\\237e\"\n--- \"a/gr\\303\\266\\303\\237e\"\n+++ \"b/gr\\303\\266\\303\\237e\"\n@@ -1 +1 @@\n--- a\n+++ b\n--- a/with blank\t\n+++ b/with blank\t\n@@ -1 +1 @@\n-\r\n+\n";
        let read = Patch::read(patch).unwrap();
        let files: Vec<_> = read.files.iter().map(|file| (file.path.as_str(), file.kind)).collect();
        assert_eq!(
            files,
            [
                ("new", Change::Added),
                ("old", Change::Deleted),
                ("größe", Change::Changed),
                ("with blank", Change::Changed)
            ]
        );
        assert_eq!(
            read.files[2].hunks[0].lines,
            [(Mark::Removed, "-- a".to_owned()), (Mark::Added, "++ b".to_owned())]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let edit = |from: &str, to: &str| why(&PLAIN.replace(from, to));
        let git = |header: &str| why(&format!("diff --git a/src/x.rs b/src/x.rs\n{header}\n{PLAIN}"));
        for (why, part) in [
            (why(""), "line feed"),
            (why("\n"), "line 1 of the patch: a file begins"),
            (why("Subject: x\n"), "a file begins"),
            (why(PLAIN.trim_end()), "line feed"),
            (edit("a/src/x.rs", "a/src/y.rs"), "another name"),
            (edit("--- a/src/x.rs", "--- src/x.rs"), "line 1 of the patch: the file's name lacks the prefix"),
            (edit("--- a/src/x.rs", "--- a/src/x.rs\t1970-01-01 00:00:00 +0000"), "cannot be printed"),
            (edit("src/x.rs", "../x.rs"), "leads out"),
            (edit("src/x.rs", "/etc/passwd"), "relative"),
            (edit("src/x.rs", ".git/hooks/post-checkout"), "git's own"),
            (edit("x.rs\n", "x.rs\r\n"), "Windows"),
            (edit("@@ -1,3", "@@ -1,4"), "line 8 of the patch: a hunk ends too early"),
            (why(&(PLAIN.replace("1,3", "1,2") + " z\n")), "line 7 of the patch: a file begins"),
            (edit("@@ -1,3", "@@ -1,1"), "more lines"),
            (edit("@@ -1,3", "@@ -1,9999999999"), "lacks the lines"),
            (edit("-b\n+c\n", " b\n"), "changes nothing"),
            (edit("@@ -1,3 +1,3 @@ fn x\n a\n-b\n+c\n\n", "@@ -1,1 +1,1 @@\n a\n"), "changes nothing"),
            (edit("@@ -1,3 +1,3 @@ fn x\n a\n-b\n+c\n\n", ""), "nothing changes"),
            (edit("-b", "=b"), "begins with a blank"),
            (why(&PLAIN.repeat(2)), "named twice"),
            (git("old mode 100644\nnew mode 100755"), "change what a file is"),
            (git("new file mode 120000"), "may not make links"),
            (git("index 1a2b3c4..5d6e7f8 120000"), "no part of"),
            (git("index 1a2b3c4..5d6e7f8 160000"), "no part of"),
            (git("new file mode 100644"), "says that it is added"),
            (git("similarity index 90%\nrename from a\nrename to b"), "another name"),
            (git("GIT binary patch"), "binary"),
            (why(&format!("diff --git a/src/y.rs b/src/x.rs\n{PLAIN}")), "names other files"),
            (why(&format!("diff --git \"a/src/y.rs\" \"b/src/x.rs\"\n{PLAIN}")), "names other files"),
            (why("diff --git a/x b/x\nold mode 100644\n"), "change what a file is"),
            (why("diff --git a/x b/x\nBinary files a/x and b/x differ\n"), "binary"),
            (why(&"x".repeat(MAX_PATCH_BYTES + 1)), "bytes"),
        ] {
            assert!(why.contains(part), "{why:?} lacks {part:?}");
        }
        let many: String =
            (0..=MAX_FILES).map(|n| PLAIN.trim_end_matches('\n').replace("x.rs", &n.to_string()) + "\n\n").collect();
        assert!(why(&many).contains("more than 100 files"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(lines in proptest::collection::vec("(diff --git |--- |\\+\\+\\+ |@@ -1,2 \\+1 @@|[ +-]|index |\\\\ )?[a-z0-9./\" \u{e9}]{0,8}", 0..12)) {
            let _ = Patch::read(&(lines.join("\n") + "\n"));
        }

        #[test]
        fn what_was_read_is_what_stands_there(at in 0..PLAIN.len(), byte in "[ -~\n]") {
            let mut changed = PLAIN.to_owned();
            changed.replace_range(at..=at, &byte);
            if let Ok(patch) = Patch::read(&changed) {
                let written: Vec<_> = patch.files.iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines).collect();
                proptest::prop_assert!(written.iter().all(|(_, text)| changed.contains(text.as_str())));
            }
        }
    }
}
