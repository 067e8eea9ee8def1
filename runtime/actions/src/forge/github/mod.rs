//! The forge `github`: a branch, a commit and a pull request over the REST API, of github.com or an Enterprise server.
//!
//! Files, tree and commit go up by the Git Data API: that needs the token and no other access, and they are known by their content, so
//! that what GitHub made is held against what was examined, which git made here.

mod api;
mod client;
mod clock;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::draft::Draft;
use super::error::quoted;
use super::{Effect, Forge, ForgeError, Observe, Place, Reviewer, State, Submission, Submitted, effect};
use api::{Api, Pull};
use client::Client;
use token::Token;

pub use clock::{Clock, SystemClock};
pub use token::TokenSource;

/// GitHub's own API.
const PUBLIC: &str = "https://api.github.com";

/// How long one answer may take unless an operator says otherwise.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// How long a submission waits in all where GitHub asks it to, unless an operator says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// What an operator says of a repository on GitHub.
#[derive(Debug, Clone)]
pub struct GitHubSettings {
    /// The address of the API; of an Enterprise server `https://<host>/api/v3`.
    pub base_url: String,
    /// `<owner>/<name>`.
    pub repository: String,
    /// Where the token is. It needs the rights to write contents and pull requests.
    pub token: TokenSource,
    /// How long one answer may take.
    pub answer_time: Duration,
    /// How long a submission waits in all where the server asks it to.
    pub patience: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl GitHubSettings {
    /// Those of a repository on github.com, the rest as usual.
    pub fn new(repository: impl Into<String>, token: TokenSource) -> GitHubSettings {
        GitHubSettings {
            base_url: PUBLIC.to_owned(),
            repository: repository.into(),
            token,
            answer_time: ANSWER_TIME,
            patience: PATIENCE,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The forge `github`.
#[derive(Debug, Clone)]
pub struct GitHubForge {
    client: Client,
    owner: String,
    name: String,
    token: TokenSource,
}

impl GitHubForge {
    /// Checks the settings, and that the token can be read; asks nobody.
    pub fn configure(settings: GitHubSettings) -> Result<GitHubForge, ForgeError> {
        let is_name = |name: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            (1..=100).contains(&name.len()) && name.chars().all(is_plain) && name != "." && name != ".."
        };
        let (owner, name) = settings.repository.split_once('/').unwrap_or_default();
        if !is_name(owner) || !is_name(name) {
            return Err(ForgeError::Settings("the repository is not one such as `acme/shop`".to_owned()));
        }
        Token::read(&settings.token)?;
        let client = Client::configure(&settings.base_url, settings.answer_time, settings.patience, settings.clock)?;
        Ok(GitHubForge { client, owner: owner.to_owned(), name: name.to_owned(), token: settings.token })
    }

    fn api(&self) -> Result<Api<'_>, ForgeError> {
        let session = self.client.session(Token::read(&self.token)?);
        Ok(Api { session, owner: &self.owner, name: &self.name })
    }

    fn forge(&self) -> String {
        format!("{}/{} at {}", self.owner, self.name, self.client.address())
    }
}

#[async_trait]
impl Forge for GitHubForge {
    async fn submit(
        &self,
        submission: &Submission,
        earlier: &[Submission],
        observe: Observe<'_>,
    ) -> Result<Submitted, ForgeError> {
        submission.check()?;
        let draft = Draft::of(submission).await?;
        let changes = draft.changes().await?;
        let mut api = self.api()?;
        let branch = submission.branch();
        let target = &submission.target_branch;
        let left: Vec<_> = Draft::of_earlier(submission, earlier).await;
        let is_left = |tip: &String| left.iter().any(|(draft, _)| draft.commit == *tip);
        let mut pulls = api.pulls(&branch, target).await?;
        // An earlier approval's, which somebody closed so that this one can be opened.
        pulls.retain(|pull| pull.state == "open" || !is_left(&pull.head.sha));
        let known = choose(pulls);
        let at_branch = api.tip(&branch).await?;
        if known.is_none() && at_branch.is_none() {
            let forge = self.forge();
            match api.tip(target).await? {
                None => return Err(ForgeError::NoTarget { forge, target: target.clone() }),
                Some(tip) if tip != submission.base => {
                    let (target, examined) = (target.clone(), submission.base.clone());
                    return Err(ForgeError::Moved { target, examined, tip });
                }
                Some(_) => {}
            }
        }
        let objects = Effect::Objects { tree: draft.tree.clone() };
        let commit = effect(observe, objects, api.upload(submission, &draft, &changes)).await?;
        // The API moves a branch wherever it is: what somebody pushed meanwhile would be lost.
        let taken = |tip: String| match (format!("refs/heads/{branch}"), is_left(&tip)) {
            (reference, true) => ForgeError::LeftBehind { reference, tip },
            (reference, false) => ForgeError::Taken { reference, tip },
        };
        let pull = match (known, at_branch) {
            // Its reader may have gone on from it, or deleted the branch with the request's end.
            (Some(pull), _) if pull.head.sha == commit || api.pull_holds(pull.number, &commit).await? => pull,
            (Some(pull), _) => return Err(taken(pull.head.sha)),
            (None, Some(tip)) if tip != commit => return Err(taken(tip)),
            (None, tip) => {
                if tip.is_none() {
                    let about = Effect::Branch { name: branch.clone(), commit: commit.clone() };
                    effect(observe, about, make_branch(&mut api, &branch, &commit)).await?;
                }
                let about = Effect::PullRequest { branch: branch.clone(), target: target.clone() };
                effect(observe, about, open(&mut api, submission)).await?
            }
        };
        let mut notes = Vec::new();
        if pull.state == "open" {
            notes.extend(label(&mut api, observe, &pull, &submission.labels).await?);
            if let Some(reviewer) = &submission.reviewer {
                notes.extend(ask_review(&mut api, observe, &pull, reviewer).await?);
            }
        }
        let place = Place::PullRequest { number: pull.number, url: address(&pull.html_url) };
        Ok(Submitted { branch, commit, place, notes })
    }

    async fn state(&self, _: &Submission, submitted: &Submitted) -> Result<State, ForgeError> {
        let Place::PullRequest { number, .. } = submitted.place else {
            return Err(ForgeError::Invalid("it was submitted to another forge".to_owned()));
        };
        let mut api = self.api()?;
        let pull = api.pull(number).await?;
        if let Some(time) = &pull.merged_at {
            let time = time.parse::<jiff::Timestamp>();
            let time = time.map_err(|_| api.session.unusable("a time that is none"))?.as_microsecond();
            let commit = pull.merge_commit_sha.ok_or_else(|| api.session.unusable("a merge without a commit"))?;
            return Ok(State::Merged { commit: quoted(&commit), time });
        }
        if pull.state == "open" {
            return Ok(State::Open);
        }
        let reason = match api.last_comment(number, pull.comments).await {
            // What somebody wrote can be too long to be read; what became of the proposal is known all the same.
            Err(ForgeError::Unusable { .. }) => None,
            reason => reason?,
        };
        Ok(State::Closed { reason: reason.map(|text| quoted(&text)).filter(|text| !text.is_empty()) })
    }

    async fn probe(&self, _: &Path, target_branch: &str) -> Result<String, ForgeError> {
        let mut api = self.api()?;
        api.session.waits_for_nothing();
        let refused = |what: &str| Err(ForgeError::Refused { forge: self.forge(), what: what.to_owned() });
        let told = api.repository().await?;
        if told.archived {
            return refused("the repository is archived, and takes nothing any more");
        }
        // Of whoever owns the token: what the token itself may write it does not tell.
        if told.permissions.is_some_and(|permissions| !permissions.push) {
            return refused("whoever owns the token may not write there; ask for the role Write");
        }
        let (forge, target) = (self.forge(), target_branch.to_owned());
        let tip = api.tip(target_branch).await?.ok_or(ForgeError::NoTarget { forge, target })?;
        // What a submission asks first: it needs a right of its own.
        api.pulls("negawatt", target_branch).await?;
        Ok(tip)
    }
}

/// Of several pull requests the open one, or else the newest.
fn choose(pulls: Vec<Pull>) -> Option<Pull> {
    pulls.into_iter().max_by_key(|pull| (pull.state == "open", pull.number))
}

/// Makes the branch, whoever else may be making it.
async fn make_branch(api: &mut Api<'_>, branch: &str, commit: &str) -> Result<(), ForgeError> {
    let Err(message) = api.create_branch(branch, commit).await? else { return Ok(()) };
    match api.tip(branch).await? {
        Some(tip) if tip == commit => Ok(()),
        Some(tip) => Err(ForgeError::Taken { reference: format!("refs/heads/{branch}"), tip }),
        None => Err(api.session.refusal(422, &message)),
    }
}

/// Opens the pull request, or finds the one that somebody opened of the same branch.
async fn open(api: &mut Api<'_>, submission: &Submission) -> Result<Pull, ForgeError> {
    let message = match api.create_pull(submission).await? {
        Ok(pull) => return Ok(pull),
        Err(message) => message,
    };
    let found = choose(api.pulls(&submission.branch(), &submission.target_branch).await?);
    found.ok_or_else(|| api.session.refusal(422, &message))
}

/// Adds the labels that are not there; gives a note where that is refused.
async fn label(
    api: &mut Api<'_>,
    observe: Observe<'_>,
    pull: &Pull,
    labels: &[String],
) -> Result<Option<String>, ForgeError> {
    let is_there = |label: &String| pull.labels.iter().any(|there| there.name.eq_ignore_ascii_case(label));
    let labels: Vec<_> = labels.iter().filter(|label| !is_there(label)).cloned().collect();
    if labels.is_empty() {
        return Ok(None);
    }
    let about = Effect::Labels { number: pull.number, labels: labels.clone() };
    let added = effect(observe, about, api.label(pull.number, &labels)).await?;
    Ok(added.err().map(|why| format!("the labels were not added ({why})")))
}

/// Asks the author of the cause to review; gives a note where that is not possible.
async fn ask_review(
    api: &mut Api<'_>,
    observe: Observe<'_>,
    pull: &Pull,
    reviewer: &Reviewer,
) -> Result<Option<String>, ForgeError> {
    let note = |why: &str| Ok(Some(format!("{} was not asked for a review ({why})", quoted(&reviewer.author))));
    let user = match api.author(&reviewer.commit).await? {
        Ok(user) => user,
        Err(why) => return note(&why),
    };
    if user.kind != "User" {
        return note("the author is no person's account");
    }
    let is_asked = |asked: &api::User| asked.login.eq_ignore_ascii_case(&user.login);
    if pull.requested_reviewers.iter().flatten().any(is_asked) {
        return Ok(None);
    }
    let about = Effect::Review { number: pull.number, login: quoted(&user.login) };
    match effect(observe, about, api.request_review(pull.number, &user.login)).await? {
        Ok(()) => Ok(None),
        Err(why) => note(&why),
    }
}

/// An address of the web as it may be shown.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    (url.username().is_empty() && url.password().is_none()).then(|| url.to_string())
}
