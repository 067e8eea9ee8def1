//! What the benchmarks have in common: a call through the whole host, the same call through bare wasmtime, and how they are timed.
//!
//! `cargo bench --workspace --bench floor`, and so on. All of them print ratios: on a machine that does something else as well the
//! figures move, and what is measured in turns moves together.

pub mod bare;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use negawatt_host::grants::{Grant, Grants, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{Envelope, Host, HostConfig, Metrics, Origin, Outcome, Scope, Skill, Status, Tool, Tools};
use negawatt_test_guests::ASKER;

/// Real skills, of several sizes.
pub const SKILLS: [(&str, &[u8]); 4] = [
    ("change-point", include_bytes!(concat!(env!("OUT_DIR"), "/change-point.wasm"))),
    ("culprit-commit", include_bytes!(concat!(env!("OUT_DIR"), "/culprit-commit.wasm"))),
    ("seasonality", include_bytes!(concat!(env!("OUT_DIR"), "/seasonality.wasm"))),
    ("went-away", include_bytes!(concat!(env!("OUT_DIR"), "/went-away.wasm"))),
];

/// An hour in microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// The window of the incident: a day.
pub const WINDOW: Window = Window { start: 0, end: 24 * HOUR };

/// Samples of a kilobyte.
pub const SAMPLES: usize = 64;

/// Answers every question with one series of so many samples over the window, with some noise and a step in its middle.
pub struct Samples(pub usize);

#[async_trait]
impl Metrics for Samples {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        Ok(vec![self.series()])
    }
}

impl Samples {
    /// The series.
    pub fn series(&self) -> Series {
        let all = self.0 as i64;
        // A multiplicative generator (Lehmer 1951) is noise enough.
        let mut state = 1u64;
        let mut noise = || {
            state = state * 48_271 % 0x7fff_ffff;
            state as f64 / f64::from(0x7fff_ffff_u32) - 0.5
        };
        let level = |n: i64| if n < all / 2 { 1.0 } else { 1.1 };
        Series {
            labels: Vec::new(),
            times: (0..all).map(|n| WINDOW.start + n * (WINDOW.end - WINDOW.start) / all).collect(),
            values: (0..all).map(|n| level(n) + 0.1 * noise()).collect(),
        }
    }
}

/// An incident with a title: guests for tests do what it says.
pub fn incident(title: &str) -> Incident {
    Incident {
        kind: IncidentKind::Regression,
        title: title.into(),
        service: "checkout".into(),
        metric: Some(Metric {
            name: "cpu".into(),
            labels: Vec::new(),
            worse: Direction::Up,
            transform: Transform::None,
            aggregate: None,
        }),
        window: WINDOW,
        severity: Severity::Medium,
    }
}

/// A skill in the host, ready to be called many times.
pub struct Bench {
    /// The host.
    pub host: Arc<Host>,
    /// The skill `asker`.
    pub skill: Arc<Skill>,
    /// What it may.
    pub rights: Rights,
    envelope: Envelope,
}

impl Bench {
    /// Of the skill `asker`, which does what the title says with so many samples.
    pub fn new(title: &str, samples: usize, limits: Limits) -> Bench {
        let skill = Arc::new(Skill::read(ASKER, Origin::Bundled).expect("a skill"));
        let host = Arc::new(Host::new(HostConfig::default()).expect("a host"));
        host.compile(&skill).expect("it compiles");
        let grants = Grants { grants: vec![Grant::to("asker", [Tool::Metrics, Tool::Profiles])], ..Grants::default() };
        let rights = grants.rights(&skill).expect("it is granted what it imports");
        let tools = Arc::new(Tools { metrics: Some(Arc::new(Samples(samples))), ..Tools::default() });
        let envelope = Envelope::alone(incident(title), tools, limits);
        Bench { host, skill, rights, envelope }
    }

    /// The same with other tools.
    pub fn with(mut self, tools: Tools) -> Bench {
        self.envelope.tools = Arc::new(tools);
        self
    }

    /// A fresh envelope, as the planner makes one for a step.
    pub fn envelope(&self) -> Envelope {
        self.envelope.clone()
    }

    /// One call, which must end well.
    pub async fn call(&self) -> Outcome {
        let outcome = self.host.call(&self.skill, &self.rights, self.envelope()).await;
        assert_eq!(outcome.status, Status::Ok, "{:?}", outcome.message);
        outcome
    }
}

/// The median of some times, in microseconds.
pub fn median(times: &mut [Duration]) -> f64 {
    percentile(times, 50)
}

/// A percentile of some times, in microseconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    let at = (times.len() * percent / 100).min(times.len() - 1);
    times[at].as_secs_f64() * 1e6
}

/// How long one thing takes.
pub async fn timed<T>(future: impl Future<Output = T>) -> Duration {
    let began = Instant::now();
    std::hint::black_box(future.await);
    began.elapsed()
}

/// Bytes of memory that this process has for itself: what is mapped from files is the page cache's.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("a kernel that counts");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}
