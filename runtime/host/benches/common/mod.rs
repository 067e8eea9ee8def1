//! A skill that asks one question, what answers it, and how calls are timed.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use negawatt_host::grants::{Grant, Grants, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{Envelope, Host, HostConfig, Metrics, Origin, Scope, Skill, Tool, Tools};
use negawatt_test_guests::ASKER;
use tokio_util::sync::CancellationToken;

pub const HOUR: i64 = 3_600_000_000;
pub const WINDOW: Window = Window { start: 0, end: 24 * HOUR };

/// A kilobyte: 64 samples.
pub const SAMPLES: usize = 64;

/// Answers every question with one series.
pub struct Samples(pub usize);

#[async_trait]
impl Metrics for Samples {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        Ok(vec![Series { labels: Vec::new(), times: (0..self.0 as i64).collect(), values: vec![1.0; self.0] }])
    }
}

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

/// Everything that a call needs, ready to be called many times.
pub struct Bench {
    pub host: Arc<Host>,
    pub skill: Arc<Skill>,
    pub rights: Rights,
    envelope: Envelope,
}

impl Bench {
    pub fn new(title: &str, samples: usize, limits: Limits) -> Bench {
        let skill = Arc::new(Skill::read(ASKER, Origin::Bundled).unwrap());
        let host = Arc::new(Host::new(HostConfig::default()).unwrap());
        host.compile(&skill).unwrap();
        let grants = Grants { grants: vec![Grant::to("asker", [Tool::Metrics, Tool::Profiles])], ..Grants::default() };
        let rights = grants.rights(&skill).unwrap();
        let incident = incident(title);
        let scope = Arc::new(Scope::of(&incident, [], 0));
        let case = CaseView {
            incident,
            now: WINDOW.end,
            evidence: Vec::new(),
            explains: None,
            budget: Budget { tool_calls: 0, read_bytes: 0, findings: 0, time: 0 },
            seed: 7,
            fleet: None,
            extra: Vec::new(),
        };
        let tools = Arc::new(Tools { metrics: Some(Arc::new(Samples(samples))), ..Tools::default() });
        let cancel = CancellationToken::new();
        let envelope = Envelope { case, scope, tools, limits, cancel, progress: None, effects: None, purse: None };
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

    pub async fn call(&self) -> negawatt_host::Outcome {
        let outcome = self.host.call(&self.skill, &self.rights, self.envelope()).await;
        assert_eq!(outcome.status, negawatt_host::Status::Ok, "{:?}", outcome.message);
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
