//! The forge `git`: a branch on any git remote, and the proposal as Markdown beside it.
//!
//! The Markdown is no file of the product. It is the only file of a commit without history, on a reference of its own beside the
//! branch: `refs/negawatt/proposals/<case>-<proposal>`. It goes where the branch goes, is no branch itself, and is read with
//! `git fetch <remote> <reference> && git show FETCH_HEAD:<file name>`. It is there before the branch is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::draft::{Draft, Room, success};
use super::error::quoted;
use super::process::{Failed, Output};
use super::submission::{is_branch, is_hash};
use super::{Effect, Forge, ForgeError, Observe, Place, State, Submission, Submitted, effect};

/// Where the Markdown's references are unless an operator names another place.
pub const MARKDOWN_UNDER: &str = "refs/negawatt/proposals";

/// How long git may take to talk to a remote unless an operator says otherwise.
const REMOTE_TIME: Duration = Duration::from_secs(120);

/// The most bytes of what git tells of a remote: a few references, and how pushing them went.
const MAX_ANSWER: usize = 1 << 20;

/// Where fetched branches are, in the draft.
const FETCHED: &str = "refs/fetched";

/// What an operator says of a git remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSettings {
    /// An absolute path, an address (`https`, `http`, `ssh`, `git`, `file`), or `user@host:path`; without a password.
    pub remote: String,
    /// A file of git settings for talking to the remote: `credential.helper`, `core.sshCommand`, `http.proxy` … No other settings
    /// are read.
    pub config: Option<PathBuf>,
    /// Under which references the Markdown is put; `refs/heads/…` where a server takes branches alone.
    pub markdown_under: String,
    /// How long talking to the remote may take, each time.
    pub time: Duration,
}

impl GitSettings {
    /// Those of a remote, the rest as usual.
    pub fn new(remote: impl Into<String>) -> GitSettings {
        GitSettings {
            remote: remote.into(),
            config: None,
            markdown_under: MARKDOWN_UNDER.to_owned(),
            time: REMOTE_TIME,
        }
    }
}

/// The forge `git`.
#[derive(Debug, Clone)]
pub struct GitForge {
    settings: GitSettings,
}

impl GitForge {
    /// Checks the settings; talks to nobody.
    pub fn configure(settings: GitSettings) -> Result<GitForge, ForgeError> {
        let wrong = |what: &str| Err(ForgeError::Settings(what.to_owned()));
        if settings.config.as_ref().is_some_and(|file| !file.is_absolute() || !file.is_file()) {
            return wrong("its git settings are no file; name one by its absolute path");
        }
        let under = settings.markdown_under.strip_prefix("refs/").filter(|under| is_branch(under));
        // Nor are they called as the branches are: git would not know which of the two is meant.
        if under.is_none_or(|under| under.rsplit('/').next() == Some("negawatt")) {
            return wrong(
                "the Markdown's references are not under `refs/…`, or called as branches are; write refs/negawatt/proposals",
            );
        }
        if let Err(what) = check_remote(&settings.remote) {
            return wrong(what);
        }
        Ok(GitForge { settings })
    }

    fn markdown(&self, submission: &Submission) -> String {
        format!("{}/{}-{}", self.settings.markdown_under, submission.case, submission.proposal)
    }

    /// Has git talk to the remote.
    async fn ask(&self, room: &Room, arguments: &[&str]) -> Result<Output, ForgeError> {
        let git = room.remote_git(self.settings.config.as_deref(), self.settings.time);
        git.run(arguments, &[], b"", MAX_ANSWER).await.map_err(|failed| match failed {
            Failed::Start(_) => ForgeError::Settings(failed.to_string()),
            Failed::Time(_) | Failed::Output(_) | Failed::Pipe(_) => self.unavailable(&failed.to_string()),
        })
    }

    fn unavailable(&self, what: &str) -> ForgeError {
        ForgeError::Unavailable { forge: self.settings.remote.clone(), what: quoted(what) }
    }

    /// Where these references of the remote are.
    async fn tips<const N: usize>(
        &self,
        room: &Room,
        references: [&str; N],
    ) -> Result<[Option<String>; N], ForgeError> {
        let mut arguments = vec!["ls-remote", "--refs", "--", &self.settings.remote];
        arguments.extend(references);
        let output = self.ask(room, &arguments).await?;
        let list = success(Ok(output)).map_err(|what| self.unavailable(&format!("git reports: {what}")))?;
        let list = String::from_utf8_lossy(&list);
        // A pattern matches ends of names too.
        let tip = |reference: &str| {
            let lines = list.lines().filter_map(|line| line.split_once('\t'));
            lines.filter(|(hash, name)| *name == reference && is_hash(hash)).map(|(hash, _)| hash.to_owned()).next()
        };
        Ok(references.map(tip))
    }

    /// Makes a reference of the remote, where it is not there; or has it follow a commit that it is at, where it still is.
    async fn push(
        &self,
        draft: &Draft,
        commit: &str,
        reference: &str,
        replaced: Option<&String>,
    ) -> Result<(), ForgeError> {
        let lease = format!("--force-with-lease={reference}:{}", replaced.map_or("", String::as_str));
        let change = format!("{commit}:{reference}");
        let arguments = ["push", "--porcelain", "--no-verify", &lease, "--", &self.settings.remote, &change];
        let output = self.ask(&draft.room, &arguments).await?;
        if output.is_success {
            return Ok(());
        }
        // Somebody may have been faster: this very forge before a crash, or somebody else.
        match self.tips(&draft.room, [reference]).await? {
            [Some(tip)] if tip == commit => Ok(()),
            [Some(tip)] if Some(&tip) != replaced => Err(Self::taken(reference, tip)),
            [_] => {
                let report = String::from_utf8_lossy(&output.stdout);
                let rejected = report.lines().find_map(|line| line.split_once("[remote rejected]"));
                Err(match rejected {
                    Some((_, why)) => ForgeError::Refused {
                        forge: self.settings.remote.clone(),
                        what: format!("{reference} was not taken: {}; {}", quoted(why), output.complaint),
                    },
                    None => self.unavailable(&format!("git reports: {}", output.complaint)),
                })
            }
        }
    }

    /// Gets a reference of the remote, and gives its name here.
    async fn fetch(&self, draft: &Draft, reference: &str, tip: &str) -> Result<String, ForgeError> {
        let here = format!("{FETCHED}/{tip}");
        let change = format!("+{reference}:{here}");
        let arguments =
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", &self.settings.remote, &change];
        let output = self.ask(&draft.room, &arguments).await?;
        success(Ok(output)).map_err(|what| self.unavailable(&format!("git reports: {what}")))?;
        Ok(here)
    }

    /// Whether a branch of the remote holds the proposal's commit.
    async fn holds(&self, draft: &Draft, reference: &str, tip: &str) -> Result<bool, ForgeError> {
        if tip == draft.commit {
            return Ok(true);
        }
        let here = self.fetch(draft, reference, tip).await?;
        Ok(draft.holds(&here).await)
    }

    /// The commit that brought the proposal to a fetched branch: its own, a merge of it, or one with the same change (a rebase, a squash).
    async fn landed(&self, draft: &Draft, base: &str, branch: &str) -> Result<Option<String>, ForgeError> {
        let commit = &draft.commit;
        let unusable = |what: String| self.unusable(&format!("the history of the target cannot be read: {what}"));
        if !draft.holds(branch).await {
            let both = format!("{commit}...{branch}");
            let arguments = ["rev-list", "--cherry-mark", "--right-only", "--no-merges", &both];
            let marked = draft.local(&arguments, b"").await.map_err(unusable)?;
            return Ok(marked.lines().find_map(|line| line.strip_prefix('=')).map(str::to_owned));
        }
        let base = format!("^{base}");
        let own = draft.local(&["rev-list", "--first-parent", &base, branch], b"").await.map_err(unusable)?;
        let own: Vec<_> = own.lines().collect();
        // The branch's own commits, newest first: those before `with` have the proposal in them, those from `without` on have not.
        let (mut with, mut without) = (1, own.len().max(1));
        while with < without {
            let middle = with + (without - with) / 2;
            if draft.holds(own[middle]).await {
                with = middle + 1;
            } else {
                without = middle;
            }
        }
        Ok(own.get(with - 1).map(|merge| (*merge).to_owned()))
    }

    fn unusable(&self, what: &str) -> ForgeError {
        ForgeError::Unusable { forge: self.settings.remote.clone(), what: quoted(what) }
    }

    fn taken(reference: &str, tip: String) -> ForgeError {
        ForgeError::Taken { reference: reference.to_owned(), tip }
    }
}

#[async_trait]
impl Forge for GitForge {
    async fn submit(
        &self,
        submission: &Submission,
        earlier: &[Submission],
        observe: Observe<'_>,
    ) -> Result<Submitted, ForgeError> {
        submission.check()?;
        let draft = Draft::of(submission).await?;
        let (name, markdown) = (submission.branch(), self.markdown(submission));
        let page = page(&draft, submission).await?;
        let (branch, target) = (format!("refs/heads/{name}"), format!("refs/heads/{}", submission.target_branch));
        let [at_branch, at_markdown, at_target] = self.tips(&draft.room, [&branch, &markdown, &target]).await?;
        let is_there = match &at_branch {
            // Its reader may have gone on from it.
            Some(tip) => self.holds(&draft, &branch, tip).await?,
            None => false,
        };
        let has_page = at_markdown.as_ref() == Some(&page);
        // What else bears the names: an earlier approval's, which is replaced, or a stranger's.
        let (old_branch, old_page) =
            (at_branch.as_ref().filter(|_| !is_there), at_markdown.as_ref().filter(|_| !has_page));
        if old_branch.is_some() || old_page.is_some() {
            let ours = made(submission, earlier).await?;
            for (reference, old) in [(&branch, old_branch), (&markdown, old_page)] {
                if let Some(tip) = old.filter(|tip| !ours.contains(tip)) {
                    return Err(Self::taken(reference, tip.clone()));
                }
            }
        }
        if !is_there {
            let (forge, target) = (self.settings.remote.clone(), submission.target_branch.clone());
            match at_target {
                None => return Err(ForgeError::NoTarget { forge, target }),
                Some(tip) if tip != submission.base => {
                    return Err(ForgeError::Moved { target, examined: submission.base.clone(), tip });
                }
                Some(_) => {}
            }
        }
        if !has_page {
            let about = Effect::Markdown { reference: markdown.clone(), commit: page.clone() };
            effect(observe, about, self.push(&draft, &page, &markdown, old_page)).await?;
        }
        if !is_there {
            let about = Effect::Branch { name: name.clone(), commit: draft.commit.clone() };
            effect(observe, about, self.push(&draft, &draft.commit, &branch, old_branch)).await?;
        }
        let reviewer = submission
            .reviewer
            .iter()
            .map(|reviewer| format!("a git remote asks nobody for a review: tell {}", quoted(&reviewer.author)));
        Ok(Submitted {
            branch: name,
            commit: draft.commit.clone(),
            place: Place::Reference(markdown),
            notes: reviewer.collect(),
        })
    }

    async fn state(&self, submission: &Submission, submitted: &Submitted) -> Result<State, ForgeError> {
        submission.check()?;
        let draft = Draft::of(submission).await?;
        let (branch, target) =
            (format!("refs/heads/{}", submitted.branch), format!("refs/heads/{}", submission.target_branch));
        let [at_branch, at_target] = self.tips(&draft.room, [&branch, &target]).await?;
        let Some(tip) = at_target else {
            return Err(ForgeError::NoTarget {
                forge: self.settings.remote.clone(),
                target: submission.target_branch.clone(),
            });
        };
        if tip != submission.base {
            let here = self.fetch(&draft, &target, &tip).await?;
            if let Some(commit) = self.landed(&draft, &submission.base, &here).await? {
                let time = draft.local(&["show", "-s", "--format=%ct", &commit], b"").await;
                let time = time.map_err(|what| self.unusable(&what))?.parse();
                let time = time.map_err(|_| self.unusable(&format!("the commit {commit} has no date")))?;
                return Ok(State::Merged { commit, time: i64::saturating_mul(time, 1_000_000) });
            }
        }
        Ok(if at_branch.is_some() { State::Open } else { State::Closed { reason: None } })
    }

    async fn probe(&self, repository: &Path, target_branch: &str) -> Result<String, ForgeError> {
        let room = Room::of(repository).await?;
        let [tip] = self.tips(&room, [&format!("refs/heads/{target_branch}")]).await?;
        let (forge, target) = (self.settings.remote.clone(), target_branch.to_owned());
        tip.ok_or(ForgeError::NoTarget { forge, target })
    }
}

/// The commit that holds the Markdown.
async fn page(draft: &Draft, submission: &Submission) -> Result<String, ForgeError> {
    let about = format!("Proposal {} of the case {}\n", submission.proposal, submission.case);
    draft.alone(submission, &submission.body, &about).await
}

/// The commits that earlier approvals of the same proposal may have left at the remote.
async fn made(submission: &Submission, earlier: &[Submission]) -> Result<Vec<String>, ForgeError> {
    let mut made = Vec::new();
    for (draft, earlier) in Draft::of_earlier(submission, earlier).await {
        made.extend([page(&draft, &earlier).await?, draft.commit]);
    }
    Ok(made)
}

/// What is wrong with the name of a remote. No message repeats it: it may hold a password.
fn check_remote(remote: &str) -> Result<(), &'static str> {
    if remote.is_empty() || remote.starts_with('-') || remote.contains(|c: char| c.is_control()) {
        return Err("its remote is no path and no address");
    }
    if remote.starts_with('/') {
        return Ok(());
    }
    if let Some((scheme, rest)) = remote.split_once("://") {
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        return match (scheme, user) {
            ("https" | "http", Some(_)) => {
                Err("its remote holds credentials; let a credential.helper in its git settings give them")
            }
            ("ssh", Some(user)) if user.contains(':') => Err("its remote holds a password; use a key, or an agent"),
            ("https" | "http" | "ssh" | "git" | "file", _) if !authority.starts_with('-') => Ok(()),
            _ => Err("its remote has a scheme other than https, http, ssh, git and file"),
        };
    }
    let is_named = |(host, path): (&str, &str)| {
        !host.is_empty() && !host.contains('/') && !path.is_empty() && !path.starts_with(':')
    };
    match remote.split_once(':') {
        Some(parts) if is_named(parts) => Ok(()),
        _ => Err("its remote is a path that is not absolute; write it whole"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes() {
        for remote in [
            "/srv/git/shop.git",
            "https://git.example/shop.git",
            "ssh://git@git.example:22/shop",
            "git@git.example:shop.git",
            "git://127.0.0.1:9418/shop.git",
            "file:///srv/git/shop.git",
        ] {
            check_remote(remote).unwrap();
        }
        for (remote, says) in [
            ("", "no path"),
            ("--upload-pack=x", "no path"),
            ("a\nb", "no path"),
            ("shop.git", "not absolute"),
            ("../shop.git", "not absolute"),
            ("ext::sh -c x", "not absolute"),
            ("https://user:secret@git.example/x", "credentials"),
            ("https://secret@git.example/x", "credentials"),
            ("ssh://git:secret@git.example/x", "password"),
            ("ssh://-oProxyCommand=x/y", "scheme"),
            ("ftp://git.example/x", "scheme"),
        ] {
            let what = check_remote(remote).expect_err(remote);
            assert!(what.contains(says) && !what.contains("secret"), "{remote}: {what}");
        }
    }
}
