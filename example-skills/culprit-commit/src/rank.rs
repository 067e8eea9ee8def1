//! Ranks commits: a pure function of what is known.

use std::collections::HashMap;

use negawatt_skill::changes::Commit;
use negawatt_skill::commits::{self, CAUSES, merges};
use negawatt_skill::timing::ChangeTime;
use negawatt_skill::{Timestamp, Window};

use crate::candidate::Candidate;
use crate::deploys::{Deployment, Live, ROLLOUTS, live};
use crate::factors::{self, Factor};
use crate::history::undone;
use crate::regression::Regression;
use crate::{message, overlap};

/// What is asked.
#[derive(Debug)]
pub struct Question {
    /// The first observation after the change.
    pub change: Timestamp,
    /// The incident's window: only commits inside it count.
    pub window: Window,
    /// When the change can have begun.
    pub began: ChangeTime,
    /// The service that got slower.
    pub service: String,
    /// The metric that shows it; may be empty.
    pub metric: String,
    /// When its commits went live, as far as that is recorded.
    pub deployments: Vec<Deployment>,
    /// The functions that got slower; absent where nothing is known of them.
    pub regression: Option<Regression>,
}

/// A candidate with what speaks for and against it.
#[derive(Debug)]
pub struct Ranked {
    /// Its position among the candidates.
    pub candidate: usize,
    /// What speaks for and against it.
    pub factors: Vec<Factor>,
    /// The factors' sum.
    pub log_odds: f64,
    /// Probability that it is the cause, among all candidates and "none of these".
    pub confidence: f64,
    /// Files that tie it to the regression.
    pub files: Vec<String>,
}

/// What a step's log-odds are bounded to when they are summed: beyond, nothing is that sure.
const BOUND: f64 = 8.0;

/// Where deployments are recorded: how often a commit is live without one.
const UNRECORDED: f64 = 0.1;

/// Log-odds of each commit as far as its time tells, in the order given.
pub fn by_time(question: &Question, candidates: &[Candidate]) -> Vec<f64> {
    let listed: Vec<_> = candidates.iter().map(|candidate| &candidate.commit).collect();
    let unknown = |landed| question.began.density(landed, None, &CAUSES);
    let density = |commit: &Commit, landed| match live(&question.deployments, &commit.repository, landed) {
        Live::Unknown => unknown(landed),
        Live::With(deployment) => question.began.density(deployment.live, None, &ROLLOUTS),
        // It was not live, or the record of deployments is not whole.
        Live::Unrecorded => UNRECORDED * unknown(landed),
    };
    commits::by_time(&listed, &merges(&listed), question.window, density)
}

/// All candidates, the likeliest first.
pub fn rank(question: &Question, candidates: &[Candidate]) -> Vec<Ranked> {
    let commits: Vec<_> = candidates.iter().map(|candidate| &candidate.commit).collect();
    let times: Vec<Timestamp> = commits.iter().map(|commit| commit.time).collect();
    let diffs: Vec<_> = candidates.iter().map(|candidate| candidate.diff.as_deref()).collect();
    let (merges, undone) = (merges(&commits), undone(&diffs, &times));
    let by_time = by_time(question, candidates);
    let messages: Vec<String> = commits.iter().map(|commit| format!("{}\n{}", commit.subject, commit.body)).collect();
    let messages = message::weigh(&messages, &sought(question));
    let monorepo = candidates.iter().any(|candidate| factors::in_service(candidate, &question.service));
    let mut ranked: Vec<Ranked> = candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            let mut all = vec![factors::time(question, candidate, merges.landed[at], by_time[at], &times)];
            all.push(factors::kind(candidate));
            let mut files = Vec::new();
            let overlap = question.regression.as_ref().map(|regression| overlap::of(candidate, regression));
            if let (Some(overlap), Some(regression)) = (&overlap, &question.regression) {
                all.push(factors::functions(overlap, regression, candidate));
                files.clone_from(&overlap.files);
            } else {
                all.push(factors::size(candidate));
            }
            all.push(factors::work(candidate, overlap.as_ref()));
            all.push(factors::dependency(candidate, question.regression.as_ref()));
            all.push(factors::service(candidate, &question.service, monorepo, question.regression.is_some()));
            if let Some(&inner) = merges.brought[at].first() {
                all.push(factors::merge(merges.brought[at].len(), &candidates[inner]));
            }
            if let Some(back) = undone[at] {
                all.push(factors::undone(&candidates[back], &question.began));
            }
            all.push(factors::message(&messages[at]));
            let factors: Vec<Factor> = all.into_iter().flatten().collect();
            let log_odds = factors.iter().map(|factor| factor.log_odds).sum::<f64>().clamp(-BOUND, BOUND);
            Ranked { candidate: at, factors, log_odds, confidence: 0.0, files }
        })
        .collect();
    let all: f64 = 1.0 + ranked.iter().map(|ranked| ranked.log_odds.exp()).sum::<f64>();
    for ranked in &mut ranked {
        ranked.confidence = ranked.log_odds.exp() / all;
    }
    ranked.sort_by(|a, b| {
        let (left, right) = (&commits[a.candidate], &commits[b.candidate]);
        b.log_odds.total_cmp(&a.log_odds).then(right.time.cmp(&left.time)).then(left.id.cmp(&right.id))
    });
    ranked
}

/// The terms of the regression and how much each counts.
fn sought(question: &Question) -> HashMap<String, f64> {
    let mut sought = HashMap::new();
    let mut add = |text: &str, weight: f64| {
        for term in message::terms(text) {
            let known = sought.entry(term).or_insert(0.0_f64);
            *known = known.max(weight);
        }
    };
    add(&question.service, 0.3);
    add(&question.metric, 0.3);
    for risen in question.regression.iter().flat_map(|regression| &regression.risen) {
        add(&risen.frame.name, risen.blame);
        add(risen.frame.owner().unwrap_or(""), 0.7 * risen.blame);
    }
    sought
}
