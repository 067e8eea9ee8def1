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
    let mut selector = metric.selector();
    selector.matchers.retain(|matcher| matcher.name != name);
    if let Some(aggregate) = selector.aggregate.as_mut().filter(|aggregate| !aggregate.by.iter().any(|by| by == name)) {
        aggregate.by.push(name.to_owned());
    }
    metrics::query(&selector, window, None)
}
