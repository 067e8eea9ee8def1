//! Who calls whom, by number.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// The services of a topology and their calls, without those of a service to itself.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Their names, in order.
    pub names: Vec<String>,
    callees: Vec<Vec<usize>>,
    callers: Vec<Vec<usize>>,
}

impl Graph {
    /// From pairs of caller and callee, in any order.
    pub fn new<'a>(edges: impl Iterator<Item = (&'a str, &'a str)>) -> Graph {
        let mut edges: Vec<_> = edges.collect();
        edges.sort_unstable();
        edges.dedup();
        let mut numbers: BTreeMap<&str, usize> = edges.iter().flat_map(|&(from, to)| [(from, 0), (to, 0)]).collect();
        numbers.values_mut().enumerate().for_each(|(place, number)| *number = place);
        let names: Vec<String> = numbers.keys().map(|&name| name.to_owned()).collect();
        let (mut callees, mut callers) = (vec![Vec::new(); names.len()], vec![Vec::new(); names.len()]);
        for (caller, callee) in edges.iter().filter(|(caller, callee)| caller != callee) {
            callees[numbers[caller]].push(numbers[callee]);
            callers[numbers[callee]].push(numbers[caller]);
        }
        Graph { names, callees, callers }
    }

    /// The number of a service.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }

    /// The services that a service calls directly.
    pub fn callees(&self, service: usize) -> &[usize] {
        &self.callees[service]
    }

    /// The services that call a service directly.
    pub fn callers(&self, service: usize) -> &[usize] {
        &self.callers[service]
    }

    /// All that a service calls, directly or through others, the nearest first; without itself.
    pub fn below(&self, service: usize) -> Vec<usize> {
        reach(&self.callees, service)
    }

    /// For each service, the least sum of costs of the services between a start and it, along calls or against them; infinite
    /// where none lead or it is more than `most`.
    ///
    /// Costs are at least 0: Dijkstra's algorithm, to which cycles are no trouble.
    pub fn cheapest(
        &self,
        next: fn(&Graph, usize) -> &[usize],
        start: usize,
        most: f64,
        cost: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let mut known = vec![f64::INFINITY; self.names.len()];
        known[start] = 0.0;
        let mut open = BinaryHeap::from([Weighed { weight: 0.0, service: start }]);
        while let Some(Weighed { weight, service }) = open.pop() {
            let so_far = -weight;
            if so_far > known[service] {
                continue;
            }
            let through = if service == start { 0.0 } else { so_far + cost(service) };
            for &there in next(self, service) {
                if through < known[there] && through <= most {
                    known[there] = through;
                    open.push(Weighed { weight: -through, service: there });
                }
            }
        }
        known
    }

    /// What part of the blame each service gets before anything is seen, when a start hands on all of it: each keeps a half, and
    /// the services that it calls share the other half alike; what nobody is called for is lost, as it lies beyond the topology.
    /// Nothing where no calls lead, and at the start itself. They sum to at most 1.
    ///
    /// A random walk that stops with probability 1/2 at each step, as in Page and Brin's rank of pages (Computer Networks 30
    /// (1998), p. 107), which MicroRCA (Wu et al., NOMS 2020) takes to services.
    pub fn shares(&self, start: usize) -> Vec<f64> {
        let mut kept = vec![0.0; self.names.len()];
        let mut walking = vec![0.0; self.names.len()];
        walking[start] = 1.0;
        for step in 0..STEPS {
            let mut next = vec![0.0; self.names.len()];
            for (service, &part) in walking.iter().enumerate().filter(|(_, part)| **part > 0.0) {
                let on = if step == 0 { part } else { 0.5 * part };
                kept[service] += part - on;
                for &callee in &self.callees[service] {
                    next[callee] += on / self.callees[service].len() as f64;
                }
            }
            // What comes back to the start is its own.
            next[start] = 0.0;
            walking = next;
        }
        kept
    }
}

/// Steps of a walk: chains are shorter, and what is left in a cycle is below one in a billion.
const STEPS: usize = 30;

fn reach(next: &[Vec<usize>], start: usize) -> Vec<usize> {
    let mut seen = vec![false; next.len()];
    seen[start] = true;
    let (mut found, mut open) = (Vec::new(), VecDeque::from([start]));
    while let Some(here) = open.pop_front() {
        for &there in &next[here] {
            if !std::mem::replace(&mut seen[there], true) {
                found.push(there);
                open.push_back(there);
            }
        }
    }
    found
}

/// A service in a heap, the greatest weight first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// What the heap is ordered by.
    pub weight: f64,
    /// The service's number.
    pub service: usize,
}

impl Eq for Weighed {}

impl Ord for Weighed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight.total_cmp(&other.weight).then(other.service.cmp(&self.service))
    }
}

impl PartialOrd for Weighed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &str) -> Graph {
        Graph::new(edges.split(' ').filter_map(|edge| edge.split_once('>')))
    }

    fn named(graph: &Graph, services: Vec<usize>) -> String {
        services.into_iter().map(|service| graph.names[service].as_str()).collect()
    }

    #[test]
    fn cycles_and_calls_to_oneself_end() {
        let graph = graph("a>b b>c c>b b>b c>d x>c a>b");
        let number = |name| graph.number(name).expect("it is there");
        assert_eq!(named(&graph, graph.below(number("a"))), "bcd");
        assert_eq!(named(&graph, graph.below(number("b"))), "cd");
        assert_eq!(graph.number("e"), None);
    }

    #[test]
    fn blame_is_shared_out_call_by_call() {
        let graph = graph("a>b a>c b>d c>d d>c c>a");
        let shares = graph.shares(0);
        assert_eq!(shares[0], 0.0);
        assert_eq!(shares[1], 0.25);
        assert!(shares[2] > shares[3] && shares.iter().sum::<f64>() < 1.0, "{shares:?}");
    }

    #[test]
    fn the_cheapest_way_counts_what_lies_between() {
        let graph = graph("a>b a>c b>d c>d d>e e>d");
        let cost = |service: usize| [9.0, 3.0, 1.0, 0.5, 7.0][service];
        assert_eq!(graph.cheapest(Graph::callees, 0, f64::MAX, cost), [0.0, 0.0, 0.0, 1.0, 1.5]);
        assert_eq!(graph.cheapest(Graph::callees, 3, f64::MAX, cost)[0], f64::INFINITY);
        assert_eq!(graph.cheapest(Graph::callers, 4, 1.0, cost), [f64::INFINITY, 0.5, 0.5, 0.0, 0.0]);
    }
}
