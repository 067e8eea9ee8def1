//! Simulations of series whose change is known.

use super::*;
use crate::dice::Dice;
use crate::time::{HOUR, MINUTE};

const AT_ONCE: Causes = Causes { delays: &[(1800.0, 0.5), (14_400.0, 0.5)], prior: 0.15, most: 2.0 };

/// Normal, but one of fifteen is ten times as large.
fn with_outliers(dice: &mut Dice) -> f64 {
    let size = if dice.chance(1.0 / 15.0) { 10.0 } else { 1.0 };
    size * dice.normal()
}

fn change(time: Timestamp, size: f64, shape: Shape) -> ChangePoint {
    ChangePoint { time, before: 0.0, after: size, p_value: 1e-6, method: String::new(), shape }
}

fn every_ten_minutes(values: Vec<f64>) -> Series {
    Series { times: (0..values.len() as i64).map(|at| 10 * MINUTE * at).collect(), values }
}

/// How often the interval of a probability holds the middle of the true stretch, and how many observations it is long on
/// average, when the change was placed `off` observations from where it is.
fn coverage(
    probability: f64,
    off: i64,
    level: impl Fn(usize) -> f64,
    size: f64,
    shape: Shape,
    mut noise: impl FnMut(&mut Dice) -> f64,
) -> (f64, f64) {
    const TRIALS: u64 = 200;
    let truth = 10 * MINUTE * 100 - 5 * MINUTE;
    let (mut inside, mut length) = (0.0, 0.0);
    for seed in 0..TRIALS {
        let mut dice = Dice::new(seed * 7919 + 1);
        let series = every_ten_minutes((0..200).map(|at| level(at) + noise(&mut dice)).collect());
        let placed = change(10 * MINUTE * (100 + off), size, shape);
        let interval = ChangeTime::of_series(&series, &placed, []).expect("there is enough").interval(probability);
        inside += f64::from(interval.contains(truth));
        length += interval.length() as f64 / (10 * MINUTE) as f64;
    }
    (inside / TRIALS as f64, length / TRIALS as f64)
}

fn step(size: f64) -> impl Fn(usize) -> f64 {
    move |at| if at < 100 { 0.0 } else { size }
}

#[test]
fn the_interval_holds_the_change_wherever_it_was_placed() {
    for (size, off) in [(1.0, 0), (1.0, 4), (1.5, -3), (3.0, 2)] {
        let (inside, length) = coverage(0.9, off, step(size), size, Shape::Step, Dice::normal);
        assert!(inside > 0.85, "{size} {off}: {inside}, {length} long");
    }
    let sharp = coverage(0.9, 0, step(6.0), 6.0, Shape::Step, Dice::normal).1;
    let vague = coverage(0.9, 0, step(1.0), 1.0, Shape::Step, Dice::normal).1;
    assert!(sharp < 2.5 && vague > 4.0 * sharp, "{sharp} {vague}");
}

#[test]
fn outliers_and_memory_widen_it() {
    let (inside, _) = coverage(0.9, -3, step(3.0), 3.0, Shape::Step, with_outliers);
    assert!(inside > 0.85, "{inside}");
    let mut last = 0.0;
    let (inside, _) = coverage(0.9, 1, step(2.0), 2.0, Shape::Step, move |dice| {
        last = 0.7 * last + dice.normal();
        last
    });
    assert!(inside > 0.8, "{inside}");
}

#[test]
fn one_outlier_before_the_step_does_not_hide_what_came_after_it() {
    let mut dice = Dice::new(5);
    let mut values: Vec<f64> = (0..200).map(|at| step(2.0)(at) + dice.normal()).collect();
    values[97] = 3.5;
    (values[98], values[99]) = (0.2, -0.1);
    let time = ChangeTime::of_series(&every_ten_minutes(values), &change(970 * MINUTE, 2.0, Shape::Step), []).unwrap();
    assert!(1.0 - time.before(980 * MINUTE) > 0.3, "{:?}", time.interval(0.9));
}

#[test]
fn the_onset_of_a_drift_is_vague() {
    let drift = |at: usize| 0.05 * at.saturating_sub(99) as f64;
    let (inside, length) = coverage(0.9, 5, drift, 3.0, Shape::Drift, Dice::normal);
    assert!(inside > 0.8 && length > 5.0, "{inside} {length}");
    let ending = |at: usize| 0.1 * at.clamp(99, 140).saturating_sub(99) as f64;
    let (inside, _) = coverage(0.9, -4, ending, 4.0, Shape::Drift, Dice::normal);
    assert!(inside > 0.8, "{inside}");
    let season = |at: usize| drift(at) + (at as f64 / 72.0 * std::f64::consts::TAU).sin();
    let (inside, seasonal) = coverage(0.9, 5, season, 3.0, Shape::Drift, Dice::normal);
    assert!(inside > 0.8 && seasonal > length, "{inside} {seasonal}");
}

#[test]
fn what_came_before_is_likelier_the_closer_and_what_came_later_is_out() {
    let mut dice = Dice::new(3);
    let series = every_ten_minutes((0..200).map(|at| step(8.0)(at) + dice.normal()).collect());
    let time = ChangeTime::of_series(&series, &change(1000 * MINUTE, 8.0, Shape::Step), []).unwrap();
    let at = |minutes_before: i64| time.density((1000 - minutes_before) * MINUTE, None, &AT_ONCE);
    assert!(at(20) > 2.0 * at(120) && at(120) > 2.0 * at(900));
    assert!((at(12) / at(15)).ln().abs() < 0.5, "within a step nothing tells them apart");
    assert!(at(-5) < 0.5 * at(15) && at(-60) < 0.01 * at(15) && at(-300) < 1e-4 * at(15));
    let total: f64 = (-300..1000).map(|minute| 60.0 * at(minute)).sum();
    assert!((0.75..1.0).contains(&total), "a density over causes, cut at the series' start: {total}");
    assert!(time.density(980 * MINUTE, Some(985 * MINUTE), &AT_ONCE) < 0.15 * at(20), "it had ended");
    assert!(time.density(980 * MINUTE, Some(1100 * MINUTE), &AT_ONCE) > 0.95 * at(20));
}

#[test]
fn it_is_told_as_well_as_it_is_known() {
    let mut dice = Dice::new(3);
    let mut told = |size: f64| {
        let series = every_ten_minutes((0..200).map(|at| step(size)(at) + dice.normal()).collect());
        ChangeTime::of_series(&series, &change(1000 * MINUTE, size, Shape::Step), []).unwrap().told()
    };
    assert_eq!(told(8.0), " (10 min between observations)");
    let vague = told(1.0);
    assert!(vague.starts_with(", which began between 1970-01-01 1"), "{vague}");
    assert!(vague.ends_with(" UTC as far as the noise tells"), "{vague}");
    assert!(ChangeTime::about(0, u64::MAX).told().contains("between"));
}

#[test]
fn gaps_may_hold_the_change() {
    let times: Vec<Timestamp> = (0..100).map(|at| if at < 50 { at * MINUTE } else { at * MINUTE + 5 * HOUR }).collect();
    let series = Series { times, values: (0..100).map(|at| f64::from(at >= 50) + 0.01 * f64::from(at % 3)).collect() };
    let placed = change(50 * MINUTE + 5 * HOUR, 1.0, Shape::Step);
    let time = ChangeTime::of_series(&series, &placed, []).unwrap();
    assert_eq!(time.spacing(), MINUTE.unsigned_abs());
    assert!(time.interval(0.9).length() > 4 * HOUR.unsigned_abs());
    assert!(time.before(50 * MINUTE + 2 * HOUR) > 0.2);
}

#[test]
fn neighbouring_changes_bound_the_stretch_and_little_data_says_nothing() {
    let mut dice = Dice::new(9);
    let series = every_ten_minutes((0..60).map(|at| step(0.0)(at) + dice.normal()).collect());
    let placed = change(300 * MINUTE, 0.5, Shape::Step);
    let time = ChangeTime::of_series(&series, &placed, [250 * MINUTE, 300 * MINUTE, 350 * MINUTE]).unwrap();
    assert!(time.reach(Window { start: 0, end: HOUR * 24 }).end <= 360 * MINUTE);
    assert_eq!(ChangeTime::of_series(&series, &placed, [290 * MINUTE]), None);
    assert_eq!(ChangeTime::of_series(&Series::default(), &placed, []), None);
    let broken = Series { values: vec![f64::NAN; 60], ..series.clone() };
    assert_eq!(ChangeTime::of_series(&broken, &placed, []), None);
    assert!(ChangeTime::of_series(&series, &change(300 * MINUTE, 1.0, Shape::Variance), []).is_none());
}

#[test]
fn without_a_series_it_is_about_there() {
    let time = ChangeTime::about(0, HOUR.unsigned_abs());
    assert!((0.3..0.8).contains(&(time.before(0) - time.before(-HOUR))));
    assert!(time.before(-20 * HOUR) == 0.0 && (time.before(20 * HOUR) - 1.0).abs() < 1e-9);
    assert!(ChangeTime::about(i64::MAX, u64::MAX).density(0, None, &AT_ONCE).is_finite());
}

#[test]
fn equal_values_and_extreme_sizes_are_no_trouble() {
    for size in [0.0, 1e-300, 1e300] {
        let series = every_ten_minutes((0..40).map(|at| if at < 20 { 0.0 } else { size }).collect());
        for shape in [Shape::Step, Shape::Drift] {
            let time = ChangeTime::of_series(&series, &change(200 * MINUTE, size, shape), []);
            let density = time.map_or(1.0, |time| time.density(0, None, &AT_ONCE));
            assert!(density.is_finite() && density > 0.0, "{size} {shape:?} {density}");
        }
    }
}

#[test]
fn a_crowd_shares() {
    let window = Window { start: 0, end: 48 * HOUR };
    let near = 1e-4;
    let crowd = log_odds(&[near; 60], &[1.0; 60], window, &AT_ONCE);
    assert!(crowd.iter().map(|odds| odds.exp()).sum::<f64>() < 2.1);
    let lone = log_odds(&[near], &[1.0], window, &AT_ONCE);
    assert!((lone[0] - 2f64.ln()).abs() < 1e-9, "{lone:?}");
    let strangers = log_odds(&[near; 20], &[[1.0].as_slice(), &[0.01; 19]].concat(), window, &AT_ONCE);
    assert!(strangers[0] > lone[0] - 0.3, "what hardly counts takes little: {strangers:?}");
    assert!(log_odds(&[1e-10], &[1.0], window, &AT_ONCE)[0] >= -LEAST_LIKELY);
    assert!(log_odds(&[], &[], window, &AT_ONCE).is_empty());
}
