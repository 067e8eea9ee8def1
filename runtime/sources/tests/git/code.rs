//! Files and matches at a revision.

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
