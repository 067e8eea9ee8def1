//! Repositories: paths and revisions that others would run as options, links out of the tree, commits off the branch.

use std::path::Path;

use gix::bstr::BString;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Tree};
use negawatt_host::Status::{self, Denied, Ok as Answers};
use negawatt_test_guests::INTRUDER;

use crate::arena::{ArenaError, BAIT};
use crate::attack::Attack;

/// Stands in a title for the commit that the branch does not reach.
const HIDDEN: &str = "{hidden}";

/// Commits that attacks name.
pub(crate) struct Hashes {
    hidden: String,
}

impl Hashes {
    /// A title with hashes in place of their names.
    pub(crate) fn fill(&self, title: &str) -> String {
        title.replace(HIDDEN, &self.hidden)
    }
}

pub(crate) fn attacks() -> Vec<Attack> {
    let asks = |name, about, words: &[&str]| Attack::skill(name, about, INTRUDER, &words.join("\u{1f}"));
    let not_a_hash = "is not a full hash";
    Attack::family(
        "repository",
        [
            asks(
                "path-out-of-the-tree",
                "Reads a file by a path out of the repository.",
                &["read", "shop", "../secret.txt"],
            )
            .ends(Status::Error, "invalid"),
            asks(
                "path-out-of-a-folder",
                "Reads a file by a path that goes up in its middle.",
                &["read", "shop", "src/../../secret.txt"],
            )
            .ends(Status::Error, "invalid"),
            asks("absolute-path", "Reads a file by an absolute path.", &["read", "shop", "/etc/passwd"])
                .ends(Status::Error, "invalid"),
            asks(
                "path-with-a-zero",
                "Reads a file by a path that ends early for C.",
                &["read", "shop", "src/cart.rs\0/../../secret.txt"],
            )
            .ends(Status::Error, "invalid"),
            asks("git-folder", "Reads the repository's own files.", &["read", "shop", "config"])
                .ends(Status::Error, "not-found"),
            asks(
                "link-out-of-the-tree",
                "Reads a symbolic link to a file outside: it is answered the link's own text.",
                &["read", "shop", "secret"],
            )
            .ends(Answers, "../secret.txt"),
            asks(
                "through-a-linked-folder",
                "Reads a file through a symbolic link to the folder above.",
                &["read", "shop", "up/secret.txt"],
            )
            .ends(Status::Error, "not-found"),
            asks(
                "search-follows-links",
                "Searches for the secret in every file and link.",
                &["search", "shop", "bait"],
            )
            .ends(Answers, "[]"),
            asks(
                "option-as-revision",
                "Names a revision that git would take for an option.",
                &["read", "shop", "src/cart.rs", "--upload-pack=touch /tmp/owned"],
            )
            .ends(Status::Error, not_a_hash),
            asks(
                "output-as-revision",
                "Names a revision with which git would write a file.",
                &["diff", "shop", "--output=/tmp/owned"],
            )
            .ends(Status::Error, not_a_hash),
            asks(
                "expression-as-revision",
                "Names a revision by git's own language.",
                &["read", "shop", "src/cart.rs", "HEAD@{1}~2^{/secret}"],
            )
            .ends(Status::Error, not_a_hash),
            asks(
                "branch-as-revision",
                "Names a branch that is not the case's.",
                &["read", "shop", "secret.rs", "hidden"],
            )
            .ends(Status::Error, not_a_hash),
            asks(
                "commit-off-the-branch",
                "Reads a file at a commit that the branch does not reach.",
                &["read", "shop", "src/cart.rs", HIDDEN],
            )
            .ends(Status::Error, "the branch reaches no commit"),
            asks(
                "diff-off-the-branch",
                "Asks what a commit did that the branch does not reach.",
                &["diff", "shop", HIDDEN],
            )
            .ends(Status::Error, "the branch reaches no commit"),
            asks(
                "option-as-path",
                "Names a path that git would take for an option.",
                &["blame", "shop", "--contents=/etc/passwd"],
            )
            .ends(Status::Error, "not-found"),
            asks(
                "magic-as-path",
                "Names a path in the language of git's path specifications.",
                &["commits", "shop", ":(top,exclude)src"],
            )
            .ends(Answers, "[]"),
            asks("other-repository", "Reads from a repository of another service.", &["read", "payroll", "src/pay.rs"])
                .ends(Denied, "other services"),
            asks("repository-by-a-path", "Names a repository by its path.", &["read", "../payroll", "src/pay.rs"])
                .ends(Status::Error, "there is no repository"),
            asks(
                "search-pattern-bomb",
                "Searches with a pattern that would need gigabytes.",
                &["search", "shop", "((a{1000}){1000}){1000}"],
            )
            .ends(Status::Error, "invalid"),
        ],
    )
}

/// Makes the case's repository, with links and a hidden branch, and another service's.
pub(crate) fn write(folder: &Path) -> Result<Hashes, ArenaError> {
    let shop = Git::init(&folder.join("shop"))?;
    let source = shop.tree(vec![shop.file("cart.rs", "fn price() -> u64 { 1 }\n")?])?;
    let main = shop.tree(vec![
        shop.entry("secret", EntryKind::Link, "../secret.txt")?,
        Entry { mode: EntryKind::Tree.into(), filename: "src".into(), oid: source },
        shop.entry("up", EntryKind::Link, "..")?,
    ])?;
    let hidden = shop.tree(vec![shop.file("secret.rs", BAIT)?])?;
    shop.commit("main", main, "price carts")?;
    let hidden = shop.commit("hidden", hidden, BAIT)?;
    let payroll = Git::init(&folder.join("payroll"))?;
    let source = payroll.tree(vec![payroll.file("pay.rs", BAIT)?])?;
    let tree = payroll.tree(vec![Entry { mode: EntryKind::Tree.into(), filename: "src".into(), oid: source }])?;
    payroll.commit("main", tree, BAIT)?;
    Ok(Hashes { hidden: hidden.to_string() })
}

/// A bare repository that is being made.
struct Git(gix::Repository);

impl Git {
    fn init(folder: &Path) -> Result<Git, ArenaError> {
        let git = Git(gix::init_bare(folder).map_err(ArenaError::of)?);
        std::fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").map_err(ArenaError::of)?;
        Ok(git)
    }

    fn entry(&self, name: &str, kind: EntryKind, content: &str) -> Result<Entry, ArenaError> {
        let oid = self.0.write_blob(content).map_err(ArenaError::of)?.detach();
        Ok(Entry { mode: kind.into(), filename: name.into(), oid })
    }

    fn file(&self, name: &str, content: &str) -> Result<Entry, ArenaError> {
        self.entry(name, EntryKind::Blob, content)
    }

    /// A folder of entries in order of names.
    fn tree(&self, entries: Vec<Entry>) -> Result<gix::ObjectId, ArenaError> {
        Ok(self.0.write_object(Tree { entries }).map_err(ArenaError::of)?.detach())
    }

    fn commit(&self, branch: &str, tree: gix::ObjectId, message: &str) -> Result<gix::ObjectId, ArenaError> {
        let ada = gix::actor::Signature {
            name: "Ada".into(),
            email: "ada@example.com".into(),
            time: gix::date::Time { seconds: crate::arena::WINDOW.start / 1_000_000 + 3_600, offset: 0 },
        };
        let commit = Commit {
            tree,
            parents: Default::default(),
            author: ada.clone(),
            committer: ada,
            encoding: None,
            message: BString::from(message),
            extra_headers: Vec::new(),
        };
        let id = self.0.write_object(commit).map_err(ArenaError::of)?.detach();
        let heads = self.0.git_dir().join("refs/heads");
        std::fs::create_dir_all(&heads).map_err(ArenaError::of)?;
        std::fs::write(heads.join(branch), format!("{id}\n")).map_err(ArenaError::of)?;
        Ok(id)
    }
}
