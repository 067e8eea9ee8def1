//! Every limit of a call and of the host: tripped, and not tripped just below. `tests/e2e/limits.rs` checks that none is
//! forgotten.

mod calls;
mod host;
mod memory;
mod scan;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
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
use tokio_util::sync::CancellationToken;

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));
static SKILL: LazyLock<Arc<Skill>> = LazyLock::new(|| read(MISCHIEF));
static TALKER: LazyLock<Arc<Skill>> = LazyLock::new(|| read(GOSSIP));

fn read(wasm: &[u8]) -> Arc<Skill> {
    Arc::new(Skill::read(wasm, Origin::Loaded).unwrap())
}

/// A sample for every metric but `never`, which never answers and tells that it was asked.
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
        Ok(vec![Series { labels: Vec::new(), times: vec![0], values: vec![1.0] }])
    }
}

/// Takes ten tokens for an answer, or what is left; remembers what was left.
#[derive(Default)]
struct TenTokens {
    left: Mutex<Vec<u32>>,
    asked: AtomicUsize,
}

#[async_trait]
impl LanguageModel for TenTokens {
    async fn complete(&self, _: &Scope, _: Vec<Message>, _: Option<String>, most: u32) -> Answer<Completion> {
        self.asked.fetch_add(1, SeqCst);
        self.left.lock().unwrap().push(most);
        Ok(Completion { text: "nothing".into(), tokens: most.min(10) })
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
    let scope = Scope::of(&incident, [], 0);
    Envelope {
        case: CaseView {
            incident,
            now: window.end,
            evidence: vec![Evidence { id: "e1".into(), by: "test@1.0.0".into(), finding }],
            explains: None,
            budget: Budget { tool_calls: 0, read_bytes: 0, findings: 0, time: 0 },
            seed: 7,
            fleet: None,
            extra: Vec::new(),
        },
        scope: Arc::new(scope),
        tools: Arc::new(Tools { metrics: Some(Arc::new(Samples { asked })), ..Tools::default() }),
        // Generous in time, since tests share the machine; each test lowers what it trips.
        limits: Limits { time: Duration::from_secs(60), compute: Duration::from_secs(60), ..Limits::default() },
        cancel: CancellationToken::new(),
        progress: None,
        effects: None,
        purse: None,
    }
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
