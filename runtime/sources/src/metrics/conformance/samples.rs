//! What the sources hold, and the files that hold it.

use std::collections::BTreeSet;

use negawatt_test_servers::Sample;
use tempfile::TempDir;

/// When the samples begin, in seconds.
pub const START: i64 = 1_700_000_000;

/// In microseconds.
pub const SECOND: i64 = 1_000_000;

/// The same numbers on every run: `splitmix64` (Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014).
pub struct Dice(pub u64);

impl Dice {
    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn sample(name: &str, labels: &[(&str, &str)], milliseconds: i64, value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sample { name: name.to_owned(), labels, milliseconds: 1_000 * START + milliseconds, value }
}

/// Counters with resets, gaps, young instances and irregular instants; others with samples on whole seconds, which lie on
/// the edges of ranges; gauges with values that are none; the buckets of histograms.
pub fn varied() -> Vec<Sample> {
    let mut dice = Dice(7);
    let mut all = Vec::new();
    let instances = [("web", "a", 0), ("web", "b", 700_000), ("api", "c", 0), ("", "d", 1_250_500), ("other", "e", 0)];
    for (service, instance, from) in instances {
        let labels = [("service", service), ("instance", instance)];
        let (mut count, mut at) = (if from > 0 { 3.0 } else { 1e6 }, from);
        while at < 3_600_000 {
            all.push(sample("requests_total", &labels, at, count));
            let gap = if dice.unit() < 0.03 { 60_000.0 + 300_000.0 * dice.unit() } else { 0.0 };
            at += (14_000.0 + 2_000.0 * dice.unit() + gap) as i64;
            count = if dice.unit() < 0.02 { 5.0 * dice.unit() } else { count + 40.0 * dice.unit() };
        }
        let (mut count, mut smooth) = (2.0, 1e5);
        for at in (from / 15_000 * 15_000..3_600_000).step_by(15_000) {
            all.push(sample("regular_total", &labels, at, count));
            all.push(sample("smooth_total", &labels, at + 3_507, smooth));
            count = if dice.unit() < 0.02 { 0.0 } else { count + (9.0 * dice.unit()).floor() };
            smooth = if dice.unit() < 0.02 { 0.0 } else { smooth + 30.0 * dice.unit() };
            if dice.unit() < 0.9 {
                let value = match dice.unit() {
                    draw if draw < 0.03 => f64::NAN,
                    draw if draw < 0.05 => f64::INFINITY,
                    draw => 100.0 * draw - 50.0,
                };
                all.push(sample("level", &labels, at + (9_999.0 * dice.unit()) as i64, value));
            }
        }
        let mut counts = [0.0; 5];
        for at in (from / 20_000 * 20_000..3_600_000).step_by(20_000) {
            let seen = counts;
            for (bound, count) in ["0.1", "0.5", "1.0", "2.5", "+Inf"].into_iter().zip(seen) {
                let labels = [("service", service), ("instance", instance), ("le", bound)];
                all.push(sample("latency_bucket", &labels, at + 507, count));
            }
            for _ in 0..(30.0 * dice.unit()) as usize {
                let latency = -dice.unit().ln();
                for (bound, count) in [0.1, 0.5, 1.0, 2.5, f64::INFINITY].into_iter().zip(&mut counts) {
                    *count += f64::from(u8::from(latency <= bound));
                }
            }
            if dice.unit() < 0.01 {
                counts = [0.0; 5];
            }
        }
    }
    all
}

/// Label values that must be quoted, escaped, or are patterns themselves.
pub const AWKWARD: [&str; 12] =
    ["plain", "a\"b", r"a\b", "a\nb", "a.b", "axb", "(a|b)", "grüß", "😀", "{x=\"y\"}", "٣", "a\u{fffd}\u{7f}b"];

pub fn awkward() -> Vec<Sample> {
    let series = |(at, value): (usize, &&str)| {
        let labels = [("service", ""), ("v", *value), ("unicode", if at % 2 == 0 { "é" } else { "" })];
        (0..20).map(|n| sample("awkward", &labels, 15_000 * n, (100 * at) as f64 + n as f64)).collect::<Vec<_>>()
    };
    AWKWARD.iter().chain(&[""]).enumerate().flat_map(series).collect()
}

/// More samples than are read at once, over more steps than one answer has.
pub fn long() -> Vec<Sample> {
    let series = |instance: &'static str| {
        (0..66_000).map(move |n| {
            let labels = [("service", "web"), ("instance", instance)];
            sample("long", &labels, 1_000 * n + if n % 7 == 0 { 13 } else { 0 }, (n % 1_000) as f64)
        })
    };
    ["a", "b", "c", "d"].into_iter().flat_map(series).collect()
}

/// Writes the files that hold the samples.
pub fn csv(samples: &[Sample]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    for name in names {
        let of_name = || samples.iter().filter(|sample| sample.name == name);
        let labels: BTreeSet<&str> =
            of_name().flat_map(|sample| &sample.labels).map(|(name, _)| name.as_str()).collect();
        let mut writer = csv::Writer::from_path(folder.path().join(format!("{name}.csv"))).unwrap();
        writer.write_record(["time", "value"].into_iter().chain(labels.iter().copied())).unwrap();
        for sample in of_name() {
            let value_of = |name: &str| sample.labels.iter().find(|label| label.0 == name).map_or("", |label| &label.1);
            let time = format!("{}.{:03}", sample.milliseconds / 1_000, sample.milliseconds % 1_000);
            let fields = [time, sample.value.to_string()];
            let labels = labels.iter().map(|name| value_of(name).to_owned());
            writer.write_record(fields.into_iter().chain(labels)).unwrap();
        }
        writer.flush().unwrap();
    }
    folder
}
