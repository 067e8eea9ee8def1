//! A case whose forge is a GitHub that remembers.

use std::path::Path;

use negawatt_test_servers::GitHub;
use serde_json::{Value, json};

use super::case::{configure_as, git};
use super::{write, write_private};

/// Writes the configuration of a case with this GitHub as its forge. `token` says where the token is.
pub fn configure(folder: &Path, github: &GitHub, token: &str, keys: &str) {
    let forge = format!(
        "forge = {{ kind = \"github\", repository = \"acme/shop\", url = {:?}, token = {token}, labels = [\"performance\"] }}",
        github.url()
    );
    configure_as(folder, &format!("{forge}\n{keys}"), "");
}

/// The token in a file of the case's folder.
pub const TOKEN: &str = "{ file = \"github-token\" }";

/// Puts it there.
pub fn put_token(folder: &Path) {
    write_private(folder.join("github-token"), GitHub::TOKEN);
}

/// The author of the culprit has an account, and nobody else.
pub fn know_the_author(folder: &Path, github: &GitHub) {
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let author = truth["suspect"]["author"].as_str().unwrap();
    let address = author.rsplit_once('<').unwrap().1.trim_end_matches('>').to_owned();
    let mut world = github.world();
    world.accounts = [(address, json!({ "login": "culprits-author", "type": "User" }))].into();
    world.collaborators.insert("culprits-author".to_owned());
}

/// A proposal is there once: one branch with one commit of the right tree, one pull request with its label, and one request for a review, of
/// the culprit's author. `shown` is what `review show` has of it.
pub fn is_there_once(folder: &Path, github: &GitHub, shown: &Value) {
    let (remote, repo) = (folder.join("remote.git"), folder.join("repo"));
    let submitted = &shown["submitted"];
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{shown:#}")).to_owned();
    let (branch, commit, base) =
        (text(&submitted["branch"]), text(&submitted["commit"]), text(&shown["base"]["commit"]));
    assert_eq!(
        (&shown["stage"], &submitted["forge"], &submitted["notes"]),
        (&"submitted".into(), &"github".into(), &json!([]))
    );
    assert_eq!(git(&remote, &["rev-parse", &format!("refs/heads/{branch}")]), commit);
    assert_eq!(git(&remote, &["rev-list", &format!("{base}..{commit}")]), commit);
    // The tree that git makes of the patch.
    write(folder.join("patch"), &text(&shown["patch"]));
    let work = folder.join(format!("work-{}", shown["proposal"]));
    git(folder, &["clone", "--quiet", "--no-checkout", repo.to_str().unwrap(), work.to_str().unwrap()]);
    git(&work, &["checkout", "--quiet", "--detach", &base]);
    git(&work, &["apply", "--index", "../patch"]);
    assert_eq!(git(&work, &["write-tree"]), git(&remote, &["rev-parse", &format!("{commit}^{{tree}}")]));

    let world = github.world();
    let pulls: Vec<_> = world.pulls.iter().filter(|pull| pull.head == branch).collect();
    let [pull] = pulls[..] else { panic!("{:#?}", world.pulls) };
    assert_eq!((pull.state, pull.base.as_str()), ("open", shown["base"]["branch"].as_str().unwrap()));
    assert_eq!(submitted["number"], pull.number);
    assert_eq!(submitted["url"], format!("https://github.example/acme/shop/pull/{}", pull.number).as_str());
    assert_eq!((&pull.labels, &pull.reviewers), (&vec!["performance".to_owned()], &vec!["culprits-author".to_owned()]));
    assert_eq!(world.asked, world.pulls.len(), "each author was asked once");
    for part in [
        "## What got worse",
        "## What it costs",
        "## Why this change is the cause",
        "## Not your change",
        "cpu_seconds_per_request",
    ] {
        assert!(pull.body.to_lowercase().contains(&part.to_lowercase()), "{part}: {}", pull.body);
    }
}
