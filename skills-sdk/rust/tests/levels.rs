//! How often tests see a change where there is none, and whether they see one where there is.

use negawatt_skill::{Dice, stats};

type Noise = fn(&mut Dice) -> f64;

fn autoregression(dice: &mut Dice, count: usize, phi: f64, noise: Noise) -> Vec<f64> {
    let mut value = 0.0;
    let mut next = || {
        value = phi * value + noise(dice);
        value
    };
    (0..100).for_each(|_| _ = next());
    (0..count).map(|_| next()).collect()
}

const RUNS: usize = 2_000;

/// The part of series without a change in which a test at 1 % sees one.
fn false_positives(phi: f64, noise: Noise, before: usize, after: usize, test: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    let mut dice = Dice::new(1);
    let seen = (0..RUNS).filter(|_| {
        let values = autoregression(&mut dice, before + after, phi, noise);
        let (before, after) = values.split_at(before);
        test(before, after) < 0.01
    });
    seen.count() as f64 / RUNS as f64
}

fn a_shift_of_the_mean_is_not_seen(noise: Noise) {
    for phi in [0.0, 0.3, 0.6, 0.8] {
        // Far more runs say 1.9 % for 15 and 15, where 2,000 may well show more: three standard errors are 0.9 points.
        for (before, after, most) in [(15, 15, 0.028), (30, 30, 0.02), (50, 50, 0.02), (160, 40, 0.02), (40, 160, 0.02)]
        {
            let rate = false_positives(phi, noise, before, after, |before, after| {
                stats::mean_shift(before, after).unwrap().p_value
            });
            assert!(rate <= most, "{rate} with φ = {phi}, {before} before and {after} after");
        }
    }
}

#[test]
fn a_shift_of_the_mean_is_not_seen_in_normal_noise() {
    a_shift_of_the_mean_is_not_seen(Dice::normal);
}

#[test]
fn a_shift_of_the_mean_is_not_seen_in_heavy_tailed_noise() {
    a_shift_of_the_mean_is_not_seen(Dice::heavy);
}

#[test]
fn the_test_for_independent_values_would_see_it() {
    // Otherwise the test above would prove nothing.
    let rate =
        false_positives(0.6, Dice::normal, 50, 50, |before, after| stats::welch_of(before, after).unwrap().p_value);
    assert!(rate > 0.1, "{rate}");
}

#[test]
fn ranks_of_independent_values_keep_their_level() {
    for noise in [Dice::normal as Noise, Dice::heavy] {
        let rate = false_positives(0.0, noise, 40, 25, |before, after| stats::mann_whitney(before, after).unwrap());
        assert!((0.004..=0.016).contains(&rate), "{rate}");
    }
}

#[test]
fn a_shift_of_the_mean_is_seen_where_there_is_one() {
    let mut dice = Dice::new(2);
    for (phi, shift) in [(0.0, 1.0), (0.6, 2.5), (0.8, 4.5)] {
        let seen = (0..500).filter(|_| {
            let mut values = autoregression(&mut dice, 200, phi, Dice::normal);
            values[100..].iter_mut().for_each(|value| *value += shift);
            let (before, after) = values.split_at(100);
            stats::mean_shift(before, after).unwrap().p_value < 0.01
        });
        let power = seen.count() as f64 / 500.0;
        assert!(power > 0.9, "{power} with φ = {phi}");
    }
}

#[test]
fn the_coefficient_is_estimated_without_bias() {
    let mut dice = Dice::new(3);
    for phi in [0.3, 0.6, 0.8] {
        let estimates: Vec<f64> = (0..2_000)
            .map(|_| {
                let values = autoregression(&mut dice, 100, phi, Dice::normal);
                let (before, after) = values.split_at(50);
                stats::ar1(&[before, after])
            })
            .collect();
        let mean = stats::mean(&estimates).unwrap();
        assert!((mean - phi).abs() < 0.02, "{mean} instead of {phi}");
    }
}

#[test]
fn the_effective_size_is_that_of_the_variance_of_means() {
    let mut dice = Dice::new(4);
    for phi in [0.0, 0.5, 0.8] {
        let means: Vec<f64> =
            (0..8_000).map(|_| stats::mean(&autoregression(&mut dice, 40, phi, Dice::normal)).unwrap()).collect();
        let variance_of_values = 1.0 / (1.0 - phi * phi);
        let measured = variance_of_values / stats::variance(&means).unwrap();
        let expected = stats::effective_size(40, phi);
        assert!((measured / expected - 1.0).abs() < 0.06, "{measured} instead of {expected} with φ = {phi}");
    }
}

#[test]
fn the_long_run_variance_follows_the_dependence() {
    let mut dice = Dice::new(5);
    let estimates: Vec<f64> = (0..300)
        .map(|_| stats::long_run_variance(&autoregression(&mut dice, 2_000, 0.5, Dice::normal), None).unwrap())
        .collect();
    // 1 / (1 − φ)²; Bartlett's kernel comes out somewhat low.
    let mean = stats::mean(&estimates).unwrap();
    assert!((3.4..4.2).contains(&mean), "{mean}");
}
