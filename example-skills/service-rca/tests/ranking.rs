//! What the ranking and its report say of small systems in which it is known who shifted.

use std::collections::BTreeMap;

use negawatt_skill::services::graph::Graph;
use negawatt_skill::services::rank::{Question, Ranking, rank};
use negawatt_skill::services::shift::Onset;
use negawatt_skill::{Direction, Finding, FindingBody, Series, Suspect};
use service_rca::report::report;

const BEFORE: usize = 60;

/// The ranking of service `a`'s incident, where those named in `shifted` shifted alike, and those in `unmeasured` have no series.
fn ranking(edges: &str, shifted: &str, unmeasured: &str) -> (Graph, Ranking) {
    let graph = Graph::new(edges.split_whitespace().filter_map(|edge| edge.split_once('>')));
    let is_in = |names: &str, service: usize| names.split_whitespace().any(|name| name == graph.names[service]);
    let noise =
        |service: usize, index: usize| [0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.9][(index * index + 3 * service) % 7];
    let value = |service: usize, index: usize| {
        20.0 + noise(service, index) + if index >= BEFORE && is_in(shifted, service) { 10.0 } else { 0.0 }
    };
    let series: BTreeMap<usize, Series> = (0..graph.names.len())
        .filter(|&service| !is_in(unmeasured, service))
        .map(|service| {
            let values = (0..BEFORE + 8).map(|index| value(service, index)).collect();
            (service, Series { times: (0..BEFORE as i64 + 8).collect(), values })
        })
        .collect();
    let onset = Onset { time: BEFORE as i64, until: i64::MAX, drift: false, lasting: false, worse: Direction::Up };
    let service = graph.number("a").expect("the incident is on a");
    let ranking =
        rank(&Question { graph: &graph, service, series: &series, visits: &BTreeMap::new(), onset, harm: 10.0 })
            .expect("it shifted");
    (graph, ranking)
}

fn told(edges: &str, shifted: &str, unmeasured: &str) -> Vec<(Suspect, Finding)> {
    let (graph, ranking) = ranking(edges, shifted, unmeasured);
    let service = graph.number("a").expect("the incident is on a");
    let findings = report(&ranking, &graph, service, "latency", &"e1".to_owned());
    let suspect = |finding: Finding| match &finding.body {
        FindingBody::Suspect(suspect) => (suspect.clone(), finding),
        other => panic!("{other:?} is no suspect"),
    };
    findings.into_iter().map(suspect).collect()
}

fn first(edges: &str, shifted: &str, unmeasured: &str) -> String {
    let (graph, ranking) = ranking(edges, shifted, unmeasured);
    graph.names[ranking.all[0].service].clone()
}

#[test]
fn a_shifted_callee_explains_its_callers() {
    for (shifted, expected) in [("a b c", "c"), ("a b", "b"), ("a", "a")] {
        assert_eq!(first("a>b b>c", shifted, ""), expected, "{shifted}");
    }
    // Something may lead to it.
    assert_eq!(first("a>b b>c", "a c", "b"), "c");
}

#[test]
fn an_unshifted_service_on_the_way_speaks_against_the_one_behind_it() {
    let confidence = |shifted: &str, unmeasured: &str| {
        let (graph, ranking) = ranking("a>b b>c", shifted, unmeasured);
        ranking.all.iter().find(|one| graph.names[one.service] == "c").map_or(0.0, |one| one.confidence)
    };
    let (whole, unknown, broken) = (confidence("a b c", ""), confidence("a c", "b"), confidence("a c", ""));
    assert!(whole > unknown && unknown > broken, "{whole} {unknown} {broken}");
}

#[test]
fn callers_that_shifted_too_speak_for_a_service_and_those_that_did_not_against_it() {
    let confidence = |shifted: &str| {
        let (graph, ranking) = ranking("a>b a>c a>d b>e c>e d>e a>f f>g", shifted, "");
        let of = |name: &str| ranking.all.iter().find(|one| graph.names[one.service] == name).map(|one| one.confidence);
        of("e").zip(of("g"))
    };
    let (all, two) = (confidence("a b c d e f g"), confidence("a b c e f g"));
    assert!(all.is_some_and(|(e, g)| e > 10.0 * g), "{all:?}");
    assert!(all.zip(two).is_some_and(|(all, two)| two.0 < all.0), "{all:?} {two:?}");
}

#[test]
fn many_quiet_services_that_are_tangled_with_it_do_not_hide_a_callee() {
    let tangle: String =
        (0..60).map(|number| format!(" n{number}>n{} b>n{number} n{number}>a", (number + 1) % 60)).collect();
    assert_eq!(first(&format!("a>b n7>b{tangle}"), "a b", ""), "b");
}

#[test]
fn probabilities_are_those_of_the_log_odds_and_none() {
    let (_, ranking) = ranking("a>b b>c a>d d>b", "a b", "c");
    let all: f64 = 1.0 + ranking.all.iter().map(|one| one.log_odds.exp()).sum::<f64>();
    for one in &ranking.all {
        assert!((one.confidence - one.log_odds.exp() / all).abs() < 1e-12, "{one:?}");
    }
}

#[test]
fn the_report_names_the_service_with_numbers() {
    let told = told("a>b b>c b>d", "a b", "d");
    let (suspect, finding) = &told[0];
    assert_eq!((suspect.id.as_str(), finding.because.as_slice()), ("b", &["e1".to_owned()][..]));
    assert!(finding.confidence > 0.5 && suspect.log_odds > 0.0, "{finding:?}");
    let reason = &suspect.reason;
    assert!(reason.starts_with("its latency rose from 20.3 to 30.5 with the incident, "), "{reason}");
    assert!(reason.ends_with("; its one measured callee did not shift"), "{reason}");
    let unseen = told.iter().find(|(suspect, _)| suspect.id == "d");
    assert!(unseen.is_some_and(|(suspect, _)| suspect.reason.contains("not measured, and b,")), "{told:?}");
    assert!(told.iter().all(|(suspect, _)| suspect.id != "c"), "{told:?}");
}

#[test]
fn log_odds_keep_their_distances_below_what_the_host_believes() {
    let edges = "a>b b>c c>d d>e a>f f>g";
    let told = told(edges, "a b c d e", "");
    let (_, ranking) = ranking(edges, "a b c d e", "");
    assert!(ranking.all[0].log_odds > 8.0, "{ranking:?}");
    assert_eq!((told[0].0.id.as_str(), told[0].0.log_odds), ("e", 8.0));
}

#[test]
fn the_service_itself_is_told_only_where_its_callees_are_known_not_to_have_shifted() {
    let ids =
        |unmeasured: &str| told("a>b a>c a>d", "a", unmeasured).into_iter().map(|told| told.0.id).collect::<Vec<_>>();
    assert_eq!(ids(""), ["a"]);
    assert_eq!(ids("b"), ["a"]);
    assert!(ids("b c").is_empty());
    assert!(ids("b c d").is_empty());
}
