//! How often a slow change is told as one drift, and a step beside a season as one step, on simulated series.

use change_point::detect::{Change, detect, detect_after};
use negawatt_skill::{Dice, Series, Window};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;

fn minutes(values: &[f64]) -> Vec<Change> {
    let times: Vec<i64> = (0..values.len() as i64).map(|index| index * MINUTE).collect();
    detect(&times, values)
}

/// A way of a height between two parts of a series, in noise.
fn ramp(length: usize, phi: f64, height: f64, from: f64, to: f64, seed: u64) -> Vec<f64> {
    let way = |index: usize| ((index as f64 / length as f64 - from) / (to - from)).clamp(0.0, 1.0);
    let noise = Dice::new(seed).remembering(phi, length);
    noise.iter().enumerate().map(|(index, noise)| 10.0 + height * way(index) + noise).collect()
}

#[test]
fn a_slow_change_is_one_drift_from_its_onset() {
    for (length, phi, height, from, to, near) in [
        (300, 0.3, 6.0, 0.3, 0.6, 0.06),
        (300, 0.0, -40.0, 0.3, 0.8, 0.02),
        (600, 0.3, 4.0, 0.2, 0.8, 0.15),
        (600, 0.6, 8.0, 0.3, 0.9, 0.1),
        (2880, 0.4, 4.0, 0.4, 0.7, 0.05),
    ] {
        let good = (0..10).filter(|seed| {
            let found = minutes(&ramp(length, phi, height, from, to, *seed));
            matches!(&found[..], [one] if one.drift
                && (one.index as f64 / length as f64 - from).abs() <= near
                && (one.before - 10.0).abs() < 1.0
                && (one.after - 10.0 - height).abs() < 1.0)
        });
        let good = good.count();
        assert!(good >= 9, "{height} in {length} from {from} to {to}: {good} of 10");
    }
}

#[test]
fn steps_and_levels_that_wander_are_no_drifts() {
    let drifts = |found: &[Change]| found.iter().any(|change| change.drift);
    let mut told = 0;
    for seed in 0..15 {
        let mut dice = Dice::new(seed);
        for (length, phi, height) in [(100, 0.0, 4.0), (300, 0.6, 5.0), (600, 0.0, 10.0)] {
            let mut values = dice.remembering(phi, length);
            values[length / 2..].iter_mut().for_each(|value| *value += height);
            told += usize::from(drifts(&minutes(&values)));
        }
        let mut level = 0.0;
        let steps = dice.remembering(0.0, 300);
        let walk: Vec<f64> = steps
            .iter()
            .map(|step| {
                level += step;
                level
            })
            .collect();
        told += usize::from(drifts(&minutes(&walk)));
        told += usize::from(drifts(&minutes(&dice.remembering(0.95, 300))));
    }
    assert!(told <= 1, "{told} of 75");
}

#[test]
fn changes_of_a_level_that_wanders_are_hardly_believed() {
    let mut dice = Dice::new(5);
    let mut step = dice.remembering(0.3, 200);
    step[120..].iter_mut().for_each(|value| *value += 4.0);
    let found = minutes(&step);
    assert!(found.len() == 1 && found[0].believed > 0.999, "{found:?}");
    let mut unbelieved = 0;
    for seed in 0..20 {
        let mut level = 0.0;
        let steps = Dice::new(seed).remembering(0.0, 300);
        let walk: Vec<f64> = steps
            .iter()
            .map(|step| {
                level += step;
                level
            })
            .collect();
        unbelieved += usize::from(minutes(&walk).iter().all(|change| change.believed < 0.5));
    }
    assert!(unbelieved >= 18, "{unbelieved} of 20");
}

/// The shapes of a day, from −1 to about 1, by the hour.
fn shape(kind: usize, hour: f64) -> f64 {
    match kind {
        0 => (std::f64::consts::TAU * hour / 24.0).sin(),
        1 if (8.0..17.5).contains(&hour) => 1.0,
        1 => -1.0,
        _ => 2.0 * (0.5 + 0.5 * (std::f64::consts::TAU * (hour - 14.0) / 24.0).cos()).powi(4) - 0.7,
    }
}

/// Days before a window and in it, every ten minutes from any time of the day on, with a step somewhere in the window; and the place
/// of the step in it.
fn seasonal(kind: usize, before: f64, days: f64, height: f64, dice: &mut Dice) -> (Series, Series, usize) {
    let (before, length) = ((before * 144.0) as i64, (days * 144.0) as i64);
    let offset = dice.below(1000) as i64 * 10 * MINUTE + 3 * MINUTE;
    let size = 6.0 + 4.0 * dice.unit();
    let place = (length as f64 * (0.3 + 0.4 * dice.unit())) as i64;
    let noise = dice.remembering(0.3, (before + length) as usize);
    let mut series = Series::default();
    for (index, noise) in (0..).zip(noise) {
        let time = offset + index * 10 * MINUTE;
        let step = if index >= before + place { height } else { 0.0 };
        series.times.push(time);
        series.values.push(50.0 + size * shape(kind, time.rem_euclid(DAY) as f64 / 3.6e9) + step + noise);
    }
    let start = offset + before * 10 * MINUTE;
    let part = |start, end| series.slice(Window { start, end });
    (part(i64::MIN, start), part(start, i64::MAX), place as usize)
}

#[test]
fn a_season_is_no_change_and_a_step_beside_it_is_one() {
    for (before, days) in [(0.0, 3.0), (5.0, 1.0), (14.0, 0.6)] {
        for kind in 0..3 {
            let (mut quiet, mut placed) = (0, 0);
            for seed in 0..6 {
                let find = |height: f64| {
                    let mut dice = Dice::new(seed);
                    let (earlier, window, place) = seasonal(kind, before, days, height, &mut dice);
                    let found = detect_after(&window.times, &window.values, || Ok::<_, ()>(earlier));
                    (found.expect("earlier periods are known").changes, place)
                };
                quiet += usize::from(find(0.0).0.is_empty());
                let (found, place) = find(4.0);
                placed += usize::from(matches!(&found[..], [one] if one.index.abs_diff(place) <= 3));
            }
            assert!(quiet >= 5 && placed >= 5, "shape {kind}, {before} days before {days}: {quiet} and {placed} of 6");
        }
    }
}

#[test]
fn earlier_periods_are_asked_for_only_where_they_could_matter() {
    let noise = Dice::new(1).remembering(0.0, 200);
    let times: Vec<i64> = (0..200).map(|index| index * MINUTE).collect();
    let found = detect_after(&times, &noise, || Err("asked"));
    assert_eq!(found.map(|found| found.changes), Ok(Vec::new()));
    let step: Vec<f64> =
        noise.iter().enumerate().map(|(index, value)| value + if index < 90 { 0.0 } else { 5.0 }).collect();
    assert_eq!(detect_after(&times, &step, || Err("asked")), Err("asked"));
}

/// A level that stays while its noise becomes four times as large, or a quarter of it.
#[test]
fn a_change_of_spread_is_no_change_of_level() {
    let times: Vec<i64> = (0..400).map(|index| index * MINUTE).collect();
    let changed = (0..40).filter(|seed| {
        let noise = Dice::new(900 + seed).remembering(if seed % 2 == 0 { 0.0 } else { 0.5 }, 400);
        let spread = |index: usize| if (index < 200) == (seed % 4 < 2) { 1.0 } else { 4.0 };
        let values: Vec<f64> = noise.iter().enumerate().map(|(index, noise)| 50.0 + spread(index) * noise).collect();
        !detect(&times, &values).is_empty()
    });
    let changed = changed.count();
    assert!(changed <= 4, "{changed} of 40");
}
