//! What was made of objects is kept, and never stands in for what the repository or the scope says now.

use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use negawatt_config::Config;
use negawatt_host::model::changes::FileDiff;
use negawatt_host::model::code::FileOutline;
use negawatt_host::model::{Answer, Window};
use negawatt_host::{Child, Code, Scope};

use crate::support::{Git, Place, one_repository, scope};
use crate::{run, tools};

/// A parser that writes down each of its calls, and finds nothing. It refuses `hard.py`, by what that says, and breaks at `broken.py`.
struct Parser {
    calls: PathBuf,
    code: std::sync::Arc<dyn Code>,
}

impl Parser {
    fn new(place: &Place, toml: &str) -> Parser {
        let calls = place.path("calls");
        let script = format!(
            "echo $3 $4 >> '{}'; read -r word; cat > /dev/null; case $word in hard) echo 'too hard' >&2; exit 3;; broken) exit 1;; esac; printf '\\0\\0'",
            calls.display()
        );
        let arguments = ["-c", &script, "parser"].map(Into::into).into();
        let config = Config::parse(toml, &place.path("negawatt.toml")).unwrap();
        let configured = negawatt_sources::configure(&config, Some(Child { program: "/bin/sh".into(), arguments }));
        Parser { calls, code: configured.unwrap().tools.code.unwrap() }
    }

    fn outline(&self, repository: &str, path: &str, revision: Option<&str>) -> Answer<FileOutline> {
        self.within(&scope(&[]), repository, path, revision)
    }

    fn within(&self, scope: &Scope, repository: &str, path: &str, revision: Option<&str>) -> Answer<FileOutline> {
        run(self.code.outline(scope, repository.into(), path.into(), revision.map(str::to_owned)))
    }

    /// How many children were started since it was last asked.
    fn started(&self) -> usize {
        let started = std::fs::read_to_string(&self.calls).unwrap_or_default().lines().count();
        let _ = std::fs::remove_file(&self.calls);
        started
    }
}

#[test]
fn a_text_is_parsed_once_whoever_asks() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a.py", "a\n");
    git.write("b/same.pyi", "a\n");
    git.write("a.go", "a\n");
    git.write("hard.py", "hard\n");
    git.write("broken.py", "broken\n");
    let first = git.commit(1_000, "first");
    let parser = Parser::new(&place, &one_repository(&git.folder));
    let outline = |path: &str, revision| parser.outline("default", path, revision);

    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                outline("a.py", None).unwrap();
            });
        }
    });
    (0..100).for_each(|_| drop(outline("a.py", None).unwrap()));
    outline("a.py", Some(&first)).unwrap();
    outline("b/same.pyi", None).unwrap();
    assert_eq!(parser.started(), 1, "the text and its language are the same");
    outline("a.go", None).unwrap();
    run(parser.code.tree(&scope(&[]), "default".into(), "a.py".into(), None)).unwrap_err();
    assert_eq!(parser.started(), 2, "another grammar, and a tree, which two zeros are not");

    for _ in 0..3 {
        assert_eq!(outline("hard.py", None).unwrap_err().message(), r#""hard.py" has no outline: too hard"#);
    }
    assert_eq!(parser.started(), 1, "that a text is too hard is said of the text");
    for _ in 0..3 {
        assert_eq!(outline("broken.py", None).unwrap_err().code(), "over-budget");
    }
    assert_eq!(parser.started(), 3, "a crash can have another reason the next time");

    git.write("a.py", "other\n");
    git.write("moved.py", "hard\n");
    let second = git.commit(2_000, "second");
    outline("a.py", None).unwrap();
    assert_eq!(parser.started(), 1, "the branch has another text now");
    assert_eq!(outline("moved.py", None).unwrap_err().message(), r#""moved.py" has no outline: too hard"#);
    let early = Scope { window: Window { start: 0, end: 1_500_000_000 }, ..scope(&[]) };
    assert_eq!(parser.within(&early, "default", "a.py", Some(&second)).unwrap_err().code(), "denied");
    assert_eq!(parser.started(), 0);
}

#[test]
fn what_is_kept_of_one_repository_says_nothing_of_another() {
    let place = Place::new();
    let mut toml = String::new();
    for name in ["web", "api"] {
        let git = Git::init(place.path(name));
        git.write("a.py", "a\n");
        git.commit(1_000, "first");
        toml += &format!("[repositories.{name}]\npath = {name:?}\nservices = [{name:?}]\n");
    }
    let parser = Parser::new(&place, &toml);
    let outline = |service: &str, repository| parser.within(&scope(&[service]), repository, "a.py", None);
    outline("web", "web").unwrap();
    assert_eq!(outline("api", "web").unwrap_err().code(), "denied");
    outline("api", "api").unwrap();
    assert_eq!(parser.started(), 2, "whose objects are not what their ids say misleads nobody else");
}

/// Takes the contents of a file away from a repository.
fn lose(git: &Git, file: &str) {
    let id = git.run(&["rev-parse", file]);
    std::fs::remove_file(git.folder.join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
}

#[test]
fn commits_and_lines_are_compared_once() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    git.write("a.rs", "one\ntwo\n");
    git.commit(1_000, "first");
    git.write("a.rs", "one\nthree\n");
    let second = git.commit(2_000, "second");
    let toml = one_repository(&git.folder);
    let (changes, code) = tools(&place, &toml);
    let ask = |changes: &std::sync::Arc<dyn negawatt_host::Changes>, scope: &Scope| -> Answer<Vec<FileDiff>> {
        run(changes.diff(scope, "default".into(), second.clone()))
    };
    let blame = |first, lines| run(changes.blame(&scope(&[]), "default".into(), "a.rs".into(), first, lines));
    let (diff, line) = (ask(&changes, &scope(&[])).unwrap(), blame(1, 2).unwrap());
    assert_eq!((diff[0].hunks[0].text.as_str(), line.len()), (" one\n-two\n+three", 2));

    let search = |pattern: &str| run(code.search(&scope(&[]), "default".into(), pattern.into(), vec!["a.rs".into()]));
    let found = search("^three").unwrap();
    assert_eq!((found[0].line, found.len()), (2, 1));

    lose(&git, "HEAD~1:a.rs");
    lose(&git, "HEAD:a.rs");
    assert_eq!(search("^three").unwrap(), found);
    assert_eq!(search("^one").unwrap_err().code(), "unavailable");
    assert_eq!(ask(&changes, &scope(&[])).unwrap(), diff);
    assert_eq!(blame(1, 2).unwrap(), line);
    assert_eq!(blame(2, 1).unwrap_err().code(), "unavailable", "other lines were not asked for before");
    let early = Scope { window: Window { start: 0, end: 1_500_000_000 }, ..scope(&[]) };
    assert_eq!(ask(&changes, &early).unwrap_err().code(), "denied", "what is kept is no way around the scope");
    let (anew, _) = tools(&place, &toml);
    assert_eq!(ask(&anew, &scope(&[])).unwrap_err().code(), "unavailable");

    git.run(&["checkout", "-q", "--orphan", "other"]);
    git.write("a.rs", "four\n");
    git.commit(3_000, "other");
    assert_eq!(search("^three").unwrap(), [], "the tip is another one");
    git.run(&["branch", "-q", "-M", "main"]);
    assert_eq!(ask(&changes, &scope(&[])).unwrap_err().code(), "not-found", "the branch reaches it no more");
}

#[test]
fn what_a_shallow_clone_lacks_is_not_kept() {
    let place = Place::new();
    let git = Git::init(place.path("repo"));
    for (time, text) in [(1_000, "one\n"), (2_000, "one\ntwo\n")] {
        git.write("a.rs", text);
        git.commit(time, "more");
    }
    let url = format!("file://{}", git.folder.display());
    git.run(&["clone", "-q", "--depth", "1", &url, &place.path("shallow").display().to_string()]);
    let shallow = Git { folder: place.path("shallow") };
    let (changes, _) = tools(&place, &one_repository(&shallow.folder));
    let tip = shallow.run(&["rev-parse", "HEAD"]);
    let files = || run(changes.diff(&scope(&[]), "default".into(), tip.clone())).unwrap().len();
    let blamed = || run(changes.blame(&scope(&[]), "default".into(), "a.rs".into(), 1, 2));
    assert_eq!((files(), blamed().map_err(|error| error.code())), (0, Err("unavailable")));
    shallow.run(&["fetch", "-q", "--unshallow"]);
    let landed: Vec<i64> = blamed().unwrap().iter().map(|line| line.time / 1_000_000).collect();
    assert_eq!((files(), landed), (1, vec![1_000, 2_000]));
}
