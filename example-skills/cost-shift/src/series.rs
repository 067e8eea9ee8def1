//! Series side by side.

use negawatt_skill::prelude::*;

/// Two series at the times that both have, in bins as wide as the coarser one is spaced: times, values of the first, values of
/// the second.
pub fn side_by_side(one: &Series, other: &Series) -> (Vec<Timestamp>, Vec<f64>, Vec<f64>) {
    let width = one.spacing().max(other.spacing()).unwrap_or(0);
    let (one, other) = (one.binned(width), other.binned(width));
    let mut joined = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = other.times.iter().zip(&other.values).peekable();
    for (&time, &value) in one.times.iter().zip(&one.values) {
        while rest.next_if(|(other, _)| **other < time).is_some() {}
        if let Some((_, &partner)) = rest.next_if(|(other, _)| **other == time) {
            joined.0.push(time);
            joined.1.push(value);
            joined.2.push(partner);
        }
    }
    joined
}

/// The value of a label; an empty one where there is none.
pub fn label<'a>(labels: &'a [Label], name: &str) -> &'a str {
    labels.iter().find(|label| label.name == name).map_or("", |label| &label.value)
}

/// Whether two sets of labels agree in all names but one.
pub fn differ_in_only(name: &str, left: &[Label], right: &[Label]) -> bool {
    let others = |labels: &[Label]| {
        let mut others: Vec<(String, String)> = labels
            .iter()
            .filter(|label| label.name != name && !label.value.is_empty())
            .map(|label| (label.name.clone(), label.value.clone()))
            .collect();
        others.sort();
        others
    };
    others(left) == others(right)
}

/// All series of the incident's metric that the case may see, whatever their value of one label.
pub fn across(metric: &Metric, name: &str, window: Window) -> Result<Vec<metrics::Series>, Error> {
    let of_label = |label: &&Label| label.name != name;
    let matchers = metric.labels.iter().filter(of_label).map(|label| metrics::Matcher {
        name: label.name.clone(),
        operation: metrics::MatchOperation::Equal,
        value: label.value.clone(),
    });
    let mut aggregate = metric.aggregate.clone();
    if let Some(aggregate) = aggregate.as_mut().filter(|aggregate| !aggregate.by.iter().any(|by| by == name)) {
        aggregate.by.push(name.to_owned());
    }
    let selector = metrics::Selector {
        name: metric.name.clone(),
        matchers: matchers.collect(),
        transform: metric.transform,
        aggregate,
    };
    metrics::query(&selector, window, None)
}
