//! How often an endpoint is named that did not shift, and how often the one that did, in simulated services.

use graphql_endpoints::shift::{halves, shift};
use graphql_endpoints::split::{Carried, Measured, Split, Weighing, split};
use negawatt_skill::stretches::Around;
use negawatt_skill::{Dice, Direction, Series};

const BEFORE: i64 = 60;
const AFTER: i64 = 40;

/// A service of so many endpoints whose noise remembers and has heavy tails; the first ones shift, by a part of their level.
fn service(seed: u64, endpoints: usize, shifted: usize, by: f64) -> Option<Split> {
    let mut dice = Dice::new(seed);
    let around = Around::new(BEFORE, [BEFORE], 12);
    let measured = (0..endpoints).map(|at| {
        let level = dice.normal().exp();
        let spread = level * dice.between(0.02, 0.12);
        let memory = dice.between(0.0, 0.6);
        let noise = dice.remembering(memory, (BEFORE + AFTER) as usize);
        let value = |(time, noise): (usize, f64)| {
            let straggler = if dice.chance(0.02) { 20.0 * spread * dice.unit() } else { 0.0 };
            let shift = if at < shifted && time as i64 >= BEFORE { by * level } else { 0.0 };
            level + shift + spread * (0.7 * noise + 0.3 * dice.heavy()) + straggler
        };
        let values = noise.into_iter().enumerate().map(value).collect();
        let series = Series { times: (0..BEFORE + AFTER).collect(), values };
        let shift = shift(&halves(&series, &around, false).expect("enough")).expect("enough");
        Measured { name: format!("endpoint-{at:02}"), shift, requests: None }
    });
    split(measured.collect(), Weighing::Equal, Direction::Up, by)
}

fn named(split: &Split) -> Vec<usize> {
    let number = |name: &str| name.rsplit('-').next().and_then(|number| number.parse().ok()).expect("a number");
    split.endpoints.iter().filter(|one| one.is_shifted).map(|one| number(&one.measured.name)).collect()
}

#[test]
fn where_none_shifted_none_is_named() {
    const RUNS: u64 = 600;
    let said = (90_000..90_000 + RUNS).filter(|&seed| service(seed, 20, 0, 0.0).is_some()).count();
    assert!(said as f64 <= 0.04 * RUNS as f64, "{said} of {RUNS}");
}

#[test]
fn the_part_of_false_ones_is_what_was_promised() {
    const RUNS: u64 = 300;
    let (mut rate, mut found) = (0.0, 0);
    for seed in 91_000..91_000 + RUNS {
        let named = service(seed, 20, 3, 0.3).map(|split| named(&split)).unwrap_or_default();
        let wrong = named.iter().filter(|&&at| at >= 3).count();
        rate += wrong as f64 / named.len().max(1) as f64 / RUNS as f64;
        found += named.len() - wrong;
    }
    assert!(rate <= 0.04, "{rate}");
    assert!(found as f64 >= 0.98 * 3.0 * RUNS as f64, "{found} of {}", 3 * RUNS);
}

#[test]
fn the_one_that_carries_it_is_told_from_all_alike() {
    let carried = |seed, shifted| service(seed, 12, shifted, 0.3).map(|split| split.carried);
    let one = (92_000..92_100).filter(|&seed| carried(seed, 1) == Some(Carried::ByFew(1))).count();
    let all = (93_000..93_100).filter(|&seed| carried(seed, 12) == Some(Carried::ByAllAlike)).count();
    assert!(one >= 90 && all >= 95, "{one} {all}");
}
