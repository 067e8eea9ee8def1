//! Every limit and every check of a call, tripped by a skill that does what the incident's title says, and not tripped just
//! below.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_host::grants::{Denial, Grant, Grants, LimitsChange, Refusal, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{
    Envelope, Host, HostConfig, Metrics, Origin, Outcome, Scope, Skill, Status, Tool, Tools, time_left,
};
use negawatt_test_guests::MISCHIEF;
use tokio_util::sync::CancellationToken;

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));
static SKILL: LazyLock<Arc<Skill>> = LazyLock::new(|| Arc::new(Skill::read(MISCHIEF, Origin::Loaded).unwrap()));

const HOUR: i64 = 3_600_000_000;
const WINDOW: Window = Window { start: 0, end: 24 * HOUR };

/// A hundred samples for every metric but `never`, which never answers.
struct Samples;

#[async_trait]
impl Metrics for Samples {
    async fn query(&self, _: &Scope, selector: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        if selector.name == "never" {
            std::future::pending::<()>().await;
        }
        Ok(vec![Series { labels: Vec::new(), times: (0..100).collect(), values: vec![1.0; 100] }])
    }
}

fn grants() -> Grants {
    Grants { grants: vec![Grant::to("mischief", [Tool::Metrics])], limits: LimitsChange::default() }
}

fn envelope(title: &str) -> Envelope {
    let metric = Metric {
        name: "cpu".into(),
        labels: Vec::new(),
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    let incident = Incident {
        kind: IncidentKind::Regression,
        title: title.into(),
        service: "checkout".into(),
        metric: Some(metric),
        window: WINDOW,
        severity: Severity::Medium,
    };
    let scope = Scope::of(&incident, [], 24 * HOUR.cast_unsigned());
    Envelope {
        case: CaseView {
            incident,
            now: WINDOW.end,
            evidence: Vec::new(),
            explains: None,
            budget: Budget { tool_calls: 0, read_bytes: 0, findings: 0, time: 0 },
            seed: 7,
            fleet: None,
            extra: Vec::new(),
        },
        scope: Arc::new(scope),
        tools: Arc::new(Tools { metrics: Some(Arc::new(Samples)), ..Tools::default() }),
        // Generous in time, since tests share the machine; each test lowers what it trips.
        limits: Limits { time: Duration::from_secs(60), compute: Duration::from_secs(60), ..Limits::default() },
        purse: None,
        cancel: CancellationToken::new(),
        progress: None,
        effects: None,
    }
}

async fn call(title: &str) -> Outcome {
    call_with(title, |_| {}).await
}

async fn call_with(title: &str, change: impl FnOnce(&mut Limits)) -> Outcome {
    let mut envelope = envelope(title);
    change(&mut envelope.limits);
    run(envelope).await
}

async fn run(envelope: Envelope) -> Outcome {
    let rights = grants().rights(&SKILL).unwrap();
    HOST.call(&SKILL, &rights, envelope).await
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

#[tokio::test(flavor = "multi_thread")]
async fn compute_time_is_limited() {
    let outcome = call_with("loop", |limits| limits.compute = Duration::from_millis(30)).await;
    assert_eq!(outcome.status, Status::Timeout, "{}", message(&outcome));
    assert!(message(&outcome).contains("computed"), "{}", message(&outcome));
    assert!(outcome.usage.guest_us >= 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn wall_time_is_limited_in_the_guest_and_in_a_tool() {
    for title in ["loop", "wait"] {
        let outcome = call_with(title, |limits| limits.time = Duration::from_millis(30)).await;
        assert_eq!(outcome.status, Status::Timeout, "{title}: {}", message(&outcome));
        assert!(message(&outcome).contains("wall time"), "{}", message(&outcome));
    }
}

/// Says how long the call may still take that asks it.
struct Clock(Mutex<Vec<Option<Duration>>>);

#[async_trait]
impl Metrics for Clock {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        self.0.lock().unwrap().push(time_left());
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_knows_how_long_its_call_may_still_take() {
    let clock = Arc::new(Clock(Mutex::default()));
    for time in [Duration::from_secs(60), Duration::MAX] {
        let mut envelope = envelope("read");
        (envelope.limits.time, envelope.limits.tool_time) = (time, Duration::MAX);
        envelope.tools = Arc::new(Tools { metrics: Some(clock.clone()), ..Tools::default() });
        assert_eq!(run(envelope).await.status, Status::Ok);
    }
    let told = clock.0.lock().unwrap().clone();
    let (first, last) = (told[0].unwrap(), told[told.len() - 1].unwrap());
    assert!(first > Duration::ZERO && first < Duration::from_secs(60), "{first:?}");
    assert!(last > Duration::from_secs(60));
    assert_eq!(time_left(), None, "nobody calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_skill_computes_nothing() {
    let outcome = call_with("wait", |limits| {
        limits.compute = Duration::from_millis(500);
        limits.time = Duration::from_secs(1);
    });
    assert!(message(&outcome.await).contains("wall time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited() {
    let outcome = call_with("allocate", |limits| limits.memory = 8 << 20).await;
    assert_eq!(outcome.status, Status::OverBudget, "{}", message(&outcome));
    assert!(message(&outcome).contains("its limit is 8388608"), "{}", message(&outcome));
    assert!(outcome.usage.peak_memory_bytes <= 8 << 20 && outcome.usage.peak_memory_bytes > 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_limited_in_number_and_size() {
    let outcome = call_with("findings 11", |limits| limits.findings = 10).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(message(&outcome).contains("11 findings"), "{}", message(&outcome));
    assert_eq!(call_with("findings 10", |limits| limits.findings = 10).await.findings.len(), 10);

    let big = |finding_bytes| {
        call_with("big finding", move |limits| {
            (limits.findings_bytes, limits.text_bytes) = (1 << 30, 1 << 30);
            limits.finding_bytes = finding_bytes;
        })
    };
    let outcome = big(1 << 20).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(outcome.findings.is_empty() && message(&outcome).contains("1048576"), "{}", message(&outcome));
    assert_eq!(big((1 << 20) + 100).await.status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_are_limited() {
    let outcome = call_with("tool loop", |limits| limits.tool_calls = 5).await;
    assert_eq!((outcome.status, outcome.usage.tool_calls), (Status::OverBudget, 5));
    assert_eq!(outcome.answers.len(), 5);
    assert_eq!(note(&call_with("tools 5", |limits| limits.tool_calls = 5).await), "0");
    assert_eq!(note(&call_with("tools 6", |limits| limits.tool_calls = 5).await), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_read_through_tools_are_limited() {
    let read = call("read").await;
    assert_eq!(note(&read), "100");
    let bytes = read.usage.read_bytes;
    assert!(bytes > 800, "{bytes}");
    assert_eq!(call_with("read", |limits| limits.read_bytes = bytes).await.status, Status::Ok);
    let outcome = call_with("read", |limits| limits.read_bytes = bytes - 1).await;
    assert_eq!(outcome.status, Status::OverBudget);
    assert!(outcome.answers[0].error.as_ref().is_some_and(|error| error.contains("ask for less")));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_limited_and_counted() {
    let outcome = call("long question").await;
    assert_eq!(outcome.status, Status::Error, "{}", message(&outcome));
    assert!(message(&outcome).contains("65536"), "{}", message(&outcome));
    assert_eq!((outcome.usage.tool_calls, outcome.answers[0].request.len()), (1, 0), "it counts and is not kept");
    let asked = call("read").await.answers[0].request.len() as u64;
    assert_eq!(call_with("read", |limits| limits.read_bytes = asked - 1).await.status, Status::OverBudget);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_of_errors_are_cut() {
    let outcome = call("long error").await;
    assert_eq!(outcome.status, Status::Error);
    assert!(message(&outcome).len() < 3_000 && message(&outcome).ends_with('…'));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_and_written_is_limited() {
    for title in ["log", "stdout", "stderr"] {
        let outcome = call_with(title, |limits| limits.log_bytes = 10_000).await;
        assert_eq!(outcome.status, Status::Ok, "{title}: {}", message(&outcome));
        let kept: usize = outcome.log.iter().map(String::len).sum();
        assert!((5_000..30_000).contains(&kept), "{title}: {kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_ends_one_call() {
    for title in ["recurse", "panic", "exit"] {
        let outcome = call(title).await;
        assert_eq!(outcome.status, Status::Trap, "{title}: {}", message(&outcome));
        assert!(!message(&outcome).contains('/'), "a path of the host: {}", message(&outcome));
        assert_eq!(call("nothing").await.status, Status::Ok);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_refused() {
    for (title, says) in [
        ("confidence 2", "confidence is 2"),
        ("confidence -1", "confidence is -1"),
        ("confidence NaN", "confidence is NaN"),
        ("because unknown", "e999"),
        ("kind", "negawatt.produces"),
        ("late change point", "outside of the window"),
        ("backwards change point", "outside of the window"),
        ("infinite change point", "after is inf"),
        ("odd commit", "full hash"),
        ("sure commit", "log-odds is 60"),
    ] {
        let outcome = call(title).await;
        assert_eq!(outcome.status, Status::Invalid, "{title}");
        assert!(outcome.findings.is_empty());
        assert!(message(&outcome).contains(says), "{title}: {}", message(&outcome));
    }
    assert_eq!(call("confidence 0.5").await.findings.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_skill_have_a_status() {
    for (title, status) in [
        ("error denied", Status::Denied),
        ("error over-budget", Status::OverBudget),
        ("error cancelled", Status::Cancelled),
        ("error not-found", Status::Error),
        ("error unavailable", Status::Error),
        ("error invalid", Status::Error),
        ("error internal", Status::Error),
    ] {
        let outcome = call(title).await;
        assert_eq!(outcome.status, status, "{title}");
        assert!(message(&outcome).contains("as it was told"), "{}", message(&outcome));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_outside_of_the_scope_is_denied_and_recorded() {
    let outcome = call("denied").await;
    assert_eq!(outcome.status, Status::Denied);
    let answer = &outcome.answers[0];
    assert_eq!((answer.tool, answer.function.as_str()), (Tool::Metrics, "query"));
    assert!(answer.error.as_ref().is_some_and(|error| error.contains("not inside that of the case")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_without_a_source_is_unavailable() {
    let mut envelope = envelope("read");
    envelope.tools = Arc::default();
    let outcome = run(envelope).await;
    assert_eq!(outcome.status, Status::Error);
    assert!(message(&outcome).contains("[sources.metrics]"), "{}", message(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_between_calls() {
    let first = note(&call("state").await).to_owned();
    assert_eq!(note(&call("state").await), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_are_virtual() {
    let seconds: f64 = note(&call("sleep").await).parse().unwrap();
    assert!((3600.0..3601.0).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_is_empty_and_the_same_twice() {
    let surroundings = call("surroundings").await;
    let seen = note(&surroundings);
    assert_eq!(note(&call("surroundings").await), seen);
    let mut other = envelope("surroundings");
    other.case.seed = 8;
    assert_ne!(note(&run(other).await), seen, "another seed gives other random numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_a_guest_that_computes_and_one_that_waits() {
    for title in ["loop", "wait"] {
        let envelope = envelope(title);
        let cancel = envelope.cancel.clone();
        let running = tokio::spawn(run(envelope));
        tokio::task::yield_now().await;
        cancel.cancel();
        assert_eq!(running.await.unwrap().status, Status::Cancelled, "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut envelope = envelope("steps");
    let hear = heard.clone();
    envelope.progress = Some(Arc::new(move |fraction, text| hear.lock().unwrap().push((fraction, text.to_owned()))));
    assert_eq!(run(envelope).await.status, Status::Ok);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.iter().map(|(fraction, _)| *fraction).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn looping_neighbours_do_not_stop_an_honest_call() {
    let cancel = CancellationToken::new();
    let neighbours: Vec<_> = (0..8)
        .map(|_| {
            let mut envelope = envelope("loop");
            envelope.cancel = cancel.clone();
            tokio::spawn(run(envelope))
        })
        .collect();
    assert_eq!(note(&call("read").await), "100");
    cancel.cancel();
    for neighbour in neighbours {
        assert_eq!(neighbour.await.unwrap().status, Status::Cancelled);
    }
}

#[test]
fn what_is_not_granted_is_refused_with_the_smallest_grant() {
    let denial = Grants::default().rights(&SKILL).unwrap_err();
    assert_eq!(denial, Denial { skill: "mischief".into(), reason: Refusal::NotGranted(vec![Tool::Metrics]) });
    assert_eq!(denial.grant(), "[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]");
    assert!(denial.to_string().contains("metrics") && denial.to_string().contains("negawatt.toml"));

    let mut other = grants();
    other.grants[0].digest = Some([7; 32]);
    assert!(other.rights(&SKILL).is_err());
    other.grants[0].digest = Some(SKILL.digest.0);
    assert_eq!(other.rights(&SKILL).unwrap().tools, [Tool::Metrics].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_nothing_runs() {
    let rights = Rights { tools: [].into(), http: Vec::new(), may_export: false, limits: Limits::default() };
    let outcome = HOST.call(&SKILL, &rights, envelope("nothing")).await;
    assert_eq!((outcome.status, outcome.usage.wall_us), (Status::Denied, 0));
    assert!(message(&outcome).contains("[[grants]]"));
}

#[tokio::test]
async fn a_waiting_skill_holds_no_thread() {
    // One thread: were it held by those that wait, the last call would never begin.
    let cancel = CancellationToken::new();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let mut envelope = envelope("wait");
            envelope.cancel = cancel.clone();
            tokio::spawn(run(envelope))
        })
        .collect();
    assert_eq!(note(&call("read").await), "100");
    cancel.cancel();
    for call in waiting {
        assert_eq!(call.await.unwrap().status, Status::Cancelled);
    }
}

#[test]
fn grants_change_limits() {
    let mut grants = grants();
    grants.limits.memory = Some(1 << 20);
    grants.grants[0].limits = LimitsChange { memory: Some(2 << 20), tool_calls: Some(3), ..LimitsChange::default() };
    let limits = grants.rights(&SKILL).unwrap().limits;
    assert_eq!((limits.memory, limits.tool_calls), (2 << 20, 3));
    assert_eq!(limits.findings, Limits::default().findings);
}
