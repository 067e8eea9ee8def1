//! What is asked of the tool `metrics`.

use std::collections::BTreeMap;

use negawatt_skill::metrics::{self, Selector};
use negawatt_skill::{Aggregate, Aggregation, Metric, Series, Transform, time};

/// The label that names a service.
const SERVICE: &str = "service";

/// Questions whose answers may tell endpoints apart: the incident's own series unjoined, then those of the service whatever other
/// labels the incident names.
pub fn apart(metric: &Metric) -> Vec<Selector> {
    let whole = Selector { aggregate: None, ..metric.selector() };
    let mut wider = whole.clone();
    wider.matchers.retain(|matcher| matcher.name == SERVICE);
    // Without the service, the answer would be that of all services.
    if wider.matchers.is_empty() || wider.matchers.len() == whole.matchers.len() {
        vec![whole]
    } else {
        vec![whole, wider]
    }
}

/// The same, with the series of one endpoint joined as the incident's are, or else by their mean.
pub fn joined(metric: &Metric, selector: &Selector, label: &str) -> Selector {
    let operation = metric.aggregate.as_ref().map_or(Aggregation::Avg, |aggregate| aggregate.operation);
    Selector { aggregate: Some(Aggregate { operation, by: vec![label.to_owned()] }), ..selector.clone() }
}

/// What counts the requests of each endpoint: of histograms and summaries the `_count` beside it (as Prometheus has them), of other
/// series `requests_per_second`. Absent where the metric is a sum of itself.
pub fn companion(metric: &Metric, label: &str) -> Option<Selector> {
    if is_additive(metric) {
        return None;
    }
    let base = ["_sum", "_bucket", "_count"].iter().find_map(|suffix| metric.name.strip_suffix(suffix));
    let over = match metric.transform {
        Transform::None => None,
        Transform::Rate(over) | Transform::Increase(over) => Some(over),
        Transform::Quantile(quantile) => Some(quantile.over),
    };
    let (name, transform) = match (base, over) {
        (None, None) => ("requests_per_second".to_owned(), Transform::None),
        (base, over) => {
            let over = over.unwrap_or(5 * time::MINUTE.unsigned_abs());
            (format!("{}_count", base.unwrap_or(&metric.name)), Transform::Rate(over))
        }
    };
    let aggregate = Some(Aggregate { operation: Aggregation::Sum, by: vec![label.to_owned()] });
    let mut matchers = metric.selector().matchers;
    matchers.retain(|matcher| matcher.name == SERVICE);
    Some(Selector { name, matchers, transform, aggregate })
}

/// Whether the parts of the metric add up to the whole, as time spent each second and failures do, and means and quantiles do not.
pub fn is_additive(metric: &Metric) -> bool {
    let is_sum = metric.aggregate.as_ref().is_some_and(|aggregate| aggregate.operation == Aggregation::Sum);
    let is_rate = matches!(metric.transform, Transform::Rate(_) | Transform::Increase(_));
    is_sum || is_rate && metric.name.ends_with("_sum")
}

/// Series by the value of a label; those without it are left out.
pub fn by_label(found: Vec<metrics::Series>, label: &str) -> BTreeMap<String, Vec<Series>> {
    let mut series: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for one in found {
        if let Some(name) = one.label(label).map(str::to_owned) {
            series.entry(name).or_default().push(one.into());
        }
    }
    series
}

#[cfg(test)]
mod tests {
    use negawatt_skill::{Direction, Label, QuantileTransform};

    use super::*;

    fn metric(name: &str, labels: &[(&str, &str)], transform: Transform) -> Metric {
        let label = |&(name, value): &(&str, &str)| Label { name: name.into(), value: value.into() };
        let labels = labels.iter().map(label).collect();
        Metric { name: name.into(), labels, worse: Direction::Up, transform, aggregate: None }
    }

    #[test]
    fn other_labels_are_let_go_and_the_service_never() {
        let names =
            |metric: &Metric| -> Vec<usize> { apart(metric).iter().map(|asked| asked.matchers.len()).collect() };
        assert_eq!(names(&metric("t", &[("service", "web"), ("zone", "a")], Transform::None)), [2, 1]);
        assert_eq!(names(&metric("t", &[("service", "web")], Transform::None)), [1]);
        assert_eq!(names(&metric("t", &[("job", "web")], Transform::None)), [1]);
    }

    #[test]
    fn companions_are_those_of_their_kind() {
        let of = |name: &str, transform| {
            let asked = companion(&metric(name, &[("service", "web")], transform), "route")?;
            Some((asked.name, asked.transform))
        };
        let quantile = QuantileTransform { quantile: 0.9, over: 7 };
        assert_eq!(
            of("t_seconds_bucket", Transform::Quantile(quantile)),
            Some(("t_seconds_count".into(), Transform::Rate(7)))
        );
        assert_eq!(of("t_seconds", Transform::None), Some(("requests_per_second".into(), Transform::None)));
        assert_eq!(of("t_seconds_sum", Transform::Rate(9)), None, "time spent each second adds up by itself");
    }
}
