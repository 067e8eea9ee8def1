//! When commits went live, learned from the deployments that the configuration history records.
//!
//! Many teams set what runs by a setting: an image's tag, a version, a revision. Where its new value names a commit of the
//! listing, that commit and all that landed before it went live then.

use negawatt_skill::Timestamp;
use negawatt_skill::changes::Commit;
use negawatt_skill::configs::ConfigChange;
use negawatt_skill::timing::Causes;

/// A commit that went live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// When.
    pub live: Timestamp,
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
        .filter(|change| change.service == service)
        .filter_map(|change| {
            let value = change.after.as_deref().filter(|value| value.len() <= MOST_VALUE)?;
            let commit = hashes(value).find_map(named).filter(|commit| commit.time <= change.time)?;
            Some(Deployment { live: change.time, landed: commit.time, key: change.key.clone() })
        })
        .collect();
    deployments.sort_by_key(|deployment| deployment.live);
    deployments
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

/// With which deployment a commit went live that landed at a time: the first one that contains it.
pub fn live(deployments: &[Deployment], landed: Timestamp) -> Option<&Deployment> {
    deployments.iter().find(|deployment| deployment.landed >= landed && deployment.live >= landed)
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
        ])
        .into_iter()
        .map(|deployment| (deployment.live, deployment.landed))
        .collect();
        assert_eq!(live, [(40, 20), (60, 30)], "neither ambiguous, nor of others, nor before it landed");
    }

    #[test]
    fn a_commit_goes_live_with_the_first_deployment_that_holds_it() {
        let deployment = |live, landed| Deployment { live, landed, key: "image".into() };
        let deployments = [deployment(40, 20), deployment(60, 30)];
        let at = |landed| live(&deployments, landed).map(|deployment| deployment.live);
        assert_eq!((at(10), at(20), at(25), at(31)), (Some(40), Some(40), Some(60), None));
    }
}
