//! What a merge brought, by the incident's own series.

use negawatt_actions::guard::median;
use negawatt_casebook::{Became, Case, Cost, Outcome, Proposal, Recovery, Verdict, Witness};
use negawatt_host::model::{ChangePoint, Direction, Metric, Timestamp, Window};
use negawatt_host::{Metrics, Scope};
use negawatt_planner::{Board, change};

use crate::{ProposalError, saving};

/// Observations that a level is told by, and how long after a merge they are looked at, in microseconds: a day, in which what is merged goes live.
const ENOUGH: usize = 20;
const LIVE: i64 = 86_400_000_000;

/// What a merge is measured by.
enum Measure<'a> {
    /// The change that explains the case, which is to go back.
    Change(&'a ChangePoint),
    /// The level before the merge, of which this part is to be saved.
    Saving(f64),
}

/// What the incident's series did from a day after the merge on: its median level against the levels before and after the change, or of an
/// opportunity against the level before the merge. Nothing as long as it is too early; what can never be told is told as that.
pub(crate) async fn of_series(
    case: &Case,
    proposal: &Proposal,
    metrics: Option<&dyn Metrics>,
    now: Timestamp,
) -> Result<Option<Outcome>, ProposalError> {
    let number = proposal.proposed.number;
    let untold = |why: String| ProposalError::Unmeasured { case: case.id, number, why };
    let told = |what, text| {
        Ok(Some(Outcome { proposal: Some(number), what, by: Witness::Metrics, at: None, culprit: None, text }))
    };
    let (metric, measure) = match measured_by(case, proposal) {
        Ok(found) => found,
        Err(why) => return told(Became::Unmeasured, why.to_owned()),
    };
    let metrics =
        metrics.ok_or_else(|| untold("no source is configured for metrics; add [sources.metrics]".to_owned()))?;
    let Some((merged, recorded)) = merged(proposal) else { return Ok(None) };
    // Whoever recorded it late may have brought it there late.
    let window = Window { start: recorded.saturating_add(LIVE), end: now };
    if window.start >= now {
        return Ok(None);
    }
    let Some((level, seen)) = level(metrics, metric, window).await.map_err(untold)? else { return Ok(None) };
    let (part, text) = match measure {
        Measure::Change(change) => {
            let part = (change.after - level) / (change.after - change.before);
            (part, format!("{:.0} % of the regression is gone, by {seen} observations", 100.0 * part))
        }
        Measure::Saving(expected) => {
            let before = Window { start: merged.saturating_sub(length(case)), end: merged };
            let Some((before, _)) = self::level(metrics, metric, before).await.map_err(untold)? else {
                let why = format!("the series has less than {ENOUGH} observations before the merge");
                return told(Became::Unmeasured, why);
            };
            let better = match metric.worse {
                Direction::Up => before - level,
                Direction::Down => level - before,
            };
            let came = better / before.abs();
            let (came_percent, expected_percent) = (100.0 * came, 100.0 * expected);
            let text = format!(
                "it is better by {came_percent:.1} % than before the merge, and {expected_percent:.1} % were expected, by {seen} observations"
            );
            (came / expected, text)
        }
    };
    if !part.is_finite() {
        return told(Became::Unmeasured, "the levels that it would be told by are alike, or 0".to_owned());
    }
    // Of a regression the part is one of all that it costs, whatever of that the proposal was to save.
    let of = match measure {
        Measure::Change(_) => saving::whole(&Board::of(case)),
        Measure::Saving(_) => proposal.proposed.rank.saving,
    };
    let saved = of.map(|cost| Cost { cores: part * cost.cores, watts: part * cost.watts });
    told(Became::Recovered(Recovery { window, level, part, saved }), text)
}

/// By what metric a merge is measured, and how; or why it can never be.
fn measured_by<'a>(case: &'a Case, proposal: &Proposal) -> Result<(&'a Metric, Measure<'a>), &'static str> {
    let incident = case.opened.as_ref().map(|opened| &opened.incident);
    let metric = incident.and_then(|incident| incident.metric.as_ref()).ok_or("the incident names no metric")?;
    if case.concluded().is_none_or(|concluded| concluded.verdict != Verdict::Opportunity) {
        return Ok((metric, Measure::Change(change(case).ok_or("no change explains the case")?)));
    }
    let promised = saving::promised(case, &Board::of(case), &proposal.proposed);
    let promised = promised.ok_or("no opportunity that another skill found says what it should save")?;
    Ok((metric, Measure::Saving(promised)))
}

/// When a proposal was merged, and when that was recorded.
fn merged(proposal: &Proposal) -> Option<(Timestamp, Timestamp)> {
    let (recorded, found) = proposal.outcomes.iter().find(|(_, outcome)| matches!(outcome.what, Became::Merged))?;
    Some((found.at.unwrap_or(*recorded), *recorded))
}

/// How long before a merge its level is looked at, in microseconds: as long as the incident looks, a day at least.
fn length(case: &Case) -> i64 {
    let window = case.opened.as_ref().map(|opened| opened.incident.window);
    window.map_or(LIVE, |window| window.end.saturating_sub(window.start).max(LIVE))
}

/// The median level of a metric in a window, and by how many observations; nothing where these are too few.
async fn level(metrics: &dyn Metrics, metric: &Metric, window: Window) -> Result<Option<(f64, usize)>, String> {
    let answered = metrics.query(&Scope::of_operator(window), metric.selector(), window, None).await;
    let answered = answered.map_err(|error| error.message().to_owned())?;
    if answered.is_empty() {
        return Ok(None);
    }
    let [series] = <[_; 1]>::try_from(answered).map_err(|all| format!("{} series match it", all.len()))?;
    let seen = series.values.len();
    Ok(median(&series.values).filter(|_| seen >= ENOUGH).map(|level| (level, seen)))
}
