//! Patches and merges against git itself: `git apply` makes of each text what the patch was written for, and `git merge-file` merges alike.
#![cfg(feature = "patch")]

use std::path::Path;
use std::process::Command;

use negawatt_skill::patch::{Edit, File, merge, section};
use proptest::prelude::*;

/// Git without the settings of the machine.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

/// Runs git in a folder; what it prints, or why it fails.
fn run(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = git(folder).args(arguments).output().expect("git is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn file<'a>(path: &'a str, text: &'a str) -> Option<File<'a>> {
    Some(File { path, text })
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A repository that holds what edits change, in which their patch was applied; the patch.
fn applied(edits: &[Edit<'_>]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init", "--quiet"]).unwrap();
    for file in edits.iter().filter_map(|edit| edit.before) {
        write(folder.path(), file.path, file.text);
    }
    run(folder.path(), &["add", "--all"]).unwrap();
    let patch: String = edits.iter().map(|edit| section(*edit).unwrap()).collect();
    std::fs::write(folder.path().join(".git/patch"), &patch).unwrap();
    // An empty patch is an error to git.
    if !patch.is_empty() {
        for arguments in [&["apply", "--check", "--index", ".git/patch"][..], &["apply", "--index", ".git/patch"]] {
            run(folder.path(), arguments).unwrap_or_else(|error| panic!("{error}\n{patch}"));
        }
    }
    (folder, patch)
}

fn assert_applies(edits: &[Edit<'_>]) -> String {
    let (folder, patch) = applied(edits);
    for edit in edits {
        match edit.after {
            Some(file) => {
                let found = std::fs::read_to_string(folder.path().join(file.path)).unwrap();
                assert_eq!(found, file.text, "{patch}");
            }
            None => assert!(!folder.path().join(edit.before.unwrap().path).exists(), "{patch}"),
        }
    }
    patch
}

#[test]
fn git_takes_every_kind_of_edit() {
    let long: String = (0..100).map(|line| format!("line {line}\n")).collect();
    let changed =
        long.replace("line 3\n", "").replace("line 50\n", "line fifty\n\tand more\n").replace("line 99\n", "end");
    let edit = |before, after| Edit { before, after };
    assert_applies(&[
        edit(file("src/a.rs", &long), file("src/a.rs", &changed)),
        edit(file("crlf.txt", "a\r\nb\r\nc\r\n"), file("crlf.txt", "a\r\nB\r\nc\r\n")),
        edit(file("mixed.txt", "a\r\nb\nc"), file("mixed.txt", "a\nb\nc\n")),
        edit(file("ends.txt", "a\nb\n"), file("ends.txt", "a\nb")),
        edit(file("tabs.mk", "all:\n\techo  \n"), file("tabs.mk", "all:\n\techo \t\n\n")),
        edit(file("utf8.txt", "äöü\n漢字\n"), file("utf8.txt", "äöü\n漢\u{202e}字\n")),
        edit(file("to empty", "x\n"), file("to empty", "")),
        edit(file("from empty", ""), file("from empty", "x")),
        edit(None, file("new/empty", "")),
        edit(None, file("new/run.sh", "#!/bin/sh\nexit 0\n")),
        edit(file("old/empty", ""), None),
        edit(file("old/gone.rs", &long), None),
        edit(file("old/moved as it is", &long), file("new/moved as it is", &long)),
        edit(file("old/moved.rs", &long), file("new/moved.rs", &changed)),
        edit(file("diff.txt", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n"), file("diff.txt", "diff --git a/x b/x\n--- a/x\n")),
    ]);
}

#[test]
fn odd_paths_are_quoted_as_git_quotes_them() {
    let paths =
        ["a b/c d.rs", "ä/漢.rs", "q\"uote\\.rs", "tab\there", "line\nfeed", "-dash", "a\u{1}\u{7f}b", "$(x);'`"];
    for path in paths {
        let patch = assert_applies(&[Edit { before: file(path, "1\n"), after: file(path, "2\n") }]);
        // The same change, as git writes it.
        let (folder, _) = applied(&[Edit { before: file(path, "1\n"), after: file(path, "1\n") }]);
        write(folder.path(), path, "2\n");
        let written = run(folder.path(), &["diff"]).unwrap();
        let ours: Vec<&str> = patch.split('\n').collect();
        let theirs: Vec<&str> = written.split('\n').filter(|line| !line.starts_with("index ")).collect();
        assert_eq!(ours, theirs, "{path:?}");
        assert_applies(&[Edit { before: file(path, "1\n"), after: None }]);
        assert_applies(&[Edit { before: None, after: file(path, "1\n") }]);
        assert_applies(&[Edit { before: file(path, "1\n2\n"), after: file("plain", "1\n") }]);
    }
}

/// A file that may run keeps its mode where it changes or moves, and its end is no error.
#[cfg(unix)]
#[test]
fn modes_that_nobody_told_are_no_obstacle() {
    use std::os::unix::fs::PermissionsExt;
    for (after, mode) in [(file("run", "2\n"), 0o755), (file("go", "2\n"), 0o755), (None, 0)] {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["init", "--quiet"]).unwrap();
        write(folder.path(), "run", "1\n");
        std::fs::set_permissions(folder.path().join("run"), PermissionsExt::from_mode(0o755)).unwrap();
        run(folder.path(), &["add", "--all"]).unwrap();
        std::fs::write(folder.path().join(".git/patch"), section(Edit { before: file("run", "1\n"), after }).unwrap())
            .unwrap();
        run(folder.path(), &["apply", "--index", ".git/patch"]).unwrap();
        match after {
            Some(file) => {
                let found = std::fs::metadata(folder.path().join(file.path)).unwrap().permissions().mode();
                assert_eq!(found & 0o777, mode);
            }
            None => assert!(!folder.path().join("run").exists()),
        }
    }
}

/// A text with lines of few kinds, so that many are alike, and ends of all kinds.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof!["[ab]{0,2}", "[ \t]{0,2}[+@-]{0,3}", "[äß漢]{1,2}", "\\\\ No newline"];
    let end = prop_oneof![8 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let lines = proptest::collection::vec((line, end), 0..30);
    (lines, any::<bool>()).prop_map(|(lines, ends)| {
        let mut text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if !ends && text.ends_with('\n') {
            text.pop();
        }
        text
    })
}

/// Numbered lines, of which some are replaced, removed or followed by others.
fn changed(edits: &[(usize, u8)], who: &str) -> String {
    let mut text = String::new();
    for at in 0..40 {
        match edits.iter().find(|(edited, _)| *edited == at).map(|(_, kind)| kind % 4) {
            None => text += &format!("line {at}\n"),
            Some(0) => text += &format!("{who} {at}\n"),
            Some(1) => {}
            Some(2) => text += &format!("line {at}\n{who} after {at}\n"),
            // Both sides do the same.
            Some(_) => text += &format!("both {at}\n"),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_applied_is_what_was_meant(texts in proptest::collection::vec((text(), text()), 1..20)) {
        let paths: Vec<String> = (0..texts.len()).map(|at| format!("file {at}")).collect();
        let edits: Vec<Edit<'_>> = texts
            .iter()
            .zip(&paths)
            .map(|((before, after), path)| Edit { before: file(path, before), after: file(path, after) })
            .collect();
        assert_applies(&edits);
    }

    #[test]
    fn merges_are_those_of_git(
        ours in proptest::collection::vec((0..40_usize, any::<u8>()), 0..6),
        theirs in proptest::collection::vec((0..40_usize, any::<u8>()), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (base, ours, theirs) = (changed(&[], ""), changed(&ours, "ours"), changed(&theirs, "theirs"));
        for (name, text) in [("base", &base), ("ours", &ours), ("theirs", &theirs)] {
            write(folder.path(), name, text);
        }
        let by_git = run(folder.path(), &["merge-file", "--stdout", "ours", "base", "theirs"]);
        let merged = merge(&base, &ours, &theirs);
        prop_assert_eq!(merged.clone().ok(), by_git.ok());
        let lines = ours.lines().count();
        for conflict in merged.err().into_iter().flatten() {
            prop_assert!(conflict.first >= 1 && conflict.first + conflict.count <= lines + 1, "{:?}", conflict);
        }
    }

    #[test]
    fn a_merge_takes_the_only_change(base in text(), other in text()) {
        prop_assert_eq!(merge(&base, &base, &other), Ok(other.clone()));
        prop_assert_eq!(merge(&base, &other, &base), Ok(other.clone()));
        prop_assert_eq!(merge(&base, &other, &other), Ok(other));
    }
}
