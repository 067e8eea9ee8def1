//! A pass over everything that is watched.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration as WallTime, Instant};

use negawatt_casebook::{Casebook, CasebookError, Symptom, series_of};
use negawatt_host::Metrics;
use negawatt_host::model::{Duration, Timestamp, Window};
use negawatt_planner::{Runtime, Watcher as Progress, put_aside};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alarm::{Rule, recent};
use crate::cases::Cases;
use crate::fetch::MOST_VALUES;
use crate::known::Known;
use crate::memory::Memory;
use crate::pass::{Pass, Trouble};
use crate::scan::{Job, Look, Seen};
use crate::selection::Selection;

/// Windows after which a series that is gone is forgotten.
const FORGOTTEN: u64 = 2;

/// How passes look.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// From one pass to the next.
    pub interval: WallTime,
    /// How much of each series a pass looks at, in microseconds.
    pub window: Duration,
    /// From one observation to the next, in microseconds.
    pub step: Duration,
    /// What is watched.
    pub selections: Vec<Selection>,
}

impl Settings {
    /// Of a configuration.
    pub fn of(config: &negawatt_config::Watch) -> Settings {
        let micros = |time: WallTime| u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        Settings {
            interval: config.interval,
            window: micros(config.window),
            step: micros(config.step),
            selections: config.series.iter().map(Selection::of).collect(),
        }
    }
}

/// Watches.
pub struct Watch {
    runtime: Arc<Runtime>,
    book: Casebook,
    settings: Settings,
    memory: Memory,
}

/// A series in which there is something new.
struct Due {
    job: Job,
    /// Its name, and the time of its last observation, which are noted when it was looked at.
    name: [u8; 32],
    last: Timestamp,
}

impl Watch {
    /// With a runtime's skills and sources; cases go into a casebook, and so does what is known of series.
    pub fn new(runtime: Arc<Runtime>, book: Casebook, settings: Settings) -> Watch {
        let memory = Memory::new(settings.selections.len());
        Watch { runtime, book, settings, memory }
    }

    /// Looks once at everything, as it is at a time. What does not work is told, and tried again by the next pass; an error is only
    /// what the casebook refuses.
    pub async fn pass(
        &mut self,
        now: Timestamp,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Pass, CasebookError> {
        let began = Instant::now();
        let window = self.window(now);
        let mut pass = Pass { window: Some(window), ..Pass::default() };
        let known = Known::read(&self.book, window.start.saturating_sub_unsigned(self.settings.window))?;
        let (runtime, book) = (self.runtime.clone(), self.book.clone());
        let cases = Cases { runtime: &runtime, book: &book, progress, cancel };
        for (id, error) in &known.unreadable {
            pass.trouble(Trouble::new(&id.to_string(), error));
        }
        cases.finish(&known, &mut pass).await;
        let Some(source) = self.runtime.tools.metrics.clone() else {
            let message = "no source is configured for metrics; add [sources.metrics] to negawatt.toml";
            pass.trouble(Trouble::new("metrics", message));
            return Ok(pass);
        };
        let aside = put_aside(&self.book, &self.runtime.catalog)?;
        let look = Look::new(&self.runtime, source.clone(), self.settings.step, known, &aside);
        if look.detectors.is_empty() {
            pass.trouble(Trouble::new("skills", "none of them may look for changes; `negawatt skill list` says why"));
            return Ok(pass);
        }
        let watched = self.book.watched()?;
        let fetching = Instant::now();
        let due = self.due(&*source, window, &watched, cancel, &mut pass).await;
        pass.spent.fetch = micros(fetching);
        let scanning = Instant::now();
        let look = Arc::new(look);
        let looked = scan(&look, due, cancel, &mut pass).await;
        pass.spent.scan = micros(scanning);
        let opening = Instant::now();
        let alarms: Vec<Symptom> = looked.iter().flat_map(|looked| looked.alarms.iter().cloned()).collect();
        pass.alarms = alarms.len();
        let all_told = cases.tell(alarms, &look.known, &mut pass).await?;
        pass.spent.cases = micros(opening);
        let recording = Instant::now();
        // Of what nobody was told is not said that it was seen.
        let seen = looked.iter().filter(|looked| all_told || looked.alarms.is_empty());
        let seen: Vec<_> = seen.map(|looked| (looked.name, looked.last)).collect();
        let forget = window.start.saturating_sub_unsigned(FORGOTTEN.saturating_mul(self.settings.window));
        self.book.note_watched(&seen, forget)?;
        pass.spent.record = micros(recording);
        pass.interrupted = cancel.is_cancelled();
        pass.spent.wall = micros(began);
        Ok(pass)
    }

    /// What is looked at: values stand at multiples of the step, so that they stand at the same times in every pass.
    fn window(&self, now: Timestamp) -> Window {
        let step = i64::try_from(self.settings.step).unwrap_or(i64::MAX).max(1);
        let start = now.saturating_sub_unsigned(self.settings.window).div_euclid(step).saturating_mul(step);
        Window { start, end: now.max(start) }
    }

    /// The series in which there is something new.
    async fn due(
        &mut self,
        source: &dyn Metrics,
        window: Window,
        watched: &HashMap<[u8; 32], Timestamp>,
        cancel: &CancellationToken,
        pass: &mut Pass,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        let mut room = MOST_VALUES;
        for at in 0..self.settings.selections.len() {
            let selection = &self.settings.selections[at];
            let fetching = self.memory.series(at, selection, self.settings.step, source, window, room);
            let Some(fetched) = cancel.run_until_cancelled(fetching).await else { break };
            let name = &selection.selector.value.name;
            let all = match fetched {
                Ok(all) => all,
                Err(error) => {
                    pass.trouble(Trouble::new(name, &error.told()));
                    continue;
                }
            };
            room = room.saturating_sub(all.iter().map(|series| series.values.len()).sum());
            if all.is_empty() {
                pass.trouble(Trouble::new(
                    name,
                    "no series has a value in the window: check the name, `match`, and that there is data of this time",
                ));
            }
            let names: BTreeSet<&str> =
                all.iter().flat_map(|series| series.labels.iter().map(|label| label.name.as_str())).collect();
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let rule = Rule::new(selection.worse, selection.least, self.settings.interval);
            for series in all.iter().cloned() {
                pass.series += 1;
                let incident = selection.incident(&series, &names, window);
                let name = series_of(&incident.service, incident.metric.as_ref()).0;
                let Some(&last) = series.times.last() else { continue };
                let until = watched.get(&name).copied();
                if until.is_none_or(|until| until < last) {
                    let since = until.map_or(Timestamp::MIN, |until| recent(until, self.settings.window));
                    due.push(Due { job: Job { series, incident, rule, since }, name, last });
                }
            }
        }
        due
    }
}

/// A series that was looked at.
struct Looked {
    name: [u8; 32],
    last: Timestamp,
    alarms: Vec<Symptom>,
}

/// Looks at series, as many at a time as there are processors, and tells what was seen in their order.
async fn scan(look: &Arc<Look>, due: Vec<Due>, cancel: &CancellationToken, pass: &mut Pass) -> Vec<Looked> {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tasks: JoinSet<(usize, Due, Seen)> = JoinSet::new();
    let mut all: Vec<Option<(Looked, Seen)>> = due.iter().map(|_| None).collect();
    let mut due = due.into_iter().enumerate();
    loop {
        while tasks.len() < at_once && !cancel.is_cancelled() {
            let Some((at, due)) = due.next() else { break };
            let look = look.clone();
            tasks.spawn(async move {
                let seen = look.at(&due.job).await;
                (at, due, seen)
            });
        }
        let joined = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            joined = tasks.join_next() => joined,
        };
        let Some(joined) = joined else { break };
        match joined {
            Ok((at, due, mut seen)) => {
                let alarms = std::mem::take(&mut seen.alarms);
                all[at] = Some((Looked { name: due.name, last: due.last, alarms }, seen));
            }
            // A defect of the host costs this look; the series is due again.
            Err(_) => pass.trouble(Trouble::new("host", "it failed in a look at a series")),
        }
    }
    let mut looked = Vec::new();
    for (series, seen) in all.into_iter().flatten() {
        pass.scanned += 1;
        pass.dismissed += seen.dismissed;
        pass.unconfirmed += seen.unconfirmed;
        pass.spent.add_calls(&seen.spent);
        pass.failed += usize::from(seen.failed);
        pass.unseen += usize::from(!seen.looked);
        seen.troubles.into_iter().for_each(|trouble| pass.trouble(trouble));
        // Where a skill failed, it is due again; not for one that failed so often that it was not asked, unless nobody else looked.
        if !seen.failed && seen.looked || !series.alarms.is_empty() {
            looked.push(series);
        }
    }
    looked
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
