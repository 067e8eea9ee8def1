//! How much of a history one answer holds: past it, a list of commits says what to do, and a commit gives a part of its
//! files, numbers and renames.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use negawatt_host::Changes;
use negawatt_host::model::changes::{ChangeKind, Commit};
use negawatt_host::model::{Error, Window};

use crate::support::{ALWAYS, Git, Place, one_repository, scope};
use crate::{file, list, run, tools};

/// A repository of commits that each landed a second after the one before, the first at second 1; with what they change.
fn history(place: &Place, commits: &[&str]) -> Arc<dyn Changes> {
    history_with(place, "", commits)
}

/// The same, each with a message.
fn history_with(place: &Place, message: &str, commits: &[&str]) -> Arc<dyn Changes> {
    let git = Git::init(place.path("repo"));
    let mut stream = String::new();
    for (second, changes) in commits.iter().enumerate() {
        let person = format!("Ada <ada@example.com> {} +0000", second + 1);
        // `fast-import` takes each as the child of the one before.
        writeln!(stream, "commit refs/heads/main\ncommitter {person}\ndata {}\n{message}\n{changes}", message.len())
            .unwrap();
    }
    let mut import = git.command(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    place.configure(&one_repository(&git.folder)).tools.changes.unwrap()
}

#[test]
fn a_list_of_too_many_commits_is_refused_and_a_shorter_window_answers() {
    let place = Place::new();
    let changes = history(&place, &[""; 20_001]);
    let list = |window| run(changes.list(&scope(&[]), None, window, Vec::new()));
    let Err(Error::OverBudget(message)) = list(ALWAYS) else { panic!("more than are served") };
    assert_eq!(message, "20001 commits landed in the window, at most 20000 are served; take a shorter one");
    let seconds = |start: i64, end: i64| Window { start: start * 1_000_000, end: end * 1_000_000 };
    assert_eq!(list(seconds(2, 20_002)).unwrap().len(), 20_000);
    assert_eq!(list(seconds(19_000, 19_300)).unwrap().len(), 300);
}

#[test]
fn a_commit_gives_the_first_of_very_many_files() {
    let place = Place::new();
    // In no order.
    let files: String = (0..5_001).map(|n| format!("M 100644 inline f{:04}\ndata 0\n", (n * 7) % 5_001)).collect();
    let changes = history(&place, &[&files]);
    let commits = run(changes.list(&scope(&[]), None, ALWAYS, Vec::new())).unwrap();
    let paths: Vec<&str> = commits[0].files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!((paths.len(), paths[0], paths[4_999]), (5_000, "f0000", "f4999"));
    assert!(paths.is_sorted());
}

#[test]
fn a_list_of_too_many_bytes_is_refused_and_a_shorter_window_answers() {
    let place = Place::new();
    let message = format!("subject\n\n{}", "\u{1f600}".repeat(3_000));
    let mut commits = vec![""; 1_200];
    commits[7] = "M 100644 inline a\ndata 0\n";
    let changes = history_with(&place, &message, &commits);
    let list = |end: i64, paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        run(changes.list(&scope(&[]), None, Window { start: 0, end: end * 1_000_000 }, paths))
    };
    let Err(Error::OverBudget(message)) = list(2_000, &[]) else { panic!("more than are served") };
    assert_eq!(message, "the commits of the window have more than 8 MiB; take a shorter one, or name paths");
    let half = list(601, &[]).unwrap();
    assert_eq!((half.len(), half[0].body.chars().count()), (600, 2_001));
    assert_eq!(list(2_000, &["a"]).unwrap().len(), 1);
}

#[test]
fn long_paths_are_cut_and_no_commit_has_more_of_them_than_a_list_holds() {
    let place = Place::new();
    let folders = format!("{}/", "x".repeat(200)).repeat(6);
    let files: String = (0..2_000).map(|n| format!("M 100644 inline {n:04}/{folders}f\ndata 0\n")).collect();
    let changes = history(&place, &[&files]);
    let commits = list(&changes, ALWAYS);
    assert!(commits[0].files.len() > 1_000 && commits[0].files.len() < 2_000, "{}", commits[0].files.len());
    assert!(commits[0].files.iter().all(|file| file.path.chars().count() == 1_025));
}

/// Ten folders, each of which is in the one above it sixteen times under another name: ten objects, 10^12 paths.
#[test]
fn folders_that_name_each_other_cost_their_own_commit_only() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a", "1\n");
    git.commit(1000, "root");
    git.write("b", "1\n");
    let before = git.commit(2000, "before");
    let mut tree = git.run(&["rev-parse", "HEAD^{tree}"]);
    for level in 0..10 {
        let entries: String = (0..16).map(|n| format!("040000 tree {tree}\t{level}-{n:02}\n")).collect();
        let mut make = git.command(&["mktree"]);
        let mut make = make.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        make.stdin.take().unwrap().write_all(entries.as_bytes()).unwrap();
        tree = String::from_utf8(make.wait_with_output().unwrap().stdout).unwrap().trim().to_owned();
    }
    let bomb = git.run(&["commit-tree", "-p", &before, "-m", "bomb", &tree]);
    git.run(&["update-ref", "refs/heads/main", &bomb]);
    let (changes, code) = tools(&place, &one_repository(&git.folder));
    let Err(Error::OverBudget(message)) = run(code.search(&scope(&[]), "default".into(), "2".into(), Vec::new()))
    else {
        panic!("nobody can look at all")
    };
    assert!(message.contains("name fewer paths"), "{message}");
    let gone = git.run(&["commit-tree", "-p", &bomb, "-m", "gone", &format!("{before}^{{tree}}")]);
    git.run(&["update-ref", "refs/heads/main", &gone]);
    let commits = list(&changes, ALWAYS);
    let files = |subject: &str| commits.iter().find(|commit| commit.subject == subject).unwrap().files.len();
    assert_eq!((files("before"), files("bomb"), files("gone")), (1, 0, 0));
    assert!(run(changes.diff(&scope(&[]), "default".into(), bomb)).unwrap().is_empty());
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
