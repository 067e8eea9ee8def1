//! People's JSON loses nothing: what is written is read back as it was, over generated values of every variant.

use negawatt_host::json;
use negawatt_host::model::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("finite", |x| x.is_finite()), Just(0.0), Just(-0.0), 0.0..1.0]
}

/// Years −9999 to 9999, to the microsecond.
fn instant() -> impl Strategy<Value = Timestamp> {
    -377_705_023_200_000_000i64..253_402_207_200_000_000
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((text(), text()), 0..3)
}

fn body() -> impl Strategy<Value = FindingBody> {
    let shape = prop_oneof![Just(Shape::Step), Just(Shape::Drift), Just(Shape::Variance)];
    let reason = prop_oneof![
        Just(DismissalReason::Noise),
        Just(DismissalReason::WentAway),
        Just(DismissalReason::Seasonal),
        Just(DismissalReason::CostShift),
        Just(DismissalReason::Planned),
        Just(DismissalReason::Other),
    ];
    let candidate = prop_oneof![
        Just(Candidate::Commit),
        Just(Candidate::Config),
        Just(Candidate::Experiment),
        Just(Candidate::Service),
    ];
    let setting = (text(), text(), text()).prop_map(|(service, key, value)| Setting { service, key, value });
    prop_oneof![
        (instant(), number(), number(), number(), text(), shape).prop_map(
            |(time, before, after, p_value, method, shape)| {
                FindingBody::ChangePoint(ChangePoint { time, before, after, p_value, method, shape })
            }
        ),
        (reason, text(), option::of(text())).prop_map(|(reason, detail, of)| FindingBody::Dismissal(Dismissal {
            reason,
            detail,
            of
        })),
        (text(), [number(), number(), number(), number(), number()]).prop_map(|(name, n)| {
            let [before, after, self_before, self_after, p_value] = n;
            FindingBody::FunctionShift(FunctionShift { name, before, after, self_before, self_after, p_value })
        }),
        (candidate, text(), option::of(text()), option::of(text()), vec(text(), 0..3), text(), number(), pairs())
            .prop_map(|(candidate, id, repository, author, files, reason, log_odds, extra)| {
                let suspect = Suspect { candidate, id, repository, author, files, reason, log_odds, extra };
                FindingBody::Suspect(suspect)
            }),
        (text(), text(), option::of(text()), option::of(setting), text()).prop_map(
            |(strategy, target, patch, setting, validation)| {
                FindingBody::Mitigation(Mitigation { strategy, target, patch, setting, validation })
            }
        ),
        (text(), text(), vec(text(), 0..3), number(), number(), number()).prop_map(
            |(name, pattern, files, share, saving_low, saving_high)| {
                FindingBody::Opportunity(Opportunity { name, pattern, files, share, saving_low, saving_high })
            }
        ),
        (number(), number(), text()).prop_map(|(cores, watts, basis)| FindingBody::Impact(Impact {
            cores,
            watts,
            basis
        })),
        text().prop_map(FindingBody::Note),
        // `data` is JSON text: it is kept as a value, so its text is compared in the form that serde_json writes.
        (text(), vec(number(), 0..3)).prop_map(|(name, data)| {
            FindingBody::Other(Other { name, data: serde_json::to_string(&data).unwrap() })
        }),
    ]
}

fn finding() -> impl Strategy<Value = Finding> {
    (body(), number(), text(), vec(text(), 0..3), pairs())
        .prop_map(|(body, confidence, summary, because, extra)| Finding { body, confidence, summary, because, extra })
}

fn metric() -> impl Strategy<Value = Metric> {
    let transform = prop_oneof![
        Just(Transform::None),
        (1u64..u64::MAX).prop_map(Transform::Rate),
        (1u64..u64::MAX).prop_map(Transform::Increase),
        (0.0..=1.0f64, 1u64..u64::MAX)
            .prop_map(|(quantile, over)| Transform::Quantile(QuantileTransform { quantile, over })),
    ];
    let operation =
        prop_oneof![Just(Aggregation::Sum), Just(Aggregation::Avg), Just(Aggregation::Max), Just(Aggregation::Min),];
    let aggregate = (operation, vec(text(), 0..3)).prop_map(|(operation, by)| Aggregate { operation, by });
    let worse = prop_oneof![Just(Direction::Up), Just(Direction::Down)];
    let labels = proptest::collection::btree_map(text(), text(), 0..4)
        .prop_map(|labels| labels.into_iter().map(|(name, value)| Label { name, value }).collect());
    ("[a-z]{1,9}", labels, worse, transform, option::of(aggregate))
        .prop_map(|(name, labels, worse, transform, aggregate)| Metric { name, labels, worse, transform, aggregate })
}

fn incident() -> impl Strategy<Value = Incident> {
    let severity =
        prop_oneof![Just(Severity::Low), Just(Severity::Medium), Just(Severity::High), Just(Severity::Critical)];
    (text(), ".{1,9}", option::of(metric()), instant(), 1i64..1_000_000_000_000, severity).prop_map(
        |(title, service, metric, start, length, severity)| {
            let kind = if metric.is_some() { IncidentKind::Regression } else { IncidentKind::Opportunity };
            Incident { kind, title, service, metric, window: Window { start, end: start + length }, severity }
        },
    )
}

/// What a value breaks of a schema.
fn broken(schema: &serde_json::Value, value: &serde_json::Value) -> Option<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(value).next().map(|error| format!("{}: {error}", error.instance_path()))
}

proptest! {
    #[test]
    fn findings_round_trip(finding in finding()) {
        let text = json::finding(&finding).to_string();
        let read = json::read_finding("", serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(&read, &finding);
        let list = json::read_findings(&format!("[{text}]")).unwrap();
        prop_assert_eq!(list, vec![finding]);
    }

    #[test]
    fn evidence_round_trips_as_a_finding(finding in finding()) {
        let evidence = Evidence { id: "e7".into(), by: "x@1.0.0".into(), finding };
        let value = json::evidence(&evidence);
        prop_assert_eq!(&value["id"], "e7");
        prop_assert_eq!(json::read_finding("", value).unwrap(), evidence.finding);
    }

    #[test]
    fn incidents_round_trip(incident in incident()) {
        let text = json::incident(&incident).to_string();
        let read = json::read_incident(&text).unwrap();
        prop_assert_eq!(&read.incident, &incident);
        prop_assert_eq!(read.fingerprint, json::fingerprint(&incident));
    }

    #[test]
    fn what_is_written_is_what_the_schemas_say(finding in finding(), incident in incident()) {
        let kinds = [finding.body.kind()];
        let written = json::finding(&finding);
        for schema in [
            json::finding_schema(&kinds),
            json::given_schema(&kinds),
            json::finding_schema(&json::every_kind()),
        ] {
            prop_assert_eq!(broken(&schema, &written), None, "{}", written);
        }
        let evidence = json::evidence(&Evidence { id: "e7".into(), by: "x@1.0.0".into(), finding });
        let schema = json::evidence_schema(&kinds);
        for schema in [json::terse(schema.clone()), schema, json::given_schema(&kinds)] {
            prop_assert_eq!(broken(&schema, &evidence), None, "{}", evidence);
        }
        let written = json::incident(&incident);
        prop_assert_eq!(broken(&json::incident_schema(), &written), None, "{}", written);
    }

    #[test]
    fn any_text_is_an_error_or_an_incident(text in any::<String>()) {
        let _ = json::read_incident(&text);
        let _ = json::read_findings(&text);
    }
}

const INCIDENT: &str = r#"{ "kind": "regression", "title": "checkout CPU up", "service": "checkout",
  "metric": { "name": "cpu_seconds_per_request", "labels": {"service": "checkout"}, "worse": "up" },
  "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
  "severity": "high", "fingerprint": "f" }"#;

#[test]
fn errors_name_the_place_and_what_would_be_right() {
    assert_eq!(json::read_incident(INCIDENT).unwrap().fingerprint, "f");
    for (from, to, place, says) in [
        ("{", r#"{ "": 1,"#, r#""""#, "not a known key"),
        (r#""kind": "regression""#, r#""kind": "regresion""#, "kind", "opportunity"),
        (r#""worse""#, r#""worst""#, "metric.worst", "worse"),
        (r#""severity": "high""#, r#""severity": 3"#, "severity", "a string"),
        ("2026-11-20T00:00:00Z", "2026-11-20", "window.end", "2026-11-18T00:00:00Z"),
        ("2026-11-20T00:00:00Z", "2026-11-17T00:00:00Z", "window.end", "later"),
        (r#""checkout"}"#, r#"7}"#, "metric.labels.service", "string"),
        (r#""fingerprint": "f""#, r#""colour": "f""#, "colour", "fingerprint"),
        (r#""metric": {"#, r#""metrik": {"#, "metric", "missing"),
        (r#""up" }"#, r#""up", "transform": {"rate": "5 minutes"} }"#, "metric.transform.rate", "5m"),
        (r#""up" }"#, r#""up", "aggregate": "total" }"#, "metric.aggregate", "sum"),
        (r#""service": "checkout","#, r#""service": "","#, "service", "is empty"),
        (r#""cpu_seconds_per_request""#, r#""""#, "metric.name", "is empty"),
        (r#""window": {"#, r#""window": { "zone": 1,"#, "window.zone", "start, end"),
        (r#""up" }"#, r#""up", "transform": "rate" }"#, "metric.transform", "none"),
        (r#""up" }"#, r#""up", "transform": {} }"#, "metric.transform", "must have"),
        (r#""up" }"#, r#""up", "transform": {"rate": "5m", "by": 1} }"#, "metric.transform.by", "rate"),
        (r#""up" }"#, r#""up", "transform": {"quantile": 1.5, "over": "5m"} }"#, "metric.transform.quantile", "0 to 1"),
        (r#""up" }"#, r#""up", "aggregate": {"sum": [], "max": []} }"#, "metric.aggregate", "such as"),
        (r#""up" }"#, r#""up", "aggregate": {"sum": [1]} }"#, "metric.aggregate", "strings"),
        (r#""title""#, r#"title"#, "line 1, column 25", ""),
    ] {
        let changed = INCIDENT.replacen(from, to, 1);
        assert_ne!(changed, INCIDENT, "{from}");
        let error = json::read_incident(&changed).unwrap_err();
        assert_eq!(error.place, place, "{error}");
        assert!(error.message.contains(says), "{error}");
    }
}

#[test]
fn derived_fingerprints_depend_on_kind_service_and_metric_alone() {
    let read = |text: &str| json::read_incident(&text.replace(r#", "fingerprint": "f""#, "")).unwrap().fingerprint;
    let same = read(INCIDENT);
    assert_eq!(same, read(&INCIDENT.replace("checkout CPU up", "other").replace("11-18", "11-17")));
    assert_ne!(same, read(&INCIDENT.replace(r#""service": "checkout""#, r#""service": "cart""#)));
    assert_ne!(same, read(&INCIDENT.replace("cpu_seconds", "wall_seconds")));
}

#[test]
fn lengths_of_time_have_units() {
    let read = |length: &str| {
        let transform = format!(r#""up", "transform": {{"rate": "{length}"}} }}"#);
        json::read_incident(&INCIDENT.replacen(r#""up" }"#, &transform, 1)).map(|read| read.incident)
    };
    let written = |incident: &Incident| json::incident(incident)["metric"]["transform"]["rate"].clone();
    let mut incident = read("1s").unwrap();
    for (length, micros) in [
        ("1us", 1),
        ("2ms", 2_000),
        ("3s", 3_000_000),
        ("4m", 240_000_000),
        ("5h", 18_000_000_000),
        ("6d", 518_400_000_000),
        ("2w", 1_209_600_000_000),
    ] {
        incident = read(length).unwrap();
        assert_eq!(incident.metric.as_ref().unwrap().transform, Transform::Rate(micros), "{length}");
        assert_eq!(written(&incident), length);
    }
    incident.metric.as_mut().unwrap().transform = Transform::Rate(0);
    assert_eq!(written(&incident), "0us");
    for wrong in ["0s", "5", "m", "5 m", "-1s", "5y", "1.5h", "99999999999999999999s", "99999999999999w"] {
        assert_eq!(read(wrong).unwrap_err().place, "metric.transform.rate", "{wrong}");
    }
}

#[test]
fn what_is_no_object_and_what_is_not_known_is_named() {
    for (text, is) in
        [("null", "null"), ("true", "true or false"), ("1", "a number"), (r#""x""#, "a string"), ("[]", "a list")]
    {
        let error = json::read_incident(text).unwrap_err();
        assert_eq!(
            (error.place.as_str(), error.message),
            ("the whole text", format!("must be an object, and is {is}"))
        );
    }
    for (more, key) in [
        (r#""kind": "note", "text": "x", "zone": 1"#, "zone"),
        (
            r#""kind": "mitigation", "strategy": "x", "target": "x", "setting": {"service": "x", "key": "x", "value": "x", "zone": 1}"#,
            "setting.zone",
        ),
    ] {
        let error = json::read_findings(&format!(r#"[{{ "confidence": 1, {more} }}]"#)).unwrap_err();
        assert!(error.place.ends_with(key) && error.message.contains("not a known key"), "{error}");
    }
    for word in ["noise", "went-away", "seasonal", "cost-shift", "planned", "other"] {
        assert_eq!(DismissalReason::from_word(word).map(DismissalReason::word), Some(word));
    }
    assert_eq!(DismissalReason::from_word("zone"), None);
}

/// Every key has a meaning, and nothing but what is written passes.
#[test]
fn schemas_are_closed_and_explained() {
    let kinds = json::every_kind();
    assert_eq!(kinds.len(), 9);
    for kind in &kinds {
        let schema = json::finding_schema(std::slice::from_ref(kind));
        for (key, of) in schema["properties"].as_object().unwrap() {
            assert!(of["description"].is_string() || of.get("const").is_some(), "{kind} {key}: {of}");
        }
        assert!(broken(&schema, &serde_json::json!({ "kind": schema["properties"]["kind"]["const"] })).is_some());
    }
    let change = json::finding_schema(&[negawatt_host::Kind::ChangePoint]);
    assert_eq!(change["properties"]["shape"]["enum"], serde_json::json!(["step", "drift", "variance"]));
    assert_eq!(change["properties"]["time"]["examples"][0], "2026-11-18T00:00:00Z");
    let incident = json::incident_schema();
    let good = serde_json::json!({
        "kind": "regression", "title": "t", "service": "s", "severity": "high",
        "metric": { "name": "m", "labels": { "service": "s" }, "worse": "up", "transform": { "rate": "5m" }, "aggregate": "sum" },
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    });
    assert_eq!(broken(&incident, &good), None);
    for (pointer, wrong) in [
        ("/kind", serde_json::json!("x")),
        ("/window", serde_json::json!({ "start": "yesterday", "end": "2026-11-20T00:00:00Z" })),
        ("/metric/labels", serde_json::json!({ "service": 1 })),
        ("/metric/transform", serde_json::json!({ "rate": "5 minutes" })),
        ("/metric/aggregate", serde_json::json!({ "sum": ["a"], "avg": ["b"] })),
        ("/severity", serde_json::json!(7)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(broken(&incident, &bad).is_some(), "{pointer}");
        assert!(json::read_incident(&bad.to_string()).is_err(), "{pointer}");
    }
}
