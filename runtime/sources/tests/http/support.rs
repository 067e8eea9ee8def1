//! A skill that sends what it is told, with real sockets of this machine behind it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use negawatt_config::Config;
use negawatt_host::grants::Grants;
use negawatt_host::limits::{CaseLimits, Limits};
use negawatt_host::model::*;
use negawatt_host::{
    Envelope, Host, HostConfig, HttpRequest, HttpResponse, Origin, Outcome, SharedBudget, Skill, Tool, ToolAnswer,
    decode,
};
use negawatt_test_guests::COURIER;
use negawatt_test_servers::{HttpServer, Request, Response};

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));
pub static SKILL: LazyLock<Arc<Skill>> = LazyLock::new(|| Arc::new(Skill::read(COURIER, Origin::Loaded).unwrap()));

const WINDOW: Window = Window { start: 0, end: 3_600_000_000 };

/// One call of the courier.
pub struct Call {
    config: Config,
    pub envelope: Envelope,
}

impl Call {
    /// With the lines of a grant, and perhaps sections after it.
    pub fn new(title: &str, grant: &str) -> Call {
        Call::under(title, grant, Path::new("negawatt.toml"))
    }

    /// The same, of a configuration in this file.
    pub fn under(title: &str, grant: &str, file: &Path) -> Call {
        let config = Config::parse(&format!("[[grants]]\nskill = \"courier\"\n{grant}"), file).unwrap();
        let tools = negawatt_sources::configure(&config, None).unwrap().tools;
        let incident = Incident {
            kind: IncidentKind::Opportunity,
            title: title.into(),
            service: "checkout".into(),
            metric: None,
            window: WINDOW,
            severity: Severity::Medium,
        };
        let long = Duration::from_secs(60);
        // Generous in time, since tests share the machine; each test lowers what it trips.
        let limits = Limits { time: long, compute: long, tool_time: long, ..Limits::default() };
        let envelope = Envelope::alone(incident, Arc::new(tools), limits);
        Call { config, envelope }
    }

    /// As a part of a case that has only so many calls of tools left.
    pub fn drawing(mut self, tool_calls: u32) -> Call {
        let left = CaseLimits { tool_calls, ..CaseLimits::default() };
        self.envelope.budget = Some(Arc::new(SharedBudget::new(&left, &left)));
        self
    }

    /// With other limits.
    pub fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Call {
        change(&mut self.envelope.limits);
        self
    }

    pub async fn run(self) -> Outcome {
        let rights = Grants::of(&self.config).rights(&SKILL).unwrap();
        HOST.call(&SKILL, &rights, self.envelope).await
    }
}

/// Calls the courier with an origin that it may ask.
pub async fn send(title: &str, origin: &str) -> Outcome {
    Call::new(title, &format!("http = [\"{origin}\"]")).run().await
}

/// What the courier notes.
pub fn note(outcome: &Outcome) -> &str {
    match outcome.findings.as_slice() {
        [Finding { body: FindingBody::Note(text), .. }] => text,
        other => panic!("{other:?}, {:?}", outcome.message),
    }
}

/// The one request that is recorded, with its answer.
pub fn recorded(outcome: &Outcome) -> (HttpRequest, Answer<HttpResponse>) {
    match outcome.answers.as_slice() {
        [ToolAnswer { tool: Tool::Http, request, response, .. }] => {
            (decode(request).expect("a request"), decode(response).expect("an answer"))
        }
        other => panic!("{other:?}"),
    }
}

/// The error of the one request that is recorded.
pub fn error(outcome: &Outcome) -> &str {
    match outcome.answers.as_slice() {
        [answer] => answer.error.as_deref().unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// A server that counts.
pub struct Counting {
    pub server: HttpServer,
    asked: Arc<AtomicUsize>,
}

impl Counting {
    pub fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Counting {
        let asked = Arc::<AtomicUsize>::default();
        let counted = asked.clone();
        let server = HttpServer::start(move |request| {
            counted.fetch_add(1, Ordering::SeqCst);
            answer(request)
        });
        Counting { server, asked }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A door that a server waits at, and that counts who came.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    /// Waits until it is open.
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, open)| !*open).unwrap());
    }

    pub fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Waits until somebody stands before it.
    pub fn wait_for_one(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |(came, _)| *came == 0).unwrap());
    }
}
