//! Says which endpoints of a service, GraphQL operations above all, carry a regression of its latency.
//!
//! This file fetches through the tools; everything else computes from plain data and runs anywhere: [`ask`] says what to ask for,
//! [`labels`] which label tells endpoints apart, [`shift`] by how much each of them shifted, [`split`] who carries what of it,
//! [`report`] puts it into words.

pub mod ask;
pub mod labels;
pub mod report;
pub mod shift;
pub mod split;

use std::collections::BTreeMap;

use negawatt_skill::prelude::*;
use negawatt_skill::services::quantity::is_felt;
use negawatt_skill::stretches::Around;
use negawatt_skill::unless_cancelled;

use crate::split::{Measured, Weighing};

negawatt_skill::skill!(investigate);

/// Points of each series that are asked for at most.
const POINTS: Duration = 480;
/// Endpoints that are looked at, at most: those with the most requests, or the highest level where these are not known.
const MOST_ENDPOINTS: usize = 500;
/// So many observations on a side show how much they differ among themselves.
const ENOUGH: usize = 12;

/// Who carries the regression: one note for people, and the same as data; nothing where the metric is no latency, is not told apart by
/// endpoint, or no endpoint shifted by more than chance.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let metric = case.metric()?;
    // The change is of spread, or somebody asked about one endpoint to begin with.
    if change.shape == Shape::Variance || !is_felt(&metric.name) || labels::names_one(metric) {
        return Ok(Vec::new());
    }
    let window = case.incident.window;
    let step = Some((window.length() / POINTS).max(time::SECOND.unsigned_abs()));
    let Some((label, series)) = endpoints(metric, &|selector| metrics::query(selector, window, step))? else {
        return Ok(Vec::new());
    };
    let requests = requests(metric, &label, &|selector| metrics::query(selector, window, step))?;
    let around = Around::new(change.time, case.change_points().map(|other| other.time), ENOUGH);
    let halves = |series: &Series| shift::halves(series, &around, change.shape == Shape::Drift);
    let mut measured: Vec<Measured> = series
        .into_iter()
        .filter_map(|(name, series)| {
            let shift = shift::shift(&halves(&series)?)?;
            let traffic = requests.as_ref().and_then(|requests| requests.get(&name));
            let requests = traffic.and_then(halves).and_then(|halves| halves.means());
            Some(Measured { name, shift, requests })
        })
        .collect();
    measured.sort_by(|a, b| b.size().total_cmp(&a.size()).then_with(|| a.name.cmp(&b.name)));
    let unseen = measured.len().saturating_sub(MOST_ENDPOINTS);
    measured.truncate(MOST_ENDPOINTS);
    if unseen > 0 {
        log::warn(format!("{unseen} endpoints with little traffic were left out"));
    }
    let weighing = Weighing::of(metric, &measured);
    let split = split::split(measured, weighing, metric.worse, case.harm(&change));
    Ok(split.map(|split| report::report(&split, &label, &metric.name, change.id)).unwrap_or_default())
}

/// Puts a question to the tool `metrics`.
type Asking<'a> = dyn Fn(&metrics::Selector) -> Result<Vec<metrics::Series>, Error> + 'a;

/// A series of each endpoint.
type ByEndpoint = BTreeMap<String, Series>;

/// The metric of each endpoint of the service, and the label that tells them apart; absent where none does.
fn endpoints(metric: &Metric, query: &Asking<'_>) -> Result<Option<(String, ByEndpoint)>, Error> {
    for selector in ask::apart(metric) {
        let Some(found) = unless_cancelled(query(&selector))? else { continue };
        let Some(label) = labels::telling(&found) else { continue };
        let mut series = ask::by_label(found, &label);
        if series.values().any(|series| series.len() > 1) {
            // Several instances of one endpoint are joined by who knows how: the source, as the incident says.
            let joined = query(&ask::joined(metric, &selector, &label))?;
            series = ask::by_label(joined, &label);
        }
        let one = |(name, mut series): (String, Vec<Series>)| Some((name, series.pop()?));
        return Ok(Some((label, series.into_iter().filter_map(one).collect())));
    }
    Ok(None)
}

/// Requests of each endpoint, where a companion of the metric counts them.
fn requests(metric: &Metric, label: &str, query: &Asking<'_>) -> Result<Option<ByEndpoint>, Error> {
    let Some(selector) = ask::companion(metric, label) else { return Ok(None) };
    let Some(found) = unless_cancelled(query(&selector))? else { return Ok(None) };
    let one = |(name, mut series): (String, Vec<Series>)| Some((name, series.pop()?));
    let requests: ByEndpoint = ask::by_label(found, label).into_iter().filter_map(one).collect();
    Ok((!requests.is_empty()).then_some(requests))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn metric() -> Metric {
        let service = Label { name: "service".into(), value: "web".into() };
        Metric {
            name: "t".into(),
            labels: vec![service],
            worse: Direction::Up,
            transform: Transform::None,
            aggregate: None,
        }
    }

    fn series(labels: &[(&str, &str)]) -> metrics::Series {
        let label = |&(name, value): &(&str, &str)| Label { name: name.into(), value: value.into() };
        metrics::Series { labels: labels.iter().map(label).collect(), times: vec![1], values: vec![2.0] }
    }

    #[test]
    fn instances_of_an_endpoint_are_joined_by_the_source() {
        let asked = RefCell::new(Vec::new());
        let answer = |selector: &metrics::Selector| {
            asked.borrow_mut().push(selector.aggregate.clone().map(|aggregate| aggregate.by));
            Ok(match &selector.aggregate {
                Some(_) => vec![series(&[("route", "/a")]), series(&[("route", "/b")])],
                None => ["/a 1", "/a 2", "/b 1"]
                    .map(|both| both.split_once(' ').expect("two"))
                    .map(|(route, pod)| series(&[("route", route), ("pod", pod)]))
                    .to_vec(),
            })
        };
        let (label, found) = endpoints(&metric(), &answer).unwrap().expect("routes");
        assert_eq!((label.as_str(), found.len()), ("route", 2));
        assert_eq!(asked.into_inner(), [None, Some(vec!["route".to_owned()])]);
    }

    #[test]
    fn a_metric_without_endpoints_takes_one_question() {
        let asked = RefCell::new(0);
        let answer = |_: &metrics::Selector| {
            *asked.borrow_mut() += 1;
            Ok(vec![series(&[("service", "web")])])
        };
        assert_eq!(endpoints(&metric(), &answer), Ok(None));
        assert_eq!(asked.into_inner(), 1);
        let refused = |_: &metrics::Selector| Err(Error::OverBudget("too much".into()));
        assert_eq!(endpoints(&metric(), &refused), Ok(None));
        assert_eq!(requests(&metric(), "route", &refused), Ok(None));
        let cancelled = |_: &metrics::Selector| Err(Error::Cancelled("by hand".into()));
        assert!(endpoints(&metric(), &cancelled).is_err());
    }
}
