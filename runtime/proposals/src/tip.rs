//! Where a branch of the operator's repository stands.

use std::process::Command;

use negawatt_config::Repository;

/// The name of a repository's branch that counts: the one that is configured, or the one that HEAD names; absent where HEAD names none.
pub(crate) fn branch(repository: &Repository) -> Option<String> {
    let configured = repository.branch.as_ref().map(|branch| branch.value.clone());
    configured.or_else(|| {
        // In full: what is short may be a tag.
        let name = git(repository, &["symbolic-ref", "--quiet", "HEAD"])?;
        name.strip_prefix("refs/heads/").map(str::to_owned)
    })
}

/// That branch and the full hash of its tip; absent where there is none.
pub(crate) fn tip(repository: &Repository) -> Option<(String, String)> {
    let branch = branch(repository)?;
    let name = format!("refs/heads/{branch}^{{commit}}");
    let commit = git(repository, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
    Some((branch, commit))
}

/// What git answers, without the end of its last line; it reads the repository, and runs nothing of it.
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
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Some(answer).filter(|answer| !answer.is_empty())
}

/// The address of a remote that a repository knows by a name.
pub(crate) fn remote(repository: &Repository, name: &str) -> Option<String> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_name {
        return None;
    }
    git(repository, &["config", "--local", "--get", &format!("remote.{name}.url")])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use negawatt_config::Repository;
    use negawatt_test_servers::git;

    use super::{branch, tip};

    fn configured(folder: &Path, branch: &str) -> Repository {
        let text = format!("[repositories.shop]\npath = \"repo\"\n{branch}");
        let config = negawatt_config::Config::parse(&text, &folder.join("negawatt.toml")).unwrap();
        config.repositories.into_values().next().unwrap()
    }

    #[test]
    fn a_branch_is_told_from_all_else_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (here, repo) = (folder.path(), folder.path().join("repo"));
        git(here, &["init", "--quiet", "--initial-branch=main", "repo"]);
        let (of_head, named) = (configured(here, ""), configured(here, "branch = \"main\"\n"));
        assert_eq!((branch(&of_head), tip(&of_head), tip(&named)), (Some("main".to_owned()), None, None), "not born");
        let commit = || {
            git(&repo, &["commit", "--quiet", "--allow-empty", "--message=x"]);
            git(&repo, &["rev-parse", "HEAD"])
        };
        commit();
        git(&repo, &["tag", "main"]);
        git(&repo, &["tag", "HEAD"]);
        let stands = Some(("main".to_owned(), commit()));
        assert_eq!(
            (branch(&of_head), tip(&of_head), tip(&named)),
            (Some("main".to_owned()), stands.clone(), stands.clone())
        );
        git(&repo, &["checkout", "--quiet", "--detach"]);
        assert_eq!((branch(&of_head), tip(&of_head), tip(&named)), (None, None, stands), "HEAD is on no branch");
    }
}
