//! From alarms to cases: what joins a case, what opens one, and what was left half done.

use std::sync::Arc;

use negawatt_casebook::{Case, CaseId, Casebook, CasebookError, Event, Joined as JoinedEvent, Symptom};
use negawatt_host::json::{IncidentFile, fingerprint};
use negawatt_host::model::Incident;
use negawatt_host::time::rfc3339;
use negawatt_planner::{Runtime, Watcher as Progress};
use tokio_util::sync::CancellationToken;

use crate::known::{Joinable, Known};
use crate::merge::{Group, Neighbours, groups, name, reason};
use crate::pass::{Joined, OpenedCase, Pass, Trouble};

/// Where cases are opened and run.
pub(crate) struct Cases<'a> {
    pub runtime: &'a Arc<Runtime>,
    pub book: &'a Casebook,
    pub progress: &'a Progress,
    pub cancel: &'a CancellationToken,
}

/// Cases that one pass opens at most: each is investigated before the next pass begins.
const MOST_CASES: usize = 20;

impl Cases<'_> {
    /// Takes cases that an earlier pass left open to their end, but for those that somebody works on.
    pub async fn finish(&self, known: &Known, pass: &mut Pass) {
        for id in &known.unfinished {
            if self.cancel.is_cancelled() {
                break;
            }
            match self.runtime.resume(self.book, id, self.progress.clone(), self.cancel.clone()).await {
                Ok(case) => pass.resumed.push(described(&case)),
                Err(CasebookError::Owned { .. }) => {}
                Err(error) => pass.trouble(Trouble::new(&id.to_string(), &error.to_string())),
            }
        }
    }

    /// Has each alarm join the case that is about its change, or opens one. Tells whether that was done for all of them.
    pub async fn tell(&self, alarms: Vec<Symptom>, known: &Known, pass: &mut Pass) -> Result<bool, CasebookError> {
        let neighbours = self.neighbours(&alarms).await;
        let (joining, new) = split(alarms, &known.cases, &neighbours);
        let mut all = true;
        for (id, symptoms) in joining {
            all &= self.join(id, symptoms, pass)?;
        }
        let groups = groups(new, &neighbours);
        let waiting = groups.len().saturating_sub(MOST_CASES);
        if waiting > 0 {
            let more = format!("{waiting} more changes wait for the next pass, which opens at most {MOST_CASES} cases");
            pass.trouble(Trouble::new("cases", &more));
            all = false;
        }
        for group in groups.into_iter().take(MOST_CASES) {
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            self.open(group, pass).await?;
        }
        Ok(all)
    }

    async fn neighbours(&self, alarms: &[Symptom]) -> Neighbours {
        let mut neighbours = Neighbours::new();
        for Symptom { incident: Incident { service, .. }, .. } in alarms {
            if !neighbours.contains_key(service) {
                neighbours.insert(service.clone(), (self.runtime.neighbours)(service.clone(), Some(1)).await);
            }
        }
        neighbours
    }

    fn join(&self, id: CaseId, symptoms: Vec<Symptom>, pass: &mut Pass) -> Result<bool, CasebookError> {
        let count = symptoms.len();
        let joined = self.book.resume(&id).and_then(|mut log| {
            log.append(Event::Joined(JoinedEvent { symptoms }))?;
            log.release().map(drop)
        });
        match joined {
            Ok(()) => pass.joined.push(Joined { id, symptoms: count }),
            Err(error @ (CasebookError::Owned { .. } | CasebookError::NewerCase { .. })) => {
                pass.trouble(Trouble::new(&id.to_string(), &error.to_string()));
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    async fn open(&self, group: Group, pass: &mut Pass) -> Result<(), CasebookError> {
        let Some(first) = group.symptoms.first() else { return Ok(()) };
        let incident = incident(first, group.symptoms.len());
        let file = IncidentFile { fingerprint: fingerprint(&incident), incident };
        let opened = self.runtime.opened(self.book, file).await?.with_symptoms(&group.symptoms);
        let log = self.book.open_case(opened)?;
        let case = self.runtime.begin(log, self.progress.clone(), self.cancel.clone()).await?;
        pass.opened.push(described(&case));
        Ok(())
    }
}

/// The incident of a case with so many symptoms: that of the first, under a title that speaks of all.
pub fn incident(first: &Symptom, all: usize) -> Incident {
    let by = first
        .relative()
        .map_or_else(|| format!("from 0 to {:.3}", first.after), |relative| format!("{:+.1} %", 100.0 * relative));
    let more = match all {
        1 => String::new(),
        2 => ", and another series".to_owned(),
        all => format!(", and {} more series", all - 1),
    };
    let title = format!("{}: {by} since {}{more}", name(first), rfc3339(first.time));
    Incident { title, ..first.incident.clone() }
}

/// Those that join a case, by case, and those that do not.
fn split(
    alarms: Vec<Symptom>,
    cases: &[Joinable],
    neighbours: &Neighbours,
) -> (Vec<(CaseId, Vec<Symptom>)>, Vec<Symptom>) {
    let (mut joining, mut new): (Vec<(CaseId, Vec<Symptom>)>, _) = (Vec::new(), Vec::new());
    for alarm in alarms {
        // What a person took out of a case is not put there again.
        let of = |case: &&Joinable| !case.split.contains(&alarm.series());
        // The newest first. Of coincidence one speaks only in one pass.
        let found = cases.iter().rev().filter(of).find_map(|case| {
            let reason = reason(&case.first, &alarm, neighbours, 0)?;
            Some((case.id, reason))
        });
        match found {
            Some((id, reason)) => {
                let symptom = Symptom { reason, ..alarm };
                match joining.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, symptoms)) => symptoms.push(symptom),
                    None => joining.push((id, vec![symptom])),
                }
            }
            None => new.push(alarm),
        }
    }
    (joining, new)
}

fn described(case: &Case) -> OpenedCase {
    let first = case.symptoms.first();
    OpenedCase {
        id: case.id,
        title: case.opened.as_ref().map(|opened| opened.incident.title.clone()).unwrap_or_default(),
        symptoms: case.symptoms.len(),
        time: first.map_or(0, |noted| noted.symptom.time),
        verdict: case.concluded().map(|concluded| concluded.verdict),
    }
}
