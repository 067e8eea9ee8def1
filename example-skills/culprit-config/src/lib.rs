//! Ranks the configuration changes and experiments that could have caused a regression.
//!
//! This file fetches through the tools, no more than fits; everything else computes from plain data and runs anywhere:
//! [`setting`] is what is kept of a record, [`candidate`] what could be meant, [`value`] says how much a setting changed, [`words`]
//! what its key has to do with the functions that got slower, [`neighbours`] whose it is, [`past`] what the series did whenever
//! the setting had the same value, [`crowd`] what it shares with others, [`rank`] adds up.

pub mod candidate;
pub mod crowd;
pub mod neighbours;
pub mod past;
pub mod rank;
pub mod report;
pub mod setting;
pub mod subject;
pub mod value;
pub mod words;

use negawatt_skill::configs::ConfigChange;
use negawatt_skill::experiments::Experiment;
use negawatt_skill::gather::{Gathered, Most, Records, gather};
use negawatt_skill::prelude::*;
use negawatt_skill::unless_cancelled;

use crate::candidate::Timelines;
use crate::neighbours::Neighbours;
use crate::past::Past;
use crate::rank::{Question, rank};
use crate::setting::Setting;
use crate::words::Slower;

negawatt_skill::skill!(investigate);

/// Questions for records of one kind, at most.
const QUESTIONS: u32 = 12;

const SETTINGS: Records<ConfigChange, Setting> =
    Records { time: |change| change.time, bytes: Setting::bytes, keep: Setting::from };
const EXPERIMENTS: Records<Experiment, Experiment> = Records {
    time: |experiment| experiment.start,
    bytes: |experiment| experiment.id.len() + experiment.service.len() + experiment.name.len(),
    keep: |experiment| experiment,
};

/// Ranks what went live around the change that explains the incident. Nothing, if no change does or nothing can be meant.
///
/// The error of a tool where it cannot answer and there is nothing else to look at.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let window = case.incident.window;
    // What a setting did earlier is told by what it was before the window.
    let long = window.with_look_back(window.length());
    // A part of what may be read, so that there is enough left for the series.
    let most = Most { questions: QUESTIONS, bytes: case.budget.read_bytes / 4 };
    let settings = gather(long, change.time, most, &SETTINGS, |window| configs::history(window, &[]));
    let experiments = gather(window, change.time, most, &EXPERIMENTS, |window| experiments::list(window, None));
    let (settings, experiments) = (told("settings", settings)?, told("experiments", experiments)?);
    let (mut settings, mut experiments) = match (settings, experiments) {
        (Err(error), Ok(nothing)) if nothing.is_empty() => return Err(error),
        (Ok(nothing), Err(error)) if nothing.is_empty() => return Err(error),
        (Err(error), Err(_)) => return Err(error),
        (settings, experiments) => (settings.unwrap_or_default(), experiments.unwrap_or_default()),
    };
    if settings.is_empty() && experiments.is_empty() {
        return Ok(Vec::new());
    }
    settings.sort_by_key(|setting| setting.time);
    // Two parts of a window may both have an experiment: its beginning, and its end.
    experiments.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    experiments.dedup();
    let mut series = unless_cancelled(case.series())?.unwrap_or_default();
    let began = case.change_time(&change, &series);
    let timelines = Timelines::new(&settings);
    let candidates = candidate::all(&settings, &experiments, &timelines, began.reach(window));
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let service = &case.incident.service;
    let abroad = candidates.iter().any(|candidate| *candidate.service != **service);
    let edges = if abroad { topology::edges(None).ok() } else { None };
    if candidates.iter().any(|candidate| past::reaches_before(candidate, &timelines, window.start)) {
        series = unless_cancelled(case.series_over(long))?.filter(|longer| !longer.is_empty()).unwrap_or(series);
    }
    let shifts: Vec<_> = case.function_shifts().collect();
    let question = Question {
        change: change.body,
        window,
        slower: Slower::new(shifts.iter().map(|shift| shift.body), service),
        neighbours: edges
            .map(|edges| Neighbours::of(service, edges.iter().map(|e| (e.caller.as_str(), e.callee.as_str())))),
        past: Past::new(&timelines, &series, change.body, &began),
        service,
    };
    let ranked = rank(&question, &candidates);
    let because: Vec<String> =
        std::iter::once(change.id).chain(shifts.iter().map(|shift| shift.id)).map(str::to_owned).collect();
    Ok(report::report(&ranked, &candidates, &because, case.budget.findings as usize))
}

/// What was fetched, after whoever reads the case was told what of it is missing. A cancelled case ends the work.
fn told<K>(what: &str, answer: Result<Gathered<K>, Error>) -> Result<Result<Vec<K>, Error>, Error> {
    match answer {
        Ok(gathered) => {
            if let Some(warning) = gathered.warning(what) {
                log::warn(warning);
            }
            Ok(Ok(gathered.kept))
        }
        Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
        Err(error) => {
            log::warn(format!("no {what} could be read: {}", error.text()));
            Ok(Err(error))
        }
    }
}
