//! Metrics from CSV files, through the tool's trait. The transforms are compared with what Prometheus answered; see
//! `prometheus/record.py`.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use negawatt_host::Scope;
use negawatt_host::model::metrics::{MatchOperation, Matcher, Selector, Series};
use negawatt_host::model::{Aggregate, Aggregation, Error, QuantileTransform, Transform, Window};
use serde_json::Value;
use support::{ALWAYS, Place, scope};

const TOML: &str = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n";

fn selector(name: &str) -> Selector {
    Selector { name: name.to_owned(), matchers: Vec::new(), transform: Transform::None, aggregate: None }
}

fn query(
    place: &Place,
    scope: &Scope,
    selector: Selector,
    window: Window,
    step: Option<u64>,
) -> Result<Vec<Series>, Error> {
    let metrics = place.configure(TOML).tools.metrics.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(metrics.query(scope, selector, window, step))
}

fn labels(series: &Series) -> String {
    series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect::<Vec<_>>().join(",")
}

fn seconds(start: i64, end: i64) -> Window {
    Window { start: start * 1_000_000, end: end * 1_000_000 }
}

#[test]
fn the_samples_of_a_half_open_window_in_order_of_labels() {
    let place = Place::new();
    place.write("metrics/cpu.csv", "service,value,time\nweb,2,20\nweb,1,10\napi,5,10\nweb,3,30\nother,9,10\n,7,10\n");
    let series = query(&place, &scope(&["web", "api"]), selector("cpu"), seconds(10, 30), None).unwrap();
    assert_eq!(
        series.iter().map(labels).collect::<Vec<_>>(),
        ["", "service=api", "service=web"],
        "not the other service"
    );
    assert_eq!(series[2].times, [10_000_000, 20_000_000]);
    assert_eq!(series[2].values, [1.0, 2.0]);

    let matcher = Matcher { name: "service".into(), operation: MatchOperation::Matches, value: "w.b|x".into() };
    let matching = Selector { matchers: vec![matcher], ..selector("cpu") };
    assert_eq!(query(&place, &scope(&["web", "api"]), matching, ALWAYS, None).unwrap().len(), 1);
    assert_eq!(query(&place, &scope(&["web"]), selector("unknown"), ALWAYS, None).unwrap(), []);
}

#[test]
fn a_step_takes_the_last_sample_within_it() {
    let place = Place::new();
    place.write("metrics/cpu.csv", "time,value\n1,1\n9,2\n10,3\n11,4\n35,5\n40,6\n");
    let series = query(&place, &scope(&[]), selector("cpu"), seconds(10, 41), Some(10_000_000)).unwrap();
    assert_eq!(series[0].times, [10_000_000, 20_000_000, 40_000_000]);
    assert_eq!(series[0].values, [3.0, 4.0, 6.0], "30 has no sample after 20: a gap");
    // Nothing from before the case is seen.
    let late = Scope { window: seconds(11, 100), ..scope(&[]) };
    let series = query(&place, &late, selector("cpu"), seconds(11, 20), Some(5_000_000)).unwrap();
    assert_eq!(series[0].values, [4.0]);
    for step in [0, 1] {
        assert!(matches!(
            query(&place, &scope(&[]), selector("cpu"), seconds(0, 41), Some(step)),
            Err(Error::Invalid(_))
        ));
    }
}

#[test]
fn a_mistake_in_a_file_is_the_operators_to_know() {
    let place = Place::new();
    place.write("metrics/cpu.csv", "time,value\n1,1\n2,x\n");
    let Err(Error::Unavailable(message)) = query(&place, &scope(&[]), selector("cpu"), ALWAYS, None) else { panic!() };
    assert_eq!(message, "the source of metrics cannot be read; the operator's log says why");
    place.write("metrics/cpu.csv", "time,value\n1,1\n2,2\n");
    assert_eq!(query(&place, &scope(&[]), selector("cpu"), ALWAYS, None).unwrap()[0].values, [1.0, 2.0]);
}

#[test]
fn a_changed_file_is_read_again() {
    let place = Place::new();
    place.write("metrics/cpu.csv", "time,value\n1,1\n");
    let metrics = place.configure(TOML).tools.metrics.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let values =
        || runtime.block_on(metrics.query(&scope(&[]), selector("cpu"), ALWAYS, None)).unwrap()[0].values.clone();
    assert_eq!(values(), [1.0]);
    place.write("metrics/cpu.csv", "time,value\n1,1\n2,2\n");
    assert_eq!(values(), [1.0, 2.0]);
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let place = Place::new();
    place.write("secret.csv", "time,value\n1,1\n");
    place.write("metrics/x.csv", "time,value\n1,1\n");
    std::os::unix::fs::symlink(place.path("secret.csv"), place.path("metrics/link.csv")).unwrap();
    for name in ["../secret", "/etc/passwd", "a/../../secret"] {
        assert!(matches!(query(&place, &scope(&[]), selector(name), ALWAYS, None), Err(Error::Invalid(_))), "{name}");
    }
    let Err(Error::Unavailable(message)) = query(&place, &scope(&[]), selector("link"), ALWAYS, None) else { panic!() };
    assert!(message.contains("the operator's log"), "{message}");
}

#[test]
fn too_much_is_refused_before_it_is_evaluated() {
    let place = Place::new();
    let rows: String = (0..5).map(|job| format!("0,{job},1\n")).collect();
    place.write("metrics/cpu.csv", format!("time,job,value\n{rows}"));
    // Nearly every step is a gap: the answer would be small, finding it would not.
    let long = |steps| query(&place, &scope(&[]), selector("cpu"), seconds(0, steps), Some(1_000_000));
    assert_eq!(long(800_000).unwrap().len(), 5);
    assert!(matches!(long(800_001), Err(Error::OverBudget(_))));
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake_at_start() {
    let error = Place::new().try_configure(TOML).err().unwrap();
    assert_eq!((error.line, error.key.as_str()), (3, "sources.metrics.path"));
}

#[test]
fn answers_are_those_of_prometheus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prometheus");
    let place = Place::new();
    for name in ["requests_total.csv", "latency_bucket.csv"] {
        place.write(&format!("metrics/{name}"), std::fs::read(folder.join(name)).unwrap());
    }
    let recorded: Value = serde_json::from_slice(&std::fs::read(folder.join("answers.json")).unwrap()).unwrap();
    let window = seconds(recorded["start"].as_i64().unwrap(), recorded["end"].as_i64().unwrap());
    for answer in recorded["answers"].as_array().unwrap() {
        let query_json = &answer["query"];
        let step = query_json["step"].as_u64().unwrap() * 1_000_000;
        let found = query(&place, &scope(&[]), contract_selector(query_json), window, Some(step)).unwrap();
        let expected = answer["series"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{query_json}");
        for expected in expected {
            let wanted: BTreeMap<String, String> = serde_json::from_value(expected["labels"].clone()).unwrap();
            let series = found
                .iter()
                .find(|series| wanted == series.labels.iter().map(|l| (l.name.clone(), l.value.clone())).collect());
            let series = series.unwrap_or_else(|| panic!("{query_json}: no series {wanted:?}"));
            let values = expected["values"].as_array().unwrap();
            let times: Vec<i64> = values.iter().map(|pair| pair[0].as_i64().unwrap() * 1_000_000).collect();
            assert_eq!(series.times, times, "{query_json} {wanted:?}");
            for ((time, value), pair) in series.times.iter().zip(&series.values).zip(values) {
                let expected: f64 = pair[1].as_str().unwrap().parse().unwrap();
                assert!(
                    (value - expected).abs() <= 1e-9 * expected.abs().max(1e-9),
                    "{query_json} {wanted:?} {time}: {value} {expected}"
                );
            }
        }
    }
}

fn contract_selector(query: &Value) -> Selector {
    let duration = |value: &Value| value.as_u64().unwrap() * 1_000_000;
    let transform = &query["transform"];
    let aggregate = query["aggregate"].as_array().map(|aggregate| Aggregate {
        operation: match aggregate[0].as_str().unwrap() {
            "sum" => Aggregation::Sum,
            "avg" => Aggregation::Avg,
            "max" => Aggregation::Max,
            _ => Aggregation::Min,
        },
        by: serde_json::from_value(aggregate[1].clone()).unwrap(),
    });
    let transform = match transform[0].as_str().unwrap() {
        "none" => Transform::None,
        "rate" => Transform::Rate(duration(&transform[1])),
        "increase" => Transform::Increase(duration(&transform[1])),
        _ => Transform::Quantile(QuantileTransform {
            quantile: transform[1].as_f64().unwrap(),
            over: duration(&transform[2]),
        }),
    };
    Selector { transform, aggregate, ..selector(query["name"].as_str().unwrap()) }
}
