//! Whether a person has to decide of a proposal.

use std::fmt;

use negawatt_casebook::{Case, Proposed};
use negawatt_config::{Review, ReviewRule, WatchSeverity};
use negawatt_host::model::Severity;
use negawatt_host::text::fits;

use crate::examine::is_bundled;
use crate::thresholds::Thresholds;

/// Which threshold decides of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threshold {
    /// `review.confidence`: no rule fits it.
    Confidence,
    /// That of the rule at this place.
    Rule(usize),
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Confidence => f.write_str("review.confidence"),
            Threshold::Rule(at) => write!(f, "review.rules[{at}].confidence"),
        }
    }
}

/// The threshold that decides of a proposal: that of the first rule that fits it, or `review.confidence`. An error says why a person decides,
/// whatever the thresholds are.
pub(crate) fn threshold(
    review: &Review,
    case: &Case,
    proposed: &Proposed,
    strategy: &str,
) -> Result<Threshold, String> {
    let opened = case.opened.as_ref().ok_or("nobody knows what the case is about")?;
    // What a loaded skill says of its own patch, and how it calls it, binds nobody.
    if !is_bundled(case, proposed) {
        return Err("a skill that was loaded made it, and of that a person decides".to_owned());
    }
    let (service, severity) = (&opened.incident.service, of(opened.incident.severity));
    match review.rules.iter().position(|rule| matches(rule, strategy, service, severity)) {
        Some(at) => Ok(Threshold::Rule(at)),
        None if severity >= review.severity => Err(format!(
            "the incident's severity is {}, and from {} on a person decides",
            word(severity),
            word(review.severity)
        )),
        None => Ok(Threshold::Confidence),
    }
}

/// Why a person has to decide of a proposal; nothing where the operator's thresholds, as they stand now, let it be submitted by itself.
pub fn person(
    review: &Review,
    thresholds: &Thresholds,
    case: &Case,
    proposed: &Proposed,
    strategy: &str,
) -> Option<String> {
    let threshold = match threshold(review, case, proposed, strategy) {
        Ok(threshold) => threshold,
        Err(why) => return Some(why),
    };
    let whose = match threshold {
        Threshold::Confidence => "review.confidence",
        Threshold::Rule(_) => "the rule of [review.rules] that matches it",
    };
    let helps = proposed.rank.helps;
    match thresholds.of(threshold) {
        None => Some(format!("{whose} lets nothing be submitted by itself")),
        Some(least) if helps < least => Some(format!("it helps with {helps:.2}, and {whose} asks for {least:.2}")),
        Some(_) => None,
    }
}

fn matches(rule: &ReviewRule, strategy: &str, service: &str, severity: WatchSeverity) -> bool {
    rule.strategy.as_deref().is_none_or(|wanted| wanted == strategy)
        && rule.service.as_deref().is_none_or(|pattern| fits(pattern, service))
        && rule.severity.is_none_or(|wanted| wanted == severity)
}

pub(crate) fn word(severity: WatchSeverity) -> &'static str {
    match severity {
        WatchSeverity::Low => "low",
        WatchSeverity::Medium => "medium",
        WatchSeverity::High => "high",
        WatchSeverity::Critical => "critical",
    }
}

fn of(severity: Severity) -> WatchSeverity {
    match severity {
        Severity::Low => WatchSeverity::Low,
        Severity::Medium => WatchSeverity::Medium,
        Severity::High => WatchSeverity::High,
        Severity::Critical => WatchSeverity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_matches_where_all_that_it_says_does() {
        let rule = |strategy: Option<&str>, service: Option<&str>, severity| ReviewRule {
            strategy: strategy.map(str::to_owned),
            service: service.map(str::to_owned),
            severity,
            confidence: None,
        };
        let fits = |rule: &ReviewRule| matches(rule, "revert", "cart", WatchSeverity::High);
        assert!(fits(&rule(None, None, None)));
        assert!(fits(&rule(Some("revert"), Some("c*"), Some(WatchSeverity::High))));
        for other in [
            rule(Some("hoist"), None, None),
            rule(None, Some("ads"), None),
            rule(None, None, Some(WatchSeverity::Critical)),
        ] {
            assert!(!fits(&other), "{other:?}");
        }
    }
}
