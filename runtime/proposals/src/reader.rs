//! A proposal as its reader is told of it.

use negawatt_actions::text::{self, ReadIn, Report};
use negawatt_casebook::{Case, Casebook, Passed, Proposal};
use negawatt_config::CaseLink;
use negawatt_host::model::Mitigation;
use negawatt_planner::{Board, Ranked, Record, change, functions, impact, suspects};

use crate::lines;

/// Points of the series that are drawn.
const MOST_POINTS: usize = 2_000;

/// Evidence that is listed.
const MOST_EVIDENCE: usize = 40;

/// All that is told of a proposal.
pub(crate) fn report(
    case: &Case,
    book: &Casebook,
    proposal: &Proposal,
    by: &str,
    mitigation: &Mitigation,
    link: Option<&CaseLink>,
    read_in: ReadIn,
) -> Report {
    let board = Board::of(case);
    let record = Record::of(case, book);
    let ranked = suspects(case);
    let incident = case.opened.as_ref().map(|opened| &opened.incident);
    let metric = incident.and_then(|incident| incident.metric.as_ref());
    let symptom = change(case).zip(metric).map(|(change, metric)| text::Symptom {
        metric: metric.name.clone(),
        before: change.before,
        after: change.after,
        relative: change.relative().unwrap_or(f64::NAN),
        since: change.time,
        p_value: change.p_value,
        series: record.series.as_ref().map(|series| points(&series.times, &series.values)).unwrap_or_default(),
    });
    let power = |cores: f64, watts: f64| text::Power { cores, watts };
    let cost = impact(&board).map(|impact| power(impact.cores, impact.watts));
    let cause = ranked.iter().find(|suspect| suspect.id == mitigation.target);
    let helps = proposal.proposed.rank.helps;
    let saving = proposal.proposed.rank.saving.map(|saving| text::Saving {
        low: power(saving.cores * helps, saving.watts * helps),
        high: power(saving.cores, saving.watts),
    });
    let summaries = board.standing().take(MOST_EVIDENCE).map(|item| text::Evidence {
        id: item.evidence.id.clone(),
        kind: item.evidence.finding.body.kind().to_string(),
        by: item.evidence.by.clone(),
        summary: item.evidence.finding.summary.clone(),
        confidence: item.evidence.finding.confidence,
    });
    Report {
        case: case.id.to_string(),
        proposal: proposal.proposed.number,
        service: incident.map(|incident| incident.service.clone()).unwrap_or_default(),
        symptom,
        cost,
        cause: cause.map(|cause| of_cause(cause, &record)),
        functions: functions(&board)
            .into_iter()
            .map(|shift| text::Function { name: shift.name.clone(), before: shift.before, after: shift.after })
            .collect(),
        evidence: summaries.collect(),
        change: of_change(proposal, by, mitigation),
        saving,
        link: link.map(|link| link.of(&case.id.to_string())),
        read_in,
    }
}

fn points(times: &[i64], values: &[f64]) -> Vec<(i64, f64)> {
    let every = times.len().div_ceil(MOST_POINTS).max(1);
    times.iter().copied().zip(values.iter().copied()).step_by(every).collect()
}

fn of_cause(cause: &Ranked, record: &Record) -> text::Cause {
    let commit = record.commits.get(&cause.id);
    let config = record.configs.get(&cause.id);
    let experiment = record.experiments.get(&cause.id);
    let subject = commit.map(|commit| commit.subject.clone());
    let subject = subject.or_else(|| config.map(|config| config.key.clone()));
    let subject = subject.or_else(|| experiment.map(|experiment| experiment.name.clone()));
    let time = commit.map(|commit| commit.time).or_else(|| config.map(|config| config.time));
    text::Cause {
        kind: cause.candidate.word().to_owned(),
        id: cause.id.clone(),
        subject: subject.unwrap_or_default(),
        author: cause.author.clone(),
        time: time.or_else(|| experiment.map(|experiment| experiment.start)),
        confidence: cause.confidence,
        reasons: cause
            .factors
            .iter()
            .map(|factor| text::Reason {
                skill: factor.skill.clone(),
                text: factor.reason.clone(),
                log_odds: factor.log_odds,
            })
            .collect(),
    }
}

fn of_change(proposal: &Proposal, by: &str, mitigation: &Mitigation) -> text::Change {
    let criteria = proposal.examined.iter().flat_map(|examined| &examined.criteria);
    let patch = mitigation.patch.clone().unwrap_or_default();
    let approved = proposal.reviews.last().and_then(|(_, reviewed)| reviewed.by.clone());
    text::Change {
        strategy: mitigation.strategy.clone(),
        by: by.to_owned(),
        files: lines::files(&patch),
        patch,
        checks: criteria
            .map(|criterion| text::Check {
                name: criterion.name.clone(),
                passed: criterion.result == Passed::Yes,
                detail: criterion.detail.clone(),
            })
            .collect(),
        approved_by: approved,
    }
}
