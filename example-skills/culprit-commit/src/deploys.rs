//! When commits went live: the delay of their deployment, learned where the configuration history records deployments.
//!
//! Many teams set what runs by a setting: an image's tag, a version, a revision. Where its new value names a commit of the
//! listing, that commit and all that landed before it went live then.

use negawatt_skill::changes::Commit;
use negawatt_skill::configs::ConfigChange;
use negawatt_skill::gather::{Most, Purse, Records, gather};
use negawatt_skill::timing::Causes;
use negawatt_skill::{Error, Timestamp, Window};

/// A commit that went live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// When.
    pub live: Timestamp,
    /// The repository of the deployed commit.
    pub repository: String,
    /// When the deployed commit had landed: all that landed until then went live with it.
    pub landed: Timestamp,
    /// The setting that says so.
    pub key: String,
}

/// What went live is seen as soon as instances restart: at once, or as a rollout proceeds.
pub const ROLLOUTS: Causes =
    Causes { delays: &[(3.0 * 60.0, 0.6), (20.0 * 60.0, 0.3), (2.0 * 3600.0, 0.1)], prior: 0.15, most: 2.0 };

/// Letters of a hash that name a commit: what git shows at least.
const HASH: usize = 7;
/// The longest value that is looked at.
const MOST_VALUE: usize = 1_000;

/// What may be spent on settings: those nearest to the change are told first where there are too many.
const SETTINGS: Most = Most { questions: 4, bytes: 4 << 20 };

const CHANGES: Records<ConfigChange, ConfigChange> =
    Records { time: |change| change.time, bytes: size, keep: |change| change };

/// Bytes of a setting's texts.
fn size(change: &ConfigChange) -> usize {
    let values = change.before.iter().chain(&change.after).map(String::len).sum::<usize>();
    change.id.len() + change.service.len() + change.key.len() + values
}

/// The settings of a window, in some questions; none where they cannot be had.
pub fn settings(
    window: Window,
    change: Timestamp,
    purse: &mut Purse,
    ask: impl FnMut(Window) -> Result<Vec<ConfigChange>, Error>,
) -> Result<Vec<ConfigChange>, Error> {
    let most = Most { questions: SETTINGS.questions.min(purse.left() / 4), ..SETTINGS };
    if most.questions == 0 {
        return Ok(Vec::new());
    }
    // A cancelled case ends the work; without settings it goes on.
    match gather(window, change, most, &CHANGES, ask) {
        Ok(gathered) => {
            purse.spend(gathered.questions);
            Ok(gathered.kept)
        }
        Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
        Err(_) => {
            purse.spend(most.questions);
            Ok(Vec::new())
        }
    }
}

/// The deployments of a service that its settings record, by the time they went live.
pub fn deployments(changes: &[ConfigChange], service: &str, commits: &[&Commit]) -> Vec<Deployment> {
    let mut by_id: Vec<&Commit> = commits.to_vec();
    by_id.sort_by(|a, b| a.id.cmp(&b.id));
    let named = |hash: &str| {
        let at = by_id.partition_point(|commit| commit.id.as_str() < hash);
        let found = by_id.get(at).filter(|commit| commit.id.starts_with(hash))?;
        // Two commits that begin alike name nothing.
        let alone = by_id.get(at + 1).is_none_or(|next| !next.id.starts_with(hash));
        alone.then_some(*found)
    };
    let mut deployments: Vec<Deployment> = changes
        .iter()
        .filter(|change| change.service == service && says_what_runs(&change.key))
        .filter_map(|change| {
            let value = change.after.as_deref().filter(|value| value.len() <= MOST_VALUE)?;
            let commit = hashes(value).find_map(named).filter(|commit| commit.time <= change.time)?;
            let repository = commit.repository.clone();
            Some(Deployment { live: change.time, repository, landed: commit.time, key: change.key.clone() })
        })
        .collect();
    deployments.sort_by_key(|deployment| deployment.live);
    deployments
}

/// Whether a key is one of those by which teams say what runs: a note that names a commit deploys nothing.
fn says_what_runs(key: &str) -> bool {
    const WORDS: [&str; 10] =
        ["build", "commit", "deploy", "digest", "image", "release", "revision", "sha", "tag", "version"];
    let key = key.to_ascii_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

/// Parts of a value that may be the beginning of a hash.
fn hashes(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| {
            // `git describe` writes a `g` before it.
            let part = part.strip_prefix('g').unwrap_or(part);
            part.len() >= HASH && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
        .map(|part| part.strip_prefix('g').unwrap_or(part))
}

/// Whether a commit went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live<'a> {
    /// No deployment of its repository is recorded.
    Unknown,
    /// With this deployment.
    With(&'a Deployment),
    /// With none that is recorded.
    Unrecorded,
}

/// With which deployment a commit of a repository went live that landed at a time: the first one that contains it.
pub fn live<'a>(deployments: &'a [Deployment], repository: &str, landed: Timestamp) -> Live<'a> {
    let mut of_repository = deployments.iter().filter(|deployment| deployment.repository == repository).peekable();
    if of_repository.peek().is_none() {
        return Live::Unknown;
    }
    let holds = |deployment: &&Deployment| deployment.landed >= landed && deployment.live >= landed;
    of_repository.find(holds).map_or(Live::Unrecorded, Live::With)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, time: Timestamp) -> Commit {
        Commit {
            id: id.into(),
            repository: "shop".into(),
            parents: Vec::new(),
            author: String::new(),
            author_time: time,
            time,
            subject: String::new(),
            body: String::new(),
            files: Vec::new(),
        }
    }

    fn set(time: Timestamp, service: &str, after: &str) -> ConfigChange {
        ConfigChange {
            id: "c".into(),
            time,
            service: service.into(),
            key: "image".into(),
            before: None,
            after: Some(after.into()),
            author: None,
        }
    }

    #[test]
    fn settings_that_name_commits_are_deployments() {
        let commits = [commit("4f1c2ab900", 10), commit("4f1c2ab911", 20), commit("deadbee123", 30)];
        let commits: Vec<&Commit> = commits.iter().collect();
        let of = |changes: &[ConfigChange]| deployments(changes, "shop", &commits);
        let live: Vec<_> = of(&[
            set(60, "shop", "\"registry/shop:1.2-gdeadbee\""),
            set(40, "shop", "{\"tag\": \"4f1c2ab911\"}"),
            set(41, "shop", "\"4f1c2ab9\""),
            set(42, "mail", "\"deadbee\""),
            set(43, "shop", "1234567"),
            set(29, "shop", "\"deadbee123\""),
            ConfigChange { key: "note".into(), ..set(50, "shop", "\"deadbee123\"") },
        ])
        .into_iter()
        .map(|deployment| (deployment.live, deployment.landed))
        .collect();
        assert_eq!(
            live,
            [(40, 20), (60, 30)],
            "neither ambiguous, nor of others, nor before it landed, nor by any key"
        );
    }

    #[test]
    fn a_commit_goes_live_with_the_first_deployment_that_holds_it() {
        let deployment = |live, landed| Deployment { live, repository: "shop".into(), landed, key: "image".into() };
        let deployments = [deployment(40, 20), deployment(60, 30)];
        let at = |landed| match live(&deployments, "shop", landed) {
            Live::With(deployment) => Some(deployment.live),
            other => {
                assert_eq!(other, Live::Unrecorded);
                None
            }
        };
        assert_eq!((at(10), at(20), at(25), at(31)), (Some(40), Some(40), Some(60), None));
        assert_eq!(live(&deployments, "mail", 10), Live::Unknown, "of another repository nothing is recorded");
    }
}
