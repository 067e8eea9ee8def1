//! How often tests see a change where there is none, and whether they see one where there is.

use negawatt_skill::stats;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Uniform inside of 0 and 1.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Box and Muller's transform.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (-2.0 * uniform(random).ln()).sqrt() * (std::f64::consts::TAU * uniform(random)).cos()
}

/// Student's distribution with three degrees of freedom: heavy tails, infinite kurtosis.
fn heavy(random: &mut ChaCha8Rng) -> f64 {
    let squares: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
    normal(random) / (squares / 3.0).sqrt()
}

type Noise = fn(&mut ChaCha8Rng) -> f64;

fn autoregression(random: &mut ChaCha8Rng, count: usize, phi: f64, noise: Noise) -> Vec<f64> {
    let mut value = 0.0;
    let mut next = || {
        value = phi * value + noise(random);
        value
    };
    (0..100).for_each(|_| _ = next());
    (0..count).map(|_| next()).collect()
}

const RUNS: usize = 2_000;

/// The part of series without a change in which a test at 1 % sees one.
fn false_positives(phi: f64, noise: Noise, before: usize, after: usize, test: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let seen = (0..RUNS).filter(|_| {
        let values = autoregression(&mut random, before + after, phi, noise);
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
    a_shift_of_the_mean_is_not_seen(normal);
}

#[test]
fn a_shift_of_the_mean_is_not_seen_in_heavy_tailed_noise() {
    a_shift_of_the_mean_is_not_seen(heavy);
}

#[test]
fn the_test_for_independent_values_would_see_it() {
    // Otherwise the test above would prove nothing.
    let rate = false_positives(0.6, normal, 50, 50, |before, after| stats::welch_of(before, after).unwrap().p_value);
    assert!(rate > 0.1, "{rate}");
}

#[test]
fn ranks_of_independent_values_keep_their_level() {
    for noise in [normal as Noise, heavy] {
        let rate = false_positives(0.0, noise, 40, 25, |before, after| stats::mann_whitney(before, after).unwrap());
        assert!((0.004..=0.016).contains(&rate), "{rate}");
    }
}

#[test]
fn a_shift_of_the_mean_is_seen_where_there_is_one() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for (phi, shift) in [(0.0, 1.0), (0.6, 2.5), (0.8, 4.5)] {
        let seen = (0..500).filter(|_| {
            let mut values = autoregression(&mut random, 200, phi, normal);
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
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for phi in [0.3, 0.6, 0.8] {
        let estimates: Vec<f64> = (0..2_000)
            .map(|_| {
                let values = autoregression(&mut random, 100, phi, normal);
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
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for phi in [0.0, 0.5, 0.8] {
        let means: Vec<f64> =
            (0..8_000).map(|_| stats::mean(&autoregression(&mut random, 40, phi, normal)).unwrap()).collect();
        let variance_of_values = 1.0 / (1.0 - phi * phi);
        let measured = variance_of_values / stats::variance(&means).unwrap();
        let expected = stats::effective_size(40, phi);
        assert!((measured / expected - 1.0).abs() < 0.06, "{measured} instead of {expected} with φ = {phi}");
    }
}

#[test]
fn the_long_run_variance_follows_the_dependence() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let estimates: Vec<f64> = (0..300)
        .map(|_| stats::long_run_variance(&autoregression(&mut random, 2_000, 0.5, normal), None).unwrap())
        .collect();
    // 1 / (1 − φ)²; Bartlett's kernel comes out somewhat low.
    let mean = stats::mean(&estimates).unwrap();
    assert!((3.4..4.2).contains(&mean), "{mean}");
}
