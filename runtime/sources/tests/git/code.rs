//! Files and matches at a revision.

use negawatt_host::Scope;
use negawatt_host::model::Window;

use crate::support::{Git, Place, one_repository, scope};
use crate::{run, tools};

#[test]
fn reading_and_searching_at_a_revision() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("src/a.rs", "alpha\nbeta");
    git.write("src/b.rs", b"caf\xe9\r\nbeta\r\n");
    git.write("bin", b"beta\0");
    let first = git.commit(1000, "first");
    git.write("src/a.rs", "alpha\ngamma\n");
    git.write("many", "beta\n".repeat(1500));
    git.write("long", format!("beta{}\n", "x".repeat(100_000)));
    std::os::unix::fs::symlink("/etc/hostname", git.folder.join("link")).unwrap();
    git.commit(2000, "second");
    git.run(&["checkout", "-q", "--orphan", "away"]);
    let away = git.commit(3000, "away");
    git.run(&["checkout", "-q", "main"]);
    git.write("untracked.rs", "beta\n");

    let (_, code) = tools(&place, &one_repository(&git.folder));
    let read = |path: &str, revision: Option<&str>| {
        run(code.read(&scope(&[]), "default".into(), path.into(), revision.map(str::to_owned)))
    };
    assert_eq!(read("src/a.rs", None).unwrap(), "alpha\ngamma\n");
    assert_eq!(read("src/a.rs", Some(&first)).unwrap(), "alpha\nbeta");
    assert_eq!(read("src/b.rs", None).unwrap(), "caf\u{fffd}\r\nbeta\r\n");
    assert_eq!(read("link", None).unwrap(), "/etc/hostname", "where it points to, not what is there");
    for (path, revision, error) in [
        ("link", Some(first.as_str()), "not-found"),
        ("untracked.rs", None, "not-found"),
        ("src", None, "invalid"),
        ("src/a.rs/x", None, "not-found"),
        ("link/x", None, "not-found"),
        ("../repo/untracked.rs", None, "invalid"),
        ("/etc/passwd", None, "invalid"),
        (".git/config", None, "not-found"),
        ("", None, "invalid"),
        ("src/a.rs", Some(away.as_str()), "not-found"),
        ("src/a.rs", Some("HEAD"), "invalid"),
        ("src/a.rs", Some("-p"), "invalid"),
    ] {
        assert_eq!(read(path, revision).unwrap_err().code(), error, "{path} {revision:?}");
    }

    let search = |pattern: &str, paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        run(code.search(&scope(&[]), "default".into(), pattern.into(), paths))
    };
    let found = search("^beta$", &["src", "bin"]).unwrap();
    assert_eq!(found.iter().map(|m| (m.path.as_str(), m.line)).collect::<Vec<_>>(), [("src/b.rs", 2)]);
    assert_eq!(search("beta", &[]).unwrap().len(), 1000);
    assert_eq!(search("beta", &["long"]).unwrap()[0].text.chars().count(), 4097);
    assert_eq!(search("alpha.gamma", &[]).unwrap(), [], "a pattern sees one line");
    assert_eq!(search("(", &[]).unwrap_err().code(), "invalid");
    assert_eq!(search("x", &["../x"]).unwrap_err().code(), "invalid");
}

#[test]
fn outlines_at_a_revision() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("src/a.rs", "/// One.\nfn one() { two() }\n");
    git.write("a.rb", "def one\nend\n");
    git.write("long.py", "x = 1\n".repeat(200_000));
    git.write("hard.cc", "a<".repeat(80_000));
    let first = git.commit(1000, "first");
    git.write("src/a.rs", "fn two() {}\nfn one() {\n    two()\n}\n");
    let second = git.commit(2000, "second");
    let (_, code) = tools(&place, &one_repository(&git.folder));
    let ask = |scope: &Scope, path: &str, revision: Option<&str>| {
        run(code.outline(scope, "default".into(), path.into(), revision.map(str::to_owned)))
    };
    let outline = |path: &str, revision: Option<&str>| ask(&scope(&[]), path, revision);
    let lines = |revision: Option<&str>| -> Vec<(String, u32, u32)> {
        let definitions = outline("src/a.rs", revision).unwrap().definitions;
        definitions.into_iter().map(|d| (d.name, d.first_line, d.last_line)).collect()
    };
    assert_eq!(lines(Some(&first)), [("one".into(), 2, 2)]);
    assert_eq!(lines(None), [("two".into(), 1, 1), ("one".into(), 2, 4)]);
    let first_outline = outline("src/a.rs", Some(&first)).unwrap();
    assert_eq!(first_outline.definitions[0].mentions, ["two"]);
    assert_eq!((first_outline.comments[0].first, first_outline.comments[0].last), (1, 1));
    for (path, error, part) in [
        ("a.rb", "invalid", "no grammar"),
        ("long.py", "over-budget", "files of 1048576 bytes at most"),
        ("hard.cc", "over-budget", "too long to parse"),
        ("gone.rs", "not-found", "gone.rs"),
        ("../a.rs", "invalid", "not a path"),
    ] {
        let refused = outline(path, None).unwrap_err();
        assert!(refused.code() == error && refused.message().contains(part), "{path}: {}", refused.told());
    }
    let early = Scope { window: Window { start: 0, end: 1_500_000_000 }, ..scope(&[]) };
    assert_eq!(
        ask(&early, "src/a.rs", Some(&second)).unwrap_err().code(),
        "denied",
        "it landed after the case's window"
    );
}

#[test]
fn trees_at_a_revision() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a.py", b"x = '\xe9'\n");
    git.write("a.rb", "def one\nend\n");
    git.write("long.py", "x = 1\n".repeat(50_000));
    git.write("many.rs", ";".repeat(150_000));
    let first = git.commit(1000, "first");
    git.write("a.py", "f(1)\n");
    let second = git.commit(2000, "second");
    let (_, code) = tools(&place, &one_repository(&git.folder));
    let ask = |scope: &Scope, path: &str, revision: Option<&str>| {
        run(code.tree(scope, "default".into(), path.into(), revision.map(str::to_owned)))
    };
    let tree = |path: &str, revision: Option<&str>| ask(&scope(&[]), path, revision);
    let tip = tree("a.py", None).unwrap();
    assert_eq!((tip.language.as_str(), tip.text.as_str()), ("python", "f(1)\n"));
    let named: Vec<&str> = (0..tip.node_kinds.len())
        .filter(|&row| tip.node_flags[row] & 1 != 0)
        .map(|row| tip.kinds[usize::from(tip.node_kinds[row])].as_str())
        .collect();
    assert_eq!(named, ["module", "expression_statement", "call", "identifier", "argument_list", "integer"]);
    let field = |row: usize| tip.fields[usize::from(tip.node_fields[row])].as_str();
    assert_eq!((tip.node_parents[..4].to_vec(), field(3), field(4)), (vec![0, 0, 1, 2], "function", "arguments"));
    let earlier = tree("a.py", Some(&first)).unwrap();
    assert_eq!(earlier.text, "x = '\u{fffd}'\n", "the offsets count in the text as it is read");
    assert_eq!(earlier.node_ends[0] as usize, earlier.text.len());
    for (path, error, part) in [
        ("a.rb", "invalid", "no grammar"),
        ("long.py", "over-budget", "files of 262144 bytes at most"),
        ("many.rs", "over-budget", "more than 200000 nodes"),
        ("gone.rs", "not-found", "gone.rs"),
        ("../a.rs", "invalid", "not a path"),
    ] {
        let refused = tree(path, None).unwrap_err();
        assert!(refused.code() == error && refused.message().contains(part), "{path}: {}", refused.told());
    }
    let early = Scope { window: Window { start: 0, end: 1_500_000_000 }, ..scope(&[]) };
    assert_eq!(ask(&early, "a.py", Some(&second)).unwrap_err().code(), "denied", "it landed after the case's window");
}
