//! What becomes of a branch on a git remote.

use negawatt_actions::forge::*;

use crate::git::forge;
use crate::support::*;

/// A remote with the submission on it, a clone of a person who decides, and what is submitted.
struct Decided {
    shop: Shop,
    person: Repository,
    submitted: Submitted,
}

impl Decided {
    fn new() -> Decided {
        let shop = Shop::new();
        let (submitted, _) = submit(&forge(&shop), &shop.submission);
        let folder = shop.folder.path().join("person");
        shop.local.git(&["clone", "-q", shop.remote.0.to_str().unwrap(), folder.to_str().unwrap()]);
        Decided { person: Repository(folder), submitted: submitted.unwrap(), shop }
    }

    fn branch(&self) -> String {
        format!("origin/{}", self.submitted.branch)
    }

    /// Puts the person's branch `main` and nothing else on the remote.
    fn push(&self) {
        self.person.git(&["push", "-q", "origin", "HEAD:main"]);
    }

    fn delete_branch(&self) {
        self.person.git(&["push", "-q", "origin", "--delete", &self.submitted.branch]);
    }

    fn state(&self) -> State {
        let before = self.shop.local.files();
        let state = block_on(forge(&self.shop).state(&self.shop.submission, &self.submitted)).unwrap();
        assert_eq!(self.shop.local.files(), before, "asking changes nothing");
        state
    }

    fn head(&self) -> String {
        self.person.git(&["rev-parse", "HEAD"])
    }

    fn commit(&self, file: &str) {
        self.person.write(file, "more\n");
        self.person.commit("More");
    }
}

fn merged(commit: String, seconds: i64) -> State {
    State::Merged { commit, time: seconds * 1_000_000 }
}

#[test]
fn open_until_somebody_decides() {
    let decided = Decided::new();
    assert_eq!(decided.state(), State::Open);
    decided.commit("other");
    decided.push();
    assert_eq!(decided.state(), State::Open);
    decided.delete_branch();
    assert_eq!(decided.state(), State::Closed { reason: None });
}

#[test]
fn merged_by_a_merge() {
    let decided = Decided::new();
    decided.commit("before");
    decided.person.git(&["merge", "-q", "--no-ff", "-m", "Merge", &decided.branch()]);
    let merge = decided.head();
    decided.commit("after");
    // A later merge of a line that holds it too.
    decided.person.git(&["checkout", "-q", "-b", "side"]);
    decided.commit("side");
    decided.person.git(&["checkout", "-q", "main"]);
    decided.person.git(&["merge", "-q", "--no-ff", "-m", "Side", "side"]);
    decided.push();
    assert_eq!(decided.state(), merged(merge.clone(), THEN));
    decided.delete_branch();
    assert_eq!(decided.state(), merged(merge, THEN));
}

#[test]
fn merged_with_what_its_reader_added() {
    let decided = Decided::new();
    decided.person.git(&["checkout", "-q", &decided.submitted.branch]);
    decided.commit("added");
    decided.person.git(&["push", "-q", "origin", "HEAD"]);
    assert_eq!(decided.state(), State::Open);
    decided.person.git(&["checkout", "-q", "main"]);
    decided.person.git(&["merge", "-q", "--no-ff", "-m", "Merge", &decided.submitted.branch]);
    decided.push();
    assert_eq!(decided.state(), merged(decided.head(), THEN));
}

#[test]
fn merged_without_a_merge() {
    // The branch itself becomes the target's tip, and another commit follows.
    let decided = Decided::new();
    decided.person.git(&["merge", "-q", "--ff-only", &decided.branch()]);
    decided.commit("after");
    decided.push();
    decided.delete_branch();
    assert_eq!(decided.state(), merged(decided.submitted.commit.clone(), NOW / 1_000_000));
}

#[test]
fn merged_as_another_commit() {
    // A rebase or a squash: another commit with the same change, and the branch is deleted.
    let decided = Decided::new();
    decided.commit("before");
    decided.person.git(&["cherry-pick", &decided.submitted.commit]);
    decided.person.git(&["commit", "-q", "--amend", "-m", "Squashed"]);
    let squashed = decided.head();
    decided.commit("after");
    decided.push();
    decided.delete_branch();
    assert_eq!(decided.state(), merged(squashed, THEN));
}

#[test]
fn a_target_that_is_gone() {
    let decided = Decided::new();
    decided.shop.remote.git(&["update-ref", "-d", "refs/heads/main"]);
    let state = block_on(forge(&decided.shop).state(&decided.shop.submission, &decided.submitted));
    assert!(matches!(state, Err(ForgeError::NoTarget { .. })), "{state:?}");
}
