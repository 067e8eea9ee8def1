//! The program is killed at each step outside while it submits, and goes on: everything is there once.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use negawatt_test_servers::{Fault, GitHub, Request};
use serde_json::Value;

use crate::common::case::{KILLED, case, case_of, copy, git, hook, id, kill_whole, run_whole, submitted};
use crate::common::github::{TOKEN, is_there_once, know_the_author, put_token};
use crate::common::{github, investigate, json, json_error, negawatt, run, write};

/// The signal that nothing can be done about.
fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

/// Goes on with the first proposal of a case.
fn goes_on(folder: &Path, case: &str) -> Value {
    let done = json(folder, &["review", "submit", case, "1", "--config", "negawatt.toml", "--json"]);
    let proposal = done["proposals"][0].clone();
    assert_eq!(proposal["stage"], "submitted", "{proposal:#}");
    // There is nothing to go on with any more.
    let (code, error) = json_error(folder, &["review", "submit", case, "1", "--config", "negawatt.toml", "--json"]);
    assert_eq!((code, &error["code"]), (2, &"proposal".into()));
    proposal
}

fn is_change(request: &Request) -> bool {
    request.method != "GET"
}

/// Kills the program while GitHub holds its n-th request that changes something, which has its effect or has not, until none is left.
fn killed_at_each_request(has_effect: bool) {
    let first = tempfile::tempdir().unwrap();
    case_of(5_200, first.path(), "", "");
    let case = id(&investigate(first.path())).to_owned();
    let mut at = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        copy(first.path(), folder);
        let (tell_process, process) = mpsc::channel();
        let (tell_end, end) = mpsc::channel();
        let (hold, count) = (Mutex::new((process, end)), AtomicUsize::new(0));
        let github = GitHub::checking(&folder.join("remote.git"), move |request, response| {
            if is_change(request) && count.fetch_add(1, Ordering::SeqCst) == at {
                let (process, end) = &*hold.lock().unwrap();
                kill(process.recv().unwrap());
                // It is answered when nobody hears it.
                end.recv().unwrap();
            }
            response
        });
        if !has_effect {
            let mut count = 0;
            github.fault(move |_, request| {
                count += usize::from(is_change(request));
                let is_lost = is_change(request) && count == at + 1;
                if is_lost { Fault::Instead(GitHub::error(500, "lost")) } else { Fault::Nothing }
            });
        }
        know_the_author(folder, &github);
        put_token(folder);
        github::configure(folder, &github, TOKEN, "");
        let approve = ["review", "approve", &case, "1", "--by", "Ada", "--config", "negawatt.toml"];
        let mut running = negawatt(folder).args(approve).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tell_process.send(running.id()).unwrap();
        let status = running.wait().unwrap();
        // Nobody listens where the program came to its end.
        let _ = tell_end.send(());
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), KILLED, "{status}");
        is_there_once(folder, &github, &goes_on(folder, &case));
        // Every object that was made is part of it.
        assert_eq!(git(&folder.join("remote.git"), &["fsck", "--strict"]), "");
        at += 1;
    }
    assert_eq!(at, 7, "a file, its tree, the commit, branch, pull request, labels and review");
}

#[test]
fn killed_before_each_change_on_github() {
    killed_at_each_request(false);
}

#[test]
fn killed_after_each_change_on_github() {
    killed_at_each_request(true);
}

#[test]
fn killed_at_each_push_to_a_git_remote() {
    let first = tempfile::tempdir().unwrap();
    case(first.path(), "", "");
    let case = id(&investigate(first.path())).to_owned();
    let (words, branch) = (format!("refs/negawatt/proposals/{case}-1"), format!("refs/heads/negawatt/{case}-1"));
    for reference in [&words, &branch] {
        // Before the remote takes it, and it does not; before it takes it, and it does when nobody waits any more; after it took it.
        for (name, end, is_taken) in [("pre-receive", 1, false), ("update", 0, true), ("post-receive", 0, true)] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            copy(first.path(), folder);
            hook(folder, name, reference, &format!("{}\nexit {end}", kill_whole(folder)));
            let killed =
                run_whole(folder, &["review", "approve", &case, "1", "--by", "Ada", "--config", "negawatt.toml"]);
            assert_eq!(killed.status.signal(), KILLED, "{name} {reference}: {}", killed.status);
            std::fs::remove_file(folder.join("remote.git/hooks").join(name)).unwrap();
            let remote = folder.join("remote.git");
            let tips = || {
                git(
                    &remote,
                    &["for-each-ref", "--format=%(refname) %(objectname)", "refs/negawatt", "refs/heads/negawatt"],
                )
            };
            let before = tips();
            assert_eq!(before.contains(reference.as_str()), is_taken, "{name}: {before}");
            assert_eq!(before.contains(&words), is_taken || *reference == branch, "{name}: {before}");

            let done = goes_on(folder, &case);
            assert_eq!(submitted(folder), [branch.clone(), words.clone()]);
            assert!(before.lines().all(|line| tips().contains(line)), "what is there stays: {before}");
            let (base, commit) =
                (done["base"]["commit"].as_str().unwrap(), done["submitted"]["commit"].as_str().unwrap());
            assert_eq!(git(&remote, &["rev-list", &format!("{base}..{branch}")]), commit);
            // Each time that it was about to make the branch, it was this commit.
            let effects: Vec<&str> =
                done["effects"].as_array().unwrap().iter().map(|effect| effect.as_str().unwrap()).collect();
            let made: Vec<_> = effects.iter().filter(|effect| effect.contains("branch")).collect();
            assert!(!made.is_empty() && made.iter().all(|effect| effect.contains(commit)), "{effects:?}");
            assert_eq!(git(&remote, &["fsck", "--strict"]), "");
        }
    }
}

/// What a submission left is no obstacle where the branch that it is for moved meanwhile: the proposal is rejected and approved again.
#[test]
fn a_second_approval_replaces_what_the_first_left() {
    let first = tempfile::tempdir().unwrap();
    case(first.path(), "", "");
    let case = id(&investigate(first.path())).to_owned();
    let (words, branch) = (format!("refs/negawatt/proposals/{case}-1"), format!("refs/heads/negawatt/{case}-1"));
    // The remote does not take the branch; and it takes it, and nobody is left to write that down.
    for (name, script, left) in [
        ("update", "echo 'no branches on Fridays' >&2; exit 1", &[&words][..]),
        ("post-receive", "", &[&branch, &words]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        copy(first.path(), folder);
        let remote = folder.join("remote.git");
        let script = if script.is_empty() { kill_whole(folder) } else { script.to_owned() };
        hook(folder, name, "refs/heads/negawatt", &script);
        let stopped = run_whole(folder, &["review", "approve", &case, "1", "--by", "Ada", "--config", "negawatt.toml"]);
        let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
        assert!(!stopped.status.success() && said.contains("no branches on Fridays") == (name == "update"), "{said}");
        assert!(submitted(folder).iter().eq(left.iter().copied()), "{name}: {:?}", submitted(folder));
        std::fs::remove_file(remote.join("hooks").join(name)).unwrap();

        git(folder, &["clone", "--quiet", "repo", "work"]);
        let work = folder.join("work");
        write(work.join("NEWS"), "news\n");
        git(&work, &["add", "NEWS"]);
        git(&work, &["commit", "--quiet", "-m", "news"]);
        for to in ["../repo", "../remote.git"] {
            git(&work, &["push", "--quiet", to, "HEAD"]);
        }
        // The case was opened with the configuration of the first folder.
        let review = |arguments: &[&'static str]| {
            let all =
                [&["review", arguments[0], &case], &arguments[1..], &["--by", "Ada", "--config", "negawatt.toml"]];
            all.concat()
        };
        let again = review(&["approve", "1", "--text", "again", "--json"]);
        let (code, error) = json_error(folder, &again);
        assert_eq!((code, &error["code"]), (2, &"proposal".into()), "{error}");
        let said = error["message"].as_str().unwrap();
        assert!(said.ends_with("its branch moved while it was submitted: reject it, and approve it again"), "{said}");

        assert!(run(folder, &review(&["reject", "1", "--reason", "other"])).status.success());
        let text = || git(&remote, &["show", &format!("{words}:proposal.md")]);
        let before = text();
        let approved = json(folder, &again);
        let proposal = &approved["proposals"][0];
        assert_eq!(proposal["stage"], "submitted", "{approved:#}");
        assert_eq!(submitted(folder), [branch.clone(), words.clone()]);
        let tip = git(&work, &["rev-parse", "HEAD"]);
        assert_eq!(proposal["base"]["commit"], tip.as_str());
        let made = git(&remote, &["rev-list", &format!("{tip}..{branch}")]);
        assert_eq!(proposal["submitted"]["commit"], made.as_str(), "the branch holds one commit more than its target");
        assert_ne!(text(), before, "the guard looked at another commit");

        // Where somebody put something else there meanwhile, that stays.
        let taken = format!("refs/negawatt/proposals/{case}-2");
        git(&remote, &["update-ref", &taken, &tip]);
        let (code, error) = json_error(folder, &review(&["approve", "2", "--json"]));
        assert_eq!((code, &error["code"]), (1, &"forge".into()), "{error}");
        assert_eq!(git(&remote, &["rev-parse", &taken]), tip);
    }
}
