//! The tool `metrics` from a folder of CSV files, one per metric.
//!
//! What is here of the files is in [`table`]; what is made of the samples ([`select`], [`transform`], [`join`]) knows no
//! file, so that every source of metrics gives the same answer to the same query.

mod join;
mod quantile;
mod select;
mod table;
mod transform;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Error, Label, Transform, Window};
use negawatt_host::{Metrics, Scope};

use crate::blocking::{Shared, Stop, blocking};
use crate::files::{DataError, Folder, Stamp};
use select::Conditions;
use table::Table;

/// The most values that one answer may have.
const MAX_VALUES: usize = 4_000_000;

/// The most evaluations of a query with a step.
const MAX_STEPS: u64 = 1_000_000;

/// Parsed files that are kept; beyond it the cache starts anew.
const MAX_CACHED_SAMPLES: usize = 4_000_000;

/// Labels by name, without empty values.
pub type Labels = Vec<(String, String)>;

/// The samples of one series by rising time; finite values only.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    pub labels: Labels,
    pub times: Vec<i64>,
    pub values: Vec<f64>,
}

/// Metrics in CSV files.
pub struct CsvMetrics {
    folder: Folder,
    cache: Mutex<HashMap<String, (Stamp, Arc<Table>)>>,
}

impl CsvMetrics {
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<CsvMetrics>, ConfigError> {
        Ok(Shared::new(CsvMetrics { folder: Folder::open(path)?, cache: Mutex::default() }))
    }

    /// The file of a metric, parsed; `None` where there is none.
    fn table(&self, name: &str) -> Result<Option<Arc<Table>>, DataError> {
        let file = format!("{name}.csv");
        let Some(stamp) = self.folder.stamp(&file)? else { return Ok(None) };
        if let Some((known, table)) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(name)
            && *known == stamp
        {
            return Ok(Some(table.clone()));
        }
        let Some(bytes) = self.folder.read(&file)? else { return Ok(None) };
        let table = Table::parse(&bytes).map_err(|(line, message)| self.folder.error(&file, line, message))?;
        let table = Arc::new(table);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached: usize = cache.values().map(|(_, table)| table.sample_count()).sum();
        if cached + table.sample_count() > MAX_CACHED_SAMPLES {
            cache.clear();
        }
        cache.insert(name.to_owned(), (stamp, table.clone()));
        Ok(Some(table))
    }
}

#[async_trait]
impl Metrics for Shared<CsvMetrics> {
    async fn query(
        &self,
        scope: &Scope,
        selector: Selector,
        window: Window,
        step: Option<Duration>,
    ) -> Answer<Vec<Series>> {
        let (metrics, scope) = (self.clone(), scope.clone());
        blocking(move |stop| {
            let conditions = Conditions::of(&selector, &scope)?;
            let Some(table) = metrics.table(&selector.name)? else { return Ok(Vec::new()) };
            answer(table.select(&conditions), &selector, &scope, &window, step, stop)
        })
        .await
    }
}

/// When values are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub window: Window,
    pub step: Option<i64>,
}

impl Times {
    fn new(window: &Window, step: Option<Duration>) -> Answer<Times> {
        let step = step.map(|step| i64::try_from(step).unwrap_or(i64::MAX));
        if let Some(step) = step {
            let steps = window.end.abs_diff(window.start).checked_div(step.unsigned_abs());
            let steps =
                steps.ok_or_else(|| Error::Invalid("a step of 0; leave it out for the samples as they are".into()))?;
            if steps > MAX_STEPS {
                return Err(Error::Invalid(format!(
                    "the window has {steps} steps, at most {MAX_STEPS} are served; take a longer step"
                )));
            }
        }
        Ok(Times { window: *window, step })
    }

    /// How many instants a step makes in the window; none without a step.
    fn steps(&self) -> u64 {
        let span = self.window.end.abs_diff(self.window.start);
        self.step.map_or(0, |step| span.div_ceil(step.unsigned_abs().max(1)))
    }

    /// The instants: each step from the window's start on; without one, those of `samples` inside the window.
    fn instants<'a>(&self, samples: &'a [i64]) -> Box<dyn Iterator<Item = i64> + 'a> {
        let Window { start, end } = self.window;
        match self.step {
            Some(step) => {
                let next = move |time: &i64| time.checked_add(step);
                Box::new(std::iter::successors(Some(start), next).take_while(move |time| *time < end))
            }
            None => {
                let from = samples.partition_point(|time| *time < start);
                let until = samples.partition_point(|time| *time < end);
                Box::new(samples[from..until.max(from)].iter().copied())
            }
        }
    }
}

/// What a query asks for, of the series that match it.
pub fn answer(
    matching: Vec<Samples>,
    selector: &Selector,
    scope: &Scope,
    window: &Window,
    step: Option<Duration>,
    stop: &Stop,
) -> Answer<Vec<Series>> {
    let times = Times::new(window, step)?;
    let evaluations = times.steps().saturating_mul(matching.len() as u64);
    if evaluations > MAX_VALUES as u64 {
        return Err(Error::OverBudget(format!(
            "the query evaluates {} series {} times, {evaluations} values where at most {MAX_VALUES} are served; match fewer series or take a longer step",
            matching.len(),
            times.steps()
        )));
    }
    // A transform or a step looks back before the window, but never before the case.
    let seen: Vec<Samples> = matching.into_iter().map(|series| series.inside(scope.window.start, window.end)).collect();
    let mut series = match &selector.transform {
        Transform::Quantile(quantile) => quantile::evaluate(seen, quantile, selector.aggregate.as_ref(), &times, stop)?,
        transform => transform::evaluate(seen, transform, &times, stop)?,
    };
    if let Some(aggregate) = &selector.aggregate {
        series = join::aggregate(series, aggregate, &times);
    }
    series.retain(|series| !series.times.is_empty());
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let count: usize = series.iter().map(|series| series.values.len()).sum();
    if count > MAX_VALUES {
        return Err(Error::OverBudget(format!(
            "the answer has {count} values in {} series, at most {MAX_VALUES} are served; match fewer series, join them, or take a longer step",
            series.len()
        )));
    }
    Ok(series.into_iter().map(Series::from).collect())
}

impl Samples {
    /// The samples from `start` on, before `end`.
    fn inside(mut self, start: i64, end: i64) -> Samples {
        let from = self.times.partition_point(|time| *time < start);
        let until = self.times.partition_point(|time| *time < end).max(from);
        self.times = self.times[from..until].to_vec();
        self.values = self.values[from..until].to_vec();
        self
    }

    fn push(&mut self, time: i64, value: f64) {
        if value.is_finite() {
            self.times.push(time);
            self.values.push(value);
        }
    }

    fn empty(labels: Labels) -> Samples {
        Samples { labels, times: Vec::new(), values: Vec::new() }
    }
}

impl From<Samples> for Series {
    fn from(samples: Samples) -> Series {
        let labels = samples.labels.into_iter().map(|(name, value)| Label { name, value }).collect();
        Series { labels, times: samples.times, values: samples.values }
    }
}
