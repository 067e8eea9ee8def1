//! Ranks the commits that could have caused a regression.
//!
//! This file fetches through the tools; everything else computes from plain data and runs anywhere:
//! [`deploys`] says when commits went live, [`frame`], [`outline`], [`touched`] and [`matching`] find which functions of
//! the profiles a diff changes, [`regression`] in which of them the rise begins, [`factors`] turns each into log-odds with
//! a reason, [`rank`] adds them up.

pub mod candidate;
pub mod definition;
pub mod deploys;
pub mod factors;
pub mod frame;
pub mod gather;
pub mod history;
pub mod kind;
pub mod language;
pub mod matching;
pub mod message;
pub mod outline;
pub mod overlap;
pub mod rank;
pub mod regression;
pub mod report;
pub mod touched;
pub mod work;

use negawatt_skill::prelude::*;
use negawatt_skill::unless_cancelled;

negawatt_skill::skill!(investigate);

/// The tools of the host.
struct Host;

impl gather::Tools for Host {
    fn list(&self, window: Window) -> Result<Vec<changes::Commit>, Error> {
        changes::list(None, window, &[])
    }

    fn diff(&self, repository: &str, id: &str) -> Result<Vec<changes::FileDiff>, Error> {
        changes::diff(repository, id)
    }

    fn outline(&self, repository: &str, path: &str, revision: &str) -> Result<code::FileOutline, Error> {
        code::outline(repository, path, Some(revision))
    }

    fn search(&self, repository: &str, pattern: &str) -> Result<Vec<code::CodeMatch>, Error> {
        code::search(repository, pattern, &[])
    }

    fn profile(&self, service: &str, window: Window) -> Result<profiles::Profile, Error> {
        profiles::query(service, window)
    }

    fn configs(&self, window: Window) -> Result<Vec<configs::ConfigChange>, Error> {
        configs::history(window, &[])
    }

    fn warn(&self, text: &str) {
        log::warn(text);
    }
}

/// Ranks the commits around the change that explains the incident. Nothing, if no change does or no commit can be meant.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    // The series tells how well the time is known; without it a guess must do.
    let series = unless_cancelled(case.series())?.unwrap_or_default();
    let shifts: Vec<_> = case.function_shifts().collect();
    let mut question = rank::Question {
        change: change.time,
        window: case.incident.window,
        began: case.change_time(&change, &series),
        service: case.incident.service.clone(),
        metric: case.incident.metric.as_ref().map(|metric| metric.name.clone()).unwrap_or_default(),
        deployments: Vec::new(),
        regression: regression::Regression::new(shifts.iter().map(|shift| shift.body)),
    };
    let candidates = gather::gather(&Host, &mut question, case.budget.tool_calls.saturating_sub(1))?;
    let ranked = rank::rank(&question, &candidates);
    let because: Vec<String> =
        std::iter::once(change.id).chain(shifts.iter().map(|shift| shift.id)).map(str::to_owned).collect();
    Ok(report::report(&ranked, &candidates, &because, case.budget.findings as usize))
}
