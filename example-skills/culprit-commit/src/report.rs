//! What is told of the ranking: one finding for each factor of each candidate that is worth a look.

use negawatt_skill::format::{digits, percent};
use negawatt_skill::{Candidate as CandidateKind, Finding, Suspect};

use crate::candidate::Candidate;
use crate::factors::shown;
use crate::rank::Ranked;

/// Candidates told at most.
const MOST: usize = 10;
/// Candidates told whatever their confidence, so that what speaks against them is known as well.
const ALWAYS: usize = 3;
/// Candidates less probable than that are not told.
const LEAST: f64 = 0.001;
/// Factors that say less are not told.
const SLIGHT: f64 = 0.1;

/// Findings for at most `limit` factors, the likeliest candidate first, resting on the evidence `because`.
pub fn report(ranked: &[Ranked], candidates: &[Candidate], because: &[String], limit: usize) -> Vec<Finding> {
    let told = ranked.iter().enumerate().filter(|(at, ranked)| *at < ALWAYS || ranked.confidence >= LEAST);
    let mut findings = Vec::new();
    for (_, ranked) in told.take(MOST) {
        let commit = &candidates[ranked.candidate].commit;
        let factors: Vec<_> = ranked.factors.iter().filter(|factor| factor.log_odds.abs() >= SLIGHT).collect();
        // Half of a candidate's factors would give a wrong sum.
        if findings.len() + factors.len() > limit {
            break;
        }
        for factor in factors {
            let suspect = Suspect {
                candidate: CandidateKind::Commit,
                id: commit.id.clone(),
                repository: Some(commit.repository.clone()),
                author: (!commit.author.is_empty()).then(|| commit.author.clone()),
                files: ranked.files.clone(),
                reason: factor.reason.clone(),
                log_odds: factor.log_odds,
                extra: Vec::new(),
            };
            let summary = format!(
                "{} by {} ({} likely): {} ({} in log-odds)",
                candidates[ranked.candidate].short(),
                shown(&commit.author),
                percent(ranked.confidence),
                factor.reason.trim_end_matches('.'),
                digits(factor.log_odds, 2)
            );
            findings.push(Finding::new(suspect, ranked.confidence, summary).because(because.iter().cloned()));
        }
    }
    findings
}
