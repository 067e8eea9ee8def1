//! What is taken for gone and what is not, on simulated series.

use negawatt_skill::{Dice, Series};
use went_away::excursion::{Excursion, Level, excursion};

const MINUTE: i64 = 60_000_000;

/// A series of a length by the minute with levels from places on, and noise of variance 1 that remembers with `phi`.
fn series(length: usize, levels: &[(usize, f64)], phi: f64, dice: &mut Dice) -> Series {
    let level = |index: usize| levels.iter().rev().find(|(start, _)| *start <= index).map_or(0.0, |(_, level)| *level);
    let noise = dice.remembering(phi, length);
    let values = noise.iter().enumerate().map(|(index, noise)| level(index) + noise).collect();
    Series { times: (0..length as i64).map(|index| index * MINUTE).collect(), values }
}

/// The changes as a skill that finds them exactly says.
fn changes(levels: &[(usize, f64)]) -> Vec<Level> {
    let pairs = levels.windows(2);
    let step = |pair: &[(usize, f64)]| Level {
        start: pair[1].0 as i64 * MINUTE,
        before: pair[0].1,
        after: pair[1].1,
        slow: false,
    };
    pairs.map(step).collect()
}

fn of(length: usize, levels: &[(usize, f64)], phi: f64, seed: u64) -> Option<Excursion> {
    let series = series(length, levels, phi, &mut Dice::new(seed));
    excursion(&series, &changes(levels), 0, length as i64 * MINUTE)
}

/// The part of 40 series whose change a sure one (0.99) loses to.
fn dismissed(length: usize, levels: &[(usize, f64)], phi: f64) -> f64 {
    let hits = (0..40).filter(|seed| of(length, levels, phi, *seed).is_some_and(|found| found.confidence > 0.99));
    hits.count() as f64 / 40.0
}

#[test]
fn a_spike_that_went_away_is_dismissed() {
    for phi in [0.0, 0.4] {
        let part = dismissed(300, &[(0, 10.0), (100, 15.0), (130, 10.0)], phi);
        assert!(part >= 0.9, "memory {phi}: {part}");
    }
    let part = dismissed(120, &[(0, 10.0), (60, 14.0), (72, 10.0)], 0.2);
    assert!(part >= 0.85, "{part}");
}

#[test]
fn what_is_not_back_is_not_dismissed() {
    for (left, most) in [(0.8, 0.0), (0.5, 0.0), (0.3, 0.05)] {
        let part = dismissed(300, &[(0, 10.0), (100, 16.0), (130, 10.0 + 6.0 * left)], 0.2);
        assert!(part <= most, "{left} of the change is left: {part}");
    }
    assert_eq!(of(300, &[(0, 10.0), (100, 15.0)], 0.0, 1), None, "a step that stays");
}

#[test]
fn a_part_that_remains_beyond_all_doubt_is_not_overlooked() {
    // So little noise that the p-value of what remains underflows to 0.
    let levels = [(0, 10.0), (100, 16.0), (130, 11.2)];
    let mut series = series(300, &[(0, 0.0)], 0.0, &mut Dice::new(1));
    for (index, value) in series.values.iter_mut().enumerate() {
        *value = 1e-6 * *value + levels[usize::from(index >= 100) + usize::from(index >= 130)].1;
    }
    let found = excursion(&series, &changes(&levels), 0, 300 * MINUTE);
    assert!(found.is_none_or(|found| found.confidence < 0.01), "{found:?}");
}

#[test]
fn it_must_be_back_for_as_long_as_it_was_away() {
    let spike = |back_at: usize, length: usize| of(length, &[(0, 10.0), (100, 30.0), (back_at, 10.0)], 0.0, 5);
    assert!(spike(150, 200).is_some(), "as long to the minute");
    assert_eq!(spike(150, 199), None, "a minute less");
    assert_eq!(spike(195, 200), None, "back at the very end");
    let found = spike(120, 200).expect("back for long");
    assert_eq!((found.away, found.back, found.back_at), (1_200_000_000, 4_800_000_000, 120 * MINUTE));
}

#[test]
fn several_spikes_count_together() {
    let spikes = |length| of(length, &[(0, 10.0), (50, 20.0), (60, 10.0), (100, 20.0), (120, 10.0)], 0.0, 3);
    let found = spikes(150).expect("thirty minutes away in all, thirty back");
    assert_eq!((found.away, found.back), (1_800_000_000, 1_800_000_000));
    assert_eq!(spikes(149), None);
}

#[test]
fn better_than_before_is_back_too_and_a_new_rise_is_not() {
    let found = of(300, &[(0, 10.0), (100, 16.0), (130, 7.0)], 0.0, 2).expect("better than before");
    assert!(found.confidence > 0.99 && found.remaining < 0.0);
    assert_eq!(of(300, &[(0, 10.0), (100, 16.0), (130, 10.0), (200, 18.0)], 0.0, 2), None);
}

#[test]
fn a_slow_return_counts_from_its_end() {
    let mut dice = Dice::new(9);
    let mut series = series(300, &[(0, 10.0)], 0.0, &mut dice);
    for index in 100..150 {
        series.values[index] += 10.0 * (1.0 - (index - 100) as f64 / 50.0);
    }
    let levels = [
        Level { start: 100 * MINUTE, before: 10.0, after: 20.0, slow: false },
        Level { start: 102 * MINUTE, before: 20.0, after: 10.0, slow: true },
    ];
    let found = excursion(&series, &levels, 0, 300 * MINUTE).expect("back");
    assert!((40 * MINUTE..=55 * MINUTE).contains(&(found.away as i64)), "{found:?}");
    assert!(found.confidence > 0.99);
}

#[test]
fn series_that_end_early_or_say_little_are_survived() {
    let levels = [(0, 10.0), (10, 20.0), (15, 10.0)];
    let all = series(40, &levels, 0.0, &mut Dice::new(1));
    for length in 0..=40 {
        let part = Series { times: all.times[..length].to_vec(), values: all.values[..length].to_vec() };
        let found = excursion(&part, &changes(&levels), 0, 40 * MINUTE);
        assert!(length >= 20 || found.is_none(), "{length} observations: {found:?}");
    }
    let constant = Series { times: all.times.clone(), values: vec![1.0; 40] };
    assert_eq!(excursion(&constant, &changes(&levels), 0, 40 * MINUTE), None);
}
