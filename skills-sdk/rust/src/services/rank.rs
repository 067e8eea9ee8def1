//! Which service is at fault: a pure function of the calls and the series.

use std::collections::{BTreeMap, BinaryHeap};
use std::f64::consts::LN_2;

use crate::Series;
use crate::series::correlation;

use super::graph::{Graph, Weighed};
use super::shift::{Onset, Shift, evidence, shift};

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who calls whom.
    pub graph: &'a Graph,
    /// The incident's service, by its number in the graph.
    pub service: usize,
    /// The metric by the service's number, the incident's included, all binned alike; services without one are not there.
    pub series: &'a BTreeMap<usize, Series>,
    /// How often a request of the incident's service needs each of the others, as far as that is known.
    pub visits: &'a BTreeMap<usize, f64>,
    /// The change that explains the incident.
    pub onset: Onset,
    /// By how much it hurts, in the metric's unit, as the change point has it.
    pub harm: f64,
}

/// A service that could be at fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its number in the graph.
    pub service: usize,
    /// How its metric moved; absent where nothing is known of that.
    pub seen: Option<Seen>,
    /// Natural logarithm of how much more probable what was seen is if it is at fault than if no service is.
    pub log_odds: f64,
    /// The probability that it is at fault, among all services and none.
    pub confidence: f64,
}

/// How a service's metric moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Levels and usual differences.
    pub shift: Shift,
    /// The difference in usual differences.
    pub z: f64,
    /// Log odds that it shifted with the incident, in a size that can explain it.
    pub evidence: f64,
    /// The correlation with the incident's series around the onset.
    pub coherence: f64,
}

/// Every service that the incident's one calls, directly or through others, and that one itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The services, the likeliest first.
    pub all: Vec<Ranked>,
    /// What was seen of each service that is measured, by number.
    pub seen: BTreeMap<usize, Seen>,
}

/// What part of the incident's harm a callee's shift must exceed to be told from nothing, however quiet its series is.
const SLIGHT: f64 = 0.02;
/// How far a callee's shift may be from the incident's, as standard deviations of the logarithm of their ratio: to the side of
/// less, where only many calls for one request make up for it, and to the side of more, where few requests go there.
const SMALLER: f64 = 1.0;
const GREATER: f64 = 2.0;
/// The same where it is known how often a request needs the callee: what each call brings, times the calls, is what the incident's
/// service feels, or more, if others call that service too or the calls run beside each other.
const SMALLER_BY_VISITS: f64 = 0.5;
const GREATER_BY_VISITS: f64 = 1.0;
/// The probability that a shift shows in a caller that is not on the way to the incident: it may hardly call that service.
const SHOWS: f64 = 0.5;
/// Where a shift shows with a probability below about a thousandth, as the logarithm of one part in that many, nothing is looked at.
const FAINT: f64 = 7.0;
/// Observations that a correlation counts as, at most: neighbours are alike, and two steps always correlate.
const COHERENT: usize = 4;
/// What part of a correlation is believed.
const BELIEVED: f64 = 0.9;
/// Odds that the fault is in a service's own callees that are not measured rather than in itself.
const UNSEEN: f64 = 0.25;
/// What part of these odds stays at least for one that requests hardly ever need, or of which no requests are counted while those of
/// others are.
const RARELY: f64 = 0.01;
/// Odds that the incident's own service is at fault rather than no service at all (load, network, clients), and that one of those
/// that it calls is: about 70 % of outages come from changes in a live system (Beyer et al., "Site Reliability Engineering" (2016),
/// chapter 1), and before anything is seen nothing tells whether it is that service or another.
const ITSELF: f64 = 7.0 / 3.0;
const CALLEES: f64 = ITSELF;

/// Ranks the services; absent where the incident's own series does not show the change.
///
/// For a service `r` to be at fault, its own metric shifted, some chain of calls from the incident's service to it shifted or is
/// not measured, and what else calls it shifted as likely as not. The log odds are the sum of
///
/// - the evidence for its own shift ([`evidence`]), less where its size cannot explain the incident's;
/// - for every service between, or that otherwise calls it, `ln(1 − p + p · Bayes factor of its shift)`, where `p` is one half for
///   a direct caller, and less with every service between that did not shift or is not measured; of a service that shows nothing
///   itself, no more than the strongest of them;
/// - the cheapest chain's evidence against (an unshifted service on the way breaks it; one that is not measured costs ln 2);
/// - how well its series goes with the incident's around the onset, against the one that goes best;
/// - the prior: that of the incident's own service for all callees together, shared out call by call ([`Graph::shares`]).
///
/// So a shifted caller is explained by its shifted callee, and the deepest service wins; a callee that did not shift is out; cycles
/// need no special case, since a chain is looked for and not a sum along it. A service that also calls the incident's one may
/// shift as its caller, which is taken off. One without a metric inherits from its likeliest caller, a quarter for all such
/// callees together, and hardly anything where requests are counted and few need it.
///
/// The idea of explaining callers by callees is that of anomaly traversal (Chen et al., "CauseInfer", INFOCOM 2014; Lin, Chen and
/// Zheng, "Microscope", ICSOC 2018), correlation with the incident's metric that of the same and of Wu et al., "MicroRCA", NOMS 2020.
pub fn rank(question: &Question) -> Option<Ranking> {
    let Question { graph, service, .. } = *question;
    let seen = seen(question)?;
    let below = graph.below(service);
    let bayes = |service: usize| seen.get(&service).map_or(1.0, |seen| seen.evidence.exp());
    let broken = |service: usize| seen.get(&service).map_or(LN_2, |seen| (-seen.evidence).max(0.0));
    let ways = graph.cheapest(Graph::callees, service, f64::MAX, broken);
    // How probable it is that each service shifts because it waits for one that did. What waits for the incident's own service
    // does so whoever is at fault.
    let waiting = |from: usize| {
        let passed = |between: usize| {
            // As probable as that it shifted itself, having such a callee.
            let shifted = SHOWS * bayes(between);
            if between == service { f64::INFINITY } else { ((1.0 - SHOWS + shifted) / shifted).ln() }
        };
        let costs = graph.cheapest(Graph::callers, from, FAINT, passed);
        costs.into_iter().map(|cost| SHOWS * (-cost).exp()).collect::<Vec<f64>>()
    };
    let anyway = waiting(service);
    let mixed = |service: usize, part: f64| (1.0 - part + part * bayes(service)).ln();
    let best = below.iter().filter_map(|callee| seen.get(callee)).map(coherent).fold(0.0, f64::max);
    let prior = graph.shares(service);

    let mut log_odds = BTreeMap::from([(service, ITSELF.ln())]);
    for &callee in &below {
        let Some(own) = seen.get(&callee) else { continue };
        let waiting = waiting(callee);
        let as_caller = |caller: usize| {
            let part = 1.0 - (1.0 - waiting[caller]) * (1.0 - anyway[caller]);
            mixed(caller, part) - mixed(caller, anyway[caller])
        };
        let callers: Vec<f64> = below
            .iter()
            .filter(|caller| **caller != callee && waiting[**caller] > 0.0)
            .map(|&caller| as_caller(caller))
            .collect();
        let mut all: f64 = callers.iter().sum();
        if own.evidence <= 0.0 {
            // Callers of a service that shows nothing shifted together for another reason, if it is none of theirs.
            all = all.min(callers.iter().copied().fold(0.0, f64::max));
        }
        let itself = own.evidence - mixed(callee, anyway[callee]);
        log_odds.insert(callee, (CALLEES * prior[callee]).ln() + itself + all - ways[callee] + coherent(own) - best);
    }
    inherit(graph, question.visits, &mut log_odds);

    let ranked = log_odds.into_iter().map(|(service, log_odds)| Ranked {
        service,
        seen: seen.get(&service).copied(),
        log_odds,
        confidence: 0.0,
    });
    Some(Ranking { all: normalised(ranked.collect()), seen })
}

/// The same services with their probabilities, among each other and none, the likeliest first.
pub(super) fn normalised(mut ranked: Vec<Ranked>) -> Vec<Ranked> {
    let greatest = ranked.iter().map(|ranked| ranked.log_odds).fold(0.0, f64::max);
    let all: f64 = (-greatest).exp() + ranked.iter().map(|ranked| (ranked.log_odds - greatest).exp()).sum::<f64>();
    ranked.iter_mut().for_each(|ranked| ranked.confidence = (ranked.log_odds - greatest).exp() / all);
    ranked.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds));
    ranked
}

/// How every measured service's metric moved.
fn seen(question: &Question) -> Option<BTreeMap<usize, Seen>> {
    let incident = question.series.get(&question.service)?;
    let own = shift(incident, &question.onset)?;
    let harm = if own.difference > 0.0 { own.difference } else { question.harm };
    if harm.is_nan() || harm <= 0.0 {
        return None;
    }
    let around = around(incident, question, own.after_count);
    // The incident's own size is known only as well as its series tells.
    let unsure = (own.scale / harm).min(1.0);
    let look = |service: usize, series: &Series| {
        let shift = shift(series, &question.onset)?;
        let z = shift.difference / shift.scale.hypot(SLIGHT * harm);
        let plain = evidence(z);
        let visits = question.visits.get(&service).filter(|_| service != question.service);
        let size = match visits {
            Some(visits) => size(shift.difference * visits / harm, SMALLER_BY_VISITS, GREATER_BY_VISITS, unsure),
            None => size(shift.difference / harm, SMALLER, GREATER, 0.0),
        };
        // What does not look shifted needs no size.
        let evidence = if plain > 0.0 { plain + size } else { plain };
        Some(Seen { shift, z, evidence, coherence: correlation(&around, series) })
    };
    Some(question.series.iter().filter_map(|(&service, series)| Some((service, look(service, series)?))).collect())
}

/// What the size of a shift, as a part of the incident's, says for its being the cause.
fn size(ratio: f64, smaller: f64, greater: f64, unsure: f64) -> f64 {
    if ratio <= 0.0 {
        return 0.0;
    }
    let log = ratio.ln();
    -0.5 * (log / unsure.hypot(if log < 0.0 { smaller } else { greater })).powi(2)
}

/// Log odds for going with the incident's series; nothing for what did not shift.
fn coherent(seen: &Seen) -> f64 {
    let explained = BELIEVED * seen.coherence.max(0.0).powi(2);
    if seen.evidence > 0.0 { -0.5 * COHERENT as f64 * (1.0 - explained).ln() } else { 0.0 }
}

/// The incident's series from just before the onset to just after, as far as the shift was looked at.
fn around(incident: &Series, question: &Question, count: usize) -> Series {
    let start = incident.times.partition_point(|&time| time < question.onset.time);
    let end = incident.times.partition_point(|&time| time < question.onset.until).max(start);
    let end = if question.onset.drift { end } else { end.min(start + count) };
    let start = start.saturating_sub(count.max(3));
    Series { times: incident.times[start..end].to_vec(), values: incident.values[start..end].to_vec() }
}

/// Gives services without a metric what their likeliest caller leaves them, and little to those that few requests need.
fn inherit(graph: &Graph, visits: &BTreeMap<usize, f64>, log_odds: &mut BTreeMap<usize, f64>) {
    let needed = |service: &usize| match visits.get(service) {
        _ if visits.is_empty() => 1.0,
        visits => visits.copied().unwrap_or(0.0).clamp(RARELY, 1.0),
    };
    let measured: Vec<usize> = log_odds.keys().copied().collect();
    let known = |service: &usize| measured.binary_search(service).is_ok();
    let mut open: BinaryHeap<Weighed> =
        log_odds.iter().map(|(&service, &weight)| Weighed { weight, service }).collect();
    // The likeliest first, and what is handed on is always less, as in Dijkstra's algorithm.
    while let Some(Weighed { weight, service }) = open.pop() {
        let unseen: Vec<usize> = graph.callees(service).iter().copied().filter(|callee| !known(callee)).collect();
        let left = weight + UNSEEN.ln() - (unseen.len().max(1) as f64).ln();
        for callee in unseen {
            if let std::collections::btree_map::Entry::Vacant(entry) = log_odds.entry(callee) {
                let left = left + needed(&callee).ln();
                entry.insert(left);
                open.push(Weighed { weight: left, service: callee });
            }
        }
    }
}
