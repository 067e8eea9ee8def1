//! What needs nobody is done however often the program is stopped, and whoever should hear of the rest hears of it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::Value;

use crate::common;
use crate::common::case::{
    KILLED, case, configure, copy, git, hook, id, kill_whole, mitigation, run_whole, script_at, submitted,
};
use crate::common::{investigate, json, json_error, run, write};

/// Lets the first proposal go by itself, and tells of others. `told` has a line for each that was told.
const REVIEW: &str = "[review]\nconfidence = 0.5\nseverity = \"critical\"\nnotify = [\"./tell\"]\n";

/// How somebody hears of a proposal: a line in `told` each time.
const HEAR: &str = "#!/bin/sh\ncat >> told\n";

/// A case whose first proposal goes by itself.
fn unattended(folder: &Path) {
    case(folder, "", REVIEW);
    script_at(&folder.join("tell"), HEAR);
}

const INVESTIGATE: [&str; 4] = ["investigate", "incident.json", "--config", "negawatt.toml"];

/// The case of a program that was killed.
fn killed(folder: &Path) -> String {
    let killed = run_whole(folder, &INVESTIGATE);
    assert_eq!(killed.status.signal(), KILLED, "{}: {}", killed.status, String::from_utf8_lossy(&killed.stderr));
    let list = json(folder, &["case", "list", "--config", "negawatt.toml", "--json"]);
    list["cases"][0]["case"].as_str().unwrap().to_owned()
}

fn proposals(folder: &Path, case: &str) -> Vec<Value> {
    let shown = json(folder, &["review", "show", case, "--config", "negawatt.toml", "--json"]);
    shown["proposals"].as_array().unwrap().clone()
}

fn stages(folder: &Path, case: &str) -> Vec<String> {
    proposals(folder, case).iter().map(|one| one["stage"].as_str().unwrap().to_owned()).collect()
}

/// What was told: the proposals' numbers, and the trouble.
fn told(folder: &Path) -> Vec<(u64, Option<String>)> {
    let all = std::fs::read_to_string(folder.join("told")).unwrap_or_default();
    let one = |line: &str| {
        let told: Value = serde_json::from_str(line).unwrap();
        (told["proposal"].as_u64().unwrap(), told["trouble"].as_str().map(str::to_owned))
    };
    all.lines().map(one).collect()
}

fn resume(folder: &Path, case: &str) {
    let resumed = json(folder, &["case", "resume", case, "--config", "negawatt.toml", "--json"]);
    assert_eq!(resumed["case"], case);
    // Nothing is left to go on with.
    let (code, error) = json_error(folder, &["case", "resume", case, "--config", "negawatt.toml", "--json"]);
    assert_eq!((code, &error["code"]), (2, &"ended".into()), "{error}");
}

#[test]
fn a_submission_by_itself_that_was_killed_goes_on() {
    let first = tempfile::tempdir().unwrap();
    unattended(first.path());
    for reference in ["refs/negawatt/proposals", "refs/heads/negawatt"] {
        // Before the remote takes it, and it does not; after it took it.
        for (name, end) in [("pre-receive", 1), ("post-receive", 0)] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            copy(first.path(), folder);
            hook(folder, name, reference, &format!("{}\nexit {end}", kill_whole(folder)));
            let case = killed(folder);
            std::fs::remove_file(folder.join("remote.git/hooks").join(name)).unwrap();
            assert_eq!(stages(folder, &case), ["approved", "waiting"], "{name} {reference}");
            assert!(told(folder).is_empty(), "it did not come to that");

            // Whoever watches takes it up, and so does whoever resumes the case.
            match end {
                0 => drop(json(folder, &["review", "follow", "--json"])),
                _ => resume(folder, &case),
            }
            assert_eq!(stages(folder, &case), ["submitted", "waiting"]);
            let (branch, words) =
                (format!("refs/heads/negawatt/{case}-1"), format!("refs/negawatt/proposals/{case}-1"));
            assert_eq!(submitted(folder), [branch.clone(), words]);
            let done = &proposals(folder, &case)[0];
            assert!(done["reviews"][0]["by"].is_null() && done["reviews"][1].is_null(), "{done:#}");
            let (base, commit) =
                (done["base"]["commit"].as_str().unwrap(), done["submitted"]["commit"].as_str().unwrap());
            assert_eq!(git(&folder.join("remote.git"), &["rev-list", &format!("{base}..{branch}")]), commit);
            assert_eq!(told(folder), [(2, None)], "the other one waits for a person");
        }
    }
}

/// Runs git as it is, but for the moment at which it is looked at whether a branch moved since the guard looked: where it stands is asked
/// before each of the two proposals is examined, and then.
fn killed_before_it_is_decided(folder: &Path) -> String {
    let git =
        String::from_utf8(std::process::Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout)
            .unwrap();
    let asked = folder.join("asked").display().to_string();
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *'rev-parse --verify --quiet --end-of-options refs/heads/'*)\necho >> {asked}\n[ $(wc -l < {asked}) -lt 3 ] || {}\n;; esac\nexec {} \"$@\"\n",
        kill_whole(folder),
        git.trim()
    );
    script_at(&folder.join("bin/git"), &text);
    let script = "PATH=\"$PWD/bin:$PATH\"; export PATH; echo $$ > process; exec \"$@\"";
    let mut shell = common::program(folder, "sh");
    let killed = shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_negawatt")]).args(INVESTIGATE).output().unwrap();
    assert_eq!(killed.status.signal(), KILLED, "{}: {}", killed.status, String::from_utf8_lossy(&killed.stderr));
    let list = json(folder, &["case", "list", "--config", "negawatt.toml", "--json"]);
    list["cases"][0]["case"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_guard_let_go_is_not_forgotten() {
    let first = tempfile::tempdir().unwrap();
    let first = first.path();
    unattended(first);
    let case = killed_before_it_is_decided(first);
    assert_eq!(stages(first, &case), ["waiting", "waiting"]);
    assert!(proposals(first, &case)[0]["needs_person"].is_null() && told(first).is_empty());
    for (confidence, expected) in [("0.5", "submitted"), ("0.99", "waiting")] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        copy(first, folder);
        configure(folder, "", &REVIEW.replace("0.5", confidence));
        resume(folder, &case);
        assert_eq!(stages(folder, &case), [expected, "waiting"]);
        // What the operator asks for by now counts.
        let heard = told(folder);
        if expected == "waiting" {
            assert_eq!(heard, [(1, None), (2, None)]);
            let why = proposals(folder, &case)[0]["needs_person"].to_string();
            assert!(why.contains("asks for 0.99"), "{why}");
        } else {
            assert_eq!(heard, [(2, None)]);
        }
    }
}

#[test]
fn a_forge_that_is_away_at_first_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    unattended(folder);
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let answer = investigate(folder);
    assert_eq!(mitigation(&answer, 0)["stage"], "approved", "{answer:#}");
    let heard = told(folder);
    let [(1, Some(trouble)), (2, None)] = &heard[..] else { panic!("{heard:?}") };
    assert!(!trouble.is_empty());
    // It is tried again, and nobody is told again.
    assert!(run(folder, &["review", "follow"]).status.success());
    assert_eq!(
        (stages(folder, id(&answer)), told(folder)),
        (vec!["approved".to_owned(), "waiting".to_owned()], heard.clone())
    );
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    let followed = json(folder, &["review", "follow", "--json"]);
    assert_eq!(followed["proposals"][0]["state"], "open", "{followed:#}");
    assert_eq!(stages(folder, id(&answer)), ["submitted", "waiting"]);
    assert_eq!((submitted(folder).len(), told(folder)), (2, heard));
}

/// Where the target moves before anything is made, the guard looks at it there.
#[test]
fn what_was_let_go_is_examined_anew_where_its_branch_moved() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    unattended(folder);
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let answer = investigate(folder);
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    git(folder, &["clone", "--quiet", "repo", "work"]);
    write(folder.join("work/NEWS"), "news\n");
    git(&folder.join("work"), &["add", "NEWS"]);
    git(&folder.join("work"), &["commit", "--quiet", "-m", "news"]);
    for to in ["../repo", "../remote.git"] {
        git(&folder.join("work"), &["push", "--quiet", to, "HEAD"]);
    }
    assert!(run(folder, &["review", "follow"]).status.success());
    let done = &proposals(folder, id(&answer))[0];
    let tip = git(&folder.join("work"), &["rev-parse", "HEAD"]);
    assert_eq!((&done["stage"], &done["base"]["commit"]), (&"submitted".into(), &tip.into()), "{done:#}");
}

/// One that fails to hear, or is stopped as it does, hears again; one that heard does not.
#[test]
fn who_did_not_hear_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "[review]\nnotify = [\"./tell\"]\n");
    script_at(&folder.join("tell"), "#!/bin/sh\nexit 3\n");
    let output = run(folder, &INVESTIGATE);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("nobody was told of the proposal 1"), "{said}");
    let list = json(folder, &["case", "list", "--config", "negawatt.toml", "--json"]);
    let case = list["cases"][0]["case"].as_str().unwrap();
    script_at(&folder.join("tell"), &format!("{HEAR}{}\n", kill_whole(folder)));
    let killed = run_whole(folder, &["case", "resume", case, "--config", "negawatt.toml"]);
    assert_eq!((killed.status.signal(), told(folder)), (KILLED, vec![(1, None)]));
    script_at(&folder.join("tell"), HEAR);
    resume(folder, case);
    assert_eq!(told(folder), [(1, None), (1, None), (2, None)], "the first one was not known to be told");
    assert!(run(folder, &["review", "follow"]).status.success());
    assert_eq!(told(folder).len(), 3);
}

/// What its file says of the guard counts for nothing: it is asked here, when a person approves.
#[test]
fn what_was_imported_goes_out_when_a_person_approves_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let answer = investigate(folder);
    json(folder, &["casebook", "export", "cases.ngw", "--config", "negawatt.toml", "--json"]);
    std::fs::rename(folder.join("casebook"), folder.join("elsewhere")).unwrap();
    json(folder, &["casebook", "import", "cases.ngw", "--config", "negawatt.toml", "--json"]);
    configure(folder, "", REVIEW);
    script_at(&folder.join("tell"), HEAR);
    let (code, error) = json_error(folder, &["case", "resume", id(&answer), "--json"]);
    assert_eq!((code, &error["code"]), (2, &"ended".into()), "{error}");
    assert!(run(folder, &["review", "follow"]).status.success());
    assert_eq!((submitted(folder).len(), told(folder)), (0, Vec::new()), "nothing happens by itself");
    let approved = json(folder, &["review", "approve", id(&answer), "--by", "Ada", "--json"]);
    let proposal = &approved["proposals"][0];
    assert_eq!((&proposal["stage"], &proposal["reviews"][0]["by"]), (&"submitted".into(), &"Ada".into()));
    let why = proposal["needs_person"].as_str().unwrap();
    assert!(why.contains("another casebook"), "{why}");
    assert_eq!(submitted(folder).len(), 2, "{:?}", submitted(folder));
}
