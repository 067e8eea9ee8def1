//! What the guard is asked, of cases that are put together here, in a real repository.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{case, desk, mitigation, post, record};
use negawatt_casebook::{Casebook, Passed, Verdict};
use negawatt_host::model::{FindingBody, Opportunity};
use negawatt_proposals::{Desk, propose};
use negawatt_test_servers::git;

#[test]
fn cases_that_propose_the_same_are_examined_together_until_the_branch_moves() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, repo) = (folder.path(), folder.path().join("repo"));
    git(folder, &["init", "--quiet", "--initial-branch=main", "repo"]);
    std::fs::write(repo.join("parse.rs"), "slow\n").unwrap();
    let commit = || {
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "--allow-empty", "--message=x"]);
        git(&repo, &["rev-parse", "HEAD"])
    };
    let first = commit();
    std::fs::create_dir(folder.join("scratch")).unwrap();
    let parsed = Arc::new(AtomicUsize::new(0));
    let counted = parsed.clone();
    let desk = Desk {
        parses: Arc::new(move |_, _, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }),
        scratch: folder.join("scratch"),
        ..desk(folder, "[repositories.shop]\npath = \"repo\"\n")
    };
    let mut found = case(Verdict::Opportunity);
    let opportunity = Opportunity {
        name: "parse".into(),
        pattern: "compiles a pattern per call".into(),
        files: vec!["parse.rs".into()],
        share: 0.1,
        saving_low: 0.05,
        saving_high: 0.15,
    };
    post(&mut found, "finder", FindingBody::Opportunity(opportunity), &[]);
    let patch = "--- a/parse.rs\n+++ b/parse.rs\n@@ -1 +1 @@\n-slow\n+fast\n";
    post(&mut found, "fixer", mitigation("parse", patch), &["e1"]);

    let book = Casebook::open(&folder.join("casebook")).unwrap();
    // What is proposed of another case, and where it was examined.
    let examined = || {
        let proposed = propose(&desk, &book, &record(&book, &found)).unwrap();
        let examined = proposed.proposals.all[0].examined.clone().unwrap();
        assert!(examined.criteria.iter().all(|one| one.result == Passed::Yes), "{examined:#?}");
        (examined.base.unwrap().commit, parsed.load(Ordering::Relaxed))
    };
    assert_eq!(examined(), (first.clone(), 1));
    assert_eq!(examined(), (first, 1), "another case of the same");
    let second = commit();
    assert_eq!(examined(), (second, 2), "the branch moved");
}
