//! How much of a history one answer holds: past it, a list of commits says what to do, and a commit gives a part of its files.

mod support;

use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use negawatt_host::Changes;
use negawatt_host::model::{Error, Window};
use support::{ALWAYS, Git, Place, one_repository, scope};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// A repository of commits that each landed a second after the one before, the first at second 1; with what they change.
fn history(place: &Place, commits: &[&str]) -> Arc<dyn Changes> {
    let git = Git::init(place.path("repo"));
    let mut stream = String::new();
    for (second, changes) in commits.iter().enumerate() {
        let person = format!("Ada <ada@example.com> {} +0000", second + 1);
        // `fast-import` takes each as the child of the one before.
        writeln!(stream, "commit refs/heads/main\ncommitter {person}\ndata 0\n\n{changes}").unwrap();
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
