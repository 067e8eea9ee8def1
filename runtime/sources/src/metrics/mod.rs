//! The tool `metrics`: from a folder of CSV files, or from a Prometheus.
//!
//! What is made of the samples ([`select`], [`transform`], [`join`]) knows neither, so that every source of metrics gives the
//! same answer to the same query.

#[cfg(test)]
mod conformance;
mod files;
mod join;
mod prometheus;
mod quantile;
mod select;
mod table;
mod transform;

use std::sync::Arc;

use negawatt_config::{ConfigError, MetricsSource};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Error, Label, Transform, Window};
use negawatt_host::{Metrics, Scope};

use crate::blocking::Stop;
pub use files::CsvMetrics;
pub use prometheus::PrometheusMetrics;
use select::Conditions;

/// The most values that one answer may have.
const MAX_VALUES: usize = 4_000_000;

/// The most evaluations of a query with a step.
const MAX_STEPS: u64 = 1_000_000;

/// Opens the source that an operator named.
pub fn configure(source: &MetricsSource) -> Result<Arc<dyn Metrics>, ConfigError> {
    Ok(match source {
        MetricsSource::Files(path) => Arc::new(CsvMetrics::configure(path)?),
        MetricsSource::Prometheus(url) => Arc::new(PrometheusMetrics::configure(url)?),
    })
}

/// Refuses a selector that no data could answer: a name that is none, a pattern that is no RE2, a transform over no time.
pub fn check_selector(selector: &Selector) -> Answer<()> {
    Conditions::of(selector, &Scope::of_operator(Window { start: 0, end: 1 }))?;
    check(selector)
}

/// Labels by name, without empty values.
pub type Labels = Vec<(String, String)>;

/// The samples of one series by rising time; finite values only.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    pub labels: Labels,
    pub times: Vec<i64>,
    pub values: Vec<f64>,
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

/// What every source does with a query first: refuses what makes no sense whatever the data, and says which series are meant
/// and when.
fn asked<'a>(
    selector: &'a Selector,
    scope: &'a Scope,
    window: &Window,
    step: Option<Duration>,
) -> Answer<(Conditions<'a>, Times)> {
    let conditions = Conditions::of(selector, scope)?;
    let times = Times::new(window, step)?;
    check(selector)?;
    Ok((conditions, times))
}

/// Refuses transforms that make no sense, whatever the data.
fn check(selector: &Selector) -> Answer<()> {
    match &selector.transform {
        Transform::None => Ok(()),
        Transform::Rate(over) | Transform::Increase(over) => transform::range(*over).map(drop),
        Transform::Quantile(quantile) => quantile::check(quantile),
    }
}

/// Refuses to evaluate so many series at so many instants.
fn too_many(times: &Times, series: u64) -> Answer<()> {
    let steps = times.steps();
    let evaluations = steps.saturating_mul(series);
    if evaluations <= MAX_VALUES as u64 {
        return Ok(());
    }
    Err(Error::OverBudget(format!(
        "the query evaluates {series} series {steps} times, {evaluations} values where at most {MAX_VALUES} are served; match fewer series or take a longer step"
    )))
}

/// What a query asks for, of the samples of the series that match it.
fn evaluate(
    matching: Vec<Samples>,
    selector: &Selector,
    scope: &Scope,
    times: &Times,
    stop: &Stop,
) -> Answer<Vec<Samples>> {
    // A transform or a step looks back before the window, but never before the case.
    let seen: Vec<Samples> =
        matching.into_iter().map(|series| series.inside(scope.window.start, times.window.end)).collect();
    let mut series = match &selector.transform {
        Transform::Quantile(quantile) => quantile::evaluate(seen, quantile, selector.aggregate.as_ref(), times, stop)?,
        transform => transform::evaluate(seen, transform, times, stop)?,
    };
    if let Some(aggregate) = &selector.aggregate {
        series = join::aggregate(series, aggregate, times, stop)?;
    }
    Ok(series)
}

/// The answer: series with values only, in order of their labels, not too many.
fn finish(mut series: Vec<Samples>) -> Answer<Vec<Series>> {
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

/// How many metrics there are, in words.
fn count_of_metrics(count: usize) -> String {
    match count {
        0 => "no metrics".to_owned(),
        1 => "1 metric".to_owned(),
        count => format!("{count} metrics"),
    }
}

impl Samples {
    /// The samples from `start` on, before `end`.
    fn inside(mut self, start: i64, end: i64) -> Samples {
        let from = self.times.partition_point(|time| *time < start);
        let until = self.times.partition_point(|time| *time < end).max(from);
        if until - from < self.times.len() {
            self.times = self.times[from..until].to_vec();
            self.values = self.values[from..until].to_vec();
        }
        self
    }

    /// Leaves out what is no number.
    fn keep_finite(&mut self) {
        if self.values.iter().all(|value| value.is_finite()) {
            return;
        }
        let mut finite = self.values.iter().map(|value| value.is_finite());
        self.times.retain(|_| finite.next().unwrap_or_default());
        self.values.retain(|value| value.is_finite());
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
