//! Asks what became of submitted proposals: forges, and the incidents' own series.

use negawatt_actions::forge::State;
use negawatt_actions::guard::median;
use negawatt_casebook::{
    Became, Case, CaseId, Casebook, CasebookError, Cost, Outcome, Proposal, Recovery, Stage, Witness,
};
use negawatt_host::model::{Timestamp, Window};
use negawatt_host::{Metrics, Scope};
use negawatt_planner::change;

use crate::decide::outcome;
use crate::submit::{begun, known_to_forge, prepared};
use crate::{Desk, ProposalError};

/// Observations after a merge that its effect is told by, and how long after it they are looked at, in microseconds: a day, in which what is
/// merged goes live.
const ENOUGH: usize = 20;
const LIVE: i64 = 86_400_000_000;

/// What was found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The case.
    pub case: CaseId,
    /// The proposal's number.
    pub proposal: u32,
    /// What, or why it is not known.
    pub what: Result<Observed, String>,
}

/// What is known of a proposal now.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Nobody decided yet.
    Open,
    /// Something became of it, and was recorded.
    Became(Became),
    /// It was merged, and the series does not tell yet.
    TooEarly,
}

/// Follows up every proposal of which something may still become, at a time. What cannot be found out of one stops no other.
pub async fn follow(
    desk: &Desk,
    book: &Casebook,
    metrics: Option<&dyn Metrics>,
    now: Timestamp,
) -> Result<Vec<Followed>, CasebookError> {
    let mut all = Vec::new();
    for id in book.proposing(true)? {
        let case = match book.load(&id) {
            Ok(case) => case,
            Err(error) => {
                all.push(Followed { case: id, proposal: 0, what: Err(error.to_string()) });
                continue;
            }
        };
        for proposal in &case.proposals.all {
            let found = match proposal.stage() {
                Stage::Submitted => of_forge(desk, book, &case, proposal).await,
                Stage::Merged if !is_measured(proposal) => of_series(&case, proposal, metrics, now).await,
                _ => continue,
            };
            let number = proposal.proposed.number;
            let what = match found {
                Ok(Some((became, by, text))) => {
                    record(desk, book, &id, number, became, by, text).map(|()| Observed::Became(became))
                }
                Ok(None) if proposal.stage() == Stage::Merged => Ok(Observed::TooEarly),
                Ok(None) => Ok(Observed::Open),
                Err(error) => Err(error),
            };
            all.push(Followed { case: id, proposal: number, what: what.map_err(|error| error.to_string()) });
        }
    }
    Ok(all)
}

type Found = Option<(Became, Witness, String)>;

fn record(
    desk: &Desk,
    book: &Casebook,
    id: &CaseId,
    number: u32,
    became: Became,
    by: Witness,
    text: String,
) -> Result<(), ProposalError> {
    let mut log = book.resume(id)?;
    outcome(&desk.config, &mut log, Some(number), became, by, None, text)?;
    Ok(log.release()?)
}

async fn of_forge(desk: &Desk, book: &Casebook, case: &Case, proposal: &Proposal) -> Result<Found, ProposalError> {
    let (forge, fresh) = prepared(desk, case, book, proposal)?;
    let submission = begun(proposal).unwrap_or(fresh);
    let Some(submitted) = &proposal.submitted else { return Ok(None) };
    Ok(match forge.state(&submission, &known_to_forge(submitted)).await? {
        State::Open => None,
        State::Merged { commit, .. } => Some((Became::Merged, Witness::Forge, format!("merged as {commit}"))),
        State::Closed { reason } => Some((Became::Rejected, Witness::Forge, reason.unwrap_or_default())),
    })
}

/// Whether the series told already what a merge brought.
fn is_measured(proposal: &Proposal) -> bool {
    proposal.outcomes.iter().any(|(_, outcome)| matches!(outcome.what, Became::Recovered(_)))
}

/// When a proposal was known to be merged.
fn merged(proposal: &Proposal) -> Option<Timestamp> {
    let found = proposal.outcomes.iter().find(|(_, Outcome { what, .. })| matches!(what, Became::Merged));
    found.map(|(time, _)| *time)
}

/// What the incident's series did from a day after the merge on: its median level against the levels before and after the change.
async fn of_series(
    case: &Case,
    proposal: &Proposal,
    metrics: Option<&dyn Metrics>,
    now: Timestamp,
) -> Result<Found, ProposalError> {
    let untold =
        |why: &str| ProposalError::Unmeasured { case: case.id, number: proposal.proposed.number, why: why.to_owned() };
    let incident = case.opened.as_ref().map(|opened| &opened.incident);
    let metric =
        incident.and_then(|incident| incident.metric.as_ref()).ok_or_else(|| untold("the incident names no metric"))?;
    let change = change(case).ok_or_else(|| untold("no change explains the case"))?;
    let metrics = metrics.ok_or_else(|| untold("no source is configured for metrics; add [sources.metrics]"))?;
    let Some(start) = merged(proposal).map(|time| time.saturating_add(LIVE)).filter(|start| now > *start) else {
        return Ok(None);
    };
    let window = Window { start, end: now };
    let answered = metrics.query(&Scope::of_operator(window), metric.selector(), window, None).await;
    let answered = answered.map_err(|error| untold(error.message()))?;
    if answered.is_empty() {
        return Ok(None);
    }
    let [series] = <[_; 1]>::try_from(answered).map_err(|all| untold(&format!("{} series match it", all.len())))?;
    let Some(level) = median(&series.values).filter(|_| series.values.len() >= ENOUGH) else { return Ok(None) };
    let part = (change.after - level) / (change.after - change.before);
    if !part.is_finite() {
        return Err(untold("the levels before and after the change are alike"));
    }
    let saved = proposal.proposed.rank.saving.map(|cost| Cost { cores: part * cost.cores, watts: part * cost.watts });
    let recovery = Recovery { window, level, part, saved };
    let text = format!("{:.0} % of the regression is gone, by {} observations", 100.0 * part, series.values.len());
    Ok(Some((Became::Recovered(recovery), Witness::Metrics, text)))
}
