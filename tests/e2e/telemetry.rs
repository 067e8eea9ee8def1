//! Traces reach a collector over OTLP as what happened: request → case → step → call → tool, within the trace of whoever asked and of
//! whoever is asked; and no collector, whatever it does, costs a case anything.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{json, negawatt, write};
use negawatt_casegen::{Scenario, generate};
use negawatt_test_servers::{HttpServer, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use serde_json::{Value, json as object};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What a caller sends that is in a trace, which is sampled.
fn parent(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

/// A collector that keeps what it is sent.
struct Collector {
    server: HttpServer,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    fn start() -> Collector {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let kept = requests.clone();
        let server = HttpServer::start(move |request| {
            kept.lock().unwrap().push(request.clone());
            Response { content_type: "application/x-protobuf", ..Response::json("") }
        });
        Collector { server, requests }
    }

    fn exports(&self) -> Vec<ExportTraceServiceRequest> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| ExportTraceServiceRequest::decode(request.bytes.as_slice()).unwrap()).collect()
    }

    fn spans(&self) -> Spans {
        let resources = self.exports().into_iter().flat_map(|export| export.resource_spans);
        Spans(resources.flat_map(|one| one.scope_spans).flat_map(|one| one.spans).collect())
    }

    /// The attributes of who sent all that.
    fn sender(&self) -> Vec<(String, String)> {
        let export = self.exports().remove(0);
        let resource = export.resource_spans[0].resource.clone().unwrap();
        resource
            .attributes
            .iter()
            .map(|one| (one.key.clone(), text(one.value.as_ref().unwrap().value.as_ref())))
            .collect()
    }
}

struct Spans(Vec<Span>);

fn text(value: Option<&Any>) -> String {
    match value {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::BoolValue(is)) => is.to_string(),
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a span's attribute; nothing where it has none.
fn has(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key == name)?;
    Some(text(found.value.as_ref()?.value.as_ref()))
}

impl Spans {
    fn named<'a>(&'a self, name: &str) -> Vec<&'a Span> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    fn one(&self, name: &str) -> &Span {
        let all = self.named(name);
        assert_eq!(all.len(), 1, "{name}: {:?}", self.0.iter().map(|span| &span.name).collect::<Vec<_>>());
        all[0]
    }

    /// All of a name, each of which must be below one of another name.
    fn below<'a>(&'a self, name: &str, above: &str) -> Vec<&'a Span> {
        let all = self.named(name);
        for span in &all {
            let over = self.0.iter().find(|other| other.span_id == span.parent_span_id);
            assert_eq!(over.map(|over| over.name.as_str()), Some(above), "{span:?}");
        }
        all
    }
}

/// A case in a folder, with more in its configuration.
fn case(folder: &Path, seed: u64, more: &str) {
    generate(Scenario::Commit, seed, folder).unwrap();
    let file = folder.join("negawatt.toml");
    let said = std::fs::read_to_string(&file).unwrap();
    write(file, &format!("{said}\n{more}"));
}

/// Has a Prometheus at an address answer for the metrics of a case.
fn ask_prometheus(folder: &Path, url: &str) {
    let file = folder.join("negawatt.toml");
    let said = std::fs::read_to_string(&file).unwrap();
    let files = "kind = \"files\"\npath = \"metrics\"";
    assert!(said.contains(files), "{said}");
    write(file, &said.replace(files, &format!("kind = \"prometheus\"\nurl = \"{url}\"")));
}

/// Something that is asked, tells of each request, and knows nothing.
fn asked() -> (HttpServer, Receiver<Request>) {
    let (tell, requests) = mpsc::channel();
    let server = HttpServer::start(move |request| {
        // Who listens may have ended.
        let _ = tell.send(request.clone());
        Response::json(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
    });
    (server, requests)
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Trace and span of a request that was sent.
fn sent_in(request: &Request) -> (String, String) {
    let parent = header(request, "traceparent").unwrap_or_else(|| panic!("{request:?}"));
    let parts: Vec<_> = parent.split('-').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

const INVESTIGATE: [&str; 5] = ["investigate", "incident.json", "--config", "negawatt.toml", "--json"];

#[test]
fn an_investigation_is_a_tree_of_spans() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let url = collector.server.url();
    let headers = "[telemetry.headers]\nauthorization = { env = \"COLLECTOR\" }";
    case(folder, 9_300, &format!("[telemetry]\ntraces = \"{url}/otlp/\"\n{headers}\n"));
    let output = negawatt(folder)
        .args(INVESTIGATE)
        .env("TRACEPARENT", parent(TRACE))
        .env("COLLECTOR", "Bearer s3cret")
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "it says nothing of it");
    assert_eq!(answer["verdict"], "regression");

    let spans = collector.spans();
    assert!(spans.0.iter().all(|span| hex(&span.trace_id) == TRACE));
    let case = spans.one("case");
    assert_eq!(hex(&case.parent_span_id), SPAN);
    for (name, value) in [("case", &answer["case"]), ("verdict", &answer["verdict"])] {
        assert_eq!(has(case, name).as_deref(), value.as_str(), "{name}");
    }
    let incident: Value = serde_json::from_slice(&std::fs::read(folder.join("incident.json")).unwrap()).unwrap();
    assert_eq!(has(case, "service").as_deref(), incident["service"].as_str());
    assert!(has(case, "severity").is_some());
    // Each step of the plan is there, and ended as is told.
    let steps = spans.below("step", "case");
    let mut found: Vec<_> =
        steps.iter().map(|step| ["step", "skill", "status"].map(|name| has(step, name).unwrap())).collect();
    let plan = answer["plan"].as_array().unwrap();
    let mut planned: Vec<_> = plan
        .iter()
        .map(|step| ["step", "skill", "status"].map(|name| step[name].as_str().unwrap().to_owned()))
        .collect();
    found.sort();
    planned.sort();
    assert_eq!(found, planned);
    assert!(steps.iter().all(|step| has(step, "digest").unwrap().len() > 32));
    let calls = spans.below("call", "step");
    assert_eq!(calls.len() as u64, answer["usage"]["skill_calls"].as_u64().unwrap());
    let of_step = |call: &Span| *steps.iter().find(|step| step.span_id == call.parent_span_id).unwrap();
    for call in calls {
        assert_eq!(has(call, "status"), has(of_step(call), "status"));
        let number = |name| has(call, name).unwrap().parse::<u64>().unwrap();
        assert!(number("wall_us") > 0 && number("peak_memory_bytes") > 0, "{call:?}");
    }
    let tools = spans.below("tool", "call");
    assert_eq!(tools.len() as u64, answer["usage"]["tool_calls"].as_u64().unwrap());
    let asked = |tool: &str, source: &str| {
        let fits =
            |span: &&&Span| has(span, "tool").as_deref() == Some(tool) && has(span, "outcome").as_deref() == Some("ok");
        let all: Vec<_> = tools.iter().filter(fits).collect();
        assert!(!all.is_empty(), "{tool}");
        for span in all {
            assert_eq!(has(span, "source").as_deref(), Some(source), "{span:?}");
            assert!(has(span, "bytes").unwrap().parse::<u64>().unwrap() > 0 && has(span, "function").is_some());
        }
    };
    asked("metrics", "files");
    asked("profiles", "files");
    asked("changes", "git");

    // Who sends, where to, and as whom; the secret is in the header alone.
    let sender = collector.sender();
    assert!(sender.contains(&("service.name".to_owned(), "negawatt".to_owned())), "{sender:?}");
    for request in collector.requests.lock().unwrap().iter() {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/otlp/v1/traces"));
        assert_eq!(header(request, "content-type"), Some("application/x-protobuf"));
        assert_eq!(header(request, "authorization"), Some("Bearer s3cret"));
        assert!(!request.body.contains("s3cret") && !request.body.contains(incident["title"].as_str().unwrap()));
    }
}

/// The environment's words are those of OpenTelemetry; the file's come first.
#[test]
fn the_environment_can_name_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, 9_301, "");
    let collector = Collector::start();
    let investigate = |names: &[(&str, &str)]| {
        let output = negawatt(folder).args(INVESTIGATE).envs(names.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    investigate(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.server.url()), ("OTEL_SERVICE_NAME", "wattless")]);
    assert!(collector.sender().contains(&("service.name".to_owned(), "wattless".to_owned())));
    assert_eq!(collector.requests.lock().unwrap()[0].target, "/v1/traces");
    collector.requests.lock().unwrap().clear();
    let whole = format!("{}/as/it/is", collector.server.url());
    investigate(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &whole)]);
    assert_eq!(collector.requests.lock().unwrap()[0].target, "/as/it/is");
    assert!(!collector.spans().named("case").is_empty());
    collector.requests.lock().unwrap().clear();
    // None of those that begin here; whoever is sampled already stays so.
    let file = folder.join("negawatt.toml");
    let said = std::fs::read_to_string(&file).unwrap();
    write(&file, &format!("{said}\n[telemetry]\ntraces = \"{}\"\nsample = 0\n", collector.server.url()));
    investigate(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    assert!(collector.requests.lock().unwrap().is_empty());
    investigate(&[("TRACEPARENT", &parent(TRACE))]);
    assert!(!collector.spans().named("case").is_empty());

    let output =
        negawatt(folder).args(["demo"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "user:s3cret@nowhere").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && !said.contains("s3cret"),
        "{said}"
    );
}

/// It may be away, hang, or refuse: the answer is the same, and one line says why there are no traces.
#[test]
fn a_collector_that_takes_nothing_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, 9_302, "");
    let file = folder.join("negawatt.toml");
    let said = std::fs::read_to_string(&file).unwrap();
    let before = common::investigate(folder);
    // Connections are made by the system; nobody ever takes them.
    let hangs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refuses = HttpServer::start(|_| Response { status: 500, ..Response::json("") });
    let address = refuses.address();
    let mut collectors = vec![
        (format!("http://{away}"), "no connection"),
        (format!("http://{}", hangs.local_addr().unwrap()), "no answer"),
        (format!("http://{address}"), "it answers 500"),
    ];
    // Systems without certificates can have no client for https at all.
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        collectors.push((format!("https://{address}"), "no connection"));
    }
    for (url, why) in collectors {
        write(&file, &format!("{said}\n[telemetry]\ntraces = \"{url}/s3cret\"\n"));
        let output = negawatt(folder).args(INVESTIGATE).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        for what in
            ["/verdict", "/confidence", "/change_point", "/functions", "/suspects/0/id", "/suspects/0/confidence"]
        {
            assert_eq!(answer.pointer(what), before.pointer(what), "{url}");
        }
        let told = String::from_utf8(output.stderr).unwrap();
        let fits = told.lines().count() == 1 && told.contains(&url) && told.contains(why) && !told.contains("s3cret");
        assert!(output.status.success() && fits, "{url}: {told}");
    }
    // A command that fails still ends with its error alone.
    write(&file, &format!("{said}\n[telemetry]\ntraces = \"http://{away}\"\n"));
    let (code, error) = common::json_error(
        folder,
        &["case", "resume", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--config", "negawatt.toml", "--json"],
    );
    assert_eq!((code, &error["code"]), (2, &"case".into()), "{error}");
    // What is not there to be sent is a mistake at the start.
    write(
        &file,
        &format!(
            "{said}\n[telemetry]\nheaders = {{ x-key = {{ env = \"NO_SUCH_KEY\" }} }}\ntraces = \"http://{away}\"\n"
        ),
    );
    let (code, error) = common::json_error(folder, &INVESTIGATE);
    assert_eq!((code, &error["code"]), (2, &"config".into()));
    assert!(error["where"].as_str().unwrap().contains("telemetry.headers.x-key"), "{error}");
}

/// A server, and what it says on standard error.
struct Server {
    child: Child,
    address: String,
    said: Option<JoinHandle<String>>,
}

impl Server {
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        // Heard while it runs: who says more than a pipe holds would wait.
        let mut errors = child.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            errors.read_to_string(&mut said).unwrap();
            said
        });
        Server { child, address, said: Some(said) }
    }

    /// Asks, and gives the status and all that follows the head.
    fn ask(&self, method: &str, path: &str, head: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head: String = head.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{head}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Sends an incident, and waits until its case rests; gives the case.
    fn investigate(&self, incident: &Value, head: &[(&str, &str)]) -> String {
        let (status, body) = self.ask("POST", "/v1/incidents", head, &incident.to_string());
        let accepted: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 202, "{body}");
        let case = accepted["case"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /v1/cases/{case}/events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert!(lines.any(|line| line.unwrap() == "event: ended"), "{case}");
        case
    }

    /// Tells it to end; what it said on standard error.
    fn end(mut self) -> String {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)
            .unwrap();
        let said = self.said.take().unwrap().join().unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path) -> Command {
    let mut command = negawatt(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--config", "negawatt.toml"]);
    command
}

fn incident(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("incident.json")).unwrap()).unwrap()
}

#[test]
fn whom_nobody_knows_is_in_no_trace_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let hook = "[serve.webhooks.alertmanager]\nsecret = { env = \"HOOK\" }\n";
    let url = collector.server.url();
    write(folder.join("negawatt.toml"), &format!("[telemetry]\ntraces = \"{url}\"\n{hook}"));
    let create = ["token", "create", "--name", "Vera", "--role", "viewer", "--config", "negawatt.toml", "--json"];
    let bearer = format!("Bearer {}", json(folder, &create)["secret"].as_str().unwrap());
    let server = Server::start(serve(folder).env("HOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let ask = |method: &str, path: &str, bearer: &str| {
        server.ask(method, path, &[("traceparent", &parent(TRACE)), ("Authorization", bearer)], "[]").0
    };
    let alerts = "/v1/webhooks/alertmanager";
    assert_eq!(ask("GET", "/v1/skills", "Bearer ngw_wrong"), 401);
    assert_eq!(ask("GET", "/v1/skills", &bearer), 200);
    assert_eq!(ask("POST", alerts, "Bearer wrong"), 401);
    assert_eq!(ask("POST", alerts, "Bearer whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 400);
    server.end();

    let spans = collector.spans();
    let of = |name: &str| {
        let status = |span: &Span| has(span, "http.response.status_code").unwrap();
        let mut all: Vec<_> =
            spans.named(name).into_iter().map(|span| (status(span), hex(&span.parent_span_id))).collect();
        all.sort();
        all
    };
    let told = |status: &str, parent: &str| (status.to_owned(), parent.to_owned());
    assert_eq!(of("GET /v1/skills"), [told("200", SPAN), told("401", "")]);
    assert_eq!(of("POST /v1/webhooks/alertmanager"), [told("400", SPAN), told("401", "")]);
}

#[test]
fn a_trace_goes_through_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let (prometheus, questions) = asked();
    let (hook, notices) = asked();
    case(
        folder,
        9_303,
        &format!(
            "[telemetry]\ntraces = \"{}\"\n[[serve.notify]]\nurl = \"{}\"\nsecret = {{ env = \"HOOK\" }}\n",
            collector.server.url(),
            hook.url()
        ),
    );
    ask_prometheus(folder, &prometheus.url());
    let server = Server::start(serve(folder).env("HOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let mut incident = incident(folder);
    let id = server.investigate(&incident, &[("traceparent", &parent(TRACE)), ("X-Request-Id", "mine")]);
    // What is not well formed is as none.
    incident["fingerprint"] = "another".into();
    let other = server.investigate(&incident, &[("traceparent", "00-zz-zz-01")]);
    // An agent's case is in the trace of its message, or else in that of the request.
    let of_agent = |meta: Value, head: &[(&str, &str)]| {
        let mut params = object!({ "name": "case_start", "arguments": { "incident": incident }, "_meta": meta });
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = object!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientInfo"] = object!({ "name": "raw", "version": "1" });
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = object!({});
        let body = object!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let usual = [
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "case_start"),
        ];
        let (status, body) = server.ask("POST", "/mcp", &[&usual[..], head].concat(), &body);
        assert!(status == 200 && body.contains("structuredContent"), "{status} {body}");
    };
    let (by_header, by_message) = ("1".repeat(32), "2".repeat(32));
    of_agent(object!({}), &[("traceparent", &parent(&by_header))]);
    of_agent(object!({ "traceparent": parent(&by_message) }), &[("traceparent", &parent(&by_header))]);
    assert_eq!(server.ask("GET", "/healthz", &[], "").0, 200);
    assert_eq!(server.ask("GET", "/nowhere?token=s3cret", &[], "").0, 404);
    let notices: Vec<_> =
        (0..2).map(|_| sent_in(&notices.recv_timeout(Duration::from_secs(60)).expect("a notice"))).collect();
    assert_eq!(server.end(), "");

    let spans = collector.spans();
    let span_of = |case: &str| {
        let found = spans.named("case").into_iter().find(|span| has(span, "case").as_deref() == Some(case));
        found.unwrap_or_else(|| panic!("{case} is not there"))
    };
    let over = |span: &Span| spans.0.iter().find(|other| other.span_id == span.parent_span_id).unwrap().clone();
    let case = span_of(&id);
    assert_eq!((hex(&case.trace_id).as_str(), has(case, "verdict").as_deref()), (TRACE, Some("inconclusive")));
    let request = over(case);
    assert_eq!((request.name.as_str(), hex(&request.parent_span_id).as_str()), ("POST /v1/incidents", SPAN));
    assert_eq!(request.kind(), SpanKind::Server);
    for (name, value) in [
        ("request", "mine"),
        ("http.request.method", "POST"),
        ("http.route", "/v1/incidents"),
        ("http.response.status_code", "202"),
    ] {
        assert_eq!(has(&request, name).as_deref(), Some(value), "{name}");
    }
    // The answer did not wait for the case.
    assert!(request.end_time_unix_nano < case.end_time_unix_nano);
    let alone = over(span_of(&other));
    assert!(alone.parent_span_id.is_empty() && hex(&alone.trace_id) != TRACE, "{alone:?}");

    // Whoever is asked for a case hears of the very question.
    let tools: Vec<_> = spans.named("tool").iter().map(|span| (hex(&span.trace_id), hex(&span.span_id))).collect();
    let questions: Vec<_> = questions.try_iter().map(|request| sent_in(&request)).collect();
    assert!(questions.iter().any(|(trace, _)| trace == TRACE), "{questions:?}");
    assert!(questions.iter().all(|question| tools.contains(question)), "{questions:?} {tools:?}");
    let asked = spans.named("tool").into_iter().find(|span| has(span, "tool").as_deref() == Some("metrics")).unwrap();
    assert_eq!(has(asked, "source").as_deref(), Some("prometheus"));
    let told: Vec<_> = spans.named("notify").iter().map(|span| (hex(&span.trace_id), hex(&span.span_id))).collect();
    assert!(notices.iter().all(|notice| told.contains(notice)), "{notices:?} {told:?}");

    let calls = spans.named("tools/call case_start");
    let cases = spans.named("case");
    for (trace, above) in [(&by_header, Some("POST /mcp")), (&by_message, None)] {
        let call = calls.iter().find(|call| hex(&call.trace_id) == *trace).unwrap();
        let over = spans.0.iter().find(|other| other.span_id == call.parent_span_id);
        // `/mcp` takes several methods: its route alone is known.
        assert_eq!(over.map(|over| over.name.as_str()), above);
        assert!(above.is_some() || hex(&call.parent_span_id) == SPAN);
        assert!(cases.iter().any(|case| case.parent_span_id == call.span_id), "{trace}");
    }
    // Who looks whether it lives is in no trace, and no address is.
    assert!(spans.0.iter().all(|span| !span.name.contains("healthz")));
    let missed = spans.one("GET none");
    assert_eq!(has(missed, "http.response.status_code").as_deref(), Some("404"));
    assert!(collector.requests.lock().unwrap().iter().all(|request| !request.body.contains("s3cret")));
}

#[test]
fn an_agent_on_standard_input_has_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    case(folder, 9_304, &format!("[telemetry]\ntraces = \"{}\"\n", collector.server.url()));
    let mut child = negawatt(folder)
        .args(["mcp", "--config", "negawatt.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let hello = object!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "raw", "version": "1" } });
    let asked = object!({
        "name": "investigate", "arguments": { "incident": incident(folder) }, "_meta": { "traceparent": parent(TRACE) },
    });
    for message in [
        object!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }),
        object!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        object!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked }),
    ] {
        writeln!(to, "{message}").unwrap();
    }
    let mut lines = from.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let answer = lines.find(|message| message["id"] == 2).unwrap();
    drop(to);
    assert!(child.wait().unwrap().success());
    let spans = collector.spans();
    let call = spans.one("tools/call investigate");
    assert_eq!((hex(&call.trace_id).as_str(), hex(&call.parent_span_id).as_str()), (TRACE, SPAN));
    assert_eq!((call.kind(), has(call, "gen_ai.tool.name").as_deref()), (SpanKind::Server, Some("investigate")));
    let case = spans.below("case", "tools/call investigate");
    assert_eq!(has(case[0], "case").as_deref(), answer["result"]["structuredContent"]["case"].as_str(), "{answer}");
    assert!(!spans.below("tool", "call").is_empty());
}

/// Characters that steer a terminal, or end a line for whoever reads lines.
const HOSTILE: &str = "a\n{\"level\":\"error\"}\u{1b}[2J\u{2028}\u{202e}\"\\";

#[test]
fn lines_of_the_log_are_objects() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let more =
        format!("[skills]\npaths = [\"own\"]\n[telemetry]\nlog = \"json\"\ntraces = \"{}\"\n", collector.server.url());
    case(folder, 9_305, &more);
    // Its name is told, since it is no skill.
    let named = format!("own/{HOSTILE}.wasm").replace('/', "%").replacen('%', "/", 1);
    write(folder.join(named), "no component");
    let server = Server::start(serve(folder).env("NEGAWATT_LOG", "debug"));
    let mut incident = incident(folder);
    incident["title"] = HOSTILE.into();
    incident["service"] = HOSTILE.into();
    let case = server.investigate(&incident, &[("traceparent", &parent(TRACE)), ("X-Request-Id", "mine")]);
    assert_eq!(server.ask("GET", "/%0a%7b%7d", &[("X-Request-Id", "two words")], "").0, 404);
    let said = server.end();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| {
            assert!(line.chars().all(|c| !c.is_control() && c != '\u{2028}' && c != '\u{202e}'), "{line:?}");
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
        .collect();
    for line in &lines {
        assert!(line["time"].as_str().unwrap().ends_with('Z') && line["message"].is_string(), "{line}");
        assert!(["error", "warn", "info", "debug"].contains(&line["level"].as_str().unwrap()), "{line}");
    }
    let not_used = lines.iter().find(|line| line["message"].as_str().unwrap().contains("is not used")).unwrap();
    assert!(not_used["message"].as_str().unwrap().contains("\u{1b}[2J") && not_used["level"] == "warn", "{not_used}");
    // A line for each request, with what the spans around it say.
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let first = answered.iter().find(|line| line["request"] == "mine").unwrap();
    assert_eq!((&first["level"], &first["status"]), (&"info".into(), &202.into()));
    assert_eq!((&first["method"], &first["route"]), (&"POST".into(), &"/v1/incidents".into()));
    assert_eq!(first["trace_id"], TRACE);
    assert_eq!(first["span_id"].as_str(), Some(hex(&collector.spans().one("POST /v1/incidents").span_id).as_str()));
    let lost = answered.iter().find(|line| line["status"] == 404).unwrap();
    assert!(lost["request"].as_str().unwrap().len() == 26, "what is no id is none: {lost}");
    assert!(collector.spans().named("case").iter().any(|span| has(span, "case").as_deref() == Some(&case)));
}

/// What a line says of its case does not depend on traces, nor on which lines are wanted.
#[test]
fn a_line_says_of_which_case_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, 9_306, "[telemetry]\nlog = \"json\"\n");
    // A file of metrics that cannot be read is told of, in the step that asks for it.
    let metric = std::fs::read_dir(folder.join("metrics")).unwrap().next().unwrap().unwrap().path();
    write(metric, "no,csv,of\nmetrics");
    let output = negawatt(folder).args(INVESTIGATE).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let line: Value =
        serde_json::from_str(said.lines().next().unwrap()).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((&line["case"], &line["level"]), (&answer["case"], &"warn".into()), "{line}");
    assert!(line["step"].as_str().unwrap().starts_with('s') && line["skill"].is_string(), "{line}");
    assert!(line.get("trace_id").is_none() && line["message"].as_str().unwrap().contains("cannot be read"), "{line}");
    // The same for people.
    let file = folder.join("negawatt.toml");
    let toml = std::fs::read_to_string(&file).unwrap();
    write(&file, &toml.replace("log = \"json\"", "log = \"text\""));
    let output = negawatt(folder).args(INVESTIGATE).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.trim_start().starts_with("WARN") && said.contains("cannot be read"), "{said}");
    assert_eq!(
        json(folder, &["case", "list", "--config", "negawatt.toml", "--json"])["cases"].as_array().unwrap().len(),
        2
    );
}
