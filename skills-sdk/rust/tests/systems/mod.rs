//! Simulated systems of services, in which it is known who is at fault.

use std::collections::BTreeMap;

use negawatt_skill::services::graph::Graph;
use negawatt_skill::services::shift::Onset;
use negawatt_skill::{Dice, Direction, Series};

/// Between two observations, in microseconds.
pub const SPACING: i64 = 300_000_000;

/// What happens in a system, and what is seen of it. The incident is on service `a`.
#[derive(Clone)]
pub struct Story<'a> {
    /// Calls, as `caller>callee`.
    pub edges: &'a str,
    /// Services at fault.
    pub faults: &'a [&'a str],
    /// By how much the time of the incident's service grows, as a part of it; of failures, ten times the part of calls to the
    /// services at fault.
    pub size: f64,
    /// Observations before the fault.
    pub before: usize,
    /// Observations after it.
    pub after: usize,
    /// Services without a metric.
    pub unmeasured: &'a [&'a str],
    /// The part of calls that fail is seen, not their time.
    pub failures: bool,
    /// It is known how often a request needs each service.
    pub visits: bool,
    /// Observations by which the change is taken for later than it was.
    pub late: i64,
    /// The fault grows over so many observations.
    pub growing: usize,
    /// It is over after so many observations.
    pub lasts: usize,
}

/// What is seen of a story.
pub struct System {
    /// Who calls whom.
    pub graph: Graph,
    /// The number of the incident's service.
    pub service: usize,
    /// The metric by the service's number.
    pub series: BTreeMap<usize, Series>,
    /// How often a request needs each service, if that is known.
    pub visits: BTreeMap<usize, f64>,
    /// The change.
    pub onset: Onset,
}

impl Story<'_> {
    /// A fault that makes the incident's service half as slow again, for eight observations.
    pub fn of<'a>(edges: &'a str, faults: &'a [&'a str]) -> Story<'a> {
        Story {
            edges,
            faults,
            size: 0.5,
            before: 80,
            after: 8,
            unmeasured: &[],
            failures: false,
            visits: false,
            late: 0,
            growing: 0,
            lasts: usize::MAX,
        }
    }

    /// What is seen of it, with this luck.
    pub fn system(&self, seed: u64) -> System {
        let mut dice = Dice::new(seed);
        let graph = Graph::new(self.edges.split(' ').filter_map(|edge| edge.split_once('>')));
        let service = graph.number("a").expect("the incident is on a");
        let calls: Vec<Vec<(usize, f64)>> = (0..graph.names.len())
            .map(|service| graph.callees(service).iter().map(|&callee| (callee, 0.3 + 0.5 * dice.unit())).collect())
            .collect();
        let values = if self.failures {
            self.failing(&graph, &calls, &mut dice)
        } else {
            self.waiting(&graph, &calls, &mut dice)
        };
        let measured = |service: &usize| !self.unmeasured.contains(&graph.names[*service].as_str());
        let times: Vec<i64> = (0..(self.before + self.after) as i64).map(|index| index * SPACING).collect();
        let series = (0..graph.names.len())
            .filter(measured)
            .map(|service| (service, Series { times: times.clone(), values: values[service].clone() }))
            .collect();
        let visits = if self.visits { visits(service, &calls, &mut dice) } else { BTreeMap::new() };
        let worse = if self.failures { Direction::Down } else { Direction::Up };
        let time = times[self.before] + self.late * SPACING;
        let onset = Onset { time, until: i64::MAX, drift: self.growing > 0, lasting: false, worse };
        System { graph, service, series, visits, onset }
    }

    /// Whether a service is at fault.
    pub fn is_at_fault(&self, graph: &Graph, service: usize) -> bool {
        self.faults.contains(&graph.names[service].as_str())
    }

    /// How much of the fault is there.
    fn part(&self, time: usize) -> f64 {
        match time.checked_sub(self.before) {
            None => 0.0,
            Some(since) if since >= self.lasts => 0.0,
            Some(since) if since < self.growing => (since + 1) as f64 / self.growing as f64,
            Some(_) => 1.0,
        }
    }

    /// The time of each service: its own, which remembers, and that of its callees, each of which some of its requests need.
    fn waiting(&self, graph: &Graph, calls: &[Vec<(usize, f64)>], dice: &mut Dice) -> Vec<Vec<f64>> {
        let count = graph.names.len();
        let levels: Vec<f64> = (0..count).map(|_| (1.0 + dice.normal()).exp()).collect();
        let spreads: Vec<f64> = (0..count).map(|_| 0.02 + 0.1 * dice.unit()).collect();
        let memories: Vec<f64> = (0..count).map(|_| 0.7 * dice.unit()).collect();
        let whole = |own: &[f64]| {
            let mut whole = own.to_vec();
            // Enough rounds for every chain; each round of a cycle adds less.
            for _ in 0..count.max(12) {
                let waits =
                    |service: usize| calls[service].iter().map(|&(callee, times)| times * whole[callee]).sum::<f64>();
                whole = (0..count).map(|service| own[service] + waits(service)).collect();
            }
            whole
        };
        // However deep the fault is, the incident's service shows so much of it.
        let service = graph.number("a").expect("the incident is on a");
        let at_fault: Vec<f64> =
            (0..count).map(|service| f64::from(u8::from(self.is_at_fault(graph, service)))).collect();
        let size = self.size * whole(&levels)[service] / whole(&at_fault)[service].max(1e-9);
        let mut states: Vec<f64> = (0..count).map(|_| dice.normal()).collect();
        let mut series = vec![Vec::new(); count];
        for time in 0..self.before + self.after {
            let mut own = levels.clone();
            for service in 0..count {
                let memory = memories[service];
                states[service] = memory * states[service] + (1.0 - memory * memory).sqrt() * dice.normal();
                own[service] *= 1.0 + spreads[service] * states[service];
                // Now and then something odd.
                if dice.unit() < 0.01 {
                    own[service] *= 2.0;
                }
                if self.is_at_fault(graph, service) {
                    own[service] += size * self.part(time);
                }
            }
            for (service, value) in whole(&own).into_iter().enumerate() {
                series[service].push(value * (1.0 + 0.02 * dice.normal()));
            }
        }
        series
    }

    /// The percentage of calls that work, of some tens to thousands at a time.
    fn failing(&self, graph: &Graph, calls: &[Vec<(usize, f64)>], dice: &mut Dice) -> Vec<Vec<f64>> {
        let count = graph.names.len();
        let loads: Vec<f64> = (0..count).map(|_| 50.0 * (2.5 * dice.unit()).exp()).collect();
        let mut series = vec![Vec::new(); count];
        for time in 0..self.before + self.after {
            let fails = |service: usize| match self.is_at_fault(graph, service) {
                true => 2e-4 + 0.1 * self.size * self.part(time),
                false => 2e-4,
            };
            let mut failing: Vec<f64> = (0..count).map(fails).collect();
            let own = failing.clone();
            for _ in 0..count.max(6) {
                let works = |service: usize| {
                    calls[service].iter().map(|&(callee, times)| 1.0 - times * failing[callee]).product::<f64>()
                };
                failing = (0..count).map(|service| 1.0 - (1.0 - own[service]) * works(service)).collect();
            }
            for service in 0..count {
                let calls = loads[service].round();
                let failed = (0..calls as usize).filter(|_| dice.unit() < failing[service]).count();
                series[service].push(100.0 * (1.0 - failed as f64 / calls));
            }
        }
        series
    }
}

/// How often a request needs each service, as counts tell: up to half as often again for others.
fn visits(service: usize, calls: &[Vec<(usize, f64)>], dice: &mut Dice) -> BTreeMap<usize, f64> {
    let mut visits = vec![0.0; calls.len()];
    visits[service] = 1.0;
    for _ in 0..calls.len().max(12) {
        let mut next = vec![0.0; calls.len()];
        for (caller, callees) in calls.iter().enumerate() {
            callees.iter().for_each(|&(callee, times)| next[callee] += times * visits[caller]);
        }
        next[service] += 1.0;
        visits = next;
    }
    visits.into_iter().map(|visits| visits * (1.0 + 0.5 * dice.unit() * dice.unit())).enumerate().collect()
}
