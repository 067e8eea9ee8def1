//! What other systems send, as their documentation has it: read as far as it says something exactly, and refused with the field.

use negawatt_config::Config;
use negawatt_host::model::{Aggregation, Direction, IncidentKind, Severity, Transform};
use negawatt_host::time::parse_rfc3339;
use negawatt_signals::{
    GenericMapping, Mapping, Received, Signal, SignalError, State, alertmanager, generic, grafana, native,
};
use serde_json::{Value, json};

const ALERTMANAGER: &str = include_str!("fixtures/alertmanager.json");
const GRAFANA: &str = include_str!("fixtures/grafana.json");
const LEGACY: &str = include_str!("fixtures/grafana_legacy.json");
const PAGER: &str = include_str!("fixtures/pager.json");

const HOUR: i64 = 3_600_000_000;

fn at(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

fn now() -> i64 {
    at("2026-11-19T08:00:00Z")
}

fn config(text: &str) -> Config {
    Config::parse(text, "negawatt.toml".as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

/// What an operator says under `[serve.webhooks.alertmanager]`.
fn mapping(lines: &str) -> Mapping {
    let config = config(&format!("[serve.webhooks.alertmanager]\n{lines}"));
    Mapping::of(&config.serve.webhooks.alertmanager.unwrap().mapping).unwrap()
}

fn generic_mapping(lines: &str) -> GenericMapping {
    let config = config(&format!("[serve.webhooks.generic.pager]\n{lines}"));
    GenericMapping::of(&config.serve.webhooks.generic["pager"]).unwrap()
}

fn read(body: &Value, lines: &str) -> Received {
    alertmanager(body.to_string().as_bytes(), &mapping(lines), now()).unwrap()
}

/// A payload with one alert, of these labels, annotations and expression.
fn one(labels: Value, annotations: Value, expression: &str) -> Value {
    let mut url = reqwest::Url::parse("http://prometheus.example:9090/graph").unwrap();
    url.query_pairs_mut().append_pair("g0.expr", expression).append_pair("g0.tab", "1");
    json!({ "version": "4", "groupKey": "{}", "alerts": [{
        "status": "firing", "labels": labels, "annotations": annotations, "startsAt": "2026-11-19T07:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": url.as_str(), "fingerprint": "f",
    }] })
}

fn signal(body: &Value, lines: &str) -> Signal {
    let Received { mut signals, refused, .. } = read(body, lines);
    assert!(refused.is_empty() && signals.len() == 1, "{refused:?}");
    signals.remove(0)
}

fn refusal(body: &Value, lines: &str) -> SignalError {
    let Received { signals, mut refused, .. } = read(body, lines);
    assert!(signals.is_empty() && refused.len() == 1, "{signals:?}");
    refused.remove(0)
}

fn labels(signal: &Signal) -> Vec<(&str, &str)> {
    let metric = signal.incident.incident.metric.as_ref().unwrap();
    metric.labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect()
}

#[test]
fn a_group_of_alertmanager() {
    let received = alertmanager(ALERTMANAGER.as_bytes(), &mapping(""), now()).unwrap();
    assert_eq!(received.notes, ["the sender left out 2 alerts; raise its max_alerts"]);
    let [cpu, throughput, errors] = received.signals.as_slice() else { panic!("{received:#?}") };

    let incident = &cpu.incident.incident;
    assert_eq!(
        (incident.kind, incident.service.as_str(), incident.severity),
        (IncidentKind::Regression, "checkout", Severity::Critical)
    );
    assert_eq!(
        (incident.title.as_str(), cpu.state),
        ("checkout uses a fifth more CPU for each request", State::Firing)
    );
    assert_eq!(
        (cpu.starts_at, cpu.fingerprint.as_str()),
        (at("2026-11-19T07:10:00.123Z"), "alertmanager:1a30ba71cca2921f")
    );
    assert_eq!((incident.window.start, incident.window.end), (cpu.starts_at - 24 * HOUR, now()));
    let metric = incident.metric.as_ref().unwrap();
    assert_eq!(
        (metric.name.as_str(), &metric.transform, metric.worse),
        ("cpu_seconds_total", &Transform::Rate(300_000_000), Direction::Up)
    );
    let aggregate = metric.aggregate.as_ref().unwrap();
    assert_eq!((aggregate.operation, aggregate.by.as_slice()), (Aggregation::Sum, &["service".to_owned()][..]));
    assert_eq!(labels(cpu), [("env", "prod"), ("service", "checkout")]);
    assert_eq!(
        cpu.incident.fingerprint,
        negawatt_host::json::fingerprint(incident),
        "the case is about the metric, not the alert"
    );

    let incident = &throughput.incident.incident;
    assert_eq!(
        (incident.service.as_str(), incident.severity, throughput.state),
        ("cart", Severity::Medium, State::Resolved)
    );
    assert_eq!((incident.title.as_str(), incident.metric.as_ref().unwrap().worse), ("ThroughputLow", Direction::Down));
    assert_eq!(labels(throughput), [("instance", "10.0.0.7:8080"), ("job", "cart")]);

    let incident = &errors.incident.incident;
    assert_eq!((incident.service.as_str(), incident.severity), ("search", Severity::Critical));
    assert_eq!(
        (incident.metric.as_ref().unwrap().name.as_str(), labels(errors)),
        ("error_ratio", vec![("app", "search")])
    );

    let [refused] = received.refused.as_slice() else { panic!("{:?}", received.refused) };
    assert_eq!(refused.pointer, "/alerts/3");
    assert!(refused.message.contains("vector") && refused.help.contains("negawatt_metric"), "{refused}");
}

#[test]
fn a_group_of_grafana() {
    let metrics = "metrics = [{ alert = \"Memory*\", metric = \"sum by (service) (resident_bytes)\", worse = \"up\" }]";
    let received = grafana(GRAFANA.as_bytes(), &mapping(metrics), now()).unwrap();
    let [latency, memory] = received.signals.as_slice() else { panic!("{received:#?}") };
    assert!(received.notes.is_empty() && received.refused.is_empty());
    let incident = &latency.incident.incident;
    assert_eq!((incident.service.as_str(), latency.starts_at), ("search", at("2026-11-19T07:10:00.157076Z")));
    assert!(matches!(incident.metric.as_ref().unwrap().transform, Transform::Quantile(_)));
    assert_eq!(
        (labels(latency), latency.fingerprint.as_str()),
        (vec![("service", "search")], "grafana:9c6b2f3d5a7e1480")
    );
    assert_eq!(latency.notes, ["its values: B = 0.44237, C = 1"]);
    assert_eq!(labels(memory), [("service", "cart")]);
    // Without a word of the operator nothing says what the second is about.
    let refused = &grafana(GRAFANA.as_bytes(), &mapping(""), now()).unwrap().refused;
    assert!(refused[0].pointer == "/alerts/1" && refused[0].help.contains("alert = \"Memory of cart\""), "{refused:?}");
    let error = grafana(LEGACY.as_bytes(), &mapping(""), now()).unwrap_err();
    assert!(error.message.contains("legacy") && error.help.contains("serve.webhooks.generic"), "{error}");
}

const PAGER_FIELDS: &str = "severities = { p1 = \"critical\" }
series_labels = [\"service\", \"zone\"]
metrics = [{ alert = \"Memory*\", metric = \"resident_bytes\" }, { alert = \"*\", metric = \"free_bytes < 5\" }]
[serve.webhooks.generic.pager.fields]
alerts = \"/events\"
title = \"/name\"
labels = \"/tags\"
metric = \"/metric\"
starts_at = \"/at\"
severity = \"/priority\"
fingerprint = \"/id\"
state = \"/state\"";

#[test]
fn whatever_sends_json() {
    let received = generic(PAGER.as_bytes(), &generic_mapping(PAGER_FIELDS), now()).unwrap();
    let [cpu, memory] = received.signals.as_slice() else { panic!("{received:#?}") };
    let incident = &cpu.incident.incident;
    assert_eq!(
        (incident.service.as_str(), incident.severity, cpu.starts_at),
        ("checkout", Severity::Critical, at("2026-11-19T07:10:00Z"))
    );
    assert_eq!(
        (labels(cpu), cpu.fingerprint.as_str(), cpu.state),
        (vec![("service", "checkout"), ("zone", "a")], "generic:ev-17", State::Firing)
    );
    assert_eq!((memory.starts_at, memory.state), (at("2026-11-19T07:10:00.123Z"), State::Resolved));
    assert!(memory.notes[0].contains("\"p9\" is not known"), "{:?}", memory.notes);
    let pointers: Vec<_> = received.refused.iter().map(|refused| refused.pointer.as_str()).collect();
    assert_eq!(pointers, ["/events/2/at", "/events/3/name", "/events/4/state"]);
    assert!(received.refused[2].help.contains("firing, alerting, open"), "{}", received.refused[2]);

    // One body, one alert: Grafana before version 9.
    let fields = "metrics = [{ alert = \"Memory*\", metric = \"resident_bytes\" }]
        fields = { title = \"/ruleName\", labels = \"/tags\", state = \"/state\", severity = \"/tags/severity\" }";
    let received = generic(LEGACY.as_bytes(), &generic_mapping(fields), now()).unwrap();
    let incident = &received.signals[0].incident.incident;
    assert_eq!(
        (incident.service.as_str(), incident.severity, incident.window.start),
        ("cart", Severity::High, now() - 24 * HOUR)
    );
    assert!(received.signals[0].notes[0].contains("now is taken"));
    let error = generic(b"{}", &generic_mapping(PAGER_FIELDS), now()).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/events", "is missing"));
}

#[test]
fn an_incident_of_our_own() {
    let text = r#"{"kind":"regression","title":"t","service":"s","metric":{"name":"m"},
                   "window":{"start":"2026-11-18T00:00:00Z","end":"2026-11-20T00:00:00Z"},"fingerprint":"f"}"#;
    let received = native(text.as_bytes()).unwrap();
    assert_eq!(
        (received.signals[0].fingerprint.as_str(), received.signals[0].starts_at),
        ("f", at("2026-11-18T00:00:00Z"))
    );
    for (text, pointer, says) in [
        (text.replace("2026-11-20", "2026-11-17"), "/window/end", "later"),
        (text.replace("\"title\":\"t\",", ""), "/title", "is missing"),
        (text.replace('}', "").replace("\"f\"", "\"f\"}"), "", "line"),
        (String::new(), "", "line 1"),
    ] {
        let error = native(text.as_bytes()).unwrap_err();
        assert!(error.pointer == pointer && error.message.contains(says), "{text}: {error}");
    }
    assert!(native(b"\xff").unwrap_err().message.contains("UTF-8"));
}

#[test]
fn a_metric_is_what_is_said_exactly_or_by_an_operator() {
    let of = json!({ "alertname": "A", "service": "s", "job": "j", "team": "t" });
    let metric = |body: &Value, lines: &str| signal(body, lines).incident.incident.metric.unwrap();
    // Its own word first, then its expression, then the operator's.
    let all = one(of.clone(), json!({ "negawatt_metric": "annotated" }), "expressed > 1");
    let rule =
        "metrics = [{ alert = \"B\", metric = \"no\" }, { alert = \"A*\", metric = \"ruled\", worse = \"down\" }]";
    assert_eq!(metric(&all, rule).name, "annotated");
    assert_eq!(metric(&one(of.clone(), json!({}), "expressed < 1"), rule).name, "expressed");
    let ruled = signal(&one(of.clone(), json!({}), "a / b > 1"), rule);
    let found = ruled.incident.incident.metric.as_ref().unwrap();
    assert_eq!((found.name.as_str(), found.worse), ("ruled", Direction::Down));
    assert!(ruled.notes[0].contains("at `/`"), "{:?}", ruled.notes);
    // Which direction hurts: its own word, the comparison, the rule, what is usual.
    let worse = |annotations: Value, expression: &str, lines: &str| {
        metric(&one(of.clone(), annotations, expression), lines).worse
    };
    assert_eq!(worse(json!({ "negawatt_worse": "up" }), "m < 1", ""), Direction::Up);
    assert_eq!(worse(json!({}), "m < 1", "worse = \"up\""), Direction::Down);
    assert_eq!(worse(json!({}), "m == 1", "worse = \"down\""), Direction::Down);
    assert_eq!(worse(json!({}), "m", ""), Direction::Up);
    // Labels of the rule are none of the series, unless the operator says so.
    assert_eq!(labels(&signal(&one(of.clone(), json!({}), "m{job=\"x\"} > 1"), "")), [("job", "x"), ("service", "s")]);
    assert_eq!(
        labels(&signal(&one(of.clone(), json!({}), "m > 1"), "series_labels = [\"team\", \"zone\"]")),
        [("team", "t")]
    );
    assert_eq!(labels(&signal(&one(of.clone(), json!({}), "sum(m) > 1"), "")), []);
    assert_eq!(labels(&signal(&one(of.clone(), json!({}), "sum by (team, zone) (m) > 1"), "")), [("team", "t")]);

    let wrong = one(of.clone(), json!({ "negawatt_metric": "a / b" }), "m > 1");
    assert_eq!(refusal(&wrong, rule).pointer, "/alerts/0/annotations/negawatt_metric");
    let wrong = one(of, json!({ "negawatt_worse": "left" }), "m > 1");
    assert_eq!(refusal(&wrong, "").pointer, "/alerts/0/annotations/negawatt_worse");
    let error = config("[serve.webhooks.grafana]\nmetrics = [{ alert = \"*\", metric = \"a / b\" }]");
    let error = Mapping::of(&error.serve.webhooks.grafana.unwrap().mapping).unwrap_err();
    assert!(error.line == 2 && error.key == "serve.webhooks.grafana.metrics.metric", "{error}");
}

#[test]
fn a_service_is_a_label_or_said_for_all() {
    let of = |labels: Value, lines: &str| {
        signal(&one(labels, json!({}), "m{zone=\"z\"} > 1"), lines).incident.incident.service
    };
    assert_eq!(of(json!({ "job": "j", "app": "a" }), ""), "a", "in the order of the list");
    assert_eq!(of(json!({ "service": "", "job": "j" }), ""), "j");
    assert_eq!(of(json!({ "tier": "t", "job": "j" }), "service_labels = [\"tier\"]"), "t");
    assert_eq!(of(json!({}), "service_labels = [\"zone\"]"), "z", "the expression says it too");
    assert_eq!(of(json!({}), "service = \"all\""), "all");
    let refused = refusal(&one(json!({ "alertname": "A" }), json!({}), "m > 1"), "");
    assert_eq!(refused.pointer, "/alerts/0/labels");
    assert!(
        refused.message.contains("service, service_name, app, job") && refused.help.contains("service_labels"),
        "{refused}"
    );
}

#[test]
fn times_that_are_none_or_strange() {
    let with = |time: Value| {
        let mut body = one(json!({ "service": "s" }), json!({}), "m > 1");
        body["alerts"][0]["startsAt"] = time;
        body
    };
    assert!(signal(&with(json!("9998-01-01T00:00:00Z")), "").notes[0].contains("a time to come"));
    let window = |body: &Value| signal(body, "look_back = \"1h\"").incident.incident.window;
    let unknown = signal(&with(json!("0001-01-01T00:00:00Z")), "");
    assert_eq!((unknown.starts_at, unknown.notes.len()), (now(), 1));
    let future = window(&with(json!("2026-11-19T09:00:00Z")));
    assert_eq!((future.start, future.end), (now() - HOUR, now() + 1), "a clock that is ahead changes nothing");
    let old = window(&with(json!("2026-01-01T00:00:00Z")));
    assert_eq!((old.end - old.start) / HOUR, 1 + 28 * 24, "what changed is near the beginning");
    for wrong in [json!("yesterday"), json!(true), json!(1e300), json!({})] {
        assert_eq!(refusal(&with(wrong), "").pointer, "/alerts/0/startsAt");
    }
}

#[test]
fn what_is_no_payload_is_told_with_the_field() {
    let cut = |key: &str| {
        let mut value: Value = serde_json::from_str(ALERTMANAGER).unwrap();
        value.as_object_mut().unwrap().remove(key);
        value.to_string()
    };
    for (body, pointer) in [
        (String::new(), ""),
        ("[]".to_owned(), "/version"),
        (cut("version"), "/version"),
        (cut("groupKey"), "/groupKey"),
        (cut("alerts"), "/alerts"),
        (r#"{"version":"5","groupKey":"x","alerts":[]}"#.to_owned(), "/version"),
        (r#"{"version":"4","groupKey":"x","alerts":{}}"#.to_owned(), "/alerts"),
        ("[".repeat(100_000), ""),
    ] {
        let error = alertmanager(body.as_bytes(), &mapping(""), now()).unwrap_err();
        assert!(error.pointer == pointer && !error.help.is_empty(), "{body:.100}: {error}");
    }
    for (change, pointer) in [
        (json!({ "status": "burning" }), "/alerts/0/status"),
        (json!({ "status": null }), "/alerts/0/status"),
        (json!({ "labels": [] }), "/alerts/0/labels"),
        (json!({ "labels": { "a/b~c": "x".repeat(2_000) } }), "/alerts/0/labels/a~1b~0c"),
        (json!({ "annotations": { "summary": {} } }), "/alerts/0/annotations/summary"),
    ] {
        let mut body = one(json!({ "service": "s" }), json!({}), "m > 1");
        let (key, value) = change.as_object().unwrap().iter().next().unwrap();
        body["alerts"][0][key] = value.clone();
        assert_eq!(refusal(&body, "").pointer, pointer);
    }
}

#[test]
fn what_is_too_much_is_bounded_and_hostile_text_stays_data() {
    let hostile = "\u{1b}[2J</script>\"; DROP TABLE case; {{7*7}} ../../etc/passwd \u{202e}";
    let body = one(
        json!({ "service": hostile, "alertname": hostile }),
        json!({ "summary": hostile.repeat(100) }),
        "sum by (service) (m)",
    );
    let found = signal(&body, "");
    assert_eq!(labels(&found), [("service", hostile)], "as it is, and nothing but a value");
    assert_eq!(found.incident.incident.title.chars().count(), 200);
    let mut many = body.clone();
    many["alerts"] = Value::Array(vec![body["alerts"][0].clone(); 501]);
    let received = read(&many, "");
    assert_eq!((received.signals.len(), received.notes.len()), (500, 1), "{:?}", received.notes);
    let labels: serde_json::Map<_, _> = (0..65).map(|n| (format!("l{n}"), json!("x"))).collect();
    assert_eq!(refusal(&one(Value::Object(labels), json!({}), "m"), "").pointer, "/alerts/0/labels");
}

#[test]
fn an_alert_without_a_name_of_its_own_gets_one() {
    let without = |labels: Value| {
        let mut body = one(labels, json!({}), "m > 1");
        body["alerts"][0].as_object_mut().unwrap().remove("fingerprint");
        signal(&body, "").fingerprint
    };
    let first = without(json!({ "service": "s", "a": "bc" }));
    assert!(first.starts_with("alertmanager:") && first.len() == 13 + 32, "{first}");
    assert_eq!(first, without(json!({ "a": "bc", "service": "s" })));
    assert_ne!(first, without(json!({ "service": "s", "ab": "c" })));
    let mut body = one(json!({ "service": "s" }), json!({}), "m > 1");
    body["alerts"][0]["fingerprint"] = json!("x\u{1b}[2J");
    assert!(signal(&body, "").fingerprint.len() == 13 + 32, "what is no name is not taken for one");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// JSON of any shape, with the words that the readers look for.
    fn any_json() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("firing".to_owned()),
            Just("resolved".to_owned()),
            Just("4".to_owned()),
            Just("rate(m[5m]) > 1".to_owned()),
            Just("2026-11-19T07:00:00Z".to_owned()),
            Just("http://p/graph?g0.expr=m%3E1".to_owned()),
            ".{0,12}",
        ];
        let key = prop_oneof![
            Just("version".to_owned()),
            Just("groupKey".to_owned()),
            Just("alerts".to_owned()),
            Just("labels".to_owned()),
            Just("annotations".to_owned()),
            Just("status".to_owned()),
            Just("startsAt".to_owned()),
            Just("generatorURL".to_owned()),
            Just("service".to_owned()),
            Just("negawatt_metric".to_owned()),
            Just("name".to_owned()),
            Just("events".to_owned()),
            ".{0,4}",
        ];
        let leaf = prop_oneof![
            word.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..8).prop_map(|fields| json!(fields)),
            ]
        })
    }

    fn holds(received: Result<Received, SignalError>, body: &str) {
        match received {
            Err(error) => assert!(!error.message.is_empty() && !error.help.is_empty(), "{error:?}"),
            Ok(received) => {
                let value: Value = serde_json::from_str(body).unwrap();
                for refused in &received.refused {
                    // Up to the last part, which may be missing, the pointer names something.
                    let above = refused.pointer.rsplit_once('/').map_or("", |(above, _)| above);
                    assert!(value.pointer(above).is_some() && !refused.help.is_empty(), "{refused:?}");
                }
                for Signal { incident, .. } in received.signals {
                    let incident = incident.incident;
                    assert!(incident.window.start < incident.window.end && !incident.service.is_empty());
                    let written = negawatt_host::json::incident(&incident).to_string();
                    assert_eq!(negawatt_host::json::read_incident(&written).unwrap().incident, incident);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_sent_is_read_or_refused(mut body in any_json(), whole in any::<bool>()) {
            if whole {
                body = json!({ "version": "4", "groupKey": "", "alerts": [body.clone()], "events": [body] });
            }
            let body = body.to_string();
            holds(alertmanager(body.as_bytes(), &mapping("service = \"s\""), now()), &body);
            holds(grafana(body.as_bytes(), &mapping(""), now()), &body);
            holds(generic(body.as_bytes(), &generic_mapping(PAGER_FIELDS), now()), &body);
            let _ = native(body.as_bytes());
        }

        #[test]
        fn any_bytes_end(body in prop::collection::vec(any::<u8>(), 0..60), text in "\\PC{0,40}") {
            let _ = (alertmanager(&body, &mapping(""), now()), native(&body));
            let _ = negawatt_signals::Expression::parse(&text);
        }

        /// What is an expression is so with blanks between its words, and says the same.
        #[test]
        fn blanks_say_nothing(name in "[a-z_]{1,8}", label in "[a-z]{1,4}", value in "\\PC{0,12}", minutes in 1u32..600, q in 0.0f64..1.0) {
            let quoted = serde_json::to_string(&value).unwrap();
            let plain = format!("sum by(a,b)(histogram_quantile({q},rate(x{name}{{{label}={quoted}}}[{minutes}m])))>0.5");
            let read = negawatt_signals::Expression::parse(&plain).unwrap();
            prop_assert_eq!(&read.labels[0].value, &value);
            let spaced = plain.replace("by(", " by ( ").replace(")(", " ) (  ").replace(")>", " )\n> ").replace("quantile(", "quantile (");
            if !value.contains(")(") && !value.contains(")>") && !value.contains("by(") && !value.contains("quantile(") {
                prop_assert_eq!(negawatt_signals::Expression::parse(&spaced), Ok(read));
            }
        }
    }
}
