//! What is taken for a season and what is not, on simulated series.

use negawatt_skill::season::Season;
use negawatt_skill::{Series, time};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seasonality::recurrence::{Recurrence, Rise, clearness, recurrence};

type Random = ChaCha8Rng;

const STEP: i64 = 10 * time::MINUTE;

fn normal(random: &mut Random) -> f64 {
    let uniform: f64 = 1.0 - random.random::<f64>();
    (-2.0 * uniform.ln()).sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Days from a Monday on, every ten minutes, with noise of variance 1 that remembers with 0.4, and days that are not quite equal.
fn days(count: i64, seed: u64, value: impl Fn(i64, f64) -> f64) -> Series {
    let mut random = Random::seed_from_u64(seed);
    let mut noise = normal(&mut random);
    let mut series = Series::default();
    for day in 0..count {
        let strength = 1.0 + 0.08 * normal(&mut random);
        for step in 0..144 {
            noise = 0.4 * noise + 0.84_f64.sqrt() * normal(&mut random);
            series.times.push(4 * time::DAY + day * time::DAY + step * STEP);
            series.values.push(50.0 + strength * value(day, step as f64 / 6.0) + noise);
        }
    }
    series
}

fn wave(hour: f64) -> f64 {
    -10.0 * (std::f64::consts::TAU * (hour - 2.0) / 24.0).cos()
}

fn office(hour: f64) -> f64 {
    if (8.0..17.0).contains(&hour) { 12.0 } else { 0.0 }
}

/// A change at an hour of a day between two hours of it.
fn rise(day: i64, from: f64, at: f64, until: f64, height: f64) -> Rise {
    let time = |hour: f64| 4 * time::DAY + day * time::DAY + (hour * 3600.0) as i64 * time::SECOND;
    Rise { from: time(from), at: time(at), until: time(until), height }
}

/// The part of 20 series in which a sure change (0.99) loses.
fn dismissed(found: impl Fn(u64) -> Option<Recurrence>) -> f64 {
    (0..20).filter(|seed| found(*seed).is_some_and(|found| found.confidence > 0.99)).count() as f64 / 20.0
}

#[test]
fn the_rise_of_every_day_is_dismissed() {
    let part = dismissed(|seed| recurrence(&days(8, seed, |_, hour| wave(hour)), &rise(7, 2.0, 8.0, 14.0, 14.0)));
    assert!(part >= 0.9, "a wave: {part}");
    let part = dismissed(|seed| recurrence(&days(8, seed, |_, hour| office(hour)), &rise(7, 0.0, 8.0, 17.0, 12.0)));
    assert!(part >= 0.9, "office hours: {part}");
}

#[test]
fn mondays_are_compared_with_working_days() {
    let working = |day: i64, hour: f64| if day % 7 < 5 { office(hour) } else { 0.0 };
    let part = dismissed(|seed| recurrence(&days(8, seed, working), &rise(7, 0.0, 8.0, 17.0, 12.0)));
    assert!(part >= 0.6, "{part}");
}

#[test]
fn a_step_on_top_of_a_season_is_not() {
    // At the very time of the daily rise, half as high.
    let stepped = |day: i64, hour: f64| office(hour) + if day == 7 && hour >= 8.0 { 6.0 } else { 0.0 };
    assert_eq!(dismissed(|seed| recurrence(&days(8, seed, stepped), &rise(7, 0.0, 8.0, 17.0, 18.0))), 0.0);
    // What is found of it once the season is taken off.
    assert_eq!(dismissed(|seed| recurrence(&days(8, seed, stepped), &rise(7, 0.0, 8.0, 24.0, 6.0))), 0.0);
    // In the middle of the day.
    let stepped = |day: i64, hour: f64| wave(hour) + if day == 7 && hour >= 12.0 { 8.0 } else { 0.0 };
    assert_eq!(dismissed(|seed| recurrence(&days(8, seed, stepped), &rise(7, 0.0, 12.0, 24.0, 8.0))), 0.0);
}

#[test]
fn a_step_without_a_season_and_a_growing_staircase_are_not() {
    let step = |day: i64, hour: f64| if day == 7 && hour >= 10.0 { 5.0 } else { 0.0 };
    assert_eq!(dismissed(|seed| recurrence(&days(8, seed, step), &rise(7, 0.0, 10.0, 24.0, 5.0))), 0.0);
    let stairs = |day: i64, hour: f64| 5.0 * (day as f64 + if hour >= 10.0 { 1.0 } else { 0.0 });
    assert_eq!(dismissed(|seed| recurrence(&days(8, seed, stairs), &rise(7, 0.0, 10.0, 24.0, 5.0))), 0.0);
    assert_eq!(recurrence(&days(1, 1, step), &rise(0, 0.0, 10.0, 24.0, 5.0)), None, "nothing to compare with");
}

/// How clear the season of a day is for a window of the last day.
fn clear(series: &Series) -> Option<f64> {
    clearness(series, series.len() - 144, &Season::of(series, time::DAY.unsigned_abs())?)
}

#[test]
fn a_clear_season_is_a_reason_and_noise_is_none() {
    for seed in 0..20 {
        assert!(clear(&days(6, seed, |_, hour| wave(hour))).is_some_and(|clear| clear > 0.9));
        for length in [2, 3, 8] {
            assert_eq!(clear(&days(length, seed, |_, _| 0.0)), None);
            // Nor is a slope one, nor a step from one day to the next.
            assert_eq!(clear(&days(length, seed, |day, hour| 30.0 * day as f64 + 1.25 * hour)), None);
            assert_eq!(clear(&days(length, seed, |day, _| if day + 1 == length { 20.0 } else { 0.0 })), None);
        }
    }
}

#[test]
fn a_level_that_wanders_is_seldom_a_season() {
    let wandering = |length: i64, seed: u64| {
        let mut random = Random::seed_from_u64(seed);
        let mut series = days(length, seed, |_, _| 0.0);
        let mut level = 0.0;
        for value in &mut series.values {
            level += normal(&mut random);
            *value = level;
        }
        series
    };
    let found = (0..60).filter(|seed| clear(&wandering(2 + *seed as i64 % 6, *seed)).is_some()).count();
    assert!(found <= 1, "{found} of 60");
}
