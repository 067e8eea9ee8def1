//! The incident's metric, as a question to the tool `metrics`, and labels by name.

use crate::metrics::{self, MatchOperation, Matcher, Selector};
use crate::{Label, Metric};

impl Metric {
    /// What asks for it: its labels must be equal, its transform and aggregate apply.
    ///
    /// Questions about its neighbours begin with this one: without the matcher of a label they are about all values of it.
    pub fn selector(&self) -> Selector {
        let matchers = self.labels.iter().map(|label| Matcher {
            name: label.name.clone(),
            operation: MatchOperation::Equal,
            value: label.value.clone(),
        });
        Selector {
            name: self.name.clone(),
            matchers: matchers.collect(),
            transform: self.transform,
            aggregate: self.aggregate.clone(),
        }
    }

    /// The value of a label; absent where there is none, or an empty one, which is the same.
    pub fn label(&self, name: &str) -> Option<&str> {
        value(&self.labels, name)
    }
}

impl metrics::Series {
    /// The value of a label; absent where there is none, or an empty one, which is the same.
    pub fn label(&self, name: &str) -> Option<&str> {
        value(&self.labels, name)
    }
}

fn value<'a>(labels: &'a [Label], name: &str) -> Option<&'a str> {
    labels.iter().find(|label| label.name == name).map(|label| label.value.as_str()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aggregate, Aggregation, Direction, Transform};

    fn metric() -> Metric {
        let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
        Metric {
            name: "latency".into(),
            labels: vec![label("service", "cart"), label("zone", "")],
            worse: Direction::Up,
            transform: Transform::Rate(60_000_000),
            aggregate: Some(Aggregate { operation: Aggregation::Sum, by: vec![] }),
        }
    }

    #[test]
    fn the_selector_is_the_metrics() {
        let selector = metric().selector();
        let asked = |at: usize| (selector.matchers[at].name.as_str(), selector.matchers[at].value.as_str());
        assert_eq!((selector.name.as_str(), asked(0), asked(1)), ("latency", ("service", "cart"), ("zone", "")));
        assert!(selector.matchers.iter().all(|matcher| matcher.operation == MatchOperation::Equal));
        assert_eq!((selector.transform, selector.aggregate), (metric().transform, metric().aggregate));
    }

    #[test]
    fn an_empty_label_is_none() {
        assert_eq!(
            (metric().label("service"), metric().label("zone"), metric().label("x")),
            (Some("cart"), None, None)
        );
        let series = metrics::Series { labels: metric().labels, times: vec![], values: vec![] };
        assert_eq!((series.label("service"), series.label("zone")), (Some("cart"), None));
    }
}
