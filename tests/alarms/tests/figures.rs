//! Few false alarms, and no step missed: with seeds of their own, which nothing was developed on. The whole figures are printed by
//! the program of this package, and are in docs/watch.md.

use negawatt_alarms::noise::Noise;
use negawatt_alarms::{false_alarms, power, stream};
use negawatt_skill::time::{HOUR, MINUTE};

const SEED: u64 = 52_000;

/// One alarm in 1,000 series-days is allowed; in so few any is too many.
fn assert_quiet(noise: Noise) {
    let alarms: usize = (0..3).map(|n| false_alarms(noise, SEED + n, 1, 60)).sum();
    assert_eq!(alarms, 0, "{noise:?}");
}

#[test]
fn autocorrelated_noise_is_quiet() {
    assert_quiet(Noise::Autocorrelated);
}

#[test]
fn heavy_tails_are_quiet() {
    assert_quiet(Noise::HeavyTailed);
}

#[test]
fn seasons_are_quiet() {
    assert_quiet(Noise::Seasonal);
}

#[test]
fn missing_observations_are_quiet() {
    assert_quiet(Noise::Missing);
}

#[test]
fn counters_that_begin_anew_are_quiet() {
    assert_quiet(Noise::Resets);
}

#[test]
fn low_counts_are_quiet() {
    assert_quiet(Noise::LowCounts);
}

/// The same noise is not quiet where it changes: what counts alarms can count them.
#[test]
fn a_change_in_each_kind_of_noise_raises_one_alarm() {
    for noise in Noise::ALL {
        let start = 1_699_833_600_000_000;
        let step = start + 3 * HOUR;
        let shifted = |time| if time >= step { 2.0 } else { 0.0 };
        let alarms = stream(noise, SEED, start, start + 5 * HOUR, shifted).alarms(start, start + 5 * HOUR, HOUR);
        assert_eq!(alarms.len(), 1, "{noise:?}: {alarms:?}");
        assert!(alarms[0].change.time.abs_diff(step) <= alarms[0].within.max(5 * MINUTE as u64), "{noise:?}");
    }
}

#[test]
fn a_step_of_one_percent_that_can_be_seen_is_found_within_an_hour() {
    // Noise of 0.5 and of 0.2 %; half of the series remember.
    for (height, least) in [(2.0, 9), (5.0, 10)] {
        let found: Vec<i64> = (0..10).filter_map(|n| power(SEED + n, height, 10)).collect();
        assert!(found.len() >= least, "{height}: {found:?}");
        assert!(found.iter().all(|minutes| (0..=60).contains(minutes)), "{found:?}");
    }
}

/// Beside a season that is several times as large.
#[test]
fn a_step_in_a_season_is_found() {
    let start = 1_699_833_600_000_000;
    let step = start + 3 * HOUR;
    let found = (0..6).filter(|n| {
        let shifted = |time| if time >= step { 0.15 } else { 0.0 };
        let stream = stream(Noise::Seasonal, SEED + n, start, start + 6 * HOUR, shifted);
        stream.alarms(start, start + 6 * HOUR, HOUR).iter().any(|alarm| alarm.change.time.abs_diff(step) <= HOUR as u64)
    });
    let found = found.count();
    assert!(found >= 5, "{found} of 6");
}
