//! The least confidences with which proposals go by themselves, as what became of proposals moved them.

use negawatt_casebook::{Adjusted, Became, Case, Casebook, CasebookError, Decision, Proposal, Stage};
use negawatt_config::{Config, Review, ReviewRule};

use crate::gate::{Threshold, threshold};

/// Cases whose outcomes move a threshold, the newest ones; and by how much one that was wrong raises it, and one that was right lowers it.
const REMEMBERED: usize = 200;
const RAISED_BY: f64 = 0.02;
const LOWERED_BY: f64 = 0.004;

/// What the operator wrote, moved within the operator's bounds; what was written outside of these stands as it was written. Each is absent
/// where a person decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// `review.confidence`.
    pub confidence: Option<f64>,
    /// `confidence` of each of `[[review.rules]]`.
    pub rules: Vec<Option<f64>>,
}

impl Thresholds {
    /// As the operator wrote them.
    pub fn written(review: &Review) -> Thresholds {
        Thresholds { confidence: review.confidence, rules: review.rules.iter().map(|rule| rule.confidence).collect() }
    }

    /// As they stand now.
    pub(crate) fn now(config: &Config, book: &Casebook) -> Result<Thresholds, CasebookError> {
        moved(config, book, None)
    }

    /// As they will stand when this case is recorded as it is here, and whether something became of it then.
    pub(crate) fn with(
        config: &Config,
        book: &Casebook,
        next: &Case,
        resolved: bool,
    ) -> Result<Thresholds, CasebookError> {
        moved(config, book, Some((next, resolved)))
    }

    /// One of them.
    pub(crate) fn of(&self, threshold: Threshold) -> Option<f64> {
        match threshold {
            Threshold::Confidence => self.confidence,
            Threshold::Rule(at) => self.rules.get(at).copied().flatten(),
        }
    }

    fn at(&mut self, threshold: Threshold) -> Option<&mut f64> {
        match threshold {
            Threshold::Confidence => self.confidence.as_mut(),
            Threshold::Rule(at) => self.rules.get_mut(at)?.as_mut(),
        }
    }

    /// What moved from these to others because of a case, for its log.
    pub(crate) fn moves(&self, to: &Thresholds, review: &Review, case: &Case) -> Vec<Adjusted> {
        let rules = (0..self.rules.len()).map(Threshold::Rule);
        let all = [Threshold::Confidence].into_iter().chain(rules);
        let moved = all.filter_map(|threshold| {
            let (from, to) = (self.of(threshold)?, to.of(threshold)?);
            let whose = match threshold {
                Threshold::Confidence if review.rules.is_empty() => "proposals".to_owned(),
                Threshold::Confidence => "proposals that no rule fits".to_owned(),
                Threshold::Rule(at) => {
                    format!("proposals that this rule decides of ({})", review.rules.get(at).map(words).unwrap_or_default())
                }
            };
            let reason = format!(
                "what became of proposals of case {} moved it: over the last {REMEMBERED} cases of which something became, each of the \
                 {whose} that was rejected, closed or wrong raises it by {RAISED_BY}, each that was merged lowers it by {LOWERED_BY}, \
                 within the operator's bounds",
                case.id
            );
            (from != to).then(|| Adjusted { threshold: threshold.to_string(), from, to, reason })
        });
        moved.collect()
    }
}

/// What a rule fits, in words.
fn words(rule: &ReviewRule) -> String {
    let named = |what: &str, said: Option<&str>| said.map(|said| format!("{what} {said}"));
    let said = [
        named("strategy", rule.strategy.as_deref()),
        named("service", rule.service.as_deref()),
        named("severity", rule.severity.map(crate::gate::word)),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() { "any".to_owned() } else { said.join(", ") }
}

fn moved(config: &Config, book: &Casebook, next: Option<(&Case, bool)>) -> Result<Thresholds, CasebookError> {
    let mut thresholds = Thresholds::written(&config.review);
    let Some((low, high)) = config.learn.confidence_between else { return Ok(thresholds) };
    let movable = |value: f64| (low..=high).contains(&value);
    if !thresholds.confidence.iter().chain(thresholds.rules.iter().flatten()).any(|value| movable(*value)) {
        return Ok(thresholds);
    }
    let mut cases = book.resolved()?;
    if let Some((next, is_resolved)) = next {
        cases.retain(|id| *id != next.id);
        cases.extend(is_resolved.then_some(next.id));
        cases.sort_unstable();
    }
    for id in cases.iter().skip(cases.len().saturating_sub(REMEMBERED)) {
        let loaded;
        let case = match next {
            Some((next, _)) if next.id == *id => next,
            _ => match book.load(id) {
                Ok(case) => {
                    loaded = case;
                    &loaded
                }
                Err(error) => {
                    tracing::warn!("nothing is learned from {id}: {error}");
                    continue;
                }
            },
        };
        for proposal in &case.proposals.all {
            let Some(by) = moves_by(proposal) else { continue };
            let Some((_, mitigation)) = case.mitigation(&proposal.proposed) else { continue };
            let Ok(whose) = threshold(&config.review, case, &proposal.proposed, &mitigation.strategy) else { continue };
            if let Some(value) = thresholds.at(whose).filter(|value| movable(**value)) {
                *value = (*value + by).clamp(low, high);
            }
        }
    }
    Ok(thresholds)
}

/// By how much what became of a proposal moves the threshold that decides of it.
fn moves_by(proposal: &Proposal) -> Option<f64> {
    match proposal.stage() {
        Stage::Merged if !has_failed(proposal) => Some(-LOWERED_BY),
        Stage::Merged | Stage::Closed => Some(RAISED_BY),
        Stage::Rejected => match proposal.decision() {
            Some(Decision::Rejected(reason)) if !reason.is_against_it() => None,
            _ => Some(RAISED_BY),
        },
        _ => None,
    }
}

/// Whether the series says after a merge that nothing came of it.
fn has_failed(proposal: &Proposal) -> bool {
    let recovered = proposal.outcomes.iter().rev().find_map(|(_, outcome)| match outcome.what {
        Became::Recovered(recovery) => Some(recovery),
        _ => None,
    });
    recovered.is_some_and(|recovery| recovery.has_failed())
}
