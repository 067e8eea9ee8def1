//! What is watched, in the words of the tools.

use negawatt_config::{LabelOperation, Located, WatchOperation, WatchTransform, WatchedSeries};
use negawatt_host::model::metrics::{MatchOperation, Matcher, Selector, Series};
use negawatt_host::model::{
    Aggregate, Aggregation, Direction, Incident, IncidentKind, Label, Metric, QuantileTransform, Severity, Transform,
    Window,
};

/// The label that says whose a series is.
const SERVICE: &str = "service";

/// Labels that an incident says its series has not, at most: a source matches no more than twice as many.
const MOST_ABSENT: usize = 16;

/// Characters of a title that are of labels.
const MAX_LABELS: usize = 120;

/// One of the operator's selectors, with what is said of its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Asks for the series.
    pub selector: Located<Selector>,
    /// The service of series that have no label of that name; absent, the metric's name stands for it.
    pub service: Option<String>,
    /// The direction that hurts.
    pub worse: Direction,
    /// The least change that matters, as a part of the level before.
    pub least: f64,
    /// How urgent a regression is.
    pub severity: Severity,
}

impl Selection {
    /// Of an entry of the configuration.
    pub fn of(entry: &WatchedSeries) -> Selection {
        let matcher = |matcher: &negawatt_config::LabelMatcher| Matcher {
            name: matcher.name.clone(),
            operation: match matcher.operation {
                LabelOperation::Equal => MatchOperation::Equal,
                LabelOperation::NotEqual => MatchOperation::NotEqual,
                LabelOperation::Matches => MatchOperation::Matches,
                LabelOperation::NotMatches => MatchOperation::NotMatches,
            },
            value: matcher.value.clone(),
        };
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let selector = Selector {
            name: entry.metric.value.clone(),
            matchers: entry.matchers.iter().map(matcher).collect(),
            transform: match entry.transform {
                WatchTransform::None => Transform::None,
                WatchTransform::Rate(over) => Transform::Rate(micros(over)),
                WatchTransform::Increase(over) => Transform::Increase(micros(over)),
                WatchTransform::Quantile(quantile, over) => {
                    Transform::Quantile(QuantileTransform { quantile, over: micros(over) })
                }
            },
            aggregate: entry.aggregate.as_ref().map(|aggregate| Aggregate {
                operation: match aggregate.operation {
                    WatchOperation::Sum => Aggregation::Sum,
                    WatchOperation::Avg => Aggregation::Avg,
                    WatchOperation::Max => Aggregation::Max,
                    WatchOperation::Min => Aggregation::Min,
                },
                by: aggregate.by.clone(),
            }),
        };
        Selection {
            selector: Located { value: selector, place: entry.metric.place.clone() },
            service: entry.service.clone(),
            worse: entry.worse.into(),
            least: entry.least,
            severity: entry.severity.into(),
        }
    }

    /// How far before an instant the value of that instant looks.
    pub(crate) fn reaches_back(&self) -> u64 {
        match &self.selector.value.transform {
            Transform::None => 0,
            Transform::Rate(over) | Transform::Increase(over) => *over,
            Transform::Quantile(quantile) => quantile.over,
        }
    }

    /// What an incident about one of the series would say, so that its metric gives that series and no other. `all` are the names of
    /// labels that any series of the selection has.
    pub(crate) fn incident(&self, series: &Series, all: &[String], window: Window) -> Incident {
        let selector = &self.selector.value;
        let of_series = |name: &str| series.labels.iter().find(|label| label.name == name).map(|label| &label.value);
        let mut labels = series.labels.clone();
        match &selector.aggregate {
            // What was asked of the joined series is asked of the one as well.
            Some(_) => labels.extend(
                selector
                    .matchers
                    .iter()
                    .filter(|matcher| matcher.operation == MatchOperation::Equal && of_series(&matcher.name).is_none())
                    .map(|matcher| Label { name: matcher.name.clone(), value: matcher.value.clone() }),
            ),
            // A series that has a label more would match, too. The service is never said to be none: who is asked about would be nobody's.
            None => {
                let absent: Vec<&String> = all
                    .iter()
                    .filter(|name| of_series(name).is_none() && *name != SERVICE)
                    .take(MOST_ABSENT + 1)
                    .collect();
                // Where labels differ that much, they say nothing of each other.
                if absent.len() <= MOST_ABSENT {
                    labels.extend(absent.into_iter().map(|name| Label { name: name.clone(), value: String::new() }));
                }
            }
        }
        labels.sort_by(|one, other| one.name.cmp(&other.name));
        let service = of_series(SERVICE).or(self.service.as_ref()).unwrap_or(&selector.name).clone();
        let metric = Metric {
            name: selector.name.clone(),
            labels,
            worse: self.worse,
            transform: selector.transform,
            aggregate: selector.aggregate.clone(),
        };
        let title = format!("{} of {service} got worse", described(&metric));
        let (kind, severity) = (IncidentKind::Regression, self.severity);
        Incident { kind, title, service, metric: Some(metric), window, severity }
    }
}

/// A series as people write it: its metric and the labels that it has.
pub(crate) fn described(metric: &Metric) -> String {
    let labels = metric.labels.iter().filter(|label| !label.value.is_empty() && label.name != SERVICE);
    let labels: Vec<String> = labels.map(|label| format!("{}={:?}", label.name, label.value)).collect();
    if labels.is_empty() {
        return metric.name.clone();
    }
    format!("{}{{{}}}", metric.name, negawatt_host::text::shorten(&labels.join(","), MAX_LABELS))
}
