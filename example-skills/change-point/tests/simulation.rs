//! How often chance is taken for a change, how often a change is seen, and how exactly, on simulated series.

use change_point::detect::{Change, detect};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Random = ChaCha8Rng;

const MINUTE: i64 = 60_000_000;

fn normal(random: &mut Random) -> f64 {
    let uniform: f64 = 1.0 - random.random::<f64>();
    let radius = (-2.0 * uniform.ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Student's distribution with three degrees of freedom.
fn heavy(random: &mut Random) -> f64 {
    let squares: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
    normal(random) / (squares / 3.0).sqrt()
}

fn poisson(mean: f64, random: &mut Random) -> f64 {
    let (mut count, mut product) = (0.0, random.random::<f64>());
    while product > (-mean).exp() {
        product *= random.random::<f64>();
        count += 1.0;
    }
    count
}

/// A first-order autoregression of variance 1, from its stationary distribution on.
fn remembering(phi: f64, length: usize, random: &mut Random) -> Vec<f64> {
    let mut value = normal(random);
    let mut next = || {
        value = phi * value + (1.0 - phi * phi).sqrt() * normal(random);
        value
    };
    (0..length).map(|_| next()).collect()
}

fn each(length: usize, random: &mut Random, value: impl Fn(&mut Random) -> f64) -> Vec<f64> {
    (0..length).map(|_| value(random)).collect()
}

/// Series that a set of seeds gives, and what is found in each, one observation every five minutes.
fn found(seeds: u64, length: usize, series: impl Fn(&mut Random) -> Vec<f64>) -> Vec<Vec<Change>> {
    let times: Vec<i64> = (0..length as i64).map(|index| index * 5 * MINUTE).collect();
    let one = |seed| detect(&times, &series(&mut Random::seed_from_u64(seed ^ (length as u64) << 32)));
    (0..seeds).map(one).collect()
}

/// At most 2 % of the series of each kind may show a change.
fn assert_rare(kind: &str, series: impl Fn(usize, &mut Random) -> Vec<f64>) {
    let (mut alarms, mut all) = (0, 0);
    for (length, seeds) in [(50, 70), (150, 25), (600, 5)] {
        let found = found(seeds, length, |random| series(length, random));
        alarms += found.iter().filter(|changes| !changes.is_empty()).count();
        all += found.len();
    }
    assert!(50 * alarms <= all, "{kind}: {alarms} of {all} series show a change");
}

#[test]
fn independent_noise_shows_no_change() {
    assert_rare("normal", |length, random| each(length, random, normal));
    assert_rare("heavy-tailed", |length, random| each(length, random, heavy));
    assert_rare("log-normal", |length, random| each(length, random, |random| (0.5 * normal(random)).exp()));
}

#[test]
fn noise_that_remembers_shows_no_change() {
    for phi in [0.3, 0.6, 0.8] {
        assert_rare(&format!("AR(1) {phi}"), |length, random| remembering(phi, length, random));
    }
}

#[test]
fn discrete_noise_shows_no_change() {
    assert_rare("few counts", |length, random| each(length, random, |random| poisson(1.5, random)));
    assert_rare("rare counts", |length, random| each(length, random, |random| poisson(0.2, random)));
    assert_rare("two values", |length, random| {
        each(length, random, |random| f64::from(u8::from(random.random::<bool>())))
    });
    assert_rare("constant", |length, _| vec![0.1; length]);
}

#[test]
fn a_straight_line_and_a_daily_season_show_no_change() {
    assert_rare("line", |length, random| {
        remembering(0.3, length, random).iter().enumerate().map(|(index, noise)| noise + 0.02 * index as f64).collect()
    });
    // Four days at five minutes.
    let found = found(4, 1152, |random| daily(1152, random));
    assert!(found.iter().all(Vec::is_empty));
}

fn daily(length: usize, random: &mut Random) -> Vec<f64> {
    let season = |index: usize| 3.0 * (std::f64::consts::TAU * index as f64 / 288.0).sin();
    remembering(0.5, length, random).iter().enumerate().map(|(index, noise)| season(index) + noise).collect()
}

/// A step of a height at a random place of the middle of a series; what was found, and where the step is.
fn steps(
    seeds: u64,
    length: usize,
    height: f64,
    noise: impl Fn(usize, &mut Random) -> Vec<f64>,
) -> Vec<(usize, Vec<Change>)> {
    let place = |random: &mut Random| random.random_range(length / 5..length * 4 / 5);
    let with_step = |random: &mut Random| {
        let place = place(random);
        let mut values = noise(length, random);
        values[place..].iter_mut().for_each(|value| *value += height);
        values
    };
    let places = (0..seeds).map(|seed| place(&mut Random::seed_from_u64(seed ^ (length as u64) << 32)));
    places.zip(found(seeds, length, with_step)).collect()
}

/// The part of the steps that are found as the one change within `near` observations.
fn power(steps: &[(usize, Vec<Change>)], near: usize) -> f64 {
    let hit =
        |(place, changes): &&(usize, Vec<Change>)| matches!(&changes[..], [one] if one.index.abs_diff(*place) <= near);
    steps.iter().filter(hit).count() as f64 / steps.len() as f64
}

#[test]
fn visible_steps_are_found_up_and_down() {
    for (height, length, least) in [(3.0, 60, 0.9), (-3.0, 150, 0.95), (2.0, 150, 0.9), (-1.0, 600, 0.8)] {
        let power = power(&steps(20, length, height, |length, random| each(length, random, normal)), 12);
        assert!(power >= least, "a step of {height} in {length}: {power}");
    }
    let power = power(&steps(20, 150, 4.0, |length, random| remembering(0.6, length, random)), 3);
    assert!(power >= 0.9, "noise that remembers: {power}");
}

#[test]
fn steps_of_three_scales_are_placed_exactly() {
    let mut errors: Vec<usize> = steps(30, 150, 3.0, |length, random| each(length, random, normal))
        .iter()
        .map(|(place, changes)| changes.iter().map(|change| change.index.abs_diff(*place)).min().unwrap_or(usize::MAX))
        .collect();
    errors.sort_unstable();
    assert_eq!(errors[errors.len() / 2], 0, "half of them at the very observation");
    assert!(errors[errors.len() * 9 / 10] <= 1, "{errors:?}");
}

#[test]
fn a_step_in_a_daily_season_is_found() {
    let found = steps(4, 1152, 2.0, daily);
    assert!(power(&found, 12) >= 0.75, "{found:?}");
}

#[test]
fn every_change_is_found_in_order_with_its_levels() {
    let mut random = Random::seed_from_u64(7);
    let levels = [(0, 10.0), (80, 13.0), (95, 10.0), (150, 6.0), (240, 20.0)];
    let level = |index: usize| levels.iter().rev().find(|(start, _)| index >= *start).map_or(0.0, |(_, level)| *level);
    let mut values: Vec<f64> = (0..300).map(|index| level(index) + 0.5 * normal(&mut random)).collect();
    values[40] = 500.0;
    values[200] = -90.0;
    let times: Vec<i64> = (0..300).map(|index| index * MINUTE).collect();
    let changes = detect(&times, &values);
    assert_eq!(changes.iter().map(|change| change.index).collect::<Vec<_>>(), [80, 95, 150, 240]);
    for (change, pair) in changes.iter().zip(levels.windows(2)) {
        assert!((change.before - pair[0].1).abs() < 0.5 && (change.after - pair[1].1).abs() < 0.5, "{change:?}");
        assert!(change.p_value < 1e-6 && !change.drift);
    }
}

#[test]
fn a_step_without_noise_is_found() {
    let mut values = vec![3.0; 20];
    values[12..].fill(4.0);
    let times: Vec<i64> = (0..20).map(|index| index * MINUTE).collect();
    let changes = detect(&times, &values);
    assert_eq!(changes.iter().map(|change| change.index).collect::<Vec<_>>(), [12]);
    assert!((changes[0].before - 3.0).abs() < 1e-9 && (changes[0].after - 4.0).abs() < 1e-9);
}

#[test]
fn a_turn_is_a_drift_from_its_onset() {
    let mut random = Random::seed_from_u64(11);
    let slope = |index: usize| if index < 60 { 0.0 } else { (index - 60) as f64 };
    let values: Vec<f64> = (0..120).map(|index| slope(index) + 0.5 * normal(&mut random)).collect();
    let times: Vec<i64> = (0..120).map(|index| index * MINUTE).collect();
    let changes = detect(&times, &values);
    assert_eq!(changes.len(), 1);
    assert!(changes[0].drift && changes[0].index.abs_diff(60) <= 3, "{changes:?}");
    assert!((changes[0].after - 59.0).abs() < 1.0);
}

#[test]
fn scale_and_place_of_the_values_do_not_matter() {
    let mut random = Random::seed_from_u64(3);
    let mut values = each(120, &mut random, normal);
    values[70..].iter_mut().for_each(|value| *value += 3.0);
    let times: Vec<i64> = (0..120).map(|index| index * MINUTE).collect();
    let places = |values: &[f64]| detect(&times, values).iter().map(|change| change.index).collect::<Vec<_>>();
    let expected = places(&values);
    assert_eq!(expected.len(), 1);
    for (factor, shift) in [(1e-9, 0.0), (1e12, 5e12), (-2.0, 100.0)] {
        let moved: Vec<f64> = values.iter().map(|value| factor * value + shift).collect();
        assert_eq!(places(&moved), expected);
    }
}

#[test]
fn degenerate_series_are_survived() {
    let times: Vec<i64> = (0..30).map(|index| index * MINUTE).collect();
    for values in [
        vec![0.0; 30],
        vec![f64::MAX; 30],
        vec![f64::MIN_POSITIVE; 30],
        (0..30).map(|index| f64::from(index % 2) * f64::MAX).collect(),
    ] {
        detect(&times, &values);
    }
    for length in 0..4 {
        assert!(detect(&times[..length], &[1.0, 2.0, 1.0, 2.0][..length]).is_empty());
    }
    assert!(detect(&[5; 30], &vec![1.0; 30]).is_empty());
}
