//! What taking a commit back does to one file of the branch.
//!
//! A three-way merge: the base is the file after the commit, ours is the branch's, theirs is the file before the commit.

use negawatt_skill::changes::{ChangeKind, TouchedFile};
use negawatt_skill::patch::{Edit, File, Lines, Unfit, merge, section};

/// A file's texts; absent where there is no such file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    /// Before the commit, under its path of then.
    pub before: Option<String>,
    /// After the commit.
    pub after: Option<String>,
    /// On the branch, under its path after the commit.
    pub tip: Option<String>,
    /// On the branch, under its path before the commit; of renamed files only.
    pub tip_before: Option<String>,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Undo {
    /// It changes.
    Edit {
        /// Its part of the patch.
        patch: String,
        /// Whether the branch has changed the file since, so that it was merged.
        merged: bool,
        /// Whether it comes back as a file that may run, which is guessed.
        runs: bool,
    },
    /// It is as it was before the commit already.
    Already,
    /// It cannot be taken back: why, in a clause.
    Blocked(String),
}

/// Stretches of lines that are told at most.
const MOST_PLACES: usize = 3;

/// What taking the commit back does to a file of which these are the texts.
pub fn undo(file: &TouchedFile, texts: &Texts) -> Undo {
    let old_path = file.old_path.as_deref().unwrap_or(&file.path);
    let before = texts.before.as_deref().map(|text| File { path: old_path, text });
    let after = texts.after.as_deref().map(|text| File { path: &file.path, text });
    let tip = texts.tip.as_deref().map(|text| File { path: &file.path, text });
    let unfit = [before, after, tip].into_iter().flatten().find_map(|file| file.check().err());
    if let Some(unfit) = unfit {
        return Undo::Blocked(unfit.to_string());
    }
    match (file.kind, before, after) {
        (ChangeKind::Added, None, Some(after)) => added(after, tip),
        (ChangeKind::Deleted, Some(before), None) => deleted(before, tip),
        (ChangeKind::Modified, Some(before), Some(after)) => modified(before, after, tip),
        (ChangeKind::Renamed, Some(before), Some(after)) => renamed(before, after, tip, texts.tip_before.as_deref()),
        _ => blocked("it cannot be read, as a file of another repository cannot"),
    }
}

fn added(after: File<'_>, tip: Option<File<'_>>) -> Undo {
    match tip {
        None => Undo::Already,
        Some(tip) if tip != after => blocked("it was new, and has changed since"),
        Some(tip) if may_be_link(tip.text) => blocked(LINK),
        Some(tip) => edit(Edit { before: Some(tip), after: None }, false),
    }
}

fn deleted(before: File<'_>, tip: Option<File<'_>>) -> Undo {
    match tip {
        Some(tip) if tip == before => Undo::Already,
        Some(_) => blocked("it was removed, and another file is in its place now"),
        None if may_be_link(before.text) => blocked(LINK),
        None => edit(Edit { before: None, after: Some(before) }, false),
    }
}

fn modified(before: File<'_>, after: File<'_>, tip: Option<File<'_>>) -> Undo {
    let Some(tip) = tip else { return blocked("it is gone from the branch") };
    if before.text == after.text {
        return blocked("only its mode changed, which its text does not tell");
    }
    if may_be_link(before.text) != may_be_link(after.text) && lines(before.text).max(lines(after.text)) > 1 {
        return blocked(LINK);
    }
    merged(before, after, tip)
}

fn renamed(before: File<'_>, after: File<'_>, tip: Option<File<'_>>, tip_before: Option<&str>) -> Undo {
    match (tip, tip_before) {
        (None, Some(text)) if text == before.text => Undo::Already,
        (None, _) => blocked("it was moved, and is gone from the branch"),
        (Some(_), Some(_)) => blocked("it was moved, and another file is in its old place now"),
        (Some(tip), None) => merged(before, after, tip),
    }
}

/// Takes back what the commit changed of a file that is still there, and leaves what changed since.
fn merged(before: File<'_>, after: File<'_>, tip: File<'_>) -> Undo {
    match merge(after.text, tip.text, before.text) {
        Ok(text) => {
            let after_revert = File { path: before.path, text: &text };
            if after_revert == tip {
                return Undo::Already;
            }
            edit(Edit { before: Some(tip), after: Some(after_revert) }, tip.text != after.text)
        }
        Err(conflicts) => Undo::Blocked(told(&conflicts)),
    }
}

fn edit(edit: Edit<'_>, merged: bool) -> Undo {
    let runs = edit.before.is_none() && edit.after.is_some_and(|file| file.text.starts_with("#!"));
    match section(edit) {
        Ok(patch) => Undo::Edit { patch, merged, runs },
        Err(unfit) => Undo::Blocked(Unfit::to_string(&unfit)),
    }
}

fn blocked(why: &str) -> Undo {
    Undo::Blocked(why.to_owned())
}

const LINK: &str = "it may be a link, which its text does not tell";

/// Whether a text may be where a link points to: what is read of a link is no more than that.
fn may_be_link(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n')
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// Where the branch changed what the commit changed.
fn told(conflicts: &[Lines]) -> String {
    let place = |lines: &Lines| match lines.count {
        0 => format!("before line {}", lines.first),
        1 => format!("line {}", lines.first),
        count => format!("lines {} to {}", lines.first, lines.first + count - 1),
    };
    let mut places: Vec<String> = conflicts.iter().take(MOST_PLACES).map(place).collect();
    if conflicts.len() > MOST_PLACES {
        places.push(format!("{} other places", conflicts.len() - MOST_PLACES));
    }
    format!("what it did was changed again since ({} of the branch)", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: ChangeKind, path: &str, old_path: Option<&str>) -> TouchedFile {
        TouchedFile { path: path.into(), old_path: old_path.map(str::to_owned), kind, added: 0, removed: 0 }
    }

    fn of(kind: ChangeKind, before: Option<&str>, after: Option<&str>, tip: Option<&str>) -> Undo {
        let text = |text: Option<&str>| text.map(str::to_owned);
        undo(
            &file(kind, "a.rs", None),
            &Texts { before: text(before), after: text(after), tip: text(tip), tip_before: None },
        )
    }

    /// Why it cannot be, or the lines that go and come.
    fn short(undo: Undo) -> String {
        match undo {
            Undo::Already => "already".into(),
            Undo::Blocked(why) => why,
            Undo::Edit { patch, .. } => patch.lines().skip(4).filter(|line| !line.starts_with([' ', '@'])).collect(),
        }
    }

    #[test]
    fn a_changed_file_gets_back_what_it_had() {
        use ChangeKind::Modified;
        let (before, after) = (Some("1\n2\n3\n4\n5\n"), Some("1\nb\n3\n4\n5\n"));
        assert_eq!(short(of(Modified, before, after, after)), "-b+2");
        assert_eq!(short(of(Modified, before, after, Some("0\n1\nb\n3\n4\n5\n"))), "-b+2");
        assert!(matches!(of(Modified, before, after, after), Undo::Edit { merged: false, .. }));
        assert!(matches!(of(Modified, before, after, Some("0\n1\nb\n3\n4\n5\n")), Undo::Edit { merged: true, .. }));
        assert_eq!(of(Modified, before, after, before), Undo::Already);
        assert_eq!(of(Modified, before, after, Some("1\n2\n3\n4\n5\n6\n")), Undo::Already, "others went on since");
        assert_eq!(
            short(of(Modified, before, after, Some("1\nc\n3\n4\n5\n"))),
            "what it did was changed again since (line 2 of the branch)"
        );
        assert_eq!(short(of(Modified, before, after, None)), "it is gone from the branch");
        assert!(short(of(Modified, before, before, before)).starts_with("only its mode"));
    }

    #[test]
    fn files_come_back_and_go_if_nobody_touched_them() {
        use ChangeKind::{Added, Deleted};
        let text = Some("1\n2\n");
        assert_eq!(short(of(Added, None, text, text)), "-1-2");
        assert_eq!(of(Added, None, text, None), Undo::Already);
        assert_eq!(short(of(Added, None, text, Some("1\n"))), "it was new, and has changed since");
        assert_eq!(short(of(Deleted, text, None, None)), "+1+2");
        assert_eq!(of(Deleted, text, None, text), Undo::Already);
        assert!(short(of(Deleted, text, None, Some("3\n"))).contains("in its place"));
        assert!(matches!(of(Deleted, Some("#!/bin/sh\n"), None, None), Undo::Edit { runs: true, .. }));
    }

    #[test]
    fn a_moved_file_goes_back() {
        let moved = file(ChangeKind::Renamed, "new.rs", Some("old.rs"));
        let texts = |tip: Option<&str>, tip_before: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            Texts {
                before: text(Some("1\n2\n")),
                after: text(Some("1\nb\n")),
                tip: text(tip),
                tip_before: text(tip_before),
            }
        };
        let Undo::Edit { patch, .. } = undo(&moved, &texts(Some("1\nb\n"), None)) else { panic!("it can be") };
        assert!(patch.contains("rename from new.rs\nrename to old.rs\n") && patch.contains("-b\n+2\n"), "{patch}");
        assert_eq!(undo(&moved, &texts(None, Some("1\n2\n"))), Undo::Already);
        assert!(short(undo(&moved, &texts(None, None))).contains("is gone"));
        assert!(short(undo(&moved, &texts(Some("1\nb\n"), Some("x\n")))).contains("in its old place"));
    }

    #[test]
    fn what_a_text_does_not_tell_is_left_alone() {
        use ChangeKind::{Added, Deleted, Modified};
        assert_eq!(short(of(Added, None, Some("../x"), Some("../x"))), LINK);
        assert_eq!(short(of(Deleted, Some("../x"), None, None)), LINK);
        assert_eq!(short(of(Modified, Some("a\nb\n"), Some("../x"), Some("../x"))), LINK);
        assert_eq!(
            short(of(Modified, Some("1.0"), Some("1.1\n"), Some("1.1\n"))),
            "-1.1+1.0\\ No newline at end of file"
        );
        assert!(short(of(Modified, Some("a\u{fffd}\n"), Some("b\n"), Some("b\n"))).contains("no text"));
        assert!(short(of(Modified, None, None, None)).contains("cannot be read"));
    }

    #[test]
    fn of_many_conflicts_few_are_told() {
        let lines = |first, count| Lines { first, count };
        let all = [lines(3, 2), lines(9, 1), lines(12, 0), lines(20, 1), lines(30, 1)];
        let expected =
            "what it did was changed again since (lines 3 to 4, line 9, before line 12, 2 other places of the branch)";
        assert_eq!(told(&all), expected);
    }
}
