//! The forge `git`, against real repositories and remotes.

use std::path::PathBuf;

use negawatt_actions::forge::*;
use negawatt_test_servers::GitDaemon;

use crate::support::*;

pub fn forge(shop: &Shop) -> GitForge {
    GitForge::configure(GitSettings::new(shop.remote.0.to_str().unwrap())).unwrap()
}

/// The references that a submission adds.
const BRANCH: &str = "refs/heads/negawatt/01ARZ3NDEKTSV4RRFFQ69G5FAV-1";
const MARKDOWN: &str = "refs/negawatt/proposals/01ARZ3NDEKTSV4RRFFQ69G5FAV-1";

/// The remote has the branch with its one commit, the Markdown beside it, and is otherwise as it was.
pub fn is_submitted(shop: &Shop, submitted: &Submitted) {
    let references = shop.remote.references();
    assert_eq!(references.keys().collect::<Vec<_>>(), ["refs/heads/main", BRANCH, MARKDOWN]);
    assert_eq!(references["refs/heads/main"], shop.submission.base);
    assert_eq!(references[BRANCH], submitted.commit);
    assert_eq!(submitted.branch, BRANCH.strip_prefix("refs/heads/").unwrap());
    assert_eq!(submitted.place, Place::Reference(MARKDOWN.into()));
    let show = |format: &str| shop.remote.git(&["show", "-s", &format!("--format={format}"), &submitted.commit]);
    assert_eq!(show("%P"), shop.submission.base);
    assert_eq!(show("%an <%ae> %at | %cn <%ce> %ct"), {
        let who = "Negawatt <negawatt@example.com> 1763536200";
        format!("{who} | {who}")
    });
    assert_eq!(show("%B"), shop.submission.message.trim_end());
    let changed = shop.remote.git(&["-c", "core.quotePath=false", "diff", "--name-status", "main", &submitted.commit]);
    assert_eq!(changed, "R100\ttool.sh\tbin.sh\nM\tdata.bin\nM\tsrc/cart.rs\nA\tsrc/neu ü.rs\nD\tsrc/old.rs");
    let page = |arguments: &[&str]| shop.remote.git(&[arguments, &[MARKDOWN]].concat());
    assert_eq!(page(&["ls-tree", "-r", "--name-only"]), "proposal.md");
    assert_eq!(page(&["rev-list", "--count"]), "1");
    assert_eq!(shop.remote.git(&["show", &format!("{MARKDOWN}:proposal.md")]), shop.submission.body.trim_end());
    assert_eq!(shop.remote.git(&["fsck", "--strict"]), "");
}

#[test]
fn a_branch_with_the_proposal_beside_it() {
    let shop = Shop::new();
    let before = shop.local.files();
    let (submitted, told) = submit(&forge(&shop), &shop.submission);
    let submitted = submitted.unwrap();
    is_submitted(&shop, &submitted);
    assert_eq!(submitted.notes, ["a git remote asks nobody for a review: tell Ada <ada@example.com>"]);
    let effects = effects(&told);
    assert!(matches!(&effects[0], Effect::Markdown { reference, .. } if reference == MARKDOWN), "{effects:?}");
    let branch = Effect::Branch { name: submitted.branch.clone(), commit: submitted.commit.clone() };
    assert_eq!(effects[1..], [branch]);
    assert_eq!(shop.local.files(), before, "the operator's repository is as it was");
    // Again: nothing is left to do.
    let (again, told) = submit(&forge(&shop), &shop.submission);
    assert_eq!((again.unwrap(), told), (submitted, vec![]));
}

/// Stopped after every word that is told, a submission goes on where it was.
fn stopped_anywhere(remote: impl Fn(&Shop) -> String) {
    let mut stops = 0;
    loop {
        let shop = Shop::new();
        let forge = GitForge::configure(GitSettings::new(remote(&shop))).unwrap();
        let (first, told) = submit_with(&forge, &shop.submission, stop_after(stops));
        if first.is_ok() {
            break;
        }
        assert!(matches!(first, Err(ForgeError::Stopped(Stop(ref why))) if why == "killed"), "{first:?}");
        assert_eq!(told.len(), stops + 1);
        let (second, _) = submit(&forge, &shop.submission);
        is_submitted(&shop, &second.unwrap());
        stops += 1;
    }
    assert_eq!(stops, 4, "before and after each of two effects");
}

#[test]
fn killed_at_each_step() {
    stopped_anywhere(|shop| shop.remote.0.to_str().unwrap().to_owned());
}

#[test]
fn killed_at_each_step_over_the_network() {
    let Some(daemon) = GitDaemon::start() else { return };
    stopped_anywhere(|shop| daemon.url(&shop.remote.0));
}

#[test]
fn the_same_submission_is_the_same_commit_from_every_kind_of_repository() {
    let shop = Shop::new();
    let path = |name: &str| shop.folder.path().join(name).to_str().unwrap().to_owned();
    let (local, remote) = (shop.local.0.to_str().unwrap(), shop.remote.0.to_str().unwrap());
    shop.local.git(&["worktree", "add", "-q", "--detach", &path("worktree")]);
    shop.local.git(&["clone", "-q", "--bare", local, &path("bare.git")]);
    shop.local.git(&["clone", "-q", "--shared", local, &path("shared")]);
    shop.local.git(&["clone", "-q", "--depth=1", &format!("file://{remote}"), &path("shallow")]);
    shop.local.git(&["clone", "-q", local, &path("odd \"na\\me\"\n#ü")]);
    let mut commits = Vec::new();
    for (at, name) in ["shop", "worktree", "bare.git", "shared", "shallow", "odd \"na\\me\"\n#ü"].iter().enumerate() {
        let proposal = u32::try_from(at).unwrap() + 1;
        let submission = Submission { repository: path(name).into(), proposal, ..shop.submission.clone() };
        let (submitted, _) = submit(&forge(&shop), &submission);
        commits.push(submitted.unwrap_or_else(|error| panic!("{name}: {error}")).commit);
    }
    commits.dedup();
    assert_eq!(commits.len(), 1);
}

#[test]
fn a_repository_of_longer_hashes() {
    let shop = Shop::of_format("sha256");
    let (submitted, _) = submit(&forge(&shop), &shop.submission);
    is_submitted(&shop, &submitted.unwrap());
}

#[test]
fn a_branch_of_somebody_else_is_left_as_it_is() {
    for reference in [BRANCH, MARKDOWN] {
        let shop = Shop::new();
        let foreign = shop.foreign("other", "Mine");
        shop.remote.git(&["update-ref", "-d", "refs/heads/other"]);
        shop.remote.git(&["update-ref", reference, &foreign]);
        let before = shop.remote.references();
        let (result, told) = submit(&forge(&shop), &shop.submission);
        let error = result.unwrap_err();
        assert!(
            matches!(&error, ForgeError::Taken { reference: taken, tip } if taken == reference && *tip == foreign),
            "{error}"
        );
        assert!(!error.is_transient() && told.is_empty());
        assert_eq!(shop.remote.references(), before);
    }
}

#[test]
fn whoever_is_faster_keeps_the_name() {
    let shop = Shop::new();
    let mut foreign = String::new();
    let (result, _) = submit_with(&forge(&shop), &shop.submission, |_, progress| {
        if let Progress::About(Effect::Branch { name, .. }) = progress {
            foreign = shop.foreign(name, "Faster");
        }
        Ok(())
    });
    assert!(matches!(result, Err(ForgeError::Taken { .. })), "{result:?}");
    assert_eq!(shop.remote.references()[BRANCH], foreign);

    // Another process with the same submission is no stranger.
    let shop = Shop::new();
    let (result, _) = submit_with(&forge(&shop), &shop.submission, |_, progress| {
        if let Progress::About(Effect::Branch { .. }) = progress {
            std::thread::scope(|scope| {
                scope.spawn(|| submit(&forge(&shop), &shop.submission).0.unwrap()).join().unwrap()
            });
        }
        Ok(())
    });
    is_submitted(&shop, &result.unwrap());
}

#[test]
fn a_reader_who_went_on_from_the_branch_is_no_stranger() {
    let shop = Shop::new();
    let (submitted, _) = submit(&forge(&shop), &shop.submission);
    let submitted = submitted.unwrap();
    let more = shop.remote.git(&["commit-tree", &format!("{BRANCH}^{{tree}}"), "-p", BRANCH, "-m", "More"]);
    shop.remote.git(&["update-ref", BRANCH, &more]);
    let (again, told) = submit(&forge(&shop), &shop.submission);
    assert_eq!((again.unwrap(), told), (submitted, vec![]));
    assert_eq!(shop.remote.references()[BRANCH], more);
}

#[test]
fn a_target_that_moved_is_refused_until_the_branch_is_there() {
    let shop = Shop::new();
    let tip = shop.foreign("main", "Moves on");
    let before = shop.remote.references();
    let (result, told) = submit(&forge(&shop), &shop.submission);
    let error = result.unwrap_err();
    let is_moved = matches!(&error, ForgeError::Moved { target, examined, tip: found }
        if target == "main" && *examined == shop.submission.base && *found == tip);
    assert!(is_moved && !error.is_transient(), "{error}");
    assert_eq!((shop.remote.references(), told), (before, vec![]));
    let elsewhere = Submission { target_branch: "release".into(), ..shop.submission.clone() };
    assert!(matches!(submit(&forge(&shop), &elsewhere).0, Err(ForgeError::NoTarget { .. })));

    // What had begun is completed.
    let shop = Shop::new();
    assert!(submit_with(&forge(&shop), &shop.submission, stop_after(3)).0.is_err());
    shop.foreign("main", "Moves on");
    let (second, told) = submit(&forge(&shop), &shop.submission);
    assert_eq!((second.unwrap().branch, told), (shop.submission.branch(), vec![]));
}

#[test]
fn nothing_of_the_operators_repository_is_run() {
    let shop = Shop::new();
    let witness = shop.folder.path().join("ran");
    let script = format!("touch '{}'; exit 1", witness.display());
    for folder in [".git/hooks", "hooks"] {
        for name in [
            "pre-push",
            "pre-commit",
            "commit-msg",
            "prepare-commit-msg",
            "post-commit",
            "post-checkout",
            "applypatch-msg",
            "pre-applypatch",
            "post-index-change",
            "reference-transaction",
            "post-rewrite",
            "fsmonitor",
            "run",
        ] {
            shop.local.hook(folder, name, &script);
        }
    }
    let run = shop.local.0.join("hooks/run");
    let run = run.to_str().unwrap();
    shop.local.git(&["config", "core.hooksPath", shop.local.0.join("hooks").to_str().unwrap()]);
    for (key, value) in [
        ("core.fsmonitor", run),
        ("core.sshCommand", run),
        ("core.editor", run),
        ("core.pager", run),
        ("core.alternateRefsCommand", run),
        ("diff.external", run),
        ("gpg.program", run),
        ("commit.gpgSign", "true"),
        ("push.gpgSign", "if-asked"),
        ("filter.x.clean", run),
        ("filter.x.smudge", run),
        ("credential.helper", run),
    ] {
        shop.local.git(&["config", key, value]);
    }
    shop.local.write(".git/info/attributes", "* filter=x diff=x\n");
    let before = shop.local.files();
    let (submitted, _) = submit(&forge(&shop), &shop.submission);
    is_submitted(&shop, &submitted.unwrap());
    assert!(!witness.exists());
    assert_eq!(shop.local.files(), before);
}

#[test]
fn a_remote_that_refuses_says_why() {
    let shop = Shop::new();
    shop.remote.hook("hooks", "pre-receive", "echo 'no branches on Fridays' >&2; exit 1");
    let (result, _) = submit(&forge(&shop), &shop.submission);
    let error = result.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("no branches on Fridays"), "{error}");
    std::fs::remove_file(shop.remote.0.join("hooks/pre-receive")).unwrap();
    is_submitted(&shop, &submit(&forge(&shop), &shop.submission).0.unwrap());
}

#[test]
fn a_remote_that_is_away() {
    let shop = Shop::new();
    let nowhere = GitSettings::new(shop.folder.path().join("nowhere").to_str().unwrap());
    let (result, told) = submit(&GitForge::configure(nowhere).unwrap(), &shop.submission);
    let error = result.unwrap_err();
    assert!(matches!(error, ForgeError::Unavailable { .. }) && error.is_transient() && told.is_empty(), "{error}");
}

#[test]
fn settings_for_the_remote_are_those_that_the_operator_names() {
    let shop = Shop::new();
    let file = shop.folder.path().join("remote.config");
    let rewritten = format!("[url \"{}\"]\n\tinsteadOf = https://git.invalid/shop\n", shop.remote.0.display());
    std::fs::write(&file, rewritten).unwrap();
    let settings = |config: Option<PathBuf>| GitSettings { config, ..GitSettings::new("https://git.invalid/shop") };
    let forge = GitForge::configure(settings(Some(file))).unwrap();
    is_submitted(&shop, &submit(&forge, &shop.submission).0.unwrap());
    let absent = settings(Some(shop.folder.path().join("absent")));
    assert!(matches!(GitForge::configure(absent), Err(ForgeError::Settings(_))));
}

#[test]
fn the_markdown_goes_where_an_operator_says() {
    let shop = Shop::new();
    let settings =
        |under: &str| GitSettings { markdown_under: under.into(), ..GitSettings::new(shop.remote.0.to_str().unwrap()) };
    let forge = GitForge::configure(settings("refs/heads/proposals")).unwrap();
    let (submitted, _) = submit(&forge, &shop.submission);
    let reference = "refs/heads/proposals/01ARZ3NDEKTSV4RRFFQ69G5FAV-1";
    assert_eq!(submitted.unwrap().place, Place::Reference(reference.into()));
    assert!(shop.remote.references().contains_key(reference));
    for under in ["heads/x", "refs/", "refs/a..b", "--all", "refs/negawatt", "refs/heads/negawatt"] {
        assert!(matches!(GitForge::configure(settings(under)), Err(ForgeError::Settings(_))), "{under}");
    }
}

#[test]
fn patches_that_make_no_commit() {
    let shop = Shop::new();
    let outside = |path: &str| format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
    for patch in [
        "no patch at all\n".to_owned(),
        shop.submission.patch.replace("sum()", "total()"),
        outside("../outside"),
        outside("/etc/passwd"),
        outside(".git/config"),
        outside("src/.GIT/hooks/pre-push"),
        "diff --git a/README b/README\nold mode 100644\nnew mode 100644\n".to_owned(),
    ] {
        let (result, told) = submit(&forge(&shop), &Submission { patch: patch.clone(), ..shop.submission.clone() });
        assert!(matches!(result, Err(ForgeError::Patch { .. })), "{patch}: {result:?}");
        assert!(told.is_empty());
    }
    assert_eq!(shop.remote.references().len(), 1);
    assert!(!shop.folder.path().join("outside").exists());
}

#[test]
fn repositories_that_cannot_be_used() {
    let shop = Shop::new();
    shop.local.write("folder/file", "x");
    let tag = {
        shop.local.git(&["tag", "-a", "-m", "x", "v1"]);
        shop.local.git(&["rev-parse", "v1"])
    };
    let unknown = "0123456789".repeat(4);
    for (repository, base, says) in [
        (shop.folder.path().join("nowhere"), &shop.submission.base, "cannot be opened"),
        // Above it is one, which nobody named.
        (shop.local.0.join("folder"), &shop.submission.base, "not a git repository"),
        (shop.local.0.clone(), &unknown, "no commit"),
        (shop.local.0.clone(), &tag, "another object"),
    ] {
        let submission = Submission { repository, base: base.clone(), ..shop.submission.clone() };
        let error = submit(&forge(&shop), &submission).0.unwrap_err();
        assert!(matches!(error, ForgeError::Repository { .. }) && error.to_string().contains(says), "{says}: {error}");
    }
}

#[test]
fn a_small_patch_that_asks_for_a_large_file_gets_no_memory() {
    let shop = Shop::new();
    let patch = shop.submission.patch.replacen("literal 4\n", "literal 3000000000\n", 1);
    assert_ne!(patch, shop.submission.patch);
    let (result, _) = submit(&forge(&shop), &Submission { patch, ..shop.submission.clone() });
    assert!(matches!(&result, Err(ForgeError::Patch { what, .. }) if what.contains("memory")), "{result:?}");
}
