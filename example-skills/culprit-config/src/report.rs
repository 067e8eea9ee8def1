//! What is told of the ranking: one finding for each factor of each candidate that is worth a look.

use negawatt_skill::format::{digits, percent};
use negawatt_skill::{Candidate as Kind, Finding, Suspect};

use crate::candidate::{Candidate, shown};
use crate::rank::Ranked;

/// Candidates told at most.
const MOST: usize = 10;
/// Candidates less probable than that are not told.
const LEAST: f64 = 0.01;
/// The longest id and author together, in bytes.
const LONGEST: usize = 4_096;
/// Factors that say less are not told.
const SLIGHT: f64 = 0.1;

/// Findings for at most `limit` factors, the likeliest candidate first, resting on the evidence `because`. Empty where nothing
/// is plausible.
pub fn report(ranked: &[Ranked], candidates: &[Candidate], because: &[String], limit: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A name that would not fit into the answer must not cost the others theirs.
    let fits = |ranked: &&Ranked| {
        let candidate = &candidates[ranked.candidate];
        candidate.id.len() + candidate.author.as_ref().map_or(0, |author| author.len()) <= LONGEST
    };
    for ranked in ranked.iter().filter(|ranked| ranked.confidence >= LEAST).filter(fits).take(MOST) {
        let candidate = &candidates[ranked.candidate];
        let factors: Vec<_> = ranked.factors.iter().filter(|factor| factor.log_odds.abs() >= SLIGHT).collect();
        // Half of a candidate's factors would give a wrong sum.
        if findings.len() + factors.len() > limit {
            break;
        }
        let what = if candidate.kind == Kind::Config { "Setting" } else { "Experiment" };
        for factor in factors {
            let suspect = Suspect {
                candidate: candidate.kind,
                id: candidate.id.to_string(),
                repository: None,
                author: candidate.author.as_deref().map(str::to_owned),
                files: Vec::new(),
                reason: factor.reason.clone(),
                log_odds: factor.log_odds,
                extra: Vec::new(),
            };
            let summary = format!(
                "{what} {} ({} likely): {} ({} in log-odds)",
                shown(&candidate.id),
                percent(ranked.confidence),
                factor.reason.trim_end_matches('.'),
                digits(factor.log_odds, 2)
            );
            findings.push(Finding::new(suspect, ranked.confidence, summary).because(because.iter().cloned()));
        }
    }
    findings
}
