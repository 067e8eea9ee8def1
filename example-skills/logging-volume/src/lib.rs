//! Finds log calls that were added to, or moved into, code that runs often.
//!
//! This file fetches through the tools; everything else computes from plain data and runs anywhere: [`stacks`] says from which
//! functions the rise of logging comes, [`calls`] knows log calls of many languages, [`edits`] what a diff does to them, [`frame`]
//! whether a function of a file is one of the stacks, [`gather`] what to look at, [`rank`] turns it into log-odds.

pub mod calls;
pub mod edits;
pub mod gather;
pub mod rank;
pub mod stacks;

use negawatt_skill::prelude::*;
use negawatt_skill::{commits, unless_cancelled};

use crate::stacks::Regressed;

negawatt_skill::skill!(investigate);

/// Commits that make hot code log more. Nothing, and no question to any tool, where no function that logs or formats got slower.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let shifts: Vec<_> = case.function_shifts().collect();
    let Some(mut regressed) = Regressed::new(shifts.iter().map(|shift| shift.body)) else { return Ok(Vec::new()) };
    // The profile tells from whom logging is called, the series how well the time is known; without them guesses must do.
    if let Some(profile) = unless_cancelled(profile::Profile::query(&case.incident.service, case.incident.window))? {
        regressed.add_profile(&profile, change.time);
    }
    let series = unless_cancelled(case.series())?.unwrap_or_default();
    let began = case.change_time(&change, &series);
    let question =
        gather::Question { change: change.time, window: case.incident.window, began: &began, regressed: &regressed };
    let history = gather::gather(&commits::diffs::Host, &question, case.budget.tool_calls.saturating_sub(2))?;
    let suspected = rank::rank(&question, &history);
    let because: Vec<&str> = std::iter::once(change.id)
        .chain(shifts.iter().filter(|shift| regressed.holds(&shift.name)).map(|shift| shift.id))
        .collect();
    Ok(commits::report(&history.known.commits, suspected, &because, case.budget.findings as usize))
}
