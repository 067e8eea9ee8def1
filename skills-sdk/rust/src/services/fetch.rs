//! Fetches a metric for many services in few questions.

use std::collections::BTreeMap;

use crate::metrics::{self, MatchOperation, Matcher, Selector};
use crate::{Aggregate, Aggregation, Error, Metric, Series};

/// The label that names a service.
pub const LABEL: &str = "service";
/// Bytes of one pattern, at most: sources bound what a pattern becomes when it is compiled, some thirty times as much.
const PATTERN: usize = 1_000;

/// The metric of each of the services, as far as there is one. `ask` puts a question to the tool.
///
/// Where the metric names other labels (a method, a zone), a service's series with the same ones are meant; only where it has
/// none, all that it has. Several series of a service are joined as the metric says, or else by their mean.
pub fn fetch(
    metric: &Metric,
    services: &[&str],
    mut ask: impl FnMut(&Selector) -> Result<Vec<metrics::Series>, Error>,
) -> Result<BTreeMap<String, Series>, Error> {
    let mut found = BTreeMap::new();
    let mut others = metric.selector().matchers;
    others.retain(|matcher| matcher.name != LABEL);
    let labels = if others.is_empty() { vec![Vec::new()] } else { vec![others, Vec::new()] };
    for labels in labels {
        let missing: Vec<&str> = services.iter().copied().filter(|service| !found.contains_key(*service)).collect();
        for pattern in patterns(&missing) {
            let answer = match ask(&selector(metric, pattern, labels.clone())) {
                Ok(answer) => answer,
                Err(error) if error.is_absence() => continue,
                Err(error) => return Err(error),
            };
            for series in answer {
                if let Some(service) = series.label(LABEL).map(str::to_owned) {
                    found.insert(service, Series::from(series));
                }
            }
        }
    }
    Ok(found)
}

fn selector(metric: &Metric, services: String, mut matchers: Vec<Matcher>) -> Selector {
    matchers.push(Matcher { name: LABEL.into(), operation: MatchOperation::Matches, value: services });
    let operation = metric.aggregate.as_ref().map_or(Aggregation::Avg, |aggregate| aggregate.operation);
    let aggregate = Aggregate { operation, by: vec![LABEL.into()] };
    Selector { matchers, aggregate: Some(aggregate), ..metric.selector() }
}

/// Patterns that match the services and nothing else, as few as the bound allows.
fn patterns(services: &[&str]) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    for service in services {
        let escaped = escaped(service);
        match patterns.last_mut() {
            Some(pattern) if pattern.len() + escaped.len() < PATTERN => {
                pattern.push('|');
                pattern.push_str(&escaped);
            }
            _ => patterns.push(escaped),
        }
    }
    patterns
}

/// A text as a pattern that matches just it, as `QuoteMeta` of RE2 and Go has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::{Direction, Label, Transform};

    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label { name: name.into(), value: value.into() }
    }

    fn metric(labels: Vec<Label>) -> Metric {
        Metric { name: "latency".into(), labels, worse: Direction::Up, transform: Transform::None, aggregate: None }
    }

    #[test]
    fn names_are_no_patterns() {
        assert_eq!(escaped("a.b_c::D (x|y)$"), r"a\.b_c::D \(x\|y\)\$");
        assert_eq!(patterns(&["a", "b.c"]), [r"a|b\.c"]);
        assert!(patterns(&[]).is_empty());
    }

    #[test]
    fn many_services_take_few_questions() {
        let names: Vec<String> = (0..500).map(|number| format!("namespace/service-{number}")).collect();
        let patterns = patterns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(patterns.iter().all(|pattern| pattern.len() <= PATTERN));
        assert_eq!(patterns.join("|"), names.join("|"));
        assert!(patterns.len() < 15, "{}", patterns.len());
    }

    #[test]
    fn other_labels_are_asked_for_first_and_then_let_go() {
        let metric = metric(vec![label("service", "web"), label("zone", "a")]);
        let mut asked = Vec::new();
        let found = fetch(&metric, &["cart", "db"], |selector| {
            let values: Vec<&str> = selector.matchers.iter().map(|matcher| matcher.value.as_str()).collect();
            asked.push(values.join(" "));
            let series = |name: &str| metrics::Series {
                labels: vec![label("service", name)],
                times: vec![1],
                values: vec![2.0],
            };
            Ok(if values.contains(&"a") { vec![series("cart")] } else { vec![series("db")] })
        });
        assert_eq!(asked, ["a cart|db", "db"]);
        assert_eq!(found.map(|found| found.into_keys().collect::<Vec<_>>()), Ok(vec!["cart".into(), "db".into()]));
    }

    #[test]
    fn what_is_not_there_is_left_out_and_what_fails_is_told() {
        let metric = metric(vec![label("service", "web")]);
        assert_eq!(fetch(&metric, &["cart"], |_| Err(Error::NotFound("no".into()))), Ok(BTreeMap::new()));
        assert!(fetch(&metric, &["cart"], |_| Err(Error::OverBudget("spent".into()))).is_err());
    }
}
