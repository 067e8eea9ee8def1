//! Every limit of a call and of the host: tripped, and not tripped just below. `tests/e2e/limits.rs` checks that none is
//! forgotten.

mod calls;
mod host;
mod memory;
mod scan;
mod time;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_host::grants::{Grant, Grants, LimitsChange};
use negawatt_host::limits::Limits;
use negawatt_host::model::language_model::Message;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{
    Completion, Envelope, Host, HostConfig, LanguageModel, Metrics, Origin, Outcome, Scope, Skill, Tool, Tools,
};
use negawatt_test_guests::{GOSSIP, MISCHIEF};
use tokio::sync::mpsc;

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));
static SKILL: LazyLock<Arc<Skill>> = LazyLock::new(|| read(MISCHIEF));
static TALKER: LazyLock<Arc<Skill>> = LazyLock::new(|| read(GOSSIP));

fn read(wasm: &[u8]) -> Arc<Skill> {
    Arc::new(Skill::read(wasm.to_vec(), Origin::Loaded).unwrap())
}

/// A hundred samples for every metric but `never`, which never answers and tells that it was asked.
struct Samples {
    asked: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl Metrics for Samples {
    async fn query(&self, _: &Scope, selector: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        if selector.name == "never" {
            // Most tests do not listen.
            let _ = self.asked.send(());
            std::future::pending::<()>().await;
        }
        Ok(vec![Series { labels: Vec::new(), times: (0..100).collect(), values: vec![1.0; 100] }])
    }
}

/// Takes ten tokens for an answer, or what is left; remembers what was left.
#[derive(Default)]
struct TenTokens(Mutex<Vec<u32>>);

#[async_trait]
impl LanguageModel for TenTokens {
    async fn complete(&self, _: &Scope, _: Vec<Message>, _: Option<String>, most: u32) -> Answer<Completion> {
        self.0.lock().unwrap().push(most);
        Ok(Completion { text: "nothing".into(), tokens: most.min(10) })
    }
}

/// Never has an answer.
#[derive(Default)]
struct Speechless(Mutex<Vec<u32>>);

#[async_trait]
impl LanguageModel for Speechless {
    async fn complete(&self, _: &Scope, _: Vec<Message>, _: Option<String>, most: u32) -> Answer<Completion> {
        self.0.lock().unwrap().push(most);
        Err(Error::Unavailable("the model says nothing".into()))
    }
}

fn grants() -> Grants {
    let talker = Grant { may_export: true, ..Grant::to("gossip", [Tool::Code, Tool::Model]) };
    Grants { grants: vec![Grant::to("mischief", [Tool::Metrics]), talker], limits: LimitsChange::default() }
}

fn envelope(title: &str) -> Envelope {
    let (asked, _) = mpsc::unbounded_channel();
    let metric = Metric {
        name: "cpu".into(),
        labels: Vec::new(),
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    let window = Window { start: 0, end: 3_600_000_000 };
    let incident = Incident {
        kind: IncidentKind::Regression,
        title: title.into(),
        service: "checkout".into(),
        metric: Some(metric),
        window,
        severity: Severity::Medium,
    };
    let body = FindingBody::Note("known".into());
    let finding = Finding { body, confidence: 1.0, summary: "A note.".into(), because: Vec::new(), extra: Vec::new() };
    // Generous in time, since tests share the machine; each test lowers what it trips.
    let limits = Limits { time: Duration::from_secs(60), compute: Duration::from_secs(60), ..Limits::default() };
    let tools = Tools { metrics: Some(Arc::new(Samples { asked })), ..Tools::default() };
    let mut envelope = Envelope::alone(incident, Arc::new(tools), limits);
    envelope.case.evidence = vec![Evidence { id: "e1".into(), by: "test@1.0.0".into(), finding }];
    envelope
}

async fn call_of(skill: &Arc<Skill>, title: &str, change: impl FnOnce(&mut Limits)) -> Outcome {
    let mut envelope = envelope(title);
    change(&mut envelope.limits);
    run(&HOST, skill, envelope).await
}

async fn call_with(title: &str, change: impl FnOnce(&mut Limits)) -> Outcome {
    call_of(&SKILL, title, change).await
}

async fn run(host: &Arc<Host>, skill: &Arc<Skill>, envelope: Envelope) -> Outcome {
    let rights = grants().rights(skill).unwrap();
    host.call(skill, &rights, envelope).await
}

fn message(outcome: &Outcome) -> &str {
    outcome.message.as_deref().unwrap_or_default()
}

fn note(outcome: &Outcome) -> &str {
    match outcome.findings.as_slice() {
        [Finding { body: FindingBody::Note(text), .. }] => text,
        other => panic!("{other:?}, {:?}", outcome.message),
    }
}
