//! Fusion: what several skills say of the suspects, as one distribution over them and "none of these".
//!
//! Every skill gives a natural log likelihood ratio of a candidate against "none of these". Skills that asked different tools
//! are taken as independent, and theirs add up, as in naive Bayes. A skill whose tools another one asked too looked at the same
//! data: of those only the strongest word for and the strongest word against a candidate count, so that a copy of a skill adds
//! nothing, also one that asks more, and contrary evidence always lowers. The word of a skill that was often wrong counts in part
//! ([`crate::Reliability`]). Within one step a skill's factors add up, clamped, so that no skill is ever
//! certain by itself.

use std::collections::{BTreeMap, BTreeSet};

use negawatt_host::Tool;
use negawatt_host::model::{Candidate, FindingBody, Suspect};

use crate::board::Board;

/// The most that one step can say for or against a candidate: odds of about 3,000 to 1.
const STEP_LIMIT: f64 = 8.0;

/// One reason for or against a suspect.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Who says so, as `name@version`.
    pub skill: String,
    /// One sentence.
    pub reason: String,
    /// Natural log odds, by what the skill's word counts.
    pub log_odds: f64,
    /// The evidence that says it.
    pub evidence: String,
}

/// A candidate with all that was said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// What it is.
    pub candidate: Candidate,
    /// Names it among its kind.
    pub id: String,
    /// The repository, for commits.
    pub repository: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Files that tie it to the regression.
    pub files: Vec<String>,
    /// The probability that it is the cause.
    pub confidence: f64,
    /// What all factors come to together: natural log odds against "none of these".
    pub log_odds: f64,
    /// What was said, the weightiest first.
    pub factors: Vec<Factor>,
}

/// Commits, configurations and experiments compete with each other; services in another distribution.
fn is_service(candidate: Candidate) -> bool {
    candidate == Candidate::Service
}

#[derive(Default)]
struct Said<'a> {
    suspect: Option<&'a Suspect>,
    files: BTreeSet<&'a str>,
    author: Option<&'a str>,
    factors: Vec<Factor>,
    /// For each body of data (a set of tools) and step, the sum of the step's factors.
    steps: BTreeMap<BTreeSet<Tool>, BTreeMap<&'a str, f64>>,
}

impl Said<'_> {
    fn log_odds(&self) -> f64 {
        let of_data = |steps: &BTreeMap<&str, f64>| {
            let said = || steps.values().map(|sum| sum.clamp(-STEP_LIMIT, STEP_LIMIT));
            said().fold(0.0, f64::max) + said().fold(0.0, f64::min)
        };
        // What asked a part of what another one asked is of that one's data.
        let widest = |tools: &BTreeSet<Tool>| {
            let around = self.steps.keys().filter(|other| tools.is_subset(other));
            around.max_by_key(|other| other.len()).cloned().unwrap_or_default()
        };
        let mut data: BTreeMap<BTreeSet<Tool>, BTreeMap<&str, f64>> = BTreeMap::new();
        for (tools, steps) in &self.steps {
            data.entry(widest(tools)).or_default().extend(steps);
        }
        data.values().map(of_data).sum()
    }
}

/// All suspects of the board, the most likely first.
pub fn rank(board: &Board) -> Vec<Ranked> {
    let tools: BTreeMap<&str, &BTreeSet<Tool>> =
        board.taken().iter().map(|taken| (taken.step.as_str(), &taken.tools)).collect();
    let mut said: BTreeMap<(&str, Option<&str>, &str), Said<'_>> = BTreeMap::new();
    let suspects = board.bodies(|body| match body {
        FindingBody::Suspect(suspect) => Some(suspect),
        _ => None,
    });
    for (item, suspect) in suspects {
        let key = (suspect.candidate.word(), suspect.repository.as_deref(), suspect.id.as_str());
        let entry = said.entry(key).or_default();
        entry.suspect.get_or_insert(suspect);
        entry.files.extend(suspect.files.iter().map(String::as_str));
        entry.author = entry.author.or(suspect.author.as_deref());
        let log_odds = board.weight(&item.evidence.by) * suspect.log_odds;
        entry.factors.push(Factor {
            skill: item.evidence.by.clone(),
            reason: suspect.reason.clone(),
            log_odds,
            evidence: item.evidence.id.clone(),
        });
        let data = tools.get(item.step.as_str()).map_or_else(|| item.from.clone(), |tools| (*tools).clone());
        *entry.steps.entry(data).or_default().entry(&item.step).or_default() += log_odds;
    }
    let mut ranked: Vec<(f64, Ranked)> = said
        .into_values()
        .filter_map(|mut said| {
            let suspect = said.suspect?;
            let log_odds = said.log_odds();
            said.factors.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
            let ranked = Ranked {
                candidate: suspect.candidate,
                id: suspect.id.clone(),
                repository: suspect.repository.clone(),
                author: said.author.map(str::to_owned),
                files: said.files.into_iter().map(str::to_owned).collect(),
                confidence: 0.0,
                log_odds,
                factors: said.factors,
            };
            Some((log_odds, ranked))
        })
        .collect();
    for services in [false, true] {
        let same = |ranked: &Ranked| is_service(ranked.candidate) == services;
        // Relative to the greatest, "none" with its 0 included, so that nothing overflows.
        let greatest = ranked.iter().filter(|(_, r)| same(r)).map(|(odds, _)| *odds).fold(0.0, f64::max);
        let weights: f64 = ranked.iter().filter(|(_, r)| same(r)).map(|(odds, _)| (odds - greatest).exp()).sum();
        let all = weights + (-greatest).exp();
        for (odds, ranked) in ranked.iter_mut().filter(|(_, r)| same(r)) {
            ranked.confidence = (*odds - greatest).exp() / all;
        }
    }
    let mut ranked: Vec<_> = ranked.into_iter().map(|(_, ranked)| ranked).collect();
    // Stable: between equals the order of ids, which is the same in every run.
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    ranked
}
