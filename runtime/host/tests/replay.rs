//! Calls that are answered from the record: over HTTP, and by the answers of a whole case.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_host::grants::{HttpOrigin, HttpRule, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{
    Effects, Envelope, Host, HostConfig, Http, HttpRequest, HttpResponse, Metrics, Origin, Outcome, Replay, Scope,
    Skill, Status, Tool, Tools,
};
use negawatt_test_guests::{COURIER, MISCHIEF};

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));

const WINDOW: Window = Window { start: 0, end: 1_000 };

/// A server that counts, and remembers what was posted.
#[derive(Default)]
struct Server {
    requests: Mutex<Vec<HttpRequest>>,
    intents: Mutex<Vec<String>>,
}

#[async_trait]
impl Http for Server {
    async fn send(&self, request: HttpRequest, _: &[HttpRule], _: u64) -> Answer<HttpResponse> {
        let mut requests = self.requests.lock().unwrap();
        requests.push(request.clone());
        match request.target.as_str() {
            "/away" => Err(Error::Unavailable("nobody is there".into())),
            _ => {
                let body = format!("answer {} to {} bytes", requests.len(), request.body.len()).into_bytes();
                Ok(HttpResponse { status: 200, headers: vec![("x-n".into(), b"1".to_vec())], body })
            }
        }
    }
}

#[async_trait]
impl Effects for Server {
    async fn intend(&self, what: &str) -> Answer<()> {
        self.intents.lock().unwrap().push(what.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Metrics for Server {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        Ok(vec![Series { labels: Vec::new(), times: (0..100).collect(), values: vec![1.0; 100] }])
    }
}

fn skill(wasm: &'static [u8]) -> Arc<Skill> {
    Arc::new(Skill::read(wasm, Origin::Loaded).unwrap())
}

async fn call(
    wasm: &'static [u8],
    title: &str,
    tools: Tools,
    effects: Option<Arc<dyn Effects>>,
    limits: Limits,
) -> Outcome {
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
    let skill = skill(wasm);
    let origins = [HttpOrigin::parse("https://a.example").unwrap()].into();
    let methods = ["GET", "POST"].map(str::to_owned).into();
    let rule = HttpRule { origins, methods, addresses: Vec::new(), secrets: Vec::new() };
    let rights =
        Rights { tools: skill.imports.tools.clone(), http: vec![rule], may_export: false, limits: limits.clone() };
    let envelope = Envelope { effects, ..Envelope::alone(incident, Arc::new(tools), limits) };
    HOST.call(&skill, &rights, envelope).await
}

fn generous() -> Limits {
    let minute = Duration::from_secs(60);
    Limits { time: minute, compute: minute, tool_time: minute, ..Limits::default() }
}

fn behind(server: &Arc<Server>) -> Tools {
    Tools { http: Some(server.clone()), metrics: Some(server.clone()), ..Tools::default() }
}

fn recorded(replay: &Arc<Replay>) -> Tools {
    Tools { recorded: Some(replay.clone()), ..Tools::default() }
}

const TITLES: [&str; 8] = [
    "send GET https://a.example/x",
    "send POST https://a.example/x\nbody 70000",
    "send GET https://a.example/away",
    "send POST https://a.example/away\nbody 10",
    "send GET https://b.example/not-granted",
    "send POST https://b.example/not-granted\nbody 70000",
    "together 3 GET https://a.example/x",
    "follow GET https://a.example/x",
];

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_http_are_answered_from_the_record() {
    for title in TITLES {
        let server = Arc::<Server>::default();
        let first = call(COURIER, title, behind(&server), Some(server.clone()), generous()).await;
        assert_eq!(first.status, Status::Ok, "{title}: {:?}", first.message);
        let sent = server.requests.lock().unwrap().len();
        let replay = Arc::new(Replay::of_call(first.answers.clone()));
        let again = call(COURIER, title, recorded(&replay), Some(server.clone()), generous()).await;
        assert_eq!((again.status, &again.findings), (Status::Ok, &first.findings), "{title}");
        assert!(replay.unanswered().is_empty() && replay.unasked().is_empty(), "{title}");
        assert_eq!(server.requests.lock().unwrap().len(), sent, "{title}");
        let posted = server.requests.lock().unwrap().iter().filter(|request| request.is_effect()).count();
        assert_eq!(server.intents.lock().unwrap().len(), posted, "{title}: nothing is intended again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_is_none_of_the_record() {
    let server = Arc::<Server>::default();
    let first = call(COURIER, TITLES[1], behind(&server), None, generous()).await;
    for title in ["send POST https://a.example/x\nbody 70001", "send POST https://a.example/y\nbody 70000"] {
        let replay = Arc::new(Replay::of_call(first.answers.clone()));
        let again = call(COURIER, title, recorded(&replay), None, generous()).await;
        assert_ne!(again.findings, first.findings);
        let [question] = &replay.unanswered()[..] else { panic!("{:?}", replay.unanswered().len()) };
        assert_eq!((question.tool, question.function.as_str()), (Tool::Http, "POST"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_one_more_source() {
    let server = Arc::<Server>::default();
    let first = call(MISCHIEF, "read", behind(&server), None, generous()).await;
    let of_case = || Arc::new(Replay::of_case(first.answers.clone()));

    // As often as it is asked, and each time within the limits.
    let replay = of_case();
    let outcome = call(MISCHIEF, "tools 5", recorded(&replay), None, Limits { tool_calls: 3, ..generous() }).await;
    assert_eq!((outcome.status, outcome.usage.tool_calls), (Status::Ok, 3));
    assert!(outcome.answers[2].error.is_none() && outcome.answers[3].error.as_ref().unwrap().contains("over-budget"));
    assert!(replay.unanswered().is_empty());

    // The scope is that of the call.
    let replay = of_case();
    let outcome = call(MISCHIEF, "denied", recorded(&replay), None, generous()).await;
    assert_eq!((outcome.status, replay.unanswered().len()), (Status::Denied, 0));

    // What is not in it goes to what stands behind, or is named.
    let replay = Arc::new(Replay::of_case(Vec::new()));
    let live = Tools { recorded: Some(replay.clone()), ..behind(&server) };
    assert_eq!(call(MISCHIEF, "read", live, None, generous()).await.findings, first.findings);
    assert!(replay.unanswered().is_empty());
    assert_eq!(call(MISCHIEF, "read", recorded(&replay), None, generous()).await.status, Status::Error);
    assert_eq!(replay.unanswered().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_answers_requests_over_http_too() {
    let server = Arc::<Server>::default();
    let first = call(COURIER, TITLES[1], behind(&server), Some(server.clone()), generous()).await;
    let replay = Arc::new(Replay::of_case(first.answers.clone()));
    let live = Tools { recorded: Some(replay.clone()), ..behind(&server) };
    let again = call(COURIER, TITLES[1], live.clone(), Some(server.clone()), generous()).await;
    assert_eq!(again.findings, first.findings);
    assert_eq!((server.requests.lock().unwrap().len(), server.intents.lock().unwrap().len()), (1, 1));
    // Another one is sent, where somebody lets it.
    call(COURIER, TITLES[0], live, Some(server.clone()), generous()).await;
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}
