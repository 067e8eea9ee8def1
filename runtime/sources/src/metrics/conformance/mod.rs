//! The same samples in CSV files and in a real Prometheus, and the same queries to both: the answers are the same.

mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::time::Duration as Time;

use negawatt_config::{Located, Place};
use negawatt_host::model::metrics::{MatchOperation, Matcher, Selector, Series};
use negawatt_host::model::{Aggregate, Aggregation, QuantileTransform, Transform, Window};
use negawatt_host::{Metrics, Scope};
use negawatt_test_servers::{HttpServer, Prometheus, Response, Sample, openmetrics, openmetrics_of_csv};
use tokio::runtime::Runtime;

use super::{CsvMetrics, PrometheusMetrics};
use crate::blocking::Shared;
use samples::{AWKWARD, Dice, SECOND, START, awkward, csv, long, varied};

/// The sources under test: files, Prometheus as it is, and Prometheus asked to evaluate all that it can.
struct Sources {
    runtime: Runtime,
    csv: Shared<CsvMetrics>,
    prometheus: PrometheusMetrics,
}

impl Sources {
    fn new(folder: &Path, url: &str) -> Sources {
        let place = Place::whole(Path::new("negawatt.toml"));
        let csv = CsvMetrics::configure(&Located { value: folder.to_owned(), place: place.clone() }).unwrap();
        let prometheus = PrometheusMetrics::configure(&Located { value: url.to_owned(), place }).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Sources { runtime, csv, prometheus }
    }

    /// How many slices Prometheus has evaluated for us.
    fn pushed(&self) -> usize {
        self.prometheus.pushed.load(Ordering::Relaxed)
    }

    /// Asks both, and compares. Gives the number of values.
    fn compare(&self, asked: &Asked, pushing: Option<(bool, bool)>) -> usize {
        let Asked { scope, selector, window, step } = asked;
        let expected = self.runtime.block_on(self.csv.query(scope, selector.clone(), *window, *step));
        let expected = expected.unwrap_or_else(|error| panic!("{error:?}\n{asked:?}"));
        let pushed = self.prometheus.clone().pushing(pushing);
        for (how, source) in [("as it is", &self.prometheus), ("pushing", &pushed)] {
            let found = self.runtime.block_on(source.query(scope, selector.clone(), *window, *step));
            let found = found.unwrap_or_else(|error| panic!("{how}: {error:?}\n{asked:?}"));
            if let Some(difference) = difference(&expected, &found) {
                panic!("{how}: {difference}\n{asked:?}");
            }
        }
        expected.iter().map(|series| series.values.len()).sum()
    }
}

/// Where two answers differ; values may by rounding.
fn difference(expected: &[Series], found: &[Series]) -> Option<String> {
    let labels = |series: &Series| {
        series.labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect::<Vec<_>>().join(",")
    };
    let names = |all: &[Series]| all.iter().map(labels).collect::<Vec<_>>();
    if names(expected) != names(found) {
        return Some(format!("series {:?}\ninstead of {:?}", names(found), names(expected)));
    }
    for (expected, found) in expected.iter().zip(found) {
        if expected.times != found.times {
            let all: BTreeSet<i64> = expected.times.iter().chain(&found.times).copied().collect();
            let lone = all.iter().find(|time| expected.times.contains(time) != found.times.contains(time));
            return Some(format!("{}: only one has {lone:?}", labels(expected)));
        }
        for ((time, a), b) in expected.times.iter().zip(&expected.values).zip(&found.values) {
            if (a - b).abs() > 1e-9 * a.abs().max(b.abs()).max(1e-3) {
                return Some(format!("{} at {time}: {b} instead of {a}", labels(expected)));
            }
        }
    }
    None
}

#[derive(Debug, Clone)]
struct Asked {
    scope: Scope,
    selector: Selector,
    window: Window,
    step: Option<u64>,
}

fn window(from: i64, until: i64) -> Window {
    Window { start: (START + from) * SECOND, end: (START + until) * SECOND }
}

fn scope(services: &[&str], unlabelled: bool, window: Window) -> Scope {
    let services = services.iter().map(|service| (*service).to_owned()).collect();
    Scope { services, unlabelled, window, everything: false }
}

fn asked(name: &str) -> Asked {
    let all = window(-10_000, 100_000);
    let selector =
        Selector { name: name.to_owned(), matchers: Vec::new(), transform: Transform::None, aggregate: None };
    Asked { scope: scope(&["web", "api", "(x|y)"], true, all), selector, window: window(0, 3_600), step: None }
}

fn aggregates() -> Vec<Option<Aggregate>> {
    let by =
        |operation, by: &[&str]| Some(Aggregate { operation, by: by.iter().map(|name| (*name).to_owned()).collect() });
    vec![
        None,
        by(Aggregation::Sum, &["service"]),
        by(Aggregation::Avg, &[]),
        by(Aggregation::Max, &["service", "missing"]),
        by(Aggregation::Min, &["é", "__name__"]),
    ]
}

/// Windows and scopes: all of it; from inside the samples on, with a case that begins where the window does, or a little
/// before it; and one that begins between two milliseconds.
fn stretches() -> Vec<(Scope, Window)> {
    let inner = window(900, 2_400);
    let between = Window { start: inner.start + 123, ..inner };
    vec![
        (scope(&["web", "api"], true, window(-10_000, 100_000)), window(0, 3_600)),
        (scope(&["web"], false, inner), inner),
        (scope(&["web", "api"], false, window(700, 3_600)), between),
        (scope(&[], true, window(-100, 3_600)), window(-100, 3_600)),
    ]
}

/// Every transform with every step and aggregate, over every stretch.
fn compare_all(sources: &Sources, name: &str, transforms: &[Transform], pushing: Option<(bool, bool)>) {
    let mut values = 0;
    for transform in transforms {
        for aggregate in aggregates() {
            for step in [None, Some(30), Some(45)] {
                for (scope, window) in stretches() {
                    let (transform, aggregate) = (*transform, aggregate.clone());
                    let selector = Selector { transform, aggregate, ..asked(name).selector };
                    let step = step.map(|step: u64| step * 1_000_000);
                    values += sources.compare(&Asked { scope, selector, window, step }, pushing);
                }
            }
        }
    }
    assert!(values > 5_000, "{name}: only {values} values were compared");
}

fn over(seconds: u64) -> u64 {
    seconds * 1_000_000
}

fn quantile(quantile: f64, seconds: u64) -> Transform {
    Transform::Quantile(QuantileTransform { quantile, over: over(seconds) })
}

#[test]
fn transforms_steps_and_aggregates() {
    let samples = varied();
    let Some(server) = Prometheus::with(&openmetrics(&samples)) else { return };
    let folder = csv(&samples);
    let sources = Sources::new(folder.path(), server.url());
    let counters = [Transform::None, Transform::Rate(over(60)), Transform::Increase(over(300))];
    compare_all(&sources, "requests_total", &counters, None);
    compare_all(&sources, "regular_total", &[Transform::None, Transform::Rate(over(60))], None);
    compare_all(&sources, "level", &[Transform::None], None);
    compare_all(&sources, "latency_bucket", &[quantile(0.0, 300)], None);
    assert!(sources.pushed() > 0, "nothing was left to Prometheus");
    // What Prometheus evaluates as we do since 3.0 it does so in every version where no sample lies on the edge of a range,
    // and no counter begins inside one.
    for (name, transform) in [
        ("smooth_total", Transform::Rate(over(60))),
        ("smooth_total", Transform::Increase(over(120))),
        ("latency_bucket", quantile(0.9, 120)),
    ] {
        let before = sources.pushed();
        compare_all(&sources, name, &[transform], Some((false, true)));
        assert!(sources.pushed() > before, "{name}: nothing was left to Prometheus");
    }
    // With samples on the edges it does not, and is not asked to: but for the last stretch, whose instants lie between them,
    // with two steps and the four aggregates that it can write.
    let before = sources.pushed();
    compare_all(&sources, "regular_total", &[Transform::Rate(over(60))], Some((false, true)));
    assert_eq!(sources.pushed() - before, 8);
    let described = sources.runtime.block_on(sources.prometheus.describe()).unwrap();
    assert!(described.starts_with("Prometheus ") && described.ends_with(", 5 metrics"), "{described}");
    let described = sources.runtime.block_on(sources.csv.describe()).unwrap();
    assert_eq!(described, "5 metrics: latency_bucket, level, regular_total, …");
}

#[test]
fn matchers() {
    use MatchOperation::{Equal, Matches, NotEqual, NotMatches};
    let mut samples = awkward();
    samples.extend(varied());
    let folder = csv(&samples);
    let Some(server) = Prometheus::with(&openmetrics_of_csv(folder.path()).unwrap()) else { return };
    let sources = Sources::new(folder.path(), server.url());
    let ask = |name: &str, matchers: &[(&str, MatchOperation, &str)]| {
        let matcher = |(name, operation, value): &(&str, MatchOperation, &str)| Matcher {
            name: (*name).to_owned(),
            operation: *operation,
            value: (*value).to_owned(),
        };
        let selector = Selector { matchers: matchers.iter().map(matcher).collect(), ..asked(name).selector };
        let by = Aggregate { operation: Aggregation::Sum, by: vec!["v".to_owned()] };
        let joined = Selector { aggregate: Some(by), ..selector.clone() };
        let step = Some(30_000_000);
        let values = sources.compare(&Asked { selector, ..asked(name) }, None);
        sources.compare(&Asked { selector: joined, step, ..asked(name) }, None);
        values
    };
    for value in AWKWARD.iter().chain(&[""]) {
        assert_eq!(ask("awkward", &[("v", Equal, value)]), 20, "{value:?}");
        assert_eq!(ask("awkward", &[("v", NotEqual, value)]), 20 * AWKWARD.len(), "{value:?}");
        assert_eq!(ask("awkward", &[("v", Matches, &regex::escape(value))]), 20, "{value:?}");
        assert_eq!(ask("awkward", &[("v", NotMatches, &regex::escape(value))]), 20 * AWKWARD.len(), "{value:?}");
    }
    for (pattern, series) in [
        ("a.b", 5),
        (".*", 13),
        (".+", 12),
        ("", 1),
        ("|plain", 2),
        (r"\w+", 2),
        (r"\d", 0),
        (r"[^\d]", 2),
        (r"a\Wb", 4),
        ("(?i)PLAIN", 1),
        ("pl", 0),
        (r"a\b.*", 5),
        (r"[\w.]+", 3),
    ] {
        assert_eq!(ask("awkward", &[("v", Matches, pattern)]), 20 * series, "{pattern}");
        assert_eq!(ask("awkward", &[("v", NotMatches, pattern)]), 20 * (13 - series), "{pattern}");
    }
    // Labels that no series has, or that older versions cannot write; and several conditions on one label.
    for (name, value) in [("missing", "x"), ("a.b", "x"), ("é", "x"), ("", "x"), ("__name__", "awkward"), ("a\"}", "x")]
    {
        assert_eq!(ask("awkward", &[(name, Equal, value)]), 0, "{name}");
        assert_eq!(ask("awkward", &[(name, NotEqual, value)]), 260, "{name}");
        assert_eq!(ask("awkward", &[(name, Matches, ".*")]), 260, "{name}");
    }
    assert_eq!(ask("awkward", &[("v", Matches, "a.b"), ("v", NotEqual, "axb"), ("unicode", Equal, "é")]), 40);
    // The scope, whatever the matchers say.
    assert_eq!(ask("regular_total", &[("service", Equal, "other")]), 0);
    assert!(ask("regular_total", &[("service", NotEqual, "web")]) > 0);
    assert_eq!(ask("no_such_metric", &[]), 0);
    assert_eq!(ask("no.such-metric", &[]), 0);
}

#[test]
fn text_in_quotes_is_what_it_was() {
    let Some(server) = Prometheus::with(&openmetrics(&awkward())) else { return };
    let sources = Sources::new(Path::new("."), server.url());
    let mut dice = Dice(11);
    let alphabet: Vec<char> =
        "\"\\'`\n\r\t\0$\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{fffd}\u{10ffff}é😀%+&=#{}[]()x0n".chars().collect();
    for length in 0..100 {
        let text: String = (0..length % 20).map(|_| alphabet[(dice.unit() * alphabet.len() as f64) as usize]).collect();
        assert_eq!(sources.runtime.block_on(sources.prometheus.echo(&text)), text);
    }
}

#[test]
fn more_than_one_slice() {
    let samples = long();
    let Some(server) = Prometheus::with(&openmetrics(&samples)) else { return };
    let folder = csv(&samples);
    let sources = Sources::new(folder.path(), server.url());
    let whole = Asked { window: window(-5, 66_001), ..asked("long") };
    assert_eq!(sources.compare(&whole, None), 4 * 66_000);
    // 16,502 steps of 4 s.
    let step = Some(4_000_000);
    assert!(sources.compare(&Asked { step, ..whole.clone() }, None) > 4 * 16_000);
    for (operation, by) in [(Aggregation::Sum, "service"), (Aggregation::Max, "missing")] {
        let aggregate = Some(Aggregate { operation, by: vec![by.to_owned()] });
        let selector = Selector { aggregate, ..whole.selector.clone() };
        assert!(sources.compare(&Asked { selector, step, ..whole.clone() }, None) > 16_000);
    }
    // One step of a millisecond, the shortest that Prometheus has, and one that it does not have.
    let short = Window { start: START * SECOND, end: START * SECOND + 2_000_000 };
    for step in [1_000, 1_500, 2_000] {
        assert!(sources.compare(&Asked { window: short, step: Some(step), ..whole.clone() }, None) > 0);
    }
}

#[test]
fn what_prometheus_scraped() {
    let (scraped, scrapes) = mpsc::channel();
    let count = AtomicI64::new(0);
    let target = HttpServer::start(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let _ = scraped.send(n);
        let mut text = format!("# TYPE made counter\nmade{{service=\"web\",v=\"a\\\"b\"}} {}\n", (n % 17) * 3);
        text += &format!("level{{service=\"web\"}} {}\n", if n % 5 == 0 { "NaN".to_owned() } else { n.to_string() });
        if n % 7 < 4 {
            // Away again and again: Prometheus marks it as stale.
            text += &format!("made{{service=\"web\",v=\"c\"}} {n}\n");
        }
        text += "# TYPE took histogram\n";
        for (bound, share) in [("0.1", 2), ("1", 3), ("+Inf", 4)] {
            text += &format!("took_bucket{{service=\"web\",le=\"{bound}\"}} {}\n", n * share);
        }
        Response::text(text)
    });
    let Some(server) = Prometheus::scraping(target.address(), Time::from_millis(50)) else { return };
    let mut sources = Sources::new(Path::new("."), server.url());
    let recorded = |name: &str| {
        let now = negawatt_host::time::now() / 1_000;
        sources.runtime.block_on(sources.prometheus.raw(&format!("{name}[1h]"), now))
    };
    // Not every scrape is recorded: a busy machine may answer too late.
    while recorded("made").first().is_none_or(|series| series.times.len() < 40) {
        scrapes.recv_timeout(Time::from_secs(60)).unwrap();
    }
    // What it recorded, as it says itself, until the last scrape that all metrics are known of.
    let (mut samples, mut first, mut last) = (Vec::new(), i64::MAX, i64::MAX);
    for name in ["made", "level", "took_bucket"] {
        let series = recorded(name);
        let times = || series.iter().flat_map(|series| series.times.iter().copied());
        (first, last) = (first.min(times().min().unwrap()), last.min(times().max().unwrap()));
        for series in series {
            let labels = series.labels;
            let values = series.times.iter().zip(&series.values);
            samples.extend(values.map(|(time, value)| Sample {
                name: name.to_owned(),
                labels: labels.clone(),
                milliseconds: time / 1_000,
                value: *value,
            }));
        }
    }
    let folder = csv(&samples);
    sources = Sources::new(folder.path(), server.url());
    let window = Window { start: first, end: last + 1_000 };
    let scope = scope(&["web"], false, window);
    let mut values: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, transform) in [
        ("made", Transform::None),
        ("made", Transform::Rate(500_000)),
        ("level", Transform::None),
        ("took_bucket", Transform::Increase(300_000)),
        ("took_bucket", Transform::Quantile(QuantileTransform { quantile: 0.6, over: 500_000 })),
    ] {
        for aggregate in aggregates() {
            for step in [None, Some(100_000), Some(77_000)] {
                let aggregate = aggregate.clone();
                let selector = Selector { transform, aggregate, ..asked(name).selector };
                let asked = Asked { scope: scope.clone(), selector, window, step };
                *values.entry(name).or_default() += sources.compare(&asked, None);
            }
        }
    }
    assert!(values.values().all(|count| *count > 100), "{values:?}");
}
