//! The forge `github`, against a GitHub that remembers: what it makes, and that it makes it once.

use negawatt_actions::forge::*;
use negawatt_telemetry::Trace;
use serde_json::{Value, json};

use crate::fake::*;
use crate::support::*;

const BRANCH: &str = "negawatt/01ARZ3NDEKTSV4RRFFQ69G5FAV-1";

/// There is the branch with its one commit, and one pull request with all that belongs to it.
pub fn is_submitted(shop: &Shop, github: &GitHub, submitted: &Submitted) {
    let references = shop.remote.references();
    let main = ("refs/heads/main".to_owned(), shop.submission.base.clone());
    assert_eq!(references, [main, (format!("refs/heads/{BRANCH}"), submitted.commit.clone())].into());
    assert_eq!(shop.remote.git(&["rev-parse", &format!("{}^", submitted.commit)]), shop.submission.base);
    let world = github.world();
    let [pull] = &world.pulls[..] else { panic!("{:?}", world.pulls) };
    assert_eq!((pull.head.as_str(), pull.base.as_str(), pull.state), (BRANCH, "main", "open"));
    assert_eq!((&pull.title, &pull.body), (&shop.submission.title, &shop.submission.body));
    assert_eq!(pull.labels, shop.submission.labels);
    assert_eq!((pull.reviewers.as_slice(), world.asked), (&["ada".to_owned()][..], 1));
    let url = Some(format!("https://github.example/acme/shop/pull/{}", pull.number));
    assert_eq!(submitted.place, Place::PullRequest { number: pull.number, url });
    assert_eq!((submitted.branch.as_str(), &submitted.notes), (BRANCH, &vec![]));
    assert_eq!(shop.remote.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_branch_a_commit_and_a_pull_request() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let before = shop.local.files();
    let (submitted, told) = submit(&github.forge(), &shop.submission);
    let submitted = submitted.unwrap();
    is_submitted(&shop, &github, &submitted);
    assert_eq!(shop.local.files(), before);
    // The commit is the one that git would have made.
    let (by_git, _) = submit(&crate::git::forge(&Shop::new()), &shop.submission);
    assert_eq!(by_git.unwrap().commit, submitted.commit);
    let effects = effects(&told);
    let number = 1;
    assert!(matches!(&effects[0], Effect::Objects { .. }));
    assert_eq!(
        effects[1..],
        [
            Effect::Branch { name: BRANCH.into(), commit: submitted.commit.clone() },
            Effect::PullRequest { branch: BRANCH.into(), target: "main".into() },
            Effect::Labels { number, labels: shop.submission.labels.clone() },
            Effect::Review { number, login: "ada".into() },
        ]
    );
    assert!(!github.asked().iter().any(|asked| asked.contains("merge")));
    // Again: nothing visible happens.
    let (again, told) = submit(&github.forge(), &shop.submission);
    assert_eq!(again.unwrap(), submitted);
    assert_eq!(crate::support::effects(&told), [effects[0].clone()]);
    is_submitted(&shop, &github, &submitted);
}

#[test]
fn every_request_is_a_part_of_the_trace() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (submitted, _) = Trace::of(Some(parent), None).within(|| submit(&github.forge(), &shop.submission));
    submitted.unwrap();
    let requests = github.world().requests.clone();
    assert!(requests.len() > 5);
    for request in requests {
        assert!(request.headers.contains(&("traceparent".to_owned(), parent.to_owned())), "{request:?}");
    }
}

#[test]
fn killed_at_each_step() {
    let mut stops = 0;
    loop {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        let (first, _) = submit_with(&github.forge(), &shop.submission, stop_after(stops));
        if first.is_ok() {
            break;
        }
        assert!(matches!(first, Err(ForgeError::Stopped(_))), "{first:?}");
        let (second, _) = submit(&github.forge(), &shop.submission);
        is_submitted(&shop, &github, &second.unwrap());
        stops += 1;
    }
    assert_eq!(stops, 10, "before and after each of five effects");
}

/// Lost from one request on, before or after it had its effect, a submission goes on where it was.
#[test]
fn killed_at_each_request() {
    for is_after in [false, true] {
        let mut lost = 0;
        loop {
            let shop = Shop::new();
            let github = GitHub::of(&shop);
            github.fault(move |count, _| match count.cmp(&lost) {
                std::cmp::Ordering::Less => Fault::Nothing,
                std::cmp::Ordering::Equal if is_after => Fault::After(error(500, "lost")),
                _ => Fault::Instead(error(500, "lost")),
            });
            let (first, _) = submit(&github.forge(), &shop.submission);
            github.heal();
            let is_done = first.is_ok();
            if !is_done {
                let error = first.unwrap_err();
                assert!(matches!(error, ForgeError::Unavailable { .. }) && error.is_transient(), "{error}");
                assert_eq!(github.waited(), [1, 2, 4], "it was patient");
            }
            let (second, _) = submit(&github.forge(), &shop.submission);
            is_submitted(&shop, &github, &second.unwrap());
            if is_done {
                break;
            }
            lost += 1;
        }
        // Questions: pull requests, branch, target, author. Made: four files, tree, commit, branch, pull request, labels, review.
        assert_eq!(lost, 14);
    }
}

#[test]
fn whoever_makes_the_branch_meanwhile() {
    // The same process, twice.
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let (result, _) = submit_with(&github.forge(), &shop.submission, |_, progress| {
        if let Progress::About(Effect::Branch { name, commit }) = progress {
            shop.remote.git(&["update-ref", &format!("refs/heads/{name}"), commit]);
        }
        Ok(())
    });
    is_submitted(&shop, &github, &result.unwrap());
    // Somebody else.
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let mut foreign = String::new();
    let (result, _) = submit_with(&github.forge(), &shop.submission, |_, progress| {
        if let Progress::About(Effect::Branch { name, .. }) = progress {
            foreign = shop.foreign(name, "Faster");
        }
        Ok(())
    });
    assert!(matches!(&result, Err(ForgeError::Taken { tip, .. }) if *tip == foreign), "{result:?}");
    assert_eq!(shop.remote.git(&["rev-parse", BRANCH]), foreign);
    assert!(github.world().pulls.is_empty());
}

#[test]
fn whoever_opens_the_pull_request_meanwhile() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let (result, _) = submit_with(&github.forge(), &shop.submission, |_, progress| {
        if let Progress::About(Effect::PullRequest { .. }) = progress {
            github.world().open("acme", BRANCH, "Faster");
        }
        Ok(())
    });
    let submitted = result.unwrap();
    assert!(matches!(submitted.place, Place::PullRequest { number: 1, .. }));
    let world = github.world();
    assert_eq!((world.pulls.len(), world.pulls[0].title.as_str()), (1, "Faster"));
    assert_eq!(world.pulls[0].labels, shop.submission.labels);
}

#[test]
fn a_branch_of_somebody_else_is_left_as_it_is() {
    for has_pull in [false, true] {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        let foreign = shop.foreign(BRANCH, "Mine");
        if has_pull {
            github.world().open("acme", BRANCH, "Mine");
        }
        let before = shop.remote.references();
        let (result, _) = submit(&github.forge(), &shop.submission);
        assert!(matches!(&result, Err(ForgeError::Taken { tip, .. }) if *tip == foreign), "{result:?}");
        assert_eq!(shop.remote.references(), before);
        let world = github.world();
        assert!(world.pulls.iter().all(|pull| pull.labels.is_empty() && pull.reviewers.is_empty()));
        assert_eq!(world.pulls.len(), usize::from(has_pull));
    }
}

#[test]
fn a_pull_request_that_was_decided_is_not_opened_again() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let (submitted, _) = submit(&github.forge(), &shop.submission);
    github.world().pulls[0].state = "closed";
    github.world().pulls[0].sha = submitted.as_ref().unwrap().commit.clone();
    shop.remote.git(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    let (again, told) = submit(&github.forge(), &shop.submission);
    assert_eq!(again.unwrap(), submitted.unwrap());
    assert_eq!(effects(&told).len(), 1);
    assert_eq!((github.world().pulls.len(), shop.remote.references().len()), (1, 1));
}

#[test]
fn a_reader_who_went_on_from_the_branch_is_no_stranger() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let (submitted, _) = submit(&github.forge(), &shop.submission);
    let more = shop.remote.git(&["commit-tree", &format!("{BRANCH}^{{tree}}"), "-p", BRANCH, "-m", "More"]);
    shop.remote.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &more]);
    let (again, _) = submit(&github.forge(), &shop.submission);
    assert_eq!(again.unwrap(), submitted.unwrap());
    assert_eq!(shop.remote.git(&["rev-parse", BRANCH]), more);
}

#[test]
fn pull_requests_of_others_are_not_mistaken_for_it() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    {
        // A server that ignores the filter lists them all, on two pages; forks have branches of any name.
        let mut world = github.world();
        world.ignores_filters = true;
        for at in 0..100 {
            world.open("acme", &format!("other-{at}"), "Other");
        }
        world.open("mallory", BRANCH, "Not this one");
    }
    let (submitted, _) = submit(&github.forge(), &shop.submission);
    assert!(matches!(submitted.unwrap().place, Place::PullRequest { number: 102, .. }));
    // On the second page it is found again.
    let (again, _) = submit(&github.forge(), &shop.submission);
    assert!(matches!(again.unwrap().place, Place::PullRequest { number: 102, .. }));
    assert_eq!(github.world().pulls.len(), 102);
}

#[test]
fn a_target_that_moved_is_refused_until_the_branch_is_there() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let tip = shop.foreign("main", "Moves on");
    let (result, told) = submit(&github.forge(), &shop.submission);
    let error = result.unwrap_err();
    assert!(
        matches!(&error, ForgeError::Moved { tip: found, .. } if *found == tip) && !error.is_transient(),
        "{error}"
    );
    assert!(told.is_empty() && github.asked().iter().all(|asked| asked.starts_with("GET ")));
    let elsewhere = Submission { target_branch: "release/1 #ü".into(), ..shop.submission.clone() };
    assert!(matches!(submit(&github.forge(), &elsewhere).0, Err(ForgeError::Invalid(_))));
    let elsewhere = Submission { target_branch: "release/1#%ü".into(), ..shop.submission.clone() };
    assert!(matches!(submit(&github.forge(), &elsewhere).0, Err(ForgeError::NoTarget { .. })));
    assert_eq!(github.asked().last().unwrap(), "GET git/ref/heads%2Frelease%2F1%23%25%C3%BC");

    // What had begun is completed.
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    assert!(submit_with(&github.forge(), &shop.submission, stop_after(3)).0.is_err());
    shop.foreign("main", "Moves on");
    let (second, _) = submit(&github.forge(), &shop.submission);
    assert!(matches!(second.unwrap().place, Place::PullRequest { number: 1, .. }));
}

#[test]
fn a_reviewer_who_cannot_be_asked_is_a_note() {
    let cases: [(Value, &[&str], &str); 5] = [
        (Value::Null, &["ada"], "belongs to no account"),
        (json!({}), &["ada"], "belongs to no account"),
        (json!({ "login": "ada[bot]", "type": "Bot" }), &["ada[bot]"], "no person's account"),
        (json!({ "login": "ada", "type": "Organization" }), &["ada"], "no person's account"),
        (json!({ "login": "ada", "type": "User" }), &[], "only be requested from collaborators"),
    ];
    for (author, collaborators, says) in cases {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        github.world().accounts.insert("ada@example.com".into(), author);
        github.world().collaborators = collaborators.iter().map(|login| (*login).to_owned()).collect();
        let (submitted, _) = submit(&github.forge(), &shop.submission);
        let notes = submitted.unwrap().notes;
        assert!(
            matches!(&notes[..], [note] if note.contains(says) && note.contains("Ada <ada@example.com>")),
            "{notes:?}"
        );
        assert!(github.world().pulls[0].reviewers.is_empty());
    }
    // A commit that GitHub does not know; and labels that it does not take.
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    github.fault(|_, request| {
        if request.target.ends_with("/labels") { Fault::Instead(error(403, "no\nlabels")) } else { Fault::Nothing }
    });
    let mut submission = shop.submission.clone();
    submission.reviewer.as_mut().unwrap().commit = "0".repeat(40);
    let notes = submit(&github.forge(), &submission).0.unwrap().notes;
    assert!(
        matches!(&notes[..], [labels, review] if labels.contains("(403: no labels)") && review.contains("404")),
        "{notes:?}"
    );
    // Nobody to ask, and nothing to add.
    let submission = Submission { reviewer: None, labels: vec![], proposal: 2, ..shop.submission.clone() };
    let (submitted, told) = submit(&github.forge(), &submission);
    assert_eq!((submitted.unwrap().notes, effects(&told).len()), (vec![], 3));
}

#[test]
fn proposals_that_are_too_much() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let file = |name: &str, mode: u32, line: &str| {
        format!(
            "diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{line}\n"
        )
    };
    let many: String = (0..501).map(|at| file(&format!("f{at}"), 100644, "x")).collect();
    let submodule = file("sub", 160000, &format!("Subproject commit {}", "0123456789".repeat(4)));
    for (patch, says) in [(many, "501 files"), (submodule, "submodule")] {
        let (result, told) = submit(&github.forge(), &Submission { patch, ..shop.submission.clone() });
        let error = result.unwrap_err();
        assert!(matches!(error, ForgeError::Patch { .. }) && error.to_string().contains(says), "{error}");
        assert!(told.is_empty() && github.asked().is_empty());
    }
}
