//! Source files are parsed by native code in a process of its own: a file that breaks it, or takes all memory, costs its own outline and tree.

use negawatt_config::Config;
use negawatt_host::model::{Error, Window};
use negawatt_host::{Child, Scope};
use negawatt_test_servers::git;

use crate::common;

/// Found by reading the grammar of Python 0.25: with so many blocks and a string in the innermost, it writes past what it may.
fn breaks_the_grammar() -> String {
    let nested: String = (0..513).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    format!("{nested}{}y = \"a\"\n", " ".repeat(513))
}

#[test]
fn a_file_that_breaks_its_grammar_costs_its_own_outline_and_tree() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repo");
    std::fs::create_dir(&repository).unwrap();
    common::write(repository.join("broken.py"), &breaks_the_grammar());
    common::write(repository.join("greedy.java"), &"a<".repeat(30_000));
    common::write(repository.join("plain.py"), "def price(cart):\n    return total(cart)\n");
    git(&repository, &["init", "-q", "-b", "main"]);
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "all"]);
    let toml = format!("[sources.changes]\nkind = \"git\"\npath = {repository:?}\n");
    let config = Config::parse(&toml, &folder.path().join("negawatt.toml")).unwrap();
    let program = env!("CARGO_BIN_EXE_negawatt").into();
    let child = |word: &str| Child { program, arguments: vec![word.into()] };
    let code = negawatt_sources::configure(&config, Some(child("parse-file-for-parent"))).unwrap().tools.code.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let window = Window { start: i64::MIN, end: i64::MAX };
    let scope = Scope { services: Default::default(), unlabelled: true, window, everything: false };
    let outline = |path: &str| runtime.block_on(code.outline(&scope, "default".into(), path.into(), None));
    let tree = |path: &str| runtime.block_on(code.tree(&scope, "default".into(), path.into(), None));
    for (path, refused) in ["broken.py", "greedy.java"]
        .into_iter()
        .flat_map(|path| [(path, outline(path).map(|_| "an outline")), (path, tree(path).map(|_| "a tree"))])
    {
        let Err(Error::OverBudget(why)) = refused else { panic!("{path} has {refused:?}") };
        assert!(why.contains("crashed its grammar") || why.contains("took longer"), "{path}: {why}");
    }
    let plain = outline("plain.py").unwrap();
    let [price] = plain.definitions.as_slice() else { panic!("{plain:?}") };
    assert_eq!((price.name.as_str(), price.first_line, price.last_line), ("price", 1, 2));
    assert_eq!(price.mentions, ["cart", "total"]);
    let plain = tree("plain.py").unwrap();
    assert_eq!(
        (plain.language.as_str(), plain.text.as_str()),
        ("python", "def price(cart):\n    return total(cart)\n")
    );
    let kinds = plain.node_kinds.iter().map(|&kind| plain.kinds[usize::from(kind)].as_str());
    assert_eq!(kinds.take(4).collect::<Vec<_>>(), ["module", "function_definition", "def", "identifier"]);
}
