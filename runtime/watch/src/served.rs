//! The tool `metrics` as the skills of a pass see it: the series that they are to look at is fetched already.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Window};
use negawatt_host::{Metrics, Scope};

/// Answers questions about one series from memory, and leaves all others to the source.
pub(crate) struct Served {
    /// What asks for the series.
    pub selector: Selector,
    /// The series over the window.
    pub series: Series,
    /// What was fetched.
    pub window: Window,
    /// At which step.
    pub step: Duration,
    /// Answers everything else.
    pub source: Arc<dyn Metrics>,
}

#[async_trait]
impl Metrics for Served {
    /// Where a skill asks for the source's own resolution, that is the one at which the series is watched.
    async fn query(
        &self,
        scope: &Scope,
        selector: Selector,
        window: Window,
        step: Option<Duration>,
    ) -> Answer<Vec<Series>> {
        if selector != self.selector {
            return self.source.query(scope, selector, window, step).await;
        }
        if step.is_some_and(|step| step != self.step) || !self.window.covers(&window) {
            return self.source.query(scope, selector, window, Some(step.unwrap_or(self.step))).await;
        }
        let series = inside(&self.series, window);
        Ok(if series.times.is_empty() { Vec::new() } else { vec![series] })
    }
}

/// The part of a series that is inside of a window.
pub(crate) fn inside(series: &Series, window: Window) -> Series {
    let part = part(series, window);
    Series {
        labels: series.labels.clone(),
        times: series.times[part.clone()].to_vec(),
        values: series.values[part].to_vec(),
    }
}

/// Leaves of a series what is inside of a window.
pub(crate) fn cut(series: &mut Series, window: Window) {
    let Range { start, end } = part(series, window);
    series.times.truncate(end);
    series.values.truncate(end);
    series.times.drain(..start);
    series.values.drain(..start);
}

fn part(series: &Series, window: Window) -> Range<usize> {
    let from = series.times.partition_point(|time| *time < window.start);
    from..series.times.partition_point(|time| *time < window.end).max(from)
}
