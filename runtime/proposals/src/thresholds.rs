//! The least confidences with which proposals go by themselves, as what became of proposals moved them.

use negawatt_casebook::{Adjusted, Became, Case, CaseId, Casebook, CasebookError, Decision, Proposal, Stage};
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
        let Some(bounds) = movable(config) else { return Ok(Thresholds::written(&config.review)) };
        let ids = book.resolved()?;
        let history = ids[ids.len().saturating_sub(REMEMBERED)..].iter().filter_map(|id| stored(config, book, id));
        Ok(Thresholds::after(&config.review, bounds, &history.collect::<Vec<_>>()))
    }

    /// As what became of cases moves them from where the operator wrote them.
    fn after(review: &Review, (low, high): (f64, f64), history: &[Resolved]) -> Thresholds {
        let mut thresholds = Thresholds::written(review);
        for counted in history.iter().flat_map(|resolved| &resolved.counted) {
            if let Some(value) = thresholds.at(counted.threshold).filter(|value| (low..=high).contains(&**value)) {
                *value = (*value + counted.by).clamp(low, high);
            }
        }
        thresholds
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
}

/// A case of which something became, with all of it that moves a threshold.
#[derive(Debug, Clone, PartialEq)]
struct Resolved {
    case: CaseId,
    counted: Vec<Counted>,
}

/// What became of a proposal, and by how much that moves the threshold that decides of it.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    proposal: u32,
    threshold: Threshold,
    by: f64,
    what: String,
}

/// What moves, for the log of a case, when the case is recorded as it is here, and whether something became of it then.
pub(crate) fn moves(
    config: &Config,
    book: &Casebook,
    next: &Case,
    is_resolved: bool,
) -> Result<Vec<Adjusted>, CasebookError> {
    let Some(bounds) = movable(config) else { return Ok(Vec::new()) };
    let ids = book.resolved()?;
    // One more than count: one may leave as this one comes.
    let known = ids[ids.len().saturating_sub(REMEMBERED + 1)..].iter();
    let before: Vec<Resolved> = known.filter_map(|id| stored(config, book, id)).collect();
    let mut after: Vec<Resolved> = before.iter().filter(|resolved| resolved.case != next.id).cloned().collect();
    // What came from another casebook, where anybody may have written it, moves nothing.
    let is_resolved = is_resolved && book.imported(&next.id)? == 0;
    after.extend(is_resolved.then(|| Resolved { case: next.id, counted: counted(&config.review, next) }));
    after.sort_unstable_by_key(|resolved| resolved.case);
    Ok(moved(&config.review, bounds, last(&before), last(&after)))
}

fn last(history: &[Resolved]) -> &[Resolved] {
    &history[history.len().saturating_sub(REMEMBERED)..]
}

/// What moves from one history to another, with the reason.
fn moved(review: &Review, bounds: (f64, f64), before: &[Resolved], after: &[Resolved]) -> Vec<Adjusted> {
    let (from, to) = (Thresholds::after(review, bounds, before), Thresholds::after(review, bounds, after));
    let rules = (0..review.rules.len()).map(Threshold::Rule);
    let all = [Threshold::Confidence].into_iter().chain(rules);
    let moved = all.filter_map(|threshold| {
        let (from, to) = (from.of(threshold)?, to.of(threshold)?);
        let reason = || {
            let whose = match threshold {
                Threshold::Confidence if review.rules.is_empty() => "all proposals".to_owned(),
                Threshold::Confidence => "proposals that no rule fits".to_owned(),
                Threshold::Rule(at) => {
                    format!(
                        "proposals that this rule decides of ({})",
                        review.rules.get(at).map(words).unwrap_or_default()
                    )
                }
            };
            let why = [
                differences(threshold, after, before, |resolved, one, _| {
                    format!("the proposal {} of case {} {}: {}", one.proposal, resolved.case, one.what, steps(one.by))
                }),
                differences(threshold, before, after, |resolved, one, is_there| {
                    let (number, case) = (one.proposal, resolved.case);
                    let why = match is_there {
                        true => "is judged anew".to_owned(),
                        false => format!("is not of the last {REMEMBERED} cases of which something became any more"),
                    };
                    format!(
                        "that the proposal {number} of case {case} {} counts no more, which {why}: {}",
                        one.what,
                        steps(-one.by)
                    )
                }),
            ];
            let (low, high) = bounds;
            let why = why.concat().join("; ");
            format!("{why}. It is for {whose}, and {} in all, between {low} and {high}", steps(to - from))
        };
        (from != to).then(|| Adjusted { threshold: threshold.to_string(), from, to, reason: reason() })
    });
    moved.collect()
}

/// In words, what moves a threshold in one history and not in another; and whether its case is in that one.
fn differences(
    threshold: Threshold,
    of: &[Resolved],
    other: &[Resolved],
    words: impl Fn(&Resolved, &Counted, bool) -> String,
) -> Vec<String> {
    let mut all = Vec::new();
    for resolved in of {
        let same = other.iter().find(|other| other.case == resolved.case);
        let is_new = |one: &&Counted| same.is_none_or(|same| !same.counted.contains(one));
        let new = resolved.counted.iter().filter(|one| one.threshold == threshold).filter(is_new);
        all.extend(new.map(|one| words(resolved, one, same.is_some())));
    }
    all
}

/// By how much something moves, in words.
fn steps(by: f64) -> String {
    format!("{} by {:.3}", if by < 0.0 { "lowered" } else { "raised" }, by.abs())
}

/// The operator's bounds, where there are any and one of the thresholds lies within.
fn movable(config: &Config) -> Option<(f64, f64)> {
    let (low, high) = config.learn.confidence_between?;
    let written = Thresholds::written(&config.review);
    let mut all = written.confidence.iter().chain(written.rules.iter().flatten());
    all.any(|value| (low..=high).contains(value)).then_some((low, high))
}

/// A case as it is recorded; one that cannot be read is told to the log.
fn stored(config: &Config, book: &Casebook, id: &CaseId) -> Option<Resolved> {
    let case = book.load(id).inspect_err(|error| tracing::warn!("nothing is learned from {id}: {error}")).ok()?;
    Some(Resolved { case: *id, counted: counted(&config.review, &case) })
}

/// What of a case moves thresholds.
fn counted(review: &Review, case: &Case) -> Vec<Counted> {
    let one = |proposal: &Proposal| {
        let (by, what) = moves_by(proposal)?;
        let (_, mitigation) = case.mitigation(&proposal.proposed)?;
        let threshold = threshold(review, case, &proposal.proposed, &mitigation.strategy).ok()?;
        Some(Counted { proposal: proposal.proposed.number, threshold, by, what })
    };
    case.proposals.all.iter().filter_map(one).collect()
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

/// By how much what became of a proposal moves the threshold that decides of it, and what that was.
fn moves_by(proposal: &Proposal) -> Option<(f64, String)> {
    match proposal.stage() {
        Stage::Merged if has_failed(proposal) => {
            Some((RAISED_BY, "was merged, and next to nothing came of it".to_owned()))
        }
        Stage::Merged => Some((-LOWERED_BY, "was merged".to_owned())),
        Stage::Closed => {
            Some((RAISED_BY, format!("was closed as {}", proposal.ending().map_or("", |ending| ending.word()))))
        }
        Stage::Rejected => match proposal.decision() {
            Some(Decision::Rejected(reason)) if reason.is_against_it() => {
                Some((RAISED_BY, format!("was rejected as {}", reason.word())))
            }
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn review() -> Review {
        Review { confidence: Some(0.8), ..Review::default() }
    }

    fn resolved(at: u64, by: f64, what: &str) -> Resolved {
        let case = format!("{:026}", at).parse::<CaseId>().unwrap();
        let (threshold, what) = (Threshold::Confidence, what.to_owned());
        Resolved { case, counted: vec![Counted { proposal: 2, threshold, by, what }] }
    }

    #[test]
    fn a_reason_names_what_came_and_what_left() {
        let all: Vec<Resolved> = (0..=REMEMBERED as u64)
            .map(|at| match at {
                0 => resolved(at, RAISED_BY, "was rejected as risky"),
                _ if at == REMEMBERED as u64 => resolved(at, -LOWERED_BY, "was merged"),
                _ => Resolved { counted: Vec::new(), ..resolved(at, 0.0, "") },
            })
            .collect();
        let bounds = (0.1, 0.9);
        let [moved] = &moved(&review(), bounds, last(&all[..REMEMBERED]), last(&all))[..] else { panic!("it moves") };
        let (first, newest) = (all[0].case, all[REMEMBERED].case);
        for said in [
            format!("the proposal 2 of case {newest} was merged: lowered by 0.004; "),
            format!(
                "that the proposal 2 of case {first} was rejected as risky counts no more, which is not of the last 200 cases"
            ),
            "any more: lowered by 0.020. It is for all proposals, and lowered by 0.024 in all, between 0.1 and 0.9"
                .to_owned(),
        ] {
            assert!(moved.reason.contains(&said), "{said}: {}", moved.reason);
        }
    }

    #[test]
    fn a_reason_tells_what_was_judged_anew_and_what_the_bounds_left_of_it() {
        let (before, after) =
            ([resolved(1, -LOWERED_BY, "was merged")], [resolved(1, RAISED_BY, "was closed as wrong-culprit")]);
        let [moved] = &moved(&review(), (0.5, 0.81), &before, &after)[..] else { panic!("it moves") };
        assert_eq!((moved.from, moved.to), (0.796, 0.81));
        let case = before[0].case;
        assert_eq!(
            moved.reason,
            format!(
                "the proposal 2 of case {case} was closed as wrong-culprit: raised by 0.020; that the proposal 2 of case {case} was merged \
                 counts no more, which is judged anew: raised by 0.004. It is for all proposals, and raised by 0.014 in all, between 0.5 \
                 and 0.81"
            )
        );
        assert!(super::moved(&review(), (0.5, 0.81), &after, &after).is_empty());
    }
}
