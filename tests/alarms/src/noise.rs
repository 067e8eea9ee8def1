//! Noise of realistic kinds, in which nothing changes.

use std::fmt::Write as _;
use std::path::Path;

use negawatt_host::Scope;
use negawatt_host::model::Transform;
use negawatt_host::model::Window;
use negawatt_host::model::metrics::Selector;
use negawatt_skill::dice::Dice;
use negawatt_skill::{Series, time};

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Neighbours are alike: first-order autoregressions of 0.5, 0.85 or 0.95.
    Autocorrelated,
    /// Student's distribution with three degrees of freedom, log-normal, or with spikes.
    HeavyTailed,
    /// Comes back by the day, or by the day and week, with noise that remembers.
    Seasonal,
    /// One in ten observations is missing, and stretches of up to an hour.
    Missing,
    /// The rate of a counter that begins anew about once in five hours, which loses what was counted since the last sample.
    Resets,
    /// Counts of 2, or of 0.2, in a minute.
    LowCounts,
}

impl Noise {
    /// All of them.
    pub const ALL: [Noise; 6] =
        [Noise::Autocorrelated, Noise::HeavyTailed, Noise::Seasonal, Noise::Missing, Noise::Resets, Noise::LowCounts];

    /// One value each minute of a window, of the `variant`th form of this kind, about a level of 100 with noise of five to fifty percent.
    pub fn series(self, variant: u64, dice: &mut Dice, window: Window) -> Series {
        let times: Vec<i64> = (window.start..window.end).step_by(time::MINUTE as usize).collect();
        let n = times.len();
        let form = variant % 3;
        let values: Vec<f64> = match self {
            Noise::Autocorrelated => about(&dice.remembering([0.5, 0.85, 0.95][form as usize], n), 10.0),
            Noise::HeavyTailed => times
                .iter()
                .map(|_| match form {
                    0 => 100.0 + 6.0 * dice.heavy(),
                    1 => 100.0 * (0.5 * dice.normal()).exp(),
                    _ => 100.0 + 10.0 * dice.normal() + if dice.chance(0.03) { 200.0 * dice.unit() } else { 0.0 },
                })
                .collect(),
            Noise::Seasonal => {
                let noise = dice.remembering(0.5, n);
                let season = |time: i64| 30.0 * day(time) + if form == 0 { 0.0 } else { 15.0 * week(time) };
                times.iter().zip(noise).map(|(time, noise)| 100.0 + season(*time) + 5.0 * noise).collect()
            }
            Noise::Missing => about(&dice.remembering(0.5, n), 10.0),
            Noise::Resets => return with_resets(dice, window),
            Noise::LowCounts => {
                let expected = if form == 0 { 0.2 } else { 2.0 };
                times.iter().map(|_| dice.count(expected) as f64).collect()
            }
        };
        let series = Series { times, values };
        if self == Noise::Missing { with_gaps(&series, dice) } else { series }
    }
}

fn about(noise: &[f64], size: f64) -> Vec<f64> {
    noise.iter().map(|noise| 100.0 + size * noise).collect()
}

fn day(time: i64) -> f64 {
    (std::f64::consts::TAU * time.rem_euclid(time::DAY) as f64 / time::DAY as f64).sin()
}

/// Less on the two days that end a week.
fn week(time: i64) -> f64 {
    if (time.div_euclid(time::DAY) + 3).rem_euclid(7) >= 5 { -1.0 } else { 0.4 }
}

fn with_gaps(series: &Series, dice: &mut Dice) -> Series {
    let mut kept = Series::default();
    let mut gap = 0;
    for (time, value) in series.times.iter().zip(&series.values) {
        if dice.chance(0.003) {
            gap = 5 + dice.below(55);
        }
        let missing = gap > 0 || dice.chance(0.1);
        gap = gap.saturating_sub(1);
        if !missing {
            kept.times.push(*time);
            kept.values.push(*value);
        }
    }
    kept
}

/// A counter in a file, read as the watch reads one: by the source, as a rate over five minutes.
fn with_resets(dice: &mut Dice, window: Window) -> Series {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut csv = "time,value\n".to_owned();
    let mut counter = 0.0;
    for time in (window.start - 10 * time::MINUTE..window.end).step_by(time::MINUTE as usize) {
        counter += dice.count(100.0) as f64;
        if dice.chance(1.0 / 300.0) {
            counter = dice.below(100) as f64;
        }
        // Writing into a string cannot fail.
        let _ = writeln!(csv, "{},{counter}", time / time::SECOND);
    }
    std::fs::create_dir(folder.path().join("metrics")).expect("a folder");
    std::fs::write(folder.path().join("metrics/requests.csv"), csv).expect("a file");
    let read = read(folder.path(), window);
    Series { times: read.times, values: read.values }
}

fn read(folder: &Path, window: Window) -> negawatt_host::model::metrics::Series {
    let toml = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n";
    let config = negawatt_config::Config::parse(toml, &folder.join("negawatt.toml")).expect("a configuration");
    let metrics = negawatt_sources::configure(&config, None).expect("sources").tools.metrics.expect("metrics");
    let selector = Selector {
        name: "requests".to_owned(),
        matchers: Vec::new(),
        transform: Transform::Rate((5 * time::MINUTE).unsigned_abs()),
        aggregate: None,
    };
    let scope = Scope::of_operator(Window { start: i64::MIN, end: window.end });
    let asked = metrics.query(&scope, selector, window, Some(time::MINUTE.unsigned_abs()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(asked).expect("an answer").remove(0)
}
