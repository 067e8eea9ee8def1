//! Asks forges whether they would take a proposal, before there is one.

use std::time::Duration;

use negawatt_actions::forge::ForgeError;
use negawatt_config::{self as config, Config, Place, Repository};

use crate::submit::made;
use crate::tip;

/// A forge that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The name of the repository that it is configured for.
    pub repository: String,
    /// Its kind in the configuration.
    pub kind: &'static str,
    /// The remote, or the repository's name there, as it was written.
    pub at: String,
    /// Where it is configured.
    pub place: Place,
    /// What is known of it, in words, or why nothing can be submitted.
    pub outcome: Result<String, Trouble>,
}

/// Why nothing can be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong. It holds no credential.
    pub message: String,
    /// What to do, where the message does not say it.
    pub help: Option<String>,
}

/// Asks the forge of every repository that has one, all at once; nothing is written anywhere. No answer takes longer than `patience`. In order
/// of the repositories' names.
pub async fn probe(config: &Config, patience: Duration) -> Vec<Probed> {
    let asked = config.repositories.iter().filter_map(|(name, repository)| {
        let (kind, at, place) = match repository.forge.as_ref()? {
            config::Forge::Git { remote, .. } => ("git", remote.value.clone(), &remote.place),
            config::Forge::GitHub { repository, url, .. } => {
                let server = url.as_ref().map_or(String::new(), |url| format!(" at {url}"));
                ("github", format!("{}{server}", repository.value), &repository.place)
            }
        };
        let probed = |outcome| Probed { repository: name.clone(), kind, at, place: place.clone(), outcome };
        let (name, repository) = (name.clone(), repository.clone());
        Some((probed, tokio::spawn(async move { ask(&name, &repository, patience).await })))
    });
    let asked: Vec<_> = asked.collect();
    let mut all = Vec::new();
    for (probed, outcome) in asked {
        let broken = |_| Err(Trouble { message: "the forge failed; this is a defect".to_owned(), help: None });
        all.push(probed(outcome.await.unwrap_or_else(broken)));
    }
    all
}

async fn ask(name: &str, repository: &Repository, patience: Duration) -> Result<String, Trouble> {
    let trouble = |message: String, help: String| Trouble { message, help: Some(help) };
    let Some(forge) = &repository.forge else { return Ok(String::new()) };
    let branch = tip::branch(repository).ok_or_else(|| {
        let message = format!("HEAD of {} names no branch that proposals are for", repository.path.value.display());
        trouble(message, format!("write branch = \"main\" under [repositories.{name}]"))
    })?;
    let here = tip::tip(repository).map(|(_, commit)| commit);
    let probing = async { made(forge, repository)?.probe(&repository.path.value, &branch).await };
    let there = tokio::time::timeout(patience, probing).await.map_err(|_| {
        let message = format!("there was no answer within {} s", patience.as_secs_f64());
        trouble(message, "look whether it can be reached, and is not too busy".to_owned())
    })?;
    let there = there.map_err(|error| match error {
        ForgeError::Unavailable { forge, what } => trouble(
            format!("{forge} is not available: {what}"),
            "look whether the address is right, and whether this machine may reach it".to_owned(),
        ),
        error => Trouble { message: error.to_string(), help: None },
    })?;
    let where_it_is = match here {
        Some(here) if here == there => format!("{branch} is at {} in both", short(&here)),
        Some(here) => format!(
            "{branch} is at {} there and at {} in the clone; bring the clone there before you approve",
            short(&there),
            short(&here)
        ),
        None => format!("{branch} is at {} there, and not in the clone; fetch it", short(&there)),
    };
    Ok(format!("{where_it_is}; it can be read, and whether it can be written the first proposal shows"))
}

/// As many digits of a hash as people need.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
