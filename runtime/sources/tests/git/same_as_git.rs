//! The numbers of a large history, as git has them.

use crate::support::{ALWAYS, Git, Place, one_repository, scope};
use crate::{large, list, run, tools};

/// A history of hundreds of commits with merges and renames, where dates go back and forth.
#[test]
fn numbers_are_those_of_git() {
    let place = Place::new();
    let git = Git { folder: place.path("big.git") };
    std::fs::create_dir(&git.folder).unwrap();
    large::make(&git.folder, 400, 60).unwrap();
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
