//! Changes and code from real git repositories, through the tools' traits; compared with what the git program says.

#[path = "../benches/history.rs"]
mod history;
mod support;

use std::future::Future;
use std::sync::Arc;

use negawatt_host::model::changes::{ChangeKind, Commit, TouchedFile};
use negawatt_host::model::{Error, Window};
use negawatt_host::{Changes, Code, Scope};
use support::{ALWAYS, Git, Place, one_repository, scope};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn tools(place: &Place, toml: &str) -> (Arc<dyn Changes>, Arc<dyn Code>) {
    let tools = place.configure(toml).tools;
    (tools.changes.unwrap(), tools.code.unwrap())
}

fn list(changes: &Arc<dyn Changes>, window: Window) -> Vec<Commit> {
    run(changes.list(&scope(&[]), None, window, Vec::new())).unwrap()
}

fn file(path: &str, kind: ChangeKind, added: u32, removed: u32) -> TouchedFile {
    TouchedFile { path: path.to_owned(), old_path: None, kind, added, removed }
}

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

/// A history of hundreds of commits with merges and renames, where dates go back and forth.
#[test]
fn numbers_are_those_of_git() {
    let place = Place::new();
    let git = Git { folder: place.path("big.git") };
    std::fs::create_dir(&git.folder).unwrap();
    history::make(&git.folder, 400, 60).unwrap();
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    assert_eq!(commits.len(), 400);
    assert!(commits.is_sorted_by(|a, b| a.time >= b.time));
    let format = "--format=%x01%H %ct";
    let log = git.run(&["log", format, "--numstat", "-z", "-M", "--diff-merges=first-parent", "main"]);
    let mut renames = 0;
    for entry in log.split('\u{1}').skip(1) {
        let mut fields =
            entry.split('\0').map(|field| field.trim_start_matches('\n')).filter(|field| !field.is_empty());
        let (id, time) = fields.next().unwrap().split_once(' ').unwrap();
        let commit = commits.iter().find(|commit| commit.id == id).unwrap();
        assert_eq!(commit.time, time.parse::<i64>().unwrap() * 1_000_000);
        let mut expected = Vec::new();
        while let Some(numbers) = fields.next() {
            let parts: Vec<&str> = numbers.split('\t').collect();
            let (old, new) = match parts[2] {
                "" => (fields.next().map(str::to_owned), fields.next().unwrap()),
                path => (None, path),
            };
            expected.push((new.to_owned(), old, parts[0].parse::<u32>().unwrap(), parts[1].parse::<u32>().unwrap()));
        }
        expected.sort();
        let found: Vec<_> =
            commit.files.iter().map(|f| (f.path.clone(), f.old_path.clone(), f.added, f.removed)).collect();
        assert_eq!(found, expected, "{id}");
        renames += found.iter().filter(|file| file.1.is_some()).count();
    }
    assert!(renames > 0);

    // The hunks of a few, as git prints them.
    for commit in commits.iter().take(40) {
        let diff = run(changes.diff(&scope(&[]), "default".into(), commit.id.clone())).unwrap();
        let shown = git.run(&["show", "--format=", "-M", "--diff-merges=first-parent", &commit.id]);
        let expected: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("@@"))
            .map(|line| line.split("@@").nth(1).unwrap().trim())
            .collect();
        let range = |start: u32, lines: u32| if lines == 1 { start.to_string() } else { format!("{start},{lines}") };
        let found: Vec<String> = diff
            .iter()
            .flat_map(|file| &file.hunks)
            .map(|h| format!("-{} +{}", range(h.old_start, h.old_lines), range(h.new_start, h.new_lines)))
            .collect();
        assert_eq!(found, expected, "{}", commit.id);
    }

    // Who changed the lines of a file that was touched often.
    let path = &commits[0].files[0].path;
    let (first, count) = (3, 30);
    let blame = run(changes.blame(&scope(&[]), "default".into(), path.clone(), first, count)).unwrap();
    let expected = git.run(&["blame", "-l", "-s", "--root", "-L", "3,+30", "main", "--", path]);
    let expected: Vec<&str> = expected.lines().map(|line| &line[..40]).collect();
    assert_eq!(blame.iter().map(|line| line.commit.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!((blame[0].line, blame.len()), (3, 30));
    let commit = commits.iter().find(|commit| commit.id == blame[0].commit).unwrap();
    assert_eq!((&blame[0].author, blame[0].time), (&commit.author, commit.time));
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
fn what_a_shallow_clone_lacks_is_not_invented() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    for time in 1..=5 {
        git.write("a", format!("{time}\n"));
        git.commit(1000 * time, "change");
    }
    git.run(&[
        "clone",
        "-q",
        "--depth",
        "2",
        &format!("file://{}", git.folder.display()),
        &place.path("shallow").display().to_string(),
    ]);
    let (changes, _) = tools(&place, &one_repository(&place.path("shallow")));
    let commits = list(&changes, ALWAYS);
    assert_eq!(commits.len(), 2);
    assert_eq!(commits[0].files, [file("a", ChangeKind::Modified, 1, 1)]);
    assert_eq!(commits[1].files, [], "its parent is not there to compare with");
}

#[test]
fn worktrees_and_sha256() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a", "1\n");
    let id = git.commit(1000, "one");
    git.run(&["worktree", "add", "-q", &place.path("tree").display().to_string(), "-b", "side"]);
    let (changes, _) = tools(&place, &one_repository(&place.path("tree")));
    assert_eq!(list(&changes, ALWAYS)[0].id, id);

    let git = Git { folder: place.path("sha256") };
    std::fs::create_dir(&git.folder).unwrap();
    git.run(&["init", "-q", "--object-format=sha256", "."]);
    git.write("a", "1\n");
    let id = git.commit(1000, "one");
    assert_eq!(id.len(), 64);
    let (changes, code) = tools(&place, &one_repository(&git.folder));
    assert_eq!(list(&changes, ALWAYS)[0].id, id);
    assert_eq!(run(code.read(&scope(&[]), "default".into(), "a".into(), Some(id))).unwrap(), "1\n");
}

#[test]
fn a_branch_that_moves_is_followed() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.commit(1000, "one");
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    assert_eq!(list(&changes, ALWAYS).len(), 1);
    let second = git.commit(2000, "two");
    assert_eq!(list(&changes, ALWAYS)[0].id, second);
    assert!(run(changes.diff(&scope(&[]), "default".into(), second)).is_ok());
}

#[test]
fn variables_of_the_environment_do_not_count() {
    // In a process of its own: the environment belongs to all tests of this one.
    let mut inner = std::process::Command::new(std::env::current_exe().unwrap());
    inner.args(["--exact", "a_branch_that_moves_is_followed"]);
    for name in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_WORK_TREE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_NAMESPACE",
        "GIT_CEILING_DIRECTORIES",
        "GIT_REPLACE_REF_BASE",
    ] {
        inner.env(name, "/nowhere");
    }
    inner.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "core.bare").env("GIT_CONFIG_VALUE_0", "nonsense");
    let output = inner.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn repositories_belong_to_services() {
    let place = Place::new();
    for name in ["ours", "theirs", "everyones"] {
        let git = Git::init(place.path(name));
        git.write("a", name);
        git.commit(1000, name);
        git.run(&["branch", "release"]);
        git.run(&["tag", "v1"]);
    }
    let toml = "[repositories.ours]\npath = \"ours\"\nservices = [\"web\", \"x\"]\nbranch = \"release\"\n\
        [repositories.theirs]\npath = \"theirs\"\nservices = [\"ads\"]\n[repositories.everyones]\npath = \"everyones\"\n";
    let (changes, code) = tools(&place, toml);
    let commits = run(changes.list(&scope(&["web"]), None, ALWAYS, vec![])).unwrap();
    let mut names: Vec<_> = commits.iter().map(|commit| commit.repository.as_str()).collect();
    names.sort();
    assert_eq!(names, ["everyones", "ours"]);
    let read = |name: &str| run(code.read(&scope(&["web"]), name.into(), "a".into(), None));
    assert_eq!(read("ours").unwrap(), "ours");
    assert!(matches!(read("theirs"), Err(Error::Denied(_))));
    let Err(Error::NotFound(message)) = read("../ours") else { panic!() };
    assert!(message.contains("everyones, ours") && !message.contains("theirs"), "{message}");

    for (toml, line, text) in [
        ("[repositories.a]\npath = \"missing\"\n", 2, "is not a git repository"),
        ("[repositories.a]\npath = \"ours\"\nbranch = \"v1\"\n", 3, "there is no branch \"v1\""),
        ("[repositories.a]\npath = \"ours\"\nbranch = \"--upload-pack=x\"\n", 3, "there is no branch"),
        ("[repositories.a]\npath = \"empty\"\n", 2, "HEAD has no commit yet"),
    ] {
        if text.starts_with("HEAD") {
            Git::init(place.path("empty"));
        }
        let error = place.try_configure(toml).err().unwrap();
        assert_eq!(error.line, line, "{error}");
        assert!(error.message.contains(text), "{error}");
    }
    let error = place.try_configure("[repositories.a]\npath = \"ours\"\nbranch = \"mian\"\n").err().unwrap();
    assert!(error.help.contains("main, release"), "{error}");
}

#[test]
fn several_repositories_are_one_history() {
    let place = Place::new();
    let (shop, pay) = (Git::init(place.path("shop")), Git::init(place.path("pay")));
    shop.write("src/cart.rs", "fn price() {}\n");
    pay.write("src/card.rs", "fn charge() {}\n");
    let first = shop.commit(1000, "shop one");
    let second = pay.commit(2000, "pay one");
    shop.write("src/cart.rs", "fn price() { slow() }\n");
    let third = shop.commit(3000, "shop two");
    pay.write("README", "x");
    let fourth = pay.commit(4000, "pay two");
    let toml = "[repositories.shop]\npath = \"shop\"\nservices = [\"web\", \"cart\"]\n\
        [repositories.pay]\npath = \"pay\"\nservices = [\"billing\"]\n";
    let (changes, code) = tools(&place, toml);
    let ids = |services: &[&str], repository: Option<&str>, paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let commits = run(changes.list(&scope(services), repository.map(str::to_owned), ALWAYS, paths))?;
        Ok::<_, Error>(commits.into_iter().map(|commit| (commit.repository, commit.id)).collect::<Vec<_>>())
    };
    let of = |name: &str, id: &String| (name.to_owned(), id.clone());
    let all = vec![of("pay", &fourth), of("shop", &third), of("pay", &second), of("shop", &first)];
    assert_eq!(ids(&["cart", "billing"], None, &[]).unwrap(), all, "the newest first, whichever it is in");
    assert_eq!(ids(&["cart", "billing"], None, &["src"]).unwrap(), all[1..]);
    assert_eq!(ids(&["cart"], None, &[]).unwrap(), [of("shop", &third), of("shop", &first)]);
    assert_eq!(ids(&["cart", "billing"], Some("pay"), &["src/card.rs"]).unwrap(), [of("pay", &second)]);
    assert!(matches!(ids(&["cart"], Some("pay"), &[]), Err(Error::Denied(_))));
    assert_eq!(ids(&["other"], None, &[]).unwrap(), []);

    let both = scope(&["web", "billing"]);
    let read = |name: &str, path: &str| run(code.read(&both, name.into(), path.into(), None));
    assert_eq!(read("shop", "src/cart.rs").unwrap(), "fn price() { slow() }\n");
    assert_eq!(read("pay", "src/card.rs").unwrap(), "fn charge() {}\n");
    assert!(matches!(read("pay", "src/cart.rs"), Err(Error::NotFound(_))), "files of one are not in the other");
    let search = |name: &str| run(code.search(&both, name.into(), "fn \\w+".into(), vec![])).unwrap();
    assert_eq!((search("shop")[0].path.as_str(), search("pay")[0].path.as_str()), ("src/cart.rs", "src/card.rs"));
    // A commit is asked for in its repository.
    assert_eq!(run(changes.diff(&both, "pay".into(), fourth.clone())).unwrap()[0].file.path, "README");
    assert!(matches!(run(changes.diff(&both, "shop".into(), fourth)), Err(Error::NotFound(_))));
    assert_eq!(run(changes.blame(&both, "shop".into(), "src/cart.rs".into(), 1, 9)).unwrap()[0].commit, third);
}

/// Text of so many bytes, each of its lines different from all others.
fn text(prefix: &str, bytes: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        text += &format!("{prefix}{number}\n");
        if text.len() >= bytes {
            break;
        }
    }
    text
}

#[test]
fn a_huge_commit_costs_its_own_numbers_only() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a", "1\n");
    git.commit(1000, "root");
    git.write("a", "1\n2\n");
    git.commit(2000, "before");
    // The same contents are compared once; with the other ones it is more than one commit may cost.
    for number in 0..30 {
        git.write(&format!("same/{number}"), text("same", 7 << 20));
    }
    for number in 0..3 {
        git.write(&format!("x{number}"), text(&number.to_string(), 6 << 20));
    }
    let huge = git.commit(3000, "huge");
    git.write("a", "1\n2\n3\n");
    git.commit(4000, "after");
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    assert_eq!(commits.len(), 4);
    assert_eq!(commits[0].files, [file("a", ChangeKind::Modified, 1, 0)]);
    assert_eq!(commits[2].files, [file("a", ChangeKind::Modified, 1, 0)]);
    let lines = text("same", 7 << 20).lines().count() as u32;
    let added: Vec<u32> = commits[1].files.iter().map(|file| file.added).collect();
    assert_eq!(added[..30], [lines; 30]);
    assert!(added[30] > 0);
    assert_eq!(added[31..], [0, 0]);
    let diff = run(changes.diff(&scope(&[]), "default".into(), huge)).unwrap();
    assert_eq!(diff.iter().map(|file| file.binary).collect::<Vec<_>>()[..4], [false, false, true, true]);
}

#[test]
fn renames_of_too_much_are_found_by_equal_contents_only() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    for name in ["a", "b"] {
        git.write(name, text(name, 5 << 20));
        git.write(&format!("small-{name}"), text(name, 1 << 10));
    }
    git.commit(1000, "root");
    git.run(&["mv", "small-a", "small-c"]);
    git.write("small-c", text("a", 1 << 10) + "more\n");
    git.commit(2000, "small");
    git.run(&["mv", "small-b", "small-d"]);
    git.run(&["mv", "a", "c"]);
    git.run(&["mv", "b", "d"]);
    git.write("c", text("a", 5 << 20) + "more\n");
    git.write("d", text("b", 5 << 20) + "more\n");
    git.commit(3000, "large");
    let (changes, _) = tools(&place, &one_repository(&git.folder));
    let commits = list(&changes, ALWAYS);
    let renamed = |commit: &Commit| commit.files.iter().filter_map(|file| file.old_path.clone()).collect::<Vec<_>>();
    assert_eq!(renamed(&commits[0]), ["small-b"]);
    assert_eq!(renamed(&commits[1]), ["small-a"]);
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
