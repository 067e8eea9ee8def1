//! Brings an approved proposal to its forge.

use negawatt_actions::forge::{
    Effect, Forge, ForgeError, GitForge, GitHubForge, GitHubSettings, GitSettings, Place, Progress, Reviewer, Stop,
    Submission, Submitted, TokenSource,
};
use negawatt_actions::text::{self, ReadIn};
use negawatt_casebook::{self as casebook, Case, CaseLog, Casebook, Decision, Event, Proposal, Stage, Submitting};
use negawatt_config::{self as config, Repository};
use negawatt_host::model::Candidate;
use negawatt_planner::target;

use crate::decide::{is_of_elsewhere, known};
use crate::examine::repository;
use crate::reader::report;
use crate::{Desk, ProposalError};

/// The Markdown's name.
const FILE: &str = "proposal.md";

/// Submits an approved proposal; one that was stopped in the middle goes on where it was.
pub async fn submit(desk: &Desk, log: &mut CaseLog, number: u32) -> Result<(), ProposalError> {
    let book = log.casebook().clone();
    let proposal = known(log.case(), number)?.clone();
    if proposal.stage() != Stage::Approved {
        let help = match proposal.stage() {
            Stage::Submitted | Stage::Merged | Stage::Closed => "it is there already",
            _ => "`negawatt review approve` approves it first",
        };
        let (case, stage) = (log.case().id, proposal.stage().to_string());
        return Err(ProposalError::Misplaced { case, number, stage, help: help.to_owned() });
    }
    if is_of_elsewhere(&book, &log.case().id, number)? {
        let (case, stage) = (log.case().id, proposal.stage().to_string());
        let help = "that was in another casebook; `negawatt review approve` has it examined here".to_owned();
        return Err(ProposalError::Misplaced { case, number, stage, help });
    }
    let (forge, fresh) = prepared(desk, log.case(), &book, &proposal)?;
    // What was begun goes on as it began, whatever was configured, purged or written otherwise since.
    let begun = begun(&proposal);
    let is_first = begun.is_none();
    let submission = begun.unwrap_or(fresh);
    let mut written = serde_json::to_string(&submission).ok().filter(|_| is_first);
    let mut observe = |progress: &Progress| {
        let Progress::About(effect) = progress else { return Ok(()) };
        let submitting = Submitting { proposal: number, what: described(effect), submission: written.take() };
        log.append(Event::Submitting(submitting)).map_err(|error| Stop(error.to_string()))
    };
    let earlier: Vec<Submission> = proposal.earlier.iter().filter_map(|text| read(text)).collect();
    let submitted = forge.submit(&submission, &earlier, &mut observe).await?;
    let (url, pull) = match &submitted.place {
        Place::PullRequest { number, url } => (url.clone(), Some(*number)),
        Place::Reference(_) => (None, None),
    };
    let mut notes = submitted.notes;
    if let Place::Reference(reference) = &submitted.place {
        notes.push(format!("its words are beside it: git fetch <remote> {reference} && git show FETCH_HEAD:{FILE}"));
    }
    log.append(Event::Submitted(casebook::Submitted {
        proposal: number,
        forge: kind(desk, log.case(), &proposal).to_owned(),
        branch: submitted.branch,
        commit: submitted.commit,
        url,
        number: pull,
        notes,
    }))?;
    Ok(())
}

/// What was submitted of a proposal, or is about to be.
pub(crate) fn begun(proposal: &Proposal) -> Option<Submission> {
    proposal.submission.as_deref().and_then(read)
}

fn read(text: &str) -> Option<Submission> {
    serde_json::from_str(text).ok()
}

/// The forge of a proposal, and what is submitted to it: the same, to the byte, whenever it is asked.
pub(crate) fn prepared(
    desk: &Desk,
    case: &Case,
    book: &Casebook,
    proposal: &Proposal,
) -> Result<(Box<dyn Forge>, Submission), ProposalError> {
    let number = proposal.proposed.number;
    let none = |why: String| ProposalError::NoForge { case: case.id, number, why };
    let (by, mitigation) =
        case.mitigation(&proposal.proposed).ok_or_else(|| none("what proposed it is not there any more".to_owned()))?;
    let patch = mitigation.patch.clone().ok_or_else(|| {
        none("it is a setting, and no forge takes those: make the change where settings are kept, and tell `negawatt outcome`".to_owned())
    })?;
    let (name, repository) = repository(desk, case, &proposal.proposed).map_err(none)?;
    let forge = repository.forge.as_ref().ok_or_else(|| {
        none(format!(
            "no forge is configured; write forge = {{ kind = \"git\", remote = \"…\" }} under [repositories.{name}]"
        ))
    })?;
    let base = proposal.examined.as_ref().and_then(|examined| examined.base.as_ref());
    let base = base.ok_or_else(|| none("it was not examined on a branch".to_owned()))?;
    if base.repository != name {
        return Err(none(format!("it was examined in the repository {}, and {name} is another one", base.repository)));
    }
    if base.branch.is_empty() {
        return Err(none(format!("HEAD names no branch; write branch = \"main\" under [repositories.{name}]")));
    }
    let (read_in, labels, email) = match forge {
        config::Forge::Git { email, .. } => (ReadIn::Branch, Vec::new(), email),
        config::Forge::GitHub { labels, email, .. } => (ReadIn::PullRequest, labels.clone(), email),
    };
    let link = desk.config.review.link.as_ref();
    let report = report(case, book, proposal, by, mitigation, link, read_in);
    let approved = proposal.reviews.iter().rev().find(|(_, reviewed)| reviewed.decision == Decision::Approved);
    let submission = Submission {
        case: case.id.to_string(),
        proposal: number,
        repository: repository.path.value.clone(),
        base: base.commit.clone(),
        target_branch: base.branch.clone(),
        patch,
        title: text::title(&report),
        body: text::body(&report),
        message: text::commit_message(&report),
        email: email.clone(),
        time: approved.map_or(case.opened_at, |(time, _)| *time),
        reviewer: reviewer(case, proposal),
        labels,
        file_name: FILE.to_owned(),
    };
    Ok((made(forge, repository)?, submission))
}

fn kind(desk: &Desk, case: &Case, proposal: &Proposal) -> &'static str {
    match repository(desk, case, &proposal.proposed).ok().and_then(|(_, repository)| repository.forge.as_ref()) {
        Some(config::Forge::GitHub { .. }) => "github",
        _ => "git",
    }
}

/// Whoever made the change that is the cause, where that is a commit.
fn reviewer(case: &Case, proposal: &Proposal) -> Option<Reviewer> {
    let target = target(case, &proposal.proposed)?;
    let author = target.author.filter(|_| target.candidate == Candidate::Commit)?;
    Some(Reviewer { commit: target.id, author })
}

/// A forge as an operator configured it; nobody is asked.
pub(crate) fn made(forge: &config::Forge, repository: &Repository) -> Result<Box<dyn Forge>, ForgeError> {
    Ok(match forge {
        config::Forge::Git { remote, .. } => {
            // A remote that the repository knows by a name is where it says.
            let url = crate::tip::remote(repository, &remote.value).unwrap_or_else(|| remote.value.clone());
            Box::new(GitForge::configure(GitSettings::new(url))?)
        }
        config::Forge::GitHub { repository, url, token, .. } => {
            let token = match token {
                config::Secret::Environment(name) => TokenSource::Environment(name.clone()),
                config::Secret::File(path) => TokenSource::File(path.clone()),
            };
            let mut settings = GitHubSettings::new(repository.value.clone(), token);
            settings.base_url = url.clone().unwrap_or(settings.base_url);
            Box::new(GitHubForge::configure(settings)?)
        }
    })
}

/// What an effect is, for the log.
fn described(effect: &Effect) -> String {
    match effect {
        Effect::Markdown { reference, commit } => format!("put its words at {reference} ({commit})"),
        Effect::Objects { tree } => format!("upload the files of {tree}"),
        Effect::Branch { name, commit } => format!("make the branch {name} at {commit}"),
        Effect::PullRequest { branch, target } => format!("open a pull request of {branch} into {target}"),
        Effect::Labels { number, labels } => format!("label the pull request {number} with {}", labels.join(", ")),
        Effect::Review { number, login } => format!("ask {login} to review the pull request {number}"),
    }
}

/// What the casebook keeps of a submission, as a forge knows it.
pub(crate) fn known_to_forge(submitted: &casebook::Submitted) -> Submitted {
    let place = match submitted.number {
        Some(number) => Place::PullRequest { number, url: submitted.url.clone() },
        None => Place::Reference(String::new()),
    };
    let (branch, commit) = (submitted.branch.clone(), submitted.commit.clone());
    Submitted { branch, commit, place, notes: Vec::new() }
}
