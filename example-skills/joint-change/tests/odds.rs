//! How often a change is confirmed in simulated systems, and how often one that is none.

#[path = "../../../skills-sdk/rust/tests/systems/mod.rs"]
mod systems;

use joint_change::joint::{Joint, Question, joint};
use negawatt_skill::Window;
use negawatt_skill::services::Callees;
use systems::{SPACING, Story, System};

const CHAIN: &str = "a>b b>c c>d d>e";
const FAN: &str = "a>b a>c a>d a>e a>f a>g a>h a>i a>j";
const WEB: &str =
    "a>b a>c a>d b>e b>f c>f c>g d>h d>i e>j f>j f>k g>k g>l h>l h>m i>n j>o k>o l>p m>p n>q o>r p>r r>s r>t";

/// The joint change of a story.
fn found(story: &Story, seed: u64) -> Option<Joint> {
    let System { graph, service, series, visits, onset } = story.system(seed);
    let below = graph.below(service);
    let callees = Callees { graph, service, below };
    let window = Window { start: 0, end: (story.before + story.after) as i64 * SPACING };
    joint(&Question { callees: &callees, series: &series, visits: &visits, window, worse: onset.worse })
}

/// The parts of so many seeds in which the odds are above some number.
fn above<const N: usize>(story: &Story, seeds: u64, odds: [f64; N]) -> [f64; N] {
    let all: Vec<_> = (0..seeds).filter_map(|seed| found(story, seed)).collect();
    odds.map(|least| all.iter().filter(|joint| joint.odds > least).count() as f64 / seeds as f64)
}

#[test]
fn two_observations_are_enough_where_a_callee_speaks_for_them() {
    for (edges, fault) in [(CHAIN, "e"), (FAN, "e"), (WEB, "k"), (WEB, "d")] {
        let faults = [fault];
        for (size, after) in [(0.2, 2), (0.1, 6)] {
            let story = Story { size, after, before: 76 - after, ..Story::of(edges, &faults) };
            let [told, likely] = above(&story, 40, [0.25, 1.0]);
            assert!(told >= 0.85 && likely >= 0.7, "{edges}, {fault}, {size}: {told}, {likely}");
        }
    }
}

#[test]
fn failures_of_a_callee_confirm_those_of_its_caller() {
    for (edges, fault) in [(FAN, "e"), (WEB, "k"), (WEB, "d")] {
        let faults = [fault];
        let story = Story { size: 0.5, after: 2, failures: true, ..Story::of(edges, &faults) };
        let [likely] = above(&story, 30, [1.0]);
        assert!(likely >= 0.85, "{edges}, {fault}: {likely}");
    }
}

#[test]
fn the_time_is_that_of_the_fault() {
    let story = Story { size: 0.3, after: 6, ..Story::of(WEB, &["k"]) };
    let off = |seed| Some((found(&story, seed)?.time - story.before as i64 * SPACING).abs() / SPACING);
    let near = (0..40).filter(|&seed| off(seed).is_some_and(|off| off <= 2)).count();
    assert!(near >= 34, "{near} of 40");
}

/// A mean likelihood ratio above b is seen without a change in at most one case of b, and in fact in far fewer.
#[test]
fn nothing_is_confirmed_where_nothing_changed() {
    for failures in [false, true] {
        for edges in [CHAIN, FAN, WEB] {
            let quiet = Story { size: 0.0, failures, before: 72, after: 4, ..Story::of(edges, &[]) };
            let [told, likely] = above(&quiet, 100, [0.25, 1.0]);
            assert!(told <= 0.06 && likely <= 0.04, "{edges}, {failures}: {told}, {likely}");
        }
    }
}

/// What nobody below speaks for is not for this skill, however clear it is.
#[test]
fn a_change_of_the_service_alone_is_not_confirmed() {
    let story = Story { after: 6, ..Story::of(WEB, &["a"]) };
    let [likely] = above(&story, 40, [1.0]);
    assert!(likely <= 0.15, "{likely}");
}

/// What is over is not confirmed.
#[test]
fn what_went_away_is_not_confirmed() {
    let story = Story { after: 40, lasts: 6, ..Story::of(WEB, &["k"]) };
    let [likely] = above(&story, 40, [1.0]);
    assert!(likely <= 0.05, "{likely}");
}
