//! Asks for the history of what is suspected.

use std::collections::{BTreeMap, BTreeSet};

use negawatt_skill::configs::ConfigChange;
use negawatt_skill::experiments::Experiment;
use negawatt_skill::format::shown;
use negawatt_skill::gather::{Gathered, Most, Records, gather};
use negawatt_skill::{Case, Error, Timestamp};

use crate::tools::Tools;

/// Questions for records of one kind, at most.
const QUESTIONS: u32 = 12;
/// The longest message of a tool that is told, in characters.
const LONGEST: usize = 200;

const SETTINGS: Records<ConfigChange, ConfigChange> =
    Records { time: |change| change.time, bytes: size, keep: |change| change };
const EXPERIMENTS: Records<Experiment, Experiment> = Records {
    time: |experiment| experiment.start,
    bytes: |experiment| experiment.id.len() + experiment.service.len() + experiment.name.len(),
    keep: |experiment| experiment,
};

/// Bytes of a change's texts.
fn size(change: &ConfigChange) -> usize {
    let values = [&change.before, &change.after].into_iter().flatten().map(String::len).sum::<usize>();
    change.id.len() + change.service.len() + change.key.len() + values
}

/// What the history holds of what is suspected.
#[derive(Debug, Default)]
pub struct Settings {
    /// The rows that bear a suspected id.
    pub with_id: Vec<ConfigChange>,
    /// All rows of their keys, of any service.
    pub with_key: Vec<ConfigChange>,
}

/// The rows of these ids and of their keys, in the case's window and as long before it; the reason, in a clause, where not all of them can
/// be had: of a part nobody knows whether it holds all rows of an id. A cancelled case ends the work.
pub fn settings(
    tools: &dyn Tools,
    case: &Case,
    change: Timestamp,
    ids: &[&str],
) -> Result<Result<Settings, String>, Error> {
    if ids.is_empty() {
        return Ok(Ok(Settings::default()));
    }
    let window = case.incident.window.with_look_back(case.incident.window.length());
    let ask = |keys: &[String], is_wanted: &dyn Fn(&ConfigChange) -> bool| {
        whole(gather(window, change, most(case), &SETTINGS, |window| {
            let mut rows = tools.settings(window, keys)?;
            rows.retain(is_wanted);
            Ok(rows)
        }))
    };
    let with_id = match ask(&[], &|row| ids.contains(&row.id.as_str()))? {
        Ok(with_id) => with_id,
        Err(why) => return Ok(Err(why)),
    };
    let keys = keys_of_unique(&with_id);
    if keys.is_empty() {
        return Ok(Ok(Settings { with_id, with_key: Vec::new() }));
    }
    Ok(ask(&keys, &|_| true)?.map(|with_key| Settings { with_id, with_key }))
}

/// The keys of those ids that one row alone bears: the others are lost, however many keys somebody gave them.
fn keys_of_unique(with_id: &[ConfigChange]) -> Vec<String> {
    let mut by_id: BTreeMap<&str, Option<&ConfigChange>> = BTreeMap::new();
    for row in with_id {
        let only = by_id.entry(&row.id).or_insert(Some(row));
        *only = only.filter(|only| *only == row);
    }
    let keys: BTreeSet<&str> = by_id.into_values().flatten().map(|row| row.key.as_str()).collect();
    keys.into_iter().map(str::to_owned).collect()
}

/// The experiments with these ids that began or ended in the case's window; the reason, in a clause, where not all can be had.
pub fn experiments(
    tools: &dyn Tools,
    case: &Case,
    change: Timestamp,
    ids: &[&str],
) -> Result<Result<Vec<Experiment>, String>, Error> {
    if ids.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    whole(gather(case.incident.window, change, most(case), &EXPERIMENTS, |window| {
        let mut all = tools.experiments(window)?;
        all.retain(|experiment| ids.contains(&experiment.id.as_str()));
        Ok(all)
    }))
}

fn most(case: &Case) -> Most {
    Most { questions: QUESTIONS.min(case.budget.tool_calls), bytes: case.budget.read_bytes / 4 }
}

/// What was fetched if nothing of it is missing, else why it is.
fn whole<T>(answer: Result<Gathered<T>, Error>) -> Result<Result<Vec<T>, String>, Error> {
    match answer {
        Ok(Gathered { kept, missing: None, .. }) => Ok(Ok(kept)),
        Ok(Gathered { missing: Some(why), .. }) => {
            Ok(Err(format!("only a part of the history could be read: {}", shown(&why, LONGEST))))
        }
        Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
        Err(error) => Ok(Err(format!("the history cannot be had: {}", shown(error.text(), LONGEST)))),
    }
}
