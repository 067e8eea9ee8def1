//! How right the program is on public labelled data, beside what others score: `tests/labelled`. The tables are printed:
//! `cargo test --workspace --test e2e scores:: -- --nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json as object};

use crate::common::{json, write};

fn labelled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/labelled").join(name)
}

fn read(path: PathBuf) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// How far from an annotated point a prediction may be.
const MARGIN: usize = 5;

/// The annotated points that have a prediction of their own within the margin.
fn matched(annotated: &BTreeSet<usize>, predicted: &BTreeSet<usize>) -> usize {
    let mut left = predicted.clone();
    let mut found = 0;
    for point in annotated {
        let near = left.iter().copied().filter(|x| point.abs_diff(*x) <= MARGIN).min_by_key(|x| point.abs_diff(*x));
        if let Some(near) = near {
            left.remove(&near);
            found += 1;
        }
    }
    found
}

/// F1 against several annotators (van den Burg and Williams, arXiv:2003.06222, section 4): index 0 is a change point for
/// everybody, precision is against the union of the annotators, recall the mean over them.
fn f1(annotators: &[BTreeSet<usize>], predicted: &BTreeSet<usize>) -> f64 {
    let with_0 = |points: &BTreeSet<usize>| points.iter().copied().chain([0]).collect::<BTreeSet<_>>();
    let (annotators, predicted) = (annotators.iter().map(with_0).collect::<Vec<_>>(), with_0(predicted));
    let anyone: BTreeSet<usize> = annotators.iter().flatten().copied().collect();
    let precision = matched(&anyone, &predicted) as f64 / predicted.len() as f64;
    let recall = annotators.iter().map(|points| matched(points, &predicted) as f64 / points.len() as f64).sum::<f64>()
        / annotators.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

/// How well the annotators' segments are covered by predicted ones (ibid.): by length, with the best Jaccard overlap.
fn cover(annotators: &[BTreeSet<usize>], predicted: &BTreeSet<usize>, length: usize) -> f64 {
    let segments = |points: &BTreeSet<usize>| {
        let inner = points.iter().copied().filter(|x| (1..length).contains(x));
        let edges: Vec<usize> = [0].into_iter().chain(inner).chain([length]).collect();
        edges.windows(2).map(|edge| (edge[0], edge[1])).collect::<Vec<_>>()
    };
    let ours = segments(predicted);
    let overlap = |one: (usize, usize), other: (usize, usize)| {
        let shared = one.1.min(other.1).saturating_sub(one.0.max(other.0)) as f64;
        shared / (one.1.max(other.1) - one.0.min(other.0)) as f64
    };
    let covered = |points: &BTreeSet<usize>| {
        let best = |&segment: &(usize, usize)| ours.iter().map(|&other| overlap(segment, other)).fold(0.0, f64::max);
        segments(points).iter().map(|segment| (segment.1 - segment.0) as f64 * best(segment)).sum::<f64>()
            / length as f64
    };
    annotators.iter().map(covered).sum::<f64>() / annotators.len() as f64
}

/// The change points that the program finds in a series: indices, and the number of observations.
fn found(name: &str) -> (BTreeSet<usize>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (mut times, mut rows) = (Vec::new(), "time,service,value\n".to_owned());
    for line in std::fs::read_to_string(labelled("turing").join(format!("{name}.csv"))).unwrap().lines().skip(1) {
        let (time, value) = line.split_once(',').unwrap();
        times.push(time.parse::<i64>().unwrap());
        rows += &format!("{time},series,{value}\n");
    }
    write(folder.path().join("metrics/signal.csv"), &rows);
    write(folder.path().join("negawatt.toml"), "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n");
    let [.., before, last] = times[..] else { panic!("{name} is empty") };
    let shown = |seconds: i64| negawatt_host::time::rfc3339(seconds * 1_000_000);
    let incident = object!({
        "kind": "regression", "title": "signal of series", "service": "series",
        "metric": {"name": "signal", "labels": {"service": "series"}},
        "window": {"start": shown(times[0]), "end": shown(2 * last - before)},
    });
    write(folder.path().join("incident.json"), &incident.to_string());
    let asked = ["skill", "run", "change-point", "--incident", "incident.json", "--config", "negawatt.toml", "--json"];
    let answer = json(folder.path(), &asked);
    let index = |finding: &Value| {
        let time = negawatt_host::time::parse_rfc3339(finding["time"].as_str().unwrap()).unwrap() / 1_000_000;
        let nearest = times.iter().enumerate().min_by_key(|(_, there)| there.abs_diff(time));
        nearest.unwrap().0
    };
    let findings = answer["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "change-point");
    (findings.map(index).collect(), times.len())
}

/// Change points that five people annotated, beside the published defaults of the benchmark.
#[test]
fn turing() {
    let annotations = read(labelled("turing/annotations.json"));
    let names: Vec<&String> = annotations.as_object().unwrap().keys().collect();
    let next = Mutex::new(names.iter());
    let scores = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(name) = next.lock().unwrap().next() else { return };
                    let (predicted, length) = found(name);
                    let points = |points: &Value| {
                        points.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect::<BTreeSet<_>>()
                    };
                    let annotators: Vec<_> = annotations[*name].as_object().unwrap().values().map(points).collect();
                    let score = (f1(&annotators, &predicted), cover(&annotators, &predicted, length));
                    scores.lock().unwrap().insert((*name).clone(), score);
                }
            });
        }
    });
    let scores = scores.into_inner().unwrap();
    let baselines = read(labelled("turing/baselines.json"));
    let methods: Vec<&str> = baselines["methods"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let of = |method: &str, name: &str| match method {
        "negawatt" => scores[name],
        _ => {
            let score = &baselines["series"][name][method];
            (score["f1"].as_f64().unwrap(), score["cover"].as_f64().unwrap())
        }
    };
    let columns: Vec<&str> = ["negawatt"].into_iter().chain(methods.iter().copied()).collect();
    let row = |title: &str, names: &[&String]| {
        let mean = |method: &str| {
            let sum = names.iter().map(|name| of(method, name)).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            (sum.0 / names.len() as f64, sum.1 / names.len() as f64)
        };
        let means: Vec<(f64, f64)> = columns.iter().map(|method| mean(method)).collect();
        let cells: Vec<String> = means.iter().map(|(f1, cover)| format!("{f1:.3} / {cover:.3}")).collect();
        println!("{title:22}{}", cells.iter().map(|cell| format!("{cell:>16}")).collect::<String>());
        means
    };
    let head: String = columns.iter().map(|method| format!("{method:>16}")).collect();
    println!("{:22}{head}", "F1 / cover");
    names.iter().for_each(|name| drop(row(name, &[name])));
    let hard: Vec<&String> = names.iter().copied().filter(|name| !name.starts_with("quality_control")).collect();
    for (title, names) in [("all", &names), ("without quality_control", &hard)] {
        let means = row(title, names);
        let best = means[1..].iter().map(|mean| mean.0).fold(0.0, f64::max);
        assert!(means[0].0 >= best + 0.05, "{title}: F1 {} is not 0.05 above {best}", means[0].0);
    }
}

/// What the dataset's authors publish (arXiv:2311.04806): their anomaly traversal over all issues at low and at high traffic,
/// by the metric of the incident, and over other healthy windows.
const TRAVERSAL: [(&str, f64, f64, f64); 4] = [
    ("low traffic, latency", 0.571, 0.571, 0.167),
    ("low traffic, availability", 0.833, 1.0, 1.0),
    ("high traffic, latency", 0.571, 0.786, 0.333),
    ("high traffic, availability", 0.667, 1.0, 1.0),
];

/// Which service is at fault, in faults that were injected into a web shop of 40 components.
#[test]
fn petshop() {
    let folder = tempfile::tempdir().unwrap();
    let archive = std::fs::File::open(labelled("petshop.tar.zst")).unwrap();
    let mut tar = Command::new("tar").args(["-x", "-C"]).arg(folder.path()).stdin(Stdio::piped()).spawn().unwrap();
    zstd::stream::copy_decode(archive, tar.stdin.take().unwrap()).unwrap();
    assert!(tar.wait().unwrap().success());
    let scores = json(folder.path(), &["eval", "petshop", "--json"]);
    assert_eq!((&scores["all"]["cases"], &scores["failures"]), (&28.into(), &0.into()));
    let share = |of: &Value, key: &str| of[key]["are"].as_f64().unwrap() / of[key]["of"].as_f64().unwrap();
    println!("{:34}{:>8}{:>8}{:>13}", "", "top-1", "top-3", "specificity");
    for (title, top1, top3, specificity) in TRAVERSAL {
        println!("{:34}{top1:>8.3}{top3:>8.3}{specificity:>13.3}", format!("published, {title}"));
    }
    let all = &scores["all"];
    let [top1, top3, specificity] = ["top1", "top3", "nobody_accused"].map(|key| share(all, key));
    println!("{:34}{top1:>8.3}{top3:>8.3}{specificity:>13.3}", "negawatt, 22 issues, 6 healthy");
    assert!(top1 >= 0.8 && top3 >= 0.9 && specificity >= 0.8, "{top1} {top3} {specificity}");
}
