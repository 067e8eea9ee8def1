//! Commits of a window, what they touched and how.

use negawatt_host::Scope;
use negawatt_host::model::changes::{ChangeKind, TouchedFile};
use negawatt_host::model::{Error, Window};

use crate::support::{ALWAYS, Git, Place, one_repository, scope};
use crate::{file, list, run, tools};

#[test]
fn commits_of_a_window_with_what_they_touched() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a.rs", "one\ntwo\nthree\n");
    git.write("b.bin", [0_u8, 1, 2]);
    let root = git.commit(1000, "First");
    git.write("a.rs", "one\n2\nthree\nfour");
    git.write("dir/c.rs", "x\n");
    let second = git.commit(2000, "Second subject\nsecond line\n\nBody.\n\nSigned-off-by: Eve <eve@example.com>");
    git.run(&["mv", "a.rs", "dir/d.rs"]);
    git.run(&["rm", "-q", "b.bin"]);
    let third = git.commit(3000, "Third");
    git.run(&["checkout", "-q", "-b", "other"]);
    let unreached = git.commit(2500, "On another branch");
    git.run(&["checkout", "-q", "main"]);

    for bare in [false, true] {
        let path = if bare { place.path("bare.git") } else { git.folder.clone() };
        if bare {
            git.run(&["clone", "-q", "--bare", ".", &path.display().to_string()]);
        }
        let (changes, _) = tools(&place, &one_repository(&path));
        let commits = list(&changes, ALWAYS);
        let ids: Vec<_> = commits.iter().map(|commit| &commit.id).collect();
        assert_eq!(ids, [&third, &second, &root]);
        assert_eq!(commits[1].subject, "Second subject");
        assert_eq!(commits[1].body, "second line\n\nBody.\n\nSigned-off-by: Eve <eve@example.com>");
        assert_eq!(commits[1].author, "Ada <ada@example.com>");
        assert_eq!((commits[1].time, commits[1].author_time), (2_000_000_000, 2_000_000_000 - 600_000_000));
        assert_eq!((&commits[1].parents, &commits[2].parents), (&vec![root.clone()], &vec![]));
        assert_eq!(commits[1].repository, "default");
        assert_eq!(commits[2].files, [file("a.rs", ChangeKind::Added, 3, 0), file("b.bin", ChangeKind::Added, 0, 0)]);
        assert_eq!(
            commits[1].files,
            [file("a.rs", ChangeKind::Modified, 2, 1), file("dir/c.rs", ChangeKind::Added, 1, 0)]
        );
        let renamed = TouchedFile { old_path: Some("a.rs".into()), ..file("dir/d.rs", ChangeKind::Renamed, 0, 0) };
        assert_eq!(commits[0].files, [file("b.bin", ChangeKind::Deleted, 0, 0), renamed]);

        let between =
            |start: i64, end: i64| list(&changes, Window { start: start * 1_000_000, end: end * 1_000_000 }).len();
        assert_eq!((between(1000, 3000), between(1001, 3000), between(1000, 3001), between(5, 6)), (2, 1, 3, 0));
        let touching = |paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            run(changes.list(&scope(&[]), Some("default".into()), ALWAYS, paths)).unwrap().len()
        };
        assert_eq!(
            (touching(&["dir"]), touching(&["a.rs"]), touching(&["b.bin", "dir/"]), touching(&["di"])),
            (2, 3, 3, 0)
        );

        for (id, error) in [
            (unreached.as_str(), "not-found"),
            ("0000000000000000000000000000000000000000", "not-found"),
            ("HEAD", "invalid"),
            ("main", "invalid"),
            ("--output=/tmp/x", "invalid"),
            (&third[..12], "invalid"),
            ("", "invalid"),
        ] {
            assert_eq!(run(changes.diff(&scope(&[]), "default".into(), id.into())).unwrap_err().code(), error, "{id}");
        }
    }
}

#[test]
fn commits_outside_of_the_window_are_not_shown() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    let commits = [1000, 2000, 3000, 4000].map(|time| {
        git.write("a", format!("{time}"));
        git.commit(time, "change")
    });
    let (changes, code) = tools(&place, &one_repository(&git.folder));
    let scope = Scope { window: Window { start: 2_000_000_000, end: 3_000_000_000 }, ..scope(&[]) };
    // One at the end is outside, and none is shown that a list would not show.
    for (id, diffed, read) in
        [(0, false, true), (1, true, true), (2, false, false), (3, false, false)].map(|(at, d, r)| (&commits[at], d, r))
    {
        let diff = run(changes.diff(&scope, "default".into(), id.clone()));
        assert!(if diffed { diff.is_ok() } else { matches!(diff, Err(Error::Denied(_))) }, "{diff:?}");
        let text = run(code.read(&scope, "default".into(), "a".into(), Some(id.clone())));
        assert!(if read { text.is_ok() } else { matches!(text, Err(Error::Denied(_))) }, "{text:?}");
    }
}

#[test]
fn a_merge_is_seen_from_its_first_parent() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a", "1\n");
    git.commit(1000, "root");
    git.run(&["checkout", "-q", "-b", "side"]);
    git.write("b", "1\n2\n");
    let side = git.commit(2000, "side");
    git.run(&["checkout", "-q", "main"]);
    git.write("a", "2\n");
    let main = git.commit(3000, "main");
    git.dated(4000, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    assert_eq!(commits.len(), 4);
    assert_eq!(commits[0].parents, [main, side]);
    assert_eq!(commits[0].files, [file("b", ChangeKind::Added, 2, 0)]);
}

#[test]
fn hunks_say_where_they_are() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    let body: String = (0..20).map(|n| format!("        let x{n} = {n};\n")).collect();
    git.write("cart.rs", format!("impl Cart {{\n    fn price(&self) {{\n{body}    }}\n}}\n"));
    git.commit(1000, "root");
    git.write(
        "cart.rs",
        format!("impl Cart {{\n    fn price(&self) {{\n{body}    }}\n}}\n").replace("let x10 = 10;", "let x10 = 11;"),
    );
    let id = git.commit(2000, "change");
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let diff = run(changes.diff(&scope(&[]), "default".into(), id)).unwrap();
    let hunk = &diff[0].hunks[0];
    assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (10, 7, 10, 7));
    assert_eq!(hunk.context, "fn price(&self) {");
    let lines: Vec<&str> = hunk.text.lines().collect();
    assert_eq!(lines[3..5], ["-        let x10 = 10;", "+        let x10 = 11;"]);
    assert_eq!((diff[0].file.added, diff[0].file.removed, diff[0].binary), (1, 1, false));
}
