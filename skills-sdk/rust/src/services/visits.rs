//! How often a request of one service needs others.

use std::collections::BTreeMap;

use super::fetch;
use crate::metrics::{self, Selector};
use crate::{Aggregate, Aggregation, Direction, Duration, Error, Metric, Series, Transform, time};

/// Names under which requests are commonly counted: those of Prometheus' client libraries and of OpenTelemetry, and what
/// exports of tracing systems and load balancers call them.
const NAMES: [&str; 10] = [
    "requests",
    "request_count",
    "requests_total",
    "http_requests_total",
    "http_server_requests_total",
    "http_server_requests_seconds_count",
    "http_request_duration_seconds_count",
    "grpc_server_handled_total",
    "traces_spanmetrics_calls_total",
    "calls",
];
/// What a counter's rate is taken over, at least: counters are often read once a minute.
const SHORTEST: Duration = 5 * time::MINUTE as Duration;

/// The requests that each of the services serves for one of `service`, where some metric counts both. `ask` puts a question to
/// the tool.
///
/// The visit ratio of operational analysis (Denning and Buzen, "The Operational Analysis of Queueing Network Models", ACM
/// Computing Surveys 10(3) (1978), p. 225). A service that others call too serves some of its requests for them: it is the
/// greatest that the true ratio can be. The count that belongs to the metric itself is asked for first, then the names that
/// are common; the first that is measured for the service counts.
pub fn visits(
    metric: &Metric,
    service: &str,
    others: &[&str],
    spacing: Duration,
    mut ask: impl FnMut(&Selector) -> Result<Vec<metrics::Series>, Error>,
) -> Result<BTreeMap<String, f64>, Error> {
    let over = spacing.saturating_mul(4).max(SHORTEST);
    let common = NAMES.iter().map(|name| counted(name, is_counter(name).then_some(over)));
    for count in own(&metric.name).map(|name| counted(&name, Some(over))).into_iter().chain(common) {
        let Some(all) = fetch::fetch(&count, &[service], &mut ask)?.remove(service) else { continue };
        let Some(width) = all.spacing().filter(|width| *width > 0) else { continue };
        let own = served(&all, width);
        if own <= 0.0 {
            continue;
        }
        let found = fetch::fetch(&count, others, &mut ask)?;
        return Ok(found.into_iter().map(|(name, series)| (name, served(&series, width) / own)).collect());
    }
    Ok(BTreeMap::new())
}

/// The count of a histogram or summary, beside its sum or buckets.
fn own(name: &str) -> Option<String> {
    let base = ["_sum", "_bucket"].iter().find_map(|ending| name.strip_suffix(ending))?;
    Some(format!("{base}_count"))
}

fn is_counter(name: &str) -> bool {
    name.ends_with("_total") || name.ends_with("_seconds_count")
}

/// The requests of a service under a name; of a counter that only rises, its rate over a duration.
fn counted(name: &str, over: Option<Duration>) -> Metric {
    Metric {
        name: name.to_owned(),
        labels: Vec::new(),
        worse: Direction::Up,
        transform: over.map_or(Transform::None, Transform::Rate),
        aggregate: Some(Aggregate { operation: Aggregation::Sum, by: Vec::new() }),
    }
}

/// All that a series counts, in units of its values' and a width's product; nothing where there is no observation.
fn served(series: &Series, width: Duration) -> f64 {
    let width = width.max(series.spacing().unwrap_or_default());
    series.binned(width).values.iter().sum::<f64>() * width as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;

    fn series(service: &str, step: i64, values: &[f64]) -> metrics::Series {
        metrics::Series {
            labels: vec![Label { name: "service".into(), value: service.into() }],
            times: (0..values.len() as i64).map(|index| index * step).collect(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn the_first_count_that_is_measured_counts() {
        let mut asked = Vec::new();
        let found = visits(&counted("latency", None), "web", &["cart", "db"], 60, |selector| {
            asked.push((selector.name.clone(), selector.matchers[0].value.clone()));
            match (selector.name.as_str(), selector.matchers[0].value.as_str()) {
                ("request_count", "web") => Ok(vec![series("web", 60, &[100.0; 10])]),
                // Half of the time there were none, and the other is measured half as often.
                ("request_count", _) => Ok(vec![series("cart", 60, &[40.0; 5]), series("db", 120, &[300.0; 5])]),
                _ => Err(Error::NotFound("no".into())),
            }
        });
        assert_eq!(found, Ok(BTreeMap::from([("cart".into(), 0.2), ("db".into(), 3.0)])));
        let asked: Vec<_> = asked.iter().map(|(name, services)| format!("{name} {services}")).collect();
        assert_eq!(asked, ["requests web", "request_count web", "request_count cart|db"]);
    }

    const HOUR: Duration = 60 * time::MINUTE as Duration;

    #[test]
    fn a_histogram_has_its_own_count() {
        let mut first = None;
        let found = visits(&counted("rpc_seconds_sum", None), "web", &["cart"], HOUR, |selector| {
            first.get_or_insert_with(|| (selector.name.clone(), selector.transform));
            Ok(Vec::new())
        });
        assert_eq!(found, Ok(BTreeMap::new()));
        assert_eq!(first, Some(("rpc_seconds_count".into(), Transform::Rate(4 * HOUR))));
    }

    #[test]
    fn a_service_without_requests_tells_nothing() {
        let found =
            visits(&counted("latency", None), "web", &["cart"], 60, |_| Ok(vec![series("web", 60, &[0.0; 10])]));
        assert_eq!(found, Ok(BTreeMap::new()));
    }
}
