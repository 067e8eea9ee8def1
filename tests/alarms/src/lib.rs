//! How often the watch raises a false alarm in noise of realistic kinds, and how soon it finds a step: a stream of observations,
//! looked at again and again as a pass does.
//!
//! The skills' own computation runs here natively, since thousands of days of looks in the sandbox take hours; the rule is that of
//! `negawatt-watch` itself. Of the skills that dismiss only `seasonality` is asked: the others would only make alarms fewer.

pub mod noise;
pub mod stream;

use negawatt_host::model::Window;
use negawatt_skill::dice::Dice;
use negawatt_skill::time::{DAY, HOUR, MINUTE};

use crate::noise::Noise;
use crate::stream::{Alarm, Stream, window};

/// 2023-11-13T00:00:00Z, a Monday.
const MONDAY: i64 = 1_699_833_600_000_000;

/// The days before that the skills may see.
const BEFORE: i64 = 28 * DAY;

/// The false alarms of one series of a kind over so many days; each seed begins on another hour of the week.
pub fn false_alarms(noise: Noise, seed: u64, days: u64, minutes: u64) -> usize {
    let start = MONDAY + (seed % 168) as i64 * HOUR;
    let end = start + days as i64 * DAY;
    let stream = stream(noise, seed, start, end, |_| 0.0);
    stream.alarms(start, end, minutes as i64 * MINUTE).len()
}

/// How many minutes after a step it is found, within an hour; absent where it is not. The step is so many times as high as the noise.
pub fn power(seed: u64, height: f64, minutes: u64) -> Option<i64> {
    let start = MONDAY + (seed % 168) as i64 * HOUR;
    // Looks do not begin with the step.
    let step = start + (seed % minutes) as i64 * MINUTE + 7 * MINUTE / 3;
    let noise = 1.0 / height;
    let mut dice = Dice::new(seed);
    let remembering = if seed.is_multiple_of(2) { 0.0 } else { 0.5 };
    let window = Window { start: start - self::window(), end: start + 2 * HOUR };
    let times: Vec<i64> = (window.start..window.end).step_by(MINUTE as usize).collect();
    let wave = dice.remembering(remembering, times.len());
    let level = |time: i64| if time >= step { 101.0 } else { 100.0 };
    let values = times.iter().zip(wave).map(|(time, wave)| level(*time) + noise * wave).collect();
    let series = negawatt_skill::Series { times, values };
    let stream = Stream::new(series, &negawatt_skill::Series::default(), Stream::rule());
    let alarms = stream.alarms(start, step + HOUR, minutes as i64 * MINUTE);
    let near = |alarm: &&Alarm| alarm.change.time.abs_diff(step) <= alarm.within + MINUTE.unsigned_abs();
    alarms.iter().find(near).map(|alarm| (alarm.at - step) / MINUTE)
}

/// A series of a kind that is looked at from `start` on, shifted by a part of its level.
pub fn stream(noise: Noise, seed: u64, start: i64, end: i64, shift: impl Fn(i64) -> f64) -> Stream {
    let mut dice = Dice::new(seed);
    let from = start - self::window();
    let all = noise.series(seed, &mut dice, Window { start: from - BEFORE, end });
    let mut series = all.slice(negawatt_skill::Window { start: from, end });
    series.times.iter().zip(&mut series.values).for_each(|(time, value)| *value += 100.0 * shift(*time));
    let earlier = all.slice(negawatt_skill::Window { start: from - BEFORE, end: from });
    Stream::new(series, &earlier.binned(5 * MINUTE as u64), Stream::rule())
}
