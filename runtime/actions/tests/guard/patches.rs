//! Patches that apply, and hostile ones.

use negawatt_actions::guard::Outcome;

use super::support::*;

#[test]
fn a_patch_that_may_be_shown() {
    let (world, patch) = simple();
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands());
    let names: Vec<_> =
        examined.criteria.iter().map(|criterion| (criterion.name.as_str(), criterion.outcome)).collect();
    let (passed, none) = (Outcome::Passed, Outcome::NotConfigured);
    assert_eq!(
        names,
        [
            ("applies", passed),
            ("parses", passed),
            ("right-issue", passed),
            ("measurement-untouched", passed),
            ("validation", none)
        ]
    );
    assert_eq!(of(&examined, "validation").detail, "the operator configured none");
    let base = examined.base.unwrap();
    assert_eq!(base, world.git(&["rev-parse", "HEAD"]).trim());
    // The tree is what git makes of it.
    world.write("src/cart.txt", "one\n2\nthree\n");
    world.git(&["add", "--all"]);
    assert_eq!(examined.tree.unwrap(), world.git(&["write-tree"]).trim());
}

#[test]
fn files_may_come_and_go() {
    let world = World::new(&[
        ("src/größe.txt", "x\n"),
        ("src/with blank.txt", "a"),
        ("gone.txt", "x\n"),
        ("windows.txt", "a\r\nb\r\n"),
    ]);
    std::fs::remove_file(world.checkout().join("gone.txt")).unwrap();
    let files = [
        ("src/größe.txt", "y\n"),
        ("src/with blank.txt", "b"),
        ("new.txt", "no line feed"),
        ("windows.txt", "a\r\nc\r\n"),
    ];
    let patch = world.patch(&files);
    assert!(patch.contains("\\ No newline at end of file") && patch.contains("gr\\303\\266\\303\\237e"));
    let named = ["src/größe.txt", "src/with blank.txt", "new.txt", "gone.txt", "windows.txt"];
    let examined = world.examine(&patch, &named);
    assert!(examined.stands(), "{examined:?}");
    assert!(of(&examined, "applies").detail.ends_with("touches 5 files"));
    assert_eq!(of(&examined, "parses").detail, "files that parse: 4");
}

#[test]
fn what_does_not_parse() {
    let (world, _) = simple();
    let patch = world.patch(&[("src/cart.txt", "syntax error\n")]);
    let examined = world.examine(&patch, NAMED);
    assert_eq!(failed(&examined, "parses").detail, "`src/cart.txt`: line 1 is no code");
}

#[test]
fn files_that_the_evidence_does_not_name() {
    let (world, patch) = simple();
    let why = failed(&world.examine(&patch, &["src/other.txt"]), "right-issue").detail.clone();
    assert_eq!(
        why,
        "it touches `src/cart.txt`, which the evidence does not name; the evidence names 1: `src/other.txt`"
    );
    let why = failed(&world.examine(&patch, &[]), "right-issue").detail.clone();
    assert!(why.ends_with("the evidence names no file"), "{why}");
    for like in ["SRC/cart.txt", "src/cart.txt/", "./src/cart.txt", "src", "cart.txt"] {
        failed(&world.examine(&patch, &[like]), "right-issue");
    }
    let patch = world.patch(&[("src/cart.txt", "1\n"), ("README.md", "y\n")]);
    assert!(failed(&world.examine(&patch, NAMED), "right-issue").detail.starts_with("it touches `README.md`, which"));
}

#[test]
fn hostile_patches() {
    let (world, patch) = simple();
    let header = "diff --git a/src/cart.txt b/src/cart.txt\n";
    let moved = |to: &str| patch.replace("src/cart.txt", to);
    let add = |path: &str, mode: &str, text: &str| {
        format!(
            "diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n"
        )
    };
    let rename = format!("{header}similarity index 100%\nrename from src/cart.txt\nrename to tests/cart.txt\n");
    for (patch, why) in [
        (String::new(), "line feed"),
        ("\n".to_owned(), "a file begins"),
        (moved("../cart.txt"), "leads out of its folder"),
        (moved("/etc/passwd"), "not relative"),
        (moved(".git/hooks/post-checkout"), "git's own"),
        (add(".git/hooks/post-checkout", "100644", "x"), "git's own"),
        (add("src/.GIT/config", "100644", "x"), "git's own"),
        (add(".gitmodules", "100644", "x"), "git's own"),
        (add("src/.gitattributes", "100644", "* filter=x"), "git's own"),
        (moved("src\\cart.txt"), "backslash"),
        (moved("src/\u{1b}[31m.txt"), "cannot be printed"),
        (moved("src/\u{202e}txt.cart"), "cannot be printed"),
        (add("link", "120000", "/etc/passwd"), "may not make links"),
        (add("program", "100755", "x"), "may not make links"),
        (add("module", "160000", "Subproject commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904"), "may not make links"),
        (format!("{header}old mode 100644\nnew mode 100755\n"), "change what a file is"),
        (rename, "another name"),
        (format!("{header}GIT binary patch\nliteral 0\nHcmV?d00001\n\n"), "binary"),
        (format!("{header}Binary files a/src/cart.txt and b/src/cart.txt differ\n"), "binary"),
        (patch.replace('\n', "\r\n"), "Windows"),
        (patch.trim_end().to_owned(), "line feed"),
        (patch.replace("--- a/src/cart.txt", "--- a/README.md"), "another name"),
        (patch.replace(header, "diff --git a/README.md b/README.md\n"), "names other files"),
        (format!("{patch}{patch}"), "named twice"),
        ("x".repeat(2 << 20), "bytes"),
        (format!("A letter.\n\n{patch}"), "a file begins"),
        (format!("{patch}-- \n2.47.0\n"), "a file begins"),
    ] {
        let examined = world.examine(&patch, &["src/cart.txt", "tests/cart.txt", "link", "program"]);
        let detail = &failed(&examined, "applies").detail;
        assert!(detail.contains(why), "{detail:?} lacks {why:?}");
        assert_eq!(examined.tree, None);
    }
}

#[test]
fn patches_that_git_understands_otherwise() {
    let (world, patch) = simple();
    for (patch, why) in [
        // Files that are there, or not, or hold something else.
        (patch.replace("-two", "-TWO"), "git does not apply it"),
        (patch.replace("src/cart.txt", "src/none.txt"), "git does not apply it"),
        ("--- /dev/null\n+++ b/README.md\n@@ -0,0 +1 @@\n+x\n".to_owned(), "git does not apply it"),
        // What is left of a deleted file stays with it.
        ("--- a/src/cart.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n".to_owned(), "git does not apply it"),
        // Lines that are taken away and put back.
        ("--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-x\n+x\n".to_owned(), "do not agree on `README.md`"),
    ] {
        let examined = world.examine(&patch, &["src/cart.txt", "README.md"]);
        let detail = &failed(&examined, "applies").detail;
        assert!(detail.contains(why), "{detail:?} lacks {why:?}");
    }
    // An emptied file is there.
    let emptied = "--- a/README.md\n+++ b/README.md\n@@ -1 +0,0 @@\n-x\n";
    assert_eq!(of(&world.examine(emptied, &["README.md"]), "parses").detail, "files that parse: 1");
}

#[test]
fn links_and_programs_of_the_repository_stay_what_they_are() {
    let world = World::new(&[("src/cart.txt", "x\n"), ("tests/cart.txt", "x\n")]);
    std::os::unix::fs::symlink("../tests", world.checkout().join("src/link")).unwrap();
    executable(&world.checkout().join("run"), "x\n");
    world.commit(&[]);
    let through = "--- a/src/link/cart.txt\n+++ b/src/link/cart.txt\n@@ -1 +1 @@\n-x\n+y\n";
    failed(&world.examine(through, &["src/link/cart.txt"]), "applies");
    let of_link = "--- a/src/link\n+++ b/src/link\n@@ -1 +1 @@\n-../tests\n\\ No newline at end of file\n+/etc\n\\ No newline at end of file\n";
    let detail = failed(&world.examine(of_link, &["src/link"]), "applies").detail.clone();
    assert!(detail.contains("link"), "{detail}");
    let of_program = "--- a/run\n+++ b/run\n@@ -1 +1 @@\n-x\n+y\n";
    let examined = world.examine(of_program, &["run"]);
    assert!(examined.stands(), "{examined:?}");
}

#[test]
fn files_that_are_large_together_cannot_be_reviewed() {
    let world = World::new(&[]);
    let names: Vec<String> = (0..5).map(|number| format!("large{number}")).collect();
    for name in &names {
        std::fs::write(world.checkout().join(name), "x\n".repeat(2 << 20)).unwrap();
    }
    world.commit(&[]);
    let one = |name: &String| format!("--- a/{name}\n+++ b/{name}\n@@ -1,3 +1,3 @@\n-x\n+y\n x\n x\n");
    let named: Vec<&str> = names.iter().map(String::as_str).collect();
    let examined = world.examine(&names.iter().map(one).collect::<String>(), &named);
    let detail = &failed(&examined, "applies").detail;
    assert!(detail.contains("before and after"), "{detail}");
}

#[test]
fn what_is_no_text_cannot_be_reviewed() {
    let world = World::new(&[]);
    std::fs::write(world.checkout().join("data"), b"\xff\xfe\nx\n").unwrap();
    std::fs::write(world.checkout().join("zero"), b"\0\nx\n").unwrap();
    std::fs::write(world.checkout().join("large"), "x\n".repeat(3 << 20)).unwrap();
    world.commit(&[]);
    for (path, line, why) in [("data", 2, "not text"), ("zero", 2, "not text"), ("large", 3 << 20, "are read")] {
        let context = if path == "large" { " x\n x\n" } else { "" };
        let (from, count) = if path == "large" { (line - 2, 3) } else { (line, 1) };
        let patch = format!("--- a/{path}\n+++ b/{path}\n@@ -{from},{count} +{from},{count} @@\n{context}-x\n+y\n");
        let examined = world.examine(&patch, &[path]);
        let detail = &failed(&examined, "applies").detail;
        assert!(detail.contains(why), "{path}: {detail}");
    }
}
