//! What a server exports, and what it says while it runs.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use negawatt_test_servers::{HttpServer, Request, Response};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json as object};

use super::collector::{Collector, has, hex};
use super::{SPAN, TRACE, case, ended, header, incident, investigated, parent, serve};
use crate::common::server::{AGENT, token};
use crate::common::write;

/// A webhook's secret.
const HOOK: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

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

/// Trace and span of a request that was sent.
fn sent_in(request: &Request) -> (String, String) {
    let parent = header(request, "traceparent").unwrap_or_else(|| panic!("{request:?}"));
    let parts: Vec<_> = parent.split('-').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

#[test]
fn whom_nobody_knows_is_in_no_trace_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collector = Collector::start();
    let hook = "[serve.webhooks.alertmanager]\nsecret = { env = \"HOOK\" }\n";
    let url = collector.server.url();
    write(folder.join("negawatt.toml"), &format!("[telemetry]\ntraces = \"{url}\"\n{hook}"));
    let bearer = format!("Bearer {}", token(folder, "Vera", "viewer"));
    let server = serve(folder, &[("HOOK", HOOK)]);
    let ask = |method: &str, path: &str, bearer: &str| {
        let head = format!("traceparent: {}\r\nAuthorization: {bearer}\r\n", parent(TRACE));
        server.ask_with(method, path, &head, "[]").0
    };
    let alerts = "/v1/webhooks/alertmanager";
    assert_eq!(ask("GET", "/v1/skills", "Bearer ngw_wrong"), 401);
    assert_eq!(ask("GET", "/v1/skills", &bearer), 200);
    assert_eq!(ask("POST", alerts, "Bearer wrong"), 401);
    assert_eq!(ask("POST", alerts, &format!("Bearer {HOOK}")), 400);
    ended(server, folder);

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
    let server = serve(folder, &[("HOOK", HOOK)]);
    let mut incident = incident(folder);
    let id = investigated(&server, &incident, &format!("traceparent: {}\r\nX-Request-Id: mine\r\n", parent(TRACE)));
    // What is not well formed is as none.
    incident["fingerprint"] = "another".into();
    let other = investigated(&server, &incident, "traceparent: 00-zz-zz-01\r\n");
    // An agent's case is in the trace of its message, or else in that of the request.
    let of_agent = |meta: Value, trace: &str| {
        let mut params = object!({ "name": "case_start", "arguments": { "incident": incident }, "_meta": meta });
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = object!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientInfo"] = object!({ "name": "raw", "version": "1" });
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = object!({});
        let body = object!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let head = format!(
            "{AGENT}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: case_start\r\ntraceparent: {}\r\n",
            parent(trace)
        );
        let (status, _, body) = server.ask_with("POST", "/mcp", &head, &body);
        assert!(status == 200 && body.contains("structuredContent"), "{status} {body}");
    };
    let (by_header, by_message) = ("1".repeat(32), "2".repeat(32));
    of_agent(object!({}), &by_header);
    of_agent(object!({ "traceparent": parent(&by_message) }), &by_header);
    assert_eq!(server.ask_with("GET", "/healthz", "", "").0, 200);
    assert_eq!(server.ask_with("GET", "/nowhere?token=s3cret", "", "").0, 404);
    let notices: Vec<_> =
        (0..2).map(|_| sent_in(&notices.recv_timeout(Duration::from_secs(60)).expect("a notice"))).collect();
    assert_eq!(ended(server, folder), "");

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
