//! What a report needs of the answers that tools gave in a case: the incident's series, and what the candidates are called.

use std::collections::HashMap;

use negawatt_casebook::{AnswerRef, Case, Casebook};
use negawatt_host::Tool;
use negawatt_host::model::changes::Commit;
use negawatt_host::model::configs::ConfigChange;
use negawatt_host::model::experiments::Experiment;
use negawatt_host::model::metrics::{MatchOperation, Selector, Series};
use negawatt_host::model::{Answer, Duration, Metric, Timestamp, Window};
use serde::de::DeserializeOwned;

/// What the tools answered, as far as a report needs it. An answer that was purged is missing.
#[derive(Debug, Default)]
pub struct Record {
    /// The incident's series inside its window.
    pub series: Option<Recorded>,
    /// Commits that were listed, by their hashes.
    pub commits: HashMap<String, Commit>,
    /// Changes of configurations, by their ids.
    pub configs: HashMap<String, ConfigChange>,
    /// Experiments, by their ids.
    pub experiments: HashMap<String, Experiment>,
}

/// A series as columns of the same length, by rising time.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// When each value was observed.
    pub times: Vec<Timestamp>,
    /// The values.
    pub values: Vec<f64>,
}

impl Record {
    /// What the casebook kept of a case.
    pub fn of(case: &Case, book: &Casebook) -> Record {
        let asked = |tool, function| Answers { case, book, tool, function };
        let commits: Vec<Commit> = asked(Tool::Changes, "list").listed();
        let configs: Vec<ConfigChange> = asked(Tool::Configs, "history").listed();
        let experiments: Vec<Experiment> = asked(Tool::Experiments, "list").listed();
        Record {
            series: series(case, &asked(Tool::Metrics, "query")),
            commits: commits.into_iter().map(|commit| (commit.id.clone(), commit)).collect(),
            configs: configs.into_iter().map(|change| (change.id.clone(), change)).collect(),
            experiments: experiments.into_iter().map(|experiment| (experiment.id.clone(), experiment)).collect(),
        }
    }
}

/// The answers that one function of a tool gave in a case.
pub struct Answers<'a> {
    /// The case.
    pub case: &'a Case,
    /// The casebook.
    pub book: &'a Casebook,
    /// The tool.
    pub tool: Tool,
    /// Its function.
    pub function: &'static str,
}

impl<'a> Answers<'a> {
    /// Those that are no errors.
    pub fn refs(&self) -> impl Iterator<Item = &'a AnswerRef> {
        let (tool, function) = (self.tool, self.function);
        let answers = self.case.steps.iter().flat_map(|step| &step.calls).flat_map(|call| &call.answers);
        answers.filter(move |answer| answer.tool == tool && answer.function == function && answer.error.is_none())
    }

    /// What all answers that are lists hold together.
    fn listed<A: DeserializeOwned>(&self) -> Vec<A> {
        self.refs().filter_map(|answer| self.answer::<Vec<A>>(answer)).flatten().collect()
    }

    /// What one of them holds.
    pub fn answer<A: DeserializeOwned>(&self, answer: &AnswerRef) -> Option<A> {
        self.read::<Answer<A>>(&answer.response)?.ok()
    }

    /// A blob as the host encoded it; a report goes without what cannot be read.
    pub fn read<T: DeserializeOwned>(&self, digest: &negawatt_host::Digest) -> Option<T> {
        let bytes = self.book.blob(digest).inspect_err(|error| tracing::debug!("not in the report: {error}")).ok()?;
        negawatt_host::decode(&bytes)
    }
}

/// The incident's series: of the answers to the question for it, the one with the most observations in the window, at the
/// source's own resolution where somebody asked for that.
fn series(case: &Case, answers: &Answers<'_>) -> Option<Recorded> {
    let incident = &case.opened.as_ref()?.incident;
    let metric = incident.metric.as_ref()?;
    let mut best: Option<(bool, Recorded)> = None;
    for asked in answers.refs() {
        let Some((selector, window, step)) = answers.read::<(Selector, Window, Option<Duration>)>(&asked.request)
        else {
            continue;
        };
        if !asks_for(&selector, metric) || !window.overlaps(&incident.window) {
            continue;
        }
        // Several series would not be the incident's.
        let Some([series]) = answers.answer::<Vec<Series>>(asked).and_then(|all| <[Series; 1]>::try_from(all).ok())
        else {
            continue;
        };
        let points = series.times.into_iter().zip(series.values);
        let (times, values) = points.filter(|(time, _)| incident.window.contains(*time)).unzip();
        let found = (step.is_none(), Recorded { times, values });
        let rank = |(own, series): &(bool, Recorded)| (*own, series.times.len());
        if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
            best = Some(found);
        }
    }
    best.map(|(_, series)| series).filter(|series| !series.times.is_empty())
}

/// Whether a selector asks for the incident's metric, and nothing less or more.
fn asks_for(selector: &Selector, metric: &Metric) -> bool {
    let equal = |(name, value): (&str, &str)| {
        selector.matchers.iter().any(|matcher| {
            matches!(matcher.operation, MatchOperation::Equal) && matcher.name == name && matcher.value == value
        })
    };
    selector.name == metric.name
        && selector.transform == metric.transform
        && selector.aggregate == metric.aggregate
        && selector.matchers.len() == metric.labels.len()
        && metric.labels.iter().all(|label| equal((&label.name, &label.value)))
}
