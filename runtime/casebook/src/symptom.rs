//! Symptoms: the series in which the change that a case is about was seen. A case of one series that a person opened has none.
//!
//! Those that a case is opened with are in its first event; later ones join it, also after it has ended; a person can split
//! some off into a case of their own. Each keeps the number that it got first.

use std::collections::HashMap;

use negawatt_host::Digest;
use negawatt_host::model::{Duration, Incident, Metric, Shape, Timestamp};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use crate::casebook::{Casebook, ids};
use crate::error::{CasebookError, Fault};
use crate::event::{Event, Opened, Split};
use crate::id::CaseId;
use crate::log::CaseLog;

/// The name under which the first event carries symptoms, and the case that they were split off from.
const SYMPTOMS: &str = "symptoms";
const SPLIT_FROM: &str = "split-from";

/// A series that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    /// What an incident about this series alone would say: the metric with all labels of the series.
    pub incident: Incident,
    /// The first observation after the change.
    pub time: Timestamp,
    /// How far from there the change may really have been, in microseconds.
    pub within: Duration,
    /// The level before.
    pub before: f64,
    /// The level after.
    pub after: f64,
    /// How probable so large a change would be by chance.
    pub p_value: f64,
    /// How it changed.
    pub shape: Shape,
    /// Why it is of this case; empty for the one that the case was opened for.
    pub reason: String,
}

/// A symptom with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// Its number in the case, from 1.
    pub number: u32,
    /// What was seen.
    pub symptom: Symptom,
    /// The case that it was split off into.
    pub split: Option<CaseId>,
}

impl Symptom {
    /// How much it changed, as a part of the level before; `None` where that was 0.
    pub fn relative(&self) -> Option<f64> {
        Some((self.after - self.before) / self.before.abs()).filter(|relative| relative.is_finite())
    }

    /// Names the series among all others, whatever the time.
    pub fn series(&self) -> Digest {
        series_of(&self.incident.service, self.incident.metric.as_ref())
    }
}

/// Names a series among all others.
pub fn series_of(service: &str, metric: Option<&Metric>) -> Digest {
    // The direction that hurts is no part of what is measured, and may be configured otherwise tomorrow. Nor are labels that it has not:
    // which are named depends on other series.
    let labels =
        |metric: &Metric| metric.labels.iter().filter(|label| !label.value.is_empty()).cloned().collect::<Vec<_>>();
    let what = metric.map(|metric| (&metric.name, labels(metric), &metric.transform, &metric.aggregate));
    Digest::of(&postcard::to_allocvec(&(service, what)).unwrap_or_default())
}

impl Opened {
    /// The same for these symptoms, the first of which is what the incident is about.
    pub fn with_symptoms(mut self, symptoms: &[Symptom]) -> Opened {
        if !symptoms.is_empty() {
            let text = serde_json::to_string(symptoms).unwrap_or_default();
            self.extra.push((SYMPTOMS.to_owned(), text));
        }
        self
    }

    /// The symptoms that the case was opened with.
    pub fn symptoms(&self) -> Vec<Symptom> {
        let found = self.extra.iter().find(|(name, _)| name == SYMPTOMS);
        found.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The case whose symptoms these were before.
    pub fn split_from(&self) -> Option<CaseId> {
        self.extra.iter().find(|(name, _)| name == SPLIT_FROM).and_then(|(_, id)| id.parse().ok())
    }
}

impl Casebook {
    /// For each series that is watched, by its name, the time of the last observation that was looked at.
    pub fn watched(&self) -> Result<HashMap<[u8; 32], Timestamp>, CasebookError> {
        self.read(|from| {
            let mut statement = from.prepare_cached("SELECT series, until FROM watched WHERE tenant = ?")?;
            let rows = statement.query_map([self.tenant()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes until when series were looked at, and forgets those of which nothing was seen since `forget`.
    pub fn note_watched(&self, seen: &[([u8; 32], Timestamp)], forget: Timestamp) -> Result<(), CasebookError> {
        self.write(|to| {
            let mut statement = to.prepare_cached(
                "INSERT INTO watched (tenant, series, until) VALUES (?, ?, ?)
                 ON CONFLICT (tenant, series) DO UPDATE SET until = max(until, excluded.until)",
            )?;
            for (series, until) in seen {
                statement.execute((self.tenant(), series, until))?;
            }
            to.execute("DELETE FROM watched WHERE tenant = ? AND until < ?", (self.tenant(), forget))?;
            Ok(())
        })
    }

    /// The cases that have a symptom whose change was at this time or later, the oldest first.
    pub fn with_symptoms_since(&self, since: Timestamp) -> Result<Vec<CaseId>, CasebookError> {
        let sql = "SELECT case_id FROM symptomatic WHERE tenant = ? AND newest >= ? ORDER BY case_id";
        self.read(|from| ids(from, sql, (self.tenant(), since)))
    }

    /// Takes symptoms out of a case into a new one that is opened for them; both say so. All of it is recorded, or nothing.
    pub fn split(&self, case: &CaseId, numbers: &[u32], mut opened: Opened) -> Result<CaseLog, CasebookError> {
        opened.extra.push((SPLIT_FROM.to_owned(), case.to_string()));
        let old = self.resume(case)?;
        let new = CaseLog::begin_with(self.clone(), opened, |to, id| {
            let split = Event::Split(Split { symptoms: numbers.to_vec(), into: id });
            old.append_in(to, split)
        })?;
        old.release()?;
        Ok(new)
    }
}

/// Keeps the index of what has symptoms.
pub(crate) fn index(to: &Transaction, tenant: &str, case: &CaseId, event: &Event) -> Result<(), Fault> {
    let symptoms = match event {
        Event::Opened(opened) => opened.symptoms(),
        Event::Joined(joined) => joined.symptoms.clone(),
        _ => return Ok(()),
    };
    let Some(newest) = symptoms.iter().map(|symptom| symptom.time).max() else { return Ok(()) };
    to.prepare_cached(
        "INSERT INTO symptomatic (case_id, tenant, newest) VALUES (?, ?, ?)
         ON CONFLICT (case_id) DO UPDATE SET newest = max(newest, excluded.newest)",
    )?
    .execute((case.to_string(), tenant, newest))?;
    Ok(())
}
