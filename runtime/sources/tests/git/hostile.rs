//! What strangers write into a repository, and what is damaged in it.

use negawatt_host::model::Error;
use negawatt_host::model::changes::ChangeKind;

use crate::support::{ALWAYS, Git, Place, one_repository, scope};
use crate::{file, list, run, tools};

#[test]
fn hostile_content_breaks_nothing_and_nothing_is_run() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    let ran = place.path("ran");
    let program = place.path("program.sh");
    place.write("program.sh", format!("#!/bin/sh\necho \"$@\" >> {}\ncat /dev/null\n", ran.display()));
    use std::os::unix::{ffi::OsStrExt, fs::PermissionsExt};
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();

    let names: [&[u8]; 6] = [b"--output=x", b"a\nb", b"\xff\xfe.rs", b"\x1b[31mred", b"-", b"sp ace\t\"q\""];
    for name in names {
        std::fs::write(git.folder.join(std::ffi::OsStr::from_bytes(name)), "one\ntwo\n").unwrap();
    }
    git.write(".gitattributes", "* diff=evil filter=evil\n");
    git.commit(1000, "\u{1b}]0;title\u{7}subject\u{1b}[31m");
    let mut bad = Vec::from(*b"x\xff\xfe");
    bad.extend([b'y'; 200_000]);
    for name in names {
        std::fs::write(git.folder.join(std::ffi::OsStr::from_bytes(name)), &bad).unwrap();
    }
    // A commit that git would not write: bytes that are not UTF-8, no dates to speak of, a mailmap that lies.
    git.write(".mailmap", "Eve <eve@example.com> <ada@example.com>\n");
    git.run(&["add", "-A"]);
    let tree = git.run(&["write-tree"]);
    let parent = git.run(&["rev-parse", "HEAD"]);
    place.write("commit", [format!("tree {tree}\nparent {parent}\nauthor A\u{1b} <x@y> 99999999999999999 +9999\ncommitter Z <> 99999999999999999999 +0000\n\n").as_bytes(), b"\xff\xfe\nbody\xff"].concat());
    let odd =
        git.run(&["hash-object", "-t", "commit", "-w", "--literally", &place.path("commit").display().to_string()]);
    git.run(&["update-ref", "refs/heads/main", &odd]);

    let evil = program.display().to_string();
    for key in [
        "core.fsmonitor",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "core.pager",
        "core.sshCommand",
        "uploadpack.packObjectsHook",
        "gpg.program",
    ] {
        git.run(&["config", key, &evil]);
    }
    for hook in ["post-checkout", "post-index-change", "reference-transaction"] {
        std::fs::copy(&program, git.folder.join(".git/hooks").join(hook)).unwrap();
    }
    // Another history in the place of this one.
    let empty =
        git.run(&["commit-tree", "-m", "replaced", &git.run(&["hash-object", "-t", "tree", "/dev/null", "-w"])]);
    git.run(&["-c", "core.fsmonitor=", "update-ref", &format!("refs/replace/{odd}"), &empty]);
    git.run(&["diff", "--ext-diff", &parent, &tree]);
    assert!(ran.exists(), "git itself runs what the repository says");
    std::fs::remove_file(&ran).unwrap();

    let (changes, code) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    assert_eq!(commits.len(), 2, "nothing is replaced");
    let odd_commit = commits.iter().find(|commit| commit.id == odd).unwrap();
    assert_eq!(
        (odd_commit.time, odd_commit.subject.as_str(), odd_commit.body.as_str()),
        (0, "\u{fffd}\u{fffd}", "body\u{fffd}")
    );
    assert_eq!(odd_commit.author, "A\u{1b} <x@y>");
    let diff = run(changes.diff(&scope(&[]), "default".into(), odd)).unwrap();
    assert_eq!(diff.len(), 7);
    let hunk = diff.iter().find(|file| file.file.path == "--output=x").unwrap();
    assert!(hunk.hunks[0].text.lines().all(|line| line.chars().count() <= 4098));
    for path in ["--output=x", "a\nb", "-", "\u{1b}[31mred"] {
        assert!(
            run(code.read(&scope(&[]), "default".into(), path.into(), None)).unwrap().starts_with("x\u{fffd}"),
            "{path}"
        );
        let blame = run(changes.blame(&scope(&[]), "default".into(), path.into(), 1, u32::MAX)).unwrap();
        assert_eq!(blame.len(), 1, "{path}");
    }
    assert_eq!(run(code.search(&scope(&[]), "default".into(), "y".into(), vec![])).unwrap().len(), 6);
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap_or_default());
}

#[test]
fn an_object_that_cannot_be_read_costs_its_own_commit_only() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a", "1\n");
    git.commit(1000, "root");
    git.write("a", "1\n2\n");
    git.write("b", "b\n");
    git.commit(2000, "blob");
    git.write("a", "1\n");
    git.write("dir/c", "c\n");
    git.commit(3000, "tree");
    git.run(&["rm", "-q", "-r", "dir"]);
    git.write("b", "b\nb\n");
    git.commit(4000, "tip");
    for object in ["main~2:a", "main~1^{tree}"] {
        let id = git.run(&["rev-parse", object]);
        let path = git.folder.join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "damaged").unwrap();
    }
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    assert_eq!(
        commits.iter().map(|commit| commit.subject.as_str()).collect::<Vec<_>>(),
        ["tip", "tree", "blob", "root"]
    );
    assert_eq!((&commits[0].files, &commits[1].files), (&vec![], &vec![]));
    assert_eq!(commits[2].files, [file("a", ChangeKind::Modified, 0, 0), file("b", ChangeKind::Added, 1, 0)]);
    assert_eq!(commits[3].files, [file("a", ChangeKind::Added, 1, 0)]);
    let Err(Error::Unavailable(message)) = run(changes.diff(&scope(&[]), "default".into(), commits[0].id.clone()))
    else {
        panic!()
    };
    assert!(message.ends_with("the operator's log says why"), "{message}");
}
