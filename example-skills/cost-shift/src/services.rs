//! Cost that moved between services.

use std::collections::BTreeSet;

use negawatt_skill::prelude::*;
use negawatt_skill::stretches::Around;
use negawatt_skill::topology::Edge;
use negawatt_skill::words::words;

use crate::Answer;
use crate::balance::{self, Amounts, Moved};
use crate::series;

/// Cost moves to a service that one calls or is called by, or between two that a third one calls or that call a third one.
const MOST_CALLS_AWAY: usize = 2;
/// Units of CPU of which those of two services can be added.
const UNITS: [&str; 10] = [
    "cores",
    "core",
    "millicores",
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "cycles",
    "joules",
    "watts",
];
/// Words of a metric's name that make it a part or a mean of something, which differs from service to service.
const OF_SOMETHING: [&str; 20] = [
    "per",
    "ratio",
    "percent",
    "percentage",
    "pct",
    "utilization",
    "utilisation",
    "share",
    "fraction",
    "mean",
    "avg",
    "average",
    "median",
    "max",
    "min",
    "limit",
    "limits",
    "requested",
    "idle",
    "throttled",
];

/// Whether amounts of a metric of different services add up: CPU in units of its own, not per request, not a part of a whole.
pub fn adds_up(metric: &Metric) -> bool {
    let words: Vec<String> = words(&metric.name).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let sums = metric.aggregate.as_ref().is_none_or(|aggregate| aggregate.operation == Aggregation::Sum);
    sums && !matches!(metric.transform, Transform::Quantile(_)) && has(&["cpu"]) && has(&UNITS) && !has(&OF_SOMETHING)
}

/// What the same metric says of the services round about; an answer of `None` where the incident's cost did not move from one.
pub fn in_metrics(case: &Case, metric: &Metric, around: &Around) -> Result<Option<Answer>, Error> {
    let all = series::across(metric, "service", case.incident.window)?;
    let near = match topology::edges(None) {
        Ok(edges) => near(&case.incident.service, &edges),
        // Then what is within the case's scope is all that is known to be near.
        Err(error) if error.is_absence() => {
            all.iter().filter_map(|one| one.label("service")).map(str::to_owned).collect()
        }
        Err(error) => return Err(error),
    };
    let found = among(&all, &case.incident.service, &near, around);
    Ok(found.map(|(other, moved)| {
        let service = &case.incident.service;
        Answer {
            summary: format!("The cost of {service} moved there from {other}."),
            detail: format!(
                "{} of {service} rose by {}, and {other} paid for it: together they grew by {} ± {}",
                metric.name,
                digits(moved.rise, 3),
                digits(moved.growth, 2),
                digits(moved.error, 2)
            ),
            doubt: moved.doubt,
        }
    }))
}

/// The services at most so many calls away from one, in either direction, and itself.
pub fn near(service: &str, edges: &[Edge]) -> BTreeSet<String> {
    let mut near = BTreeSet::from([service.to_owned()]);
    for _ in 0..MOST_CALLS_AWAY {
        let ends = edges.iter().flat_map(|Edge { caller, callee }| [(caller, callee), (callee, caller)]);
        let next: Vec<String> = ends.filter(|(from, _)| near.contains(*from)).map(|(_, to)| to.clone()).collect();
        near.extend(next);
    }
    near
}

/// The service near by that paid for the rise of one, with the least doubt.
pub fn among<'a>(
    all: &'a [metrics::Series],
    service: &str,
    near: &BTreeSet<String>,
    around: &Around,
) -> Option<(&'a str, Moved)> {
    let own = all.iter().find(|series| series.label("service") == Some(service))?;
    let own_series = Series::from(own.clone());
    let others: Vec<(&str, &metrics::Series)> = all
        .iter()
        .filter_map(|other| Some((other.label("service")?, other)))
        .filter(|(name, other)| {
            *name != service && near.contains(*name) && series::differ_in_only("service", &own.labels, &other.labels)
        })
        .collect();
    let found = others.iter().filter_map(|(name, other)| {
        let other = Series::from((*other).clone());
        let (times, part, beside) = series::side_by_side(&own_series, &other);
        let stretches = around.moments(&times);
        let both: Vec<(f64, f64)> = part.iter().zip(&beside).map(|(part, beside)| (*part, part + beside)).collect();
        let amounts = Amounts { before: both[stretches.before].to_vec(), after: both[stretches.after].to_vec() };
        Some((*name, balance::moved(&amounts, others.len())?))
    });
    found.min_by(|(_, left), (_, right)| left.doubt.total_cmp(&right.doubt))
}
