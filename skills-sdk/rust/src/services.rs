//! The services that one service calls: how their metrics moved, and which of them could be at fault.
//!
//! [`graph`] knows who calls whom, [`quantity`] whether a metric is one that callees explain, [`fetch`] asks for it service by
//! service, [`visits`] how often a request needs each of them, [`shift`] measures how a series moved, [`rank`] turns all of it into odds,
//! and [`onsets`] does so over all places where the change may have begun. Only [`Callees`] asks tools; the rest computes from plain data and runs anywhere.

pub mod fetch;
pub mod graph;
pub mod onsets;
pub mod quantity;
pub mod rank;
pub mod shift;
pub mod visits;

use std::collections::BTreeMap;

use crate::{Case, Duration, Error, Metric, Series, Window, metrics, topology, unless_cancelled};
use graph::Graph;

/// The services that the incident's one calls, directly or through others.
#[derive(Clone, Debug)]
pub struct Callees {
    /// Who calls whom.
    pub graph: Graph,
    /// The incident's service, by its number in the graph.
    pub service: usize,
    /// Those that it calls, the nearest first.
    pub below: Vec<usize>,
}

impl Callees {
    /// Those of the incident's service, at most so many; absent where the incident's metric is none that callees explain, without
    /// a topology, and where the service calls nobody.
    pub fn of(case: &Case, most: usize) -> Result<Option<Callees>, Error> {
        // A function's share of samples is its service's own.
        let metric = case.metric()?;
        if metric.label("function").is_some() || !quantity::passes_to_callers(&metric.name) {
            return Ok(None);
        }
        let edges = match topology::edges(None) {
            Ok(edges) => edges,
            Err(error) if error.is_absence() => return Ok(None),
            Err(error) => return Err(error),
        };
        let graph = Graph::new(edges.iter().map(|edge| (edge.caller.as_str(), edge.callee.as_str())));
        let Some(service) = graph.number(&case.incident.service) else { return Ok(None) };
        let mut below = graph.below(service);
        below.truncate(most);
        Ok((!below.is_empty()).then_some(Callees { graph, service, below }))
    }

    /// The incident's metric of each of them over a window, as the mean of each bin; services without one are not there.
    pub fn series(&self, metric: &Metric, window: Window, bin: Duration) -> Result<BTreeMap<usize, Series>, Error> {
        let found = fetch::fetch(metric, &self.names(), |selector| metrics::query(selector, window, None))?;
        Ok(found
            .into_iter()
            .filter_map(|(name, series)| Some((self.graph.number(&name)?, series.binned(bin))))
            .collect())
    }

    /// How often a request of the incident's service needs each of them; nothing where that is not measured, or says nothing of
    /// this metric.
    pub fn visits(&self, metric: &Metric, window: Window, spacing: Duration) -> Result<BTreeMap<usize, f64>, Error> {
        if !quantity::adds_up(metric) {
            return Ok(BTreeMap::new());
        }
        let service = &self.graph.names[self.service];
        let ask = |selector: &metrics::Selector| metrics::query(selector, window, None);
        let found = visits::visits(metric, service, &self.names(), spacing, ask);
        // They sharpen what is said without them.
        let found = unless_cancelled(found)?.unwrap_or_default();
        Ok(found.into_iter().filter_map(|(name, visits)| Some((self.graph.number(&name)?, visits))).collect())
    }

    fn names(&self) -> Vec<&str> {
        self.below.iter().map(|&callee| self.graph.names[callee].as_str()).collect()
    }
}
