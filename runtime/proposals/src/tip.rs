//! Where a branch of the operator's repository stands.

use std::process::Command;

use negawatt_config::Repository;

/// The name of a repository's branch that counts: the one that is configured, or the one that HEAD names; absent where HEAD names none.
pub(crate) fn branch(repository: &Repository) -> Option<String> {
    let configured = repository.branch.as_ref().map(|branch| branch.value.clone());
    configured.or_else(|| git(repository, &["symbolic-ref", "--quiet", "--short", "HEAD"]))
}

/// The full hash of that branch's tip.
pub(crate) fn tip(repository: &Repository) -> Option<String> {
    let name = branch(repository)?;
    git(repository, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("refs/heads/{name}^{{commit}}")])
}

/// One line that git answers; it reads the repository, and runs nothing of it.
fn git(repository: &Repository, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(negawatt_actions::git());
    command.arg("-C").arg(&repository.path.value).args([
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
    ]);
    let kept = ["PATH", "HOME"].map(|name| (name, std::env::var_os(name)));
    command.env_clear().envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let output = command.args(arguments).output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Some(line).filter(|line| !line.is_empty())
}

/// The address of a remote that a repository knows by a name.
pub(crate) fn remote(repository: &Repository, name: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_name {
        return None;
    }
    git(repository, &["config", "--local", "--get", &format!("remote.{name}.url")])
}
