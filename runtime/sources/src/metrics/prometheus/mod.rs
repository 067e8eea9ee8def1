//! The tool `metrics` from a Prometheus, over its HTTP API.
//!
//! A query is answered from raw samples, by the same code as every other source. Where they are many and a step is asked
//! for, Prometheus evaluates it, if it answers as we would ([`promql::pushed`]); what it cannot answer alike (the first
//! values of a case, whose ranges reach back before it; samples that are no numbers) is evaluated here all the same.

mod api;
mod promql;
mod raw;
mod response;
mod series_list;
mod whole;

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Error, Transform, Window};
use negawatt_host::{Metrics, Scope};

use super::select::Conditions;
use super::{MAX_VALUES, Samples, Times, asked, evaluate, finish, quantile, too_many};
use crate::blocking::blocking;
use crate::http::is_spent;
use api::{Api, Failure, Grid};
use promql::{Pushed, Select};
use whole::Whole;

/// The most values of a series in one answer that Prometheus gives.
const MAX_POINTS: i64 = 11_000;

/// The values that are asked for at once.
const VALUES_AT_ONCE: u64 = 500_000;

/// Up to so many raw samples of a query with a step are read, rather than left to Prometheus.
const FEW_SAMPLES: u64 = 50_000;

/// Metrics in a Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusMetrics {
    api: Api,
    few_samples: u64,
    /// In place of what the server's answers say of it.
    #[cfg(test)]
    semantics: Option<promql::Semantics>,
    /// How many slices the server has evaluated.
    #[cfg(test)]
    pub pushed: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl PrometheusMetrics {
    /// Opens nothing yet: a server may be started later than its clients.
    pub fn configure(url: &Located<String>) -> Result<PrometheusMetrics, ConfigError> {
        Ok(PrometheusMetrics {
            api: Api::configure(url)?,
            few_samples: FEW_SAMPLES,
            #[cfg(test)]
            semantics: None,
            #[cfg(test)]
            pushed: std::sync::Arc::default(),
        })
    }

    /// One that leaves every query to Prometheus, as if its semantics were ours.
    #[cfg(test)]
    pub fn pushing(mut self, semantics: Option<(bool, bool)>) -> PrometheusMetrics {
        self.few_samples = 0;
        self.semantics = semantics.map(|(left_open, limits_zero)| promql::Semantics { left_open, limits_zero });
        self
    }

    /// What it holds itself.
    #[cfg(test)]
    pub async fn raw(&self, expression: &str, time: i64) -> Vec<Samples> {
        self.api.at(expression, time).await.unwrap()
    }

    /// What a text is to Prometheus when it has been quoted.
    #[cfg(test)]
    pub async fn echo(&self, text: &str) -> String {
        self.api.echo(&promql::quoted(text)).await
    }

    /// What it can answer, in a few words.
    pub async fn describe(&self) -> Answer<String> {
        let version = self.api.version().await?;
        let count = self.api.metric_count().await?;
        Ok(format!("Prometheus {version}, {}", super::count_of_metrics(count)))
    }

    /// How the server evaluates; `None` where it is like no known version.
    async fn semantics(&self) -> Result<Option<promql::Semantics>, Failure> {
        #[cfg(test)]
        if self.semantics.is_some() {
            return Ok(self.semantics);
        }
        match self.api.at(promql::PROBE, promql::PROBE_TIME).await {
            Ok(answer) => {
                Ok(answer.first().and_then(|series| series.values.first()).and_then(|v| promql::semantics(*v)))
            }
            // It does not even know the functions.
            Err(Failure::Final(Error::Invalid(_))) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// One question on its way.
struct Query<'a> {
    source: &'a PrometheusMetrics,
    selector: &'a Selector,
    scope: &'a Scope,
    conditions: Conditions<'a>,
    select: Select,
    times: Times,
}

#[async_trait]
impl Metrics for PrometheusMetrics {
    async fn query(
        &self,
        scope: &Scope,
        selector: Selector,
        window: Window,
        step: Option<Duration>,
    ) -> Answer<Vec<Series>> {
        crate::answers("prometheus");
        let (conditions, times) = asked(&selector, scope, &window, step)?;
        let Some(select) = promql::select(&selector, scope) else { return Ok(Vec::new()) };
        let query = Query { source: self, selector: &selector, scope, conditions, select, times };
        let size = query.size(window).await?;
        if size.samples == 0 {
            return Ok(Vec::new());
        }
        let pushed = match times.step {
            Some(step) if size.samples > self.few_samples && query.is_in_milliseconds() => {
                if selector.aggregate.is_none() {
                    too_many(&times, size.series)?;
                }
                let semantics = self.semantics().await?;
                let pushed = |semantics| promql::pushed(&selector, &query.select, step / 1_000, semantics);
                semantics.and_then(pushed)
            }
            _ => None,
        };
        let series = match pushed {
            Some(pushed) => {
                query.needs_buckets(window).await?;
                query.pushed(&pushed, size.series).await?
            }
            None => query.here(times, size).await?,
        };
        finish(series)
    }
}

impl Query<'_> {
    /// How far back the value of an instant looks, in microseconds.
    fn reach(&self) -> i64 {
        let over = match &self.selector.transform {
            Transform::None => return self.times.step.unwrap_or(0),
            Transform::Rate(over) | Transform::Increase(over) => *over,
            Transform::Quantile(quantile) => quantile.over,
        };
        i64::try_from(over).unwrap_or(i64::MAX)
    }

    /// Whether its instants are whole milliseconds, as Prometheus has them.
    fn is_in_milliseconds(&self) -> bool {
        self.times.window.start % 1_000 == 0 && self.times.step.is_some_and(|step| step % 1_000 == 0)
    }

    /// The stretch whose samples a window's values are made of: with the look-back, but nothing from before the case.
    fn seen(&self, window: Window) -> Window {
        let start = window.start.saturating_sub(self.reach()).max(self.scope.window.start);
        Window { start, end: window.end }
    }

    async fn size(&self, window: Window) -> Answer<raw::Size> {
        Ok(raw::size(&self.source.api, &self.select.text, self.seen(window)).await?)
    }

    /// Refuses a quantile of what is no histogram; Prometheus would say nothing.
    async fn needs_buckets(&self, window: Window) -> Answer<()> {
        if !matches!(self.selector.transform, Transform::Quantile(_)) {
            return Ok(());
        }
        let buckets = raw::size(&self.source.api, &self.select.with_buckets(), self.seen(window)).await?;
        if buckets.samples == 0 { Err(quantile::no_buckets()) } else { Ok(()) }
    }

    /// Evaluated here, from the raw samples.
    async fn here(&self, times: Times, size: raw::Size) -> Answer<Vec<Samples>> {
        let advice = if times.step.is_none() {
            "match fewer series, take a shorter window, or ask with a step"
        } else {
            "match fewer series or take a shorter window; Prometheus 3 evaluates much of this itself"
        };
        let mut series =
            raw::samples(&self.source.api, &self.select.text, self.seen(times.window), size, advice).await?;
        series.retain(|series| self.conditions.admit(&series.labels));
        too_many(&times, series.len() as u64)?;
        let (selector, scope) = (self.selector.clone(), self.scope.clone());
        blocking(move |stop| evaluate(series, &selector, &scope, &times, stop)).await
    }

    /// Evaluated by Prometheus, in slices of the window.
    async fn pushed(&self, pushed: &Pushed, series: u64) -> Answer<Vec<Samples>> {
        let Times { window, step: Some(step) } = self.times else { return Ok(Vec::new()) };
        let steps = i64::try_from(self.times.steps()).unwrap_or(i64::MAX);
        // The first instant whose range lies wholly inside the case.
        let reach = self.reach();
        let before = self.scope.window.start.saturating_add(reach).saturating_sub(window.start).max(0);
        let head = before.saturating_add(step - 1).checked_div(step).unwrap_or(0).min(steps);
        let mut whole = Whole::default();
        whole.append(self.exactly(0, head).await?)?;
        let shown = if self.selector.aggregate.is_some() { 1 } else { series.max(1) };
        let at_once = i64::try_from(VALUES_AT_ONCE / shown).unwrap_or(MAX_POINTS).clamp(1, MAX_POINTS);
        // Instants that are still to be asked for, the next ones last.
        let mut slices = vec![(head, steps)];
        let mut values = 0;
        while let Some((from, until)) = slices.pop() {
            if from >= until {
                continue;
            }
            if until - from > at_once {
                slices.extend([(from + at_once, until), (from, from + at_once)]);
                continue;
            }
            let (first, last) = (self.instant(from) / 1_000, self.instant(until - 1) / 1_000);
            let grid = Grid { first, last, step: step / 1_000 };
            let is_one = until - from == 1;
            let answer = match self.slice(pushed, grid).await {
                Ok(Some(series)) => Some(series),
                Ok(None) => match self.exactly(from, until).await {
                    Err(Error::OverBudget(_)) if !is_one && !is_spent() => None,
                    answer => Some(answer?),
                },
                Err(Failure::TooMuch(_)) if !is_one && !is_spent() => None,
                Err(failure) => return Err(failure.into()),
            };
            let Some(answer) = answer else {
                let middle = from + (until - from) / 2;
                slices.extend([(middle, until), (from, middle)]);
                continue;
            };
            values += answer.iter().map(|series| series.times.len()).sum::<usize>();
            whole.append(answer)?;
            if values > MAX_VALUES {
                break;
            }
        }
        Ok(whole.into_series().collect())
    }

    /// One slice as Prometheus evaluates it; `None` where samples that are no numbers, or that lie on the edge of a range,
    /// make its answer another than ours.
    async fn slice(&self, pushed: &Pushed, grid: Grid) -> Result<Option<Vec<Samples>>, Failure> {
        let is_finite =
            |series: &[Samples]| series.iter().all(|series| series.values.iter().all(|value| value.is_finite()));
        if let Some(guard) = &pushed.guard
            && !is_finite(&self.source.api.over(guard, grid).await?)
        {
            return Ok(None);
        }
        if let Some(edge) = &pushed.edge
            && !self.source.api.over(edge, grid).await?.is_empty()
        {
            return Ok(None);
        }
        let mut series = self.source.api.over(&pushed.expression, grid).await?;
        if pushed.guard.is_none() && !is_finite(&series) {
            return Ok(None);
        }
        #[cfg(test)]
        self.source.pushed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if self.selector.aggregate.is_none() {
            series.retain(|series| self.conditions.admit(&series.labels));
        }
        for series in &mut series {
            // A quantile of no observations is NaN.
            series.keep_finite();
        }
        Ok(Some(series))
    }

    /// The instants from one up to another, evaluated here.
    async fn exactly(&self, from: i64, until: i64) -> Answer<Vec<Samples>> {
        if from >= until {
            return Ok(Vec::new());
        }
        let window = Window { start: self.instant(from), end: self.instant(until - 1).saturating_add(1) };
        let size = self.size(window).await?;
        self.here(Times { window, step: self.times.step }, size).await
    }

    /// The instant after so many steps; one of the window.
    fn instant(&self, steps: i64) -> i64 {
        let after = i128::from(self.times.step.unwrap_or_default()) * i128::from(steps);
        i64::try_from(i128::from(self.times.window.start) + after).unwrap_or(i64::MAX)
    }
}
