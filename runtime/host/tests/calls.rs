//! What a call is, and every check of what it returns, by a skill that does what the incident's title says. Limits are in
//! `limits/`.

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
use negawatt_test_guests::{INTRUDER, MISCHIEF};
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
    // Generous in time, since tests share the machine; each test lowers what it trips.
    let limits = Limits { time: Duration::from_secs(60), compute: Duration::from_secs(60), ..Limits::default() };
    let tools = Tools { metrics: Some(Arc::new(Samples)), ..Tools::default() };
    let scope = Scope::of(&incident, [], 24 * HOUR.cast_unsigned());
    let mut envelope = Envelope::alone(incident, Arc::new(tools), limits);
    envelope.scope = Arc::new(scope);
    envelope.case.seed = 7;
    envelope
}

async fn call(title: &str) -> Outcome {
    run(envelope(title)).await
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
async fn what_a_skill_says_is_its_own_word() {
    // Whatever it calls its error, the host refused nothing.
    for code in ["denied", "over-budget", "cancelled", "not-found", "unavailable", "invalid", "internal"] {
        let outcome = call(&format!("error {code}")).await;
        assert_eq!((outcome.status, outcome.is_returned), (Status::Error, true), "{code}");
        assert_eq!(message(&outcome), format!("it returned {code}: mischief returns an error, as it was told"));
    }
    // What a tool told it was refused by the host.
    for (title, status) in [("denied", Status::Denied), ("tool loop", Status::OverBudget)] {
        let outcome = call(title).await;
        assert_eq!((outcome.status, outcome.is_returned), (status, true), "{title}");
    }
    let long = call("long error").await;
    assert!(!message(&long).contains('\n'));
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
    assert_eq!(denial, Denial { skill: "mischief".into(), reasons: vec![Refusal::NotGranted(vec![Tool::Metrics])] });
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

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_may_take_less_than_its_call_knows_that() {
    let clock = Arc::new(Clock(Mutex::default()));
    let mut envelope = envelope("read");
    envelope.limits.tool_time = Duration::from_secs(5);
    envelope.tools = Arc::new(Tools { metrics: Some(clock.clone()), ..Tools::default() });
    assert_eq!(run(envelope).await.status, Status::Ok);
    let told = clock.0.lock().unwrap()[0].unwrap();
    assert!(told <= Duration::from_secs(5), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_take_no_longer_than_their_call() {
    let outcome = call("tools 5").await;
    let took: Vec<_> = outcome.answers.iter().map(|answer| answer.wall_us).collect();
    assert!(took.len() == 5 && took.iter().sum::<u64>() <= outcome.usage.wall_us, "{took:?} {:?}", outcome.usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_the_process_is_told_as_that() {
    assert_eq!(message(&call("exit").await), "it ended its process");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_held_against_the_scope_first() {
    // Bundled skills may read all that it asks for. Nothing stands behind the tools: what is admitted is unavailable.
    let intruder = Arc::new(Skill::read(INTRUDER, Origin::Bundled).unwrap());
    let rights = Grants::default().rights(&intruder).unwrap();
    let told = async |question: &str, window: Window| {
        let mut envelope = envelope(&question.replace(' ', "\u{1f}"));
        envelope.tools = Arc::default();
        envelope.scope = Arc::new(Scope { window, ..(*envelope.scope).clone() });
        HOST.call(&intruder, &rights, envelope).await.answers[0].error.clone().unwrap()
    };
    let less = Window { end: WINDOW.end - 1, ..WINDOW };
    for question in ["query cpu", "profile checkout", "commits shop", "configs", "experiments"] {
        let [admitted, refused] = [told(question, WINDOW).await, told(question, less).await];
        assert!(admitted.starts_with("unavailable"), "{question}: {admitted}");
        assert!(refused.contains("is not inside that of the case"), "{question}: {refused}");
    }
    for question in ["query cpu service = ", "profile ", "experiments ", "edges "] {
        let [own, other] = ["checkout", "mail"].map(|service| format!("{question}{service}"));
        let [admitted, refused] = [told(&own, WINDOW).await, told(&other, WINDOW).await];
        assert!(admitted.starts_with("unavailable"), "{question}: {admitted}");
        assert!(refused.contains("\"mail\" is not the case's"), "{question}: {refused}");
    }
    // What names no service by itself is narrowed by the source.
    for question in ["service != mail", "service =~ mail", "zone = mail", "service = "] {
        let admitted = told(&format!("query cpu {question}"), WINDOW).await;
        assert!(admitted.starts_with("unavailable"), "{question}: {admitted}");
    }
}
