//! How often the service at fault comes first, and how often one is named without fault, in simulated systems.

mod systems;

use std::collections::BTreeMap;

use negawatt_skill::services::graph::Graph;
use negawatt_skill::services::onsets::rank_over;
use negawatt_skill::services::rank::{Question, Ranking, rank};
use negawatt_skill::services::shift::Onset;
use negawatt_skill::{Direction, Series, Window};
use systems::{Story, System};

/// How a story goes, over many seeds.
trait Outcomes {
    /// The ranking of one seed.
    fn ranking(&self, seed: u64) -> (Graph, Option<Ranking>);

    /// The parts of seeds in which a service at fault comes first, and among the first three; and the mean confidence of the
    /// first.
    fn found(&self, seeds: u64) -> (f64, f64, f64);

    /// The part of seeds in which a callee is held likelier at fault than not.
    fn accused(&self, seeds: u64) -> f64;
}

impl Outcomes for Story<'_> {
    fn ranking(&self, seed: u64) -> (Graph, Option<Ranking>) {
        let System { graph, service, series, visits, onset } = self.system(seed);
        let question = Question { graph: &graph, service, series: &series, visits: &visits, onset, harm: self.size };
        let ranking = rank(&question);
        (graph, ranking)
    }

    fn found(&self, seeds: u64) -> (f64, f64, f64) {
        let (mut first, mut third, mut confidence) = (0.0, 0.0, 0.0);
        for seed in 0..seeds {
            let (graph, ranking) = self.ranking(seed);
            let Some(ranking) = ranking else { continue };
            let place = ranking.all.iter().position(|ranked| self.is_at_fault(&graph, ranked.service));
            first += f64::from(u8::from(place == Some(0)));
            third += f64::from(u8::from(place.is_some_and(|place| place < 3)));
            confidence += ranking.all[0].confidence;
        }
        let seeds = seeds as f64;
        (first / seeds, third / seeds, confidence / seeds)
    }

    fn accused(&self, seeds: u64) -> f64 {
        let accused = |seed: &u64| {
            let (graph, ranking) = self.ranking(*seed);
            let likely = |ranking: Ranking| {
                ranking.all.iter().any(|ranked| ranked.confidence > 0.5 && graph.names[ranked.service] != "a")
            };
            ranking.is_some_and(likely)
        };
        (0..seeds).filter(accused).count() as f64 / seeds as f64
    }
}

const CHAIN: &str = "a>b b>c c>d d>e";
const FAN: &str = "a>b a>c a>d a>e a>f a>g a>h a>i a>j";
const DIAMOND: &str = "a>b a>c b>d c>d d>e c>f x>d";
const CYCLE: &str = "a>b b>c c>d d>b c>e e>e";
const CALLS_BACK: &str = "a>b b>c c>a c>d b>e";
const WEB: &str = "a>b a>c a>d b>e b>f c>f c>g d>h d>i e>j f>j f>k g>k g>l h>l h>m i>n j>o k>o l>p m>p n>q o>r p>r r>s r>t \
                   y>a z>y y>c";

#[test]
fn the_deepest_shifted_service_of_a_chain_comes_first() {
    for fault in ["b", "c", "d", "e"] {
        let (first, third, _) = Story::of(CHAIN, &[fault]).found(50);
        assert!(first >= 0.9 && third >= 0.96, "{fault}: {first}, {third}");
    }
}

#[test]
fn one_of_many_callees_is_found() {
    let (first, third, _) = Story::of(FAN, &["e"]).found(50);
    assert!(first >= 0.95 && third >= 0.98, "{first}, {third}");
}

#[test]
fn ways_that_meet_and_cycles_are_no_trouble() {
    for (edges, fault) in
        [(DIAMOND, "d"), (DIAMOND, "e"), (DIAMOND, "c"), (CYCLE, "e"), (CALLS_BACK, "d"), (CALLS_BACK, "e")]
    {
        let (first, third, _) = Story::of(edges, &[fault]).found(50);
        assert!(first >= 0.85 && third >= 0.95, "{edges}, {fault}: {first}, {third}");
    }
    // Those of a cycle wait for each other, and nothing tells which of them began.
    let (_, third, _) = Story::of(CYCLE, &["c"]).found(50);
    assert!(third >= 0.9, "{third}");
}

#[test]
fn one_of_twenty_is_found_with_two_observations_after() {
    for fault in ["c", "k", "o", "s"] {
        for after in [2, 12] {
            let (first, third, _) = Story { after, ..Story::of(WEB, &[fault]) }.found(25);
            assert!(first >= 0.75 && third >= 0.9, "{fault}, {after}: {first}, {third}");
        }
    }
}

#[test]
fn the_time_of_the_change_may_be_a_little_off() {
    for late in [-2, -1, 1, 2] {
        let (first, _, _) = Story { late, ..Story::of(WEB, &["o"]) }.found(25);
        assert!(first >= 0.85, "{late}: {first}");
    }
}

/// Small faults are missed now and then; then the first must not be believed much.
#[test]
fn confidence_is_not_far_from_how_often_it_is_right() {
    for (size, after) in [(0.05, 3), (0.1, 3), (0.2, 8)] {
        for fault in ["c", "k"] {
            let (first, _, confidence) = Story { size, after, ..Story::of(WEB, &[fault]) }.found(60);
            assert!(confidence - first <= 0.25, "{fault}, {size}, {after}: {first}, {confidence}");
        }
    }
}

#[test]
fn failures_are_followed_as_time_is() {
    for (edges, fault) in [(CHAIN, "d"), (FAN, "c"), (WEB, "k")] {
        let (first, third, _) = Story { failures: true, after: 4, ..Story::of(edges, &[fault]) }.found(25);
        assert!(first >= 0.85 && third >= 0.95, "{edges}, {fault}: {first}, {third}");
    }
}

#[test]
fn a_service_without_a_metric_is_passed_through_and_can_be_meant() {
    let through = Story { unmeasured: &["c"], ..Story::of(CHAIN, &["d"]) };
    let (first, _, _) = through.found(50);
    assert!(first >= 0.9, "{first}");
    // Its caller looks guilty, and it comes next.
    let unseen = Story { unmeasured: &["c", "d", "e"], ..Story::of(CHAIN, &["c"]) };
    for seed in 0..30 {
        let (graph, ranking) = unseen.ranking(seed);
        let names: Vec<_> =
            ranking.iter().flat_map(|ranking| &ranking.all).map(|one| &graph.names[one.service]).collect();
        assert!(names[..2] == ["b", "c"], "{names:?}");
    }
}

#[test]
fn two_faults_are_both_among_the_first() {
    let story = Story::of(WEB, &["g", "i"]);
    let both = |seed: &u64| {
        let (graph, ranking) = story.ranking(*seed);
        let at_fault =
            |ranking: &Ranking| ranking.all.iter().take(3).filter(|one| story.is_at_fault(&graph, one.service)).count();
        ranking.as_ref().map(at_fault) == Some(2)
    };
    let found = (0..30).filter(both).count();
    assert!(found >= 24, "{found} of 30");
}

#[test]
fn a_fault_of_the_service_itself_is_seldom_laid_on_another() {
    for edges in [CHAIN, FAN, DIAMOND, WEB] {
        for after in [2, 12] {
            let accused = Story { after, ..Story::of(edges, &["a"]) }.accused(50);
            assert!(accused <= 0.06, "{edges}, {after}: {accused}");
        }
    }
    let accused = Story { failures: true, ..Story::of(WEB, &["a"]) }.accused(30);
    assert!(accused <= 0.07, "{accused}");
}

#[test]
fn a_series_without_the_change_says_nothing() {
    let quiet = Story { size: 0.0, ..Story::of(WEB, &[]) };
    let accused = quiet.accused(60);
    assert!(accused <= 0.07, "{accused}");
}

/// Stories of one fault each, of every size and place.
fn many() -> impl Iterator<Item = Story<'static>> {
    const FAULTS: [(&str, &[&[&str]]); 5] = [
        (CHAIN, &[&["a"], &["b"], &["c"], &["d"], &["e"]]),
        (FAN, &[&["a"], &["b"], &["e"], &["j"]]),
        (DIAMOND, &[&["a"], &["c"], &["d"], &["e"], &["f"]]),
        (CYCLE, &[&["a"], &["b"], &["e"]]),
        (WEB, &[&["a"], &["c"], &["d"], &["g"], &["k"], &["o"], &["s"], &["p"]]),
    ];
    const SEEN: [(f64, usize); 6] = [(0.1, 2), (0.1, 8), (0.3, 2), (0.3, 8), (1.0, 2), (1.0, 20)];
    let places = FAULTS.iter().flat_map(|(edges, faults)| faults.iter().map(move |faults| (*edges, *faults)));
    places.flat_map(|(edges, faults)| {
        SEEN.iter().flat_map(move |&(size, after)| {
            [(false, false), (false, true), (true, false), (true, true)]
                .into_iter()
                .map(move |(visits, failures)| Story { size, after, visits, failures, ..Story::of(edges, faults) })
        })
    })
}

#[test]
fn confidences_are_probabilities() {
    assert_probabilities(0.9, |story, seed| story.ranking(seed));
}

/// Also where the change was found late in half of the cases.
#[test]
fn confidences_over_all_places_are_probabilities() {
    assert_probabilities(0.85, |story, seed| {
        let late = if seed % 2 == 0 { 0 } else { -8 };
        let system = Story { late, ..story.clone() }.system(seed);
        let ranking = anywhere(story, &system);
        (system.graph, ranking)
    });
}

/// Of those said to be so likely, how many are at fault; and a part of the first ones that is at fault at least.
fn assert_probabilities(least: f64, of: impl Fn(&Story, u64) -> (Graph, Option<Ranking>)) {
    // How many first suspects, the sum of their confidences, and how many are at fault, by confidence.
    let mut bins = [(0.0, 0.0, 0.0); 5];
    let (mut brier, mut third) = (0.0, 0.0);
    for story in many() {
        for seed in 900..904 {
            let (graph, Some(ranking)) = of(&story, seed) else { continue };
            let hit = |count: usize| {
                let first = ranking.all.iter().take(count);
                f64::from(u8::from(first.into_iter().any(|one| story.is_at_fault(&graph, one.service))))
            };
            let confidence = ranking.all[0].confidence;
            let bin = &mut bins[((confidence * 5.0) as usize).min(4)];
            *bin = (bin.0 + 1.0, bin.1 + confidence, bin.2 + hit(1));
            brier += (confidence - hit(1)).powi(2);
            third += hit(3);
        }
    }
    let all: f64 = bins.iter().map(|bin| bin.0).sum();
    let first = bins.iter().map(|bin| bin.2).sum::<f64>() / all;
    assert!(first >= least && third / all >= 0.95, "{first}, {}", third / all);
    assert!(brier / all <= 0.09, "{}", brier / all);
    for (count, said, right) in bins.into_iter().filter(|bin| bin.0 >= 40.0) {
        assert!(said / count - right / count <= 0.25, "{count}: {} said, {} right", said / count, right / count);
    }
}

#[test]
fn what_grows_slowly_is_followed_too() {
    for (edges, fault) in [(CHAIN, "d"), (FAN, "c"), (WEB, "k")] {
        let (first, third, _) = Story { growing: 20, after: 30, ..Story::of(edges, &[fault]) }.found(25);
        assert!(first >= 0.85 && third >= 0.95, "{edges}, {fault}: {first}, {third}");
    }
}

/// Two callees that shifted: the one that shifted more serves a tenth of the requests, the other one all.
#[test]
fn requests_tell_a_part_from_the_whole() {
    let graph = Graph::new([("a", "part"), ("a", "whole")].into_iter());
    let noise =
        |index: usize, service: usize| [0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.9][(index * index + 3 * service) % 7];
    let of = |service: usize, by: f64| {
        let value = |index: usize| 20.0 + noise(index, service) + if index >= 60 { by } else { 0.0 };
        Series { times: (0..66).collect(), values: (0..66).map(value).collect() }
    };
    let series = BTreeMap::from([(0, of(0, 10.0)), (1, of(1, 12.0)), (2, of(2, 9.0))]);
    let onset = Onset { time: 60, until: i64::MAX, drift: false, lasting: false, worse: Direction::Up };
    let first = |visits: &BTreeMap<usize, f64>| {
        let ranking = rank(&Question { graph: &graph, service: 0, series: &series, visits, onset, harm: 10.0 });
        let first = ranking.map(|ranking| ranking.all[0].clone()).expect("it shifted");
        (graph.names[first.service].as_str(), first.confidence)
    };
    let unknown = first(&BTreeMap::new());
    let known = first(&BTreeMap::from([(1, 0.1), (2, 1.1)]));
    assert_eq!(unknown.0, "part", "{unknown:?}");
    assert!(known.0 == "whole" && known.1 > 0.8, "{known:?}");
}

#[test]
fn what_is_not_measured_and_hardly_needed_is_hardly_suspect() {
    let unseen = Story { unmeasured: &["c", "d", "e"], ..Story::of(CHAIN, &["b"]) };
    let unmeasured = |visits: &BTreeMap<usize, f64>| {
        let System { graph, service, series, onset, .. } = unseen.system(3);
        let ranking = rank(&Question { graph: &graph, service, series: &series, visits, onset, harm: 0.5 });
        let c = graph.number("c");
        ranking.and_then(|ranking| ranking.all.iter().find(|one| Some(one.service) == c).map(|one| one.confidence))
    };
    let (unknown, needed, rarely) = (
        unmeasured(&BTreeMap::new()),
        unmeasured(&BTreeMap::from([(1, 1.0), (2, 1.0)])),
        unmeasured(&BTreeMap::from([(1, 1.0)])),
    );
    assert!(unknown > Some(0.1) && needed > Some(0.1) && rarely < Some(0.01), "{unknown:?} {needed:?} {rarely:?}");
}

/// The ranking if the change may be anywhere.
fn anywhere(story: &Story, system: &System) -> Option<Ranking> {
    let window = Window { start: 0, end: (story.before + story.after) as i64 * systems::SPACING };
    rank_over(&question(story, system, window), window)
}

fn question<'a>(story: &Story, system: &'a System, window: Window) -> Question<'a> {
    let System { graph, service, series, visits, onset } = system;
    let onset = Onset { until: window.end, ..*onset };
    Question { graph, service: *service, series, visits, onset, harm: story.size }
}

/// The part of seeds in which the service at fault comes first, if the change is looked for where it was found, and anywhere.
fn found_at_and_anywhere(story: &Story, seeds: u64) -> (f64, f64) {
    let (mut at, mut over) = (0.0, 0.0);
    for seed in 0..seeds {
        let system = story.system(seed);
        let window = Window { start: 0, end: (story.before + story.after) as i64 * systems::SPACING };
        let is_right = |ranking: Option<Ranking>| {
            f64::from(u8::from(ranking.is_some_and(|one| story.is_at_fault(&system.graph, one.all[0].service))))
        };
        at += is_right(rank(&question(story, &system, window)));
        over += is_right(anywhere(story, &system));
    }
    (at / seeds as f64, over / seeds as f64)
}

#[test]
fn a_change_that_was_badly_placed_is_looked_for_where_it_may_be() {
    for (edges, fault) in [(FAN, "e"), (WEB, "k"), (WEB, "d")] {
        let faults = [fault];
        for failures in [false, true] {
            let story = Story { failures, after: 2, late: -12, ..Story::of(edges, &faults) };
            let (at, anywhere) = found_at_and_anywhere(&story, 30);
            assert!(at <= 0.2 && anywhere >= 0.8, "{edges}, {fault}, {failures}: {anywhere}");
            let placed = Story { late: 0, ..story };
            let (at, anywhere) = found_at_and_anywhere(&placed, 30);
            assert!(anywhere >= at - 0.07, "{edges}, {fault}, {failures}: {at}, {anywhere}");
        }
    }
}

#[test]
fn what_grows_slowly_is_followed_at_any_place() {
    let story = Story { growing: 20, after: 30, ..Story::of(WEB, &["k"]) };
    let (_, anywhere) = found_at_and_anywhere(&story, 25);
    assert!(anywhere >= 0.85, "{anywhere}");
}

#[test]
fn a_fault_of_the_service_itself_is_seldom_laid_on_another_at_any_place() {
    for after in [2, 12] {
        let story = Story { after, ..Story::of(WEB, &["a"]) };
        let (_, itself) = found_at_and_anywhere(&story, 50);
        assert!(itself >= 0.9, "{after}: {itself}");
    }
}
