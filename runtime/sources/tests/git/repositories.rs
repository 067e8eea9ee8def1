//! Repositories of all kinds, which belong to services and change while they are read.

use negawatt_host::model::Error;
use negawatt_host::model::changes::ChangeKind;

use crate::support::{ALWAYS, Git, Place, one_repository, scope};
use crate::{file, list, run, tools};

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
    inner.args(["--exact", "repositories::a_branch_that_moves_is_followed"]);
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
