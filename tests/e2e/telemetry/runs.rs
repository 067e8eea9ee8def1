//! What a command exports, and a client of agents on standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use negawatt_test_servers::{HttpServer, Response};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json as object};

use super::collector::{Collector, has, hex};
use super::{INVESTIGATE, SPAN, TRACE, case, header, incident, parent};
use crate::common::{self, negawatt, write};

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
