//! Every scenario makes whole, valid, reproducible cases whose truth holds.

use negawatt_casegen::{Scenario, Truth, generate, generate_until, rfc3339};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every file below a folder with its bytes; links by their targets. Git's index is left out: it holds the time of the checkout.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                waiting.push(path);
            } else if !path.ends_with(".git/index") {
                let bytes = if kind.is_symlink() {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                } else {
                    fs::read(&path).unwrap()
                };
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), bytes);
            }
        }
    }
    found
}

/// Runs git in the case's repository; its output when it succeeds.
fn git(case: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(if case.join("repo/.git").exists() { case.join("repo/.git") } else { case.join("repo") })
        .args(arguments)
        .current_dir(case)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The incident's series within its window, in order, with times as RFC 3339; only from files with plain times.
fn series(case: &Path, incident: &Value) -> Option<Vec<(String, f64)>> {
    let name = incident["metric"]["name"].as_str().unwrap();
    let text = fs::read_to_string(case.join(format!("metrics/{name}.csv"))).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert!(head.contains(&"time") && head.contains(&"value"));
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let wanted: Vec<(usize, &str)> =
        incident["metric"]["labels"].as_object().unwrap().iter().map(|(k, v)| (at(k), v.as_str().unwrap())).collect();
    let (start, end) = (incident["window"]["start"].as_str().unwrap(), incident["window"]["end"].as_str().unwrap());
    let mut points = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        if cells.len() != head.len() || wanted.iter().any(|(at, value)| cells[*at] != *value) {
            continue;
        }
        let raw = cells[at("time")];
        let time = match raw.split('.').next().unwrap().parse::<i64>() {
            Ok(seconds) => rfc3339(seconds),
            Err(_) if raw.ends_with('Z') => raw.to_owned(),
            Err(_) => return None,
        };
        let value: f64 = cells[at("value")].parse().unwrap();
        if time.as_str() >= start && time.as_str() < end {
            points.push((time, value));
        }
    }
    points.sort_by(|a, b| a.0.cmp(&b.0));
    Some(points)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = values.collect();
    all.iter().sum::<f64>() / all.len() as f64
}

fn check_series(case: &Path, truth: &Truth, incident: &Value) {
    let Some(points) = series(case, incident) else { return };
    let label = format!("{} {}", truth.scenario, truth.seed);
    assert!(points.windows(2).all(|two| two[0].0 < two[1].0), "{label}: one point a time, from one series");
    match truth.scenario {
        Scenario::Short => assert!((3..15).contains(&points.len()), "{label}: {} points", points.len()),
        _ => assert!(points.len() >= 15, "{label}: {} points", points.len()),
    }
    let Some(change) = truth.change_time.map(rfc3339) else { return };
    assert!(points.iter().any(|(time, _)| *time == change), "{label}: the change is an observation");
    let before = mean(points.iter().filter(|p| p.0 < change).map(|p| p.1));
    let after = mean(points.iter().filter(|p| p.0 >= change).map(|p| p.1));
    let relative = (after - before) / before;
    if let Some(expected) = truth.relative {
        let tolerance = 0.35 * expected.abs() + 0.01;
        let expected = if truth.scenario == Scenario::Drift { expected / 2.0 } else { expected };
        assert!((relative - expected).abs() < tolerance, "{label}: {relative} instead of {expected}");
    }
}

fn check_commit(case: &Path, truth: &Truth, incident: &Value) {
    let label = format!("{} {}", truth.scenario, truth.seed);
    let Some(suspect) = truth.suspect.as_ref().filter(|s| s.kind == "commit") else { return };
    let toml = fs::read_to_string(case.join("negawatt.toml")).unwrap();
    let branch = toml
        .lines()
        .find_map(|l| l.strip_prefix("branch = \""))
        .map(|b| format!("refs/heads/{}", b.trim_end_matches('"')));
    let branch = branch.unwrap_or_else(|| git(case, &["symbolic-ref", "HEAD"]).unwrap().trim().to_owned());
    assert!(
        git(case, &["merge-base", "--is-ancestor", &suspect.id, &branch]).is_some(),
        "{label}: the culprit is reachable"
    );
    let shown = git(case, &["log", "-1", "--format=%ct %an <%ae>", &suspect.id]).unwrap();
    let (landed, author) = shown.trim().split_once(' ').unwrap();
    assert_eq!(author, suspect.author, "{label}");
    let landed = rfc3339(landed.parse().unwrap());
    let (start, end) = (incident["window"]["start"].as_str().unwrap(), incident["window"]["end"].as_str().unwrap());
    assert!(landed.as_str() >= start && landed.as_str() < end, "{label}: the culprit landed within the window");
    assert!(landed <= rfc3339(truth.change_time.unwrap()), "{label}: the culprit landed before the change");
    let touched = git(case, &["show", "--format=", "--name-only", "-z", &suspect.id]).unwrap();
    let file = truth.file.clone().unwrap();
    assert!(touched.split('\0').any(|path| path == file), "{label}: the culprit touches {file}, not only {touched:?}");
    let count: usize = git(case, &["rev-list", "--count", &branch]).unwrap().trim().parse().unwrap();
    assert!((25..=120).contains(&count), "{label}: {count} commits");
    if truth.scenario == Scenario::Distractors {
        let hour = &landed[..13];
        let times = git(case, &["log", "--format=%ct", &branch]).unwrap();
        let near = times.lines().filter(|t| rfc3339(t.parse().unwrap()).starts_with(hour)).count();
        assert!(near > 15, "{label}: {near} commits in the culprit's hour");
    }
}

fn check_profiles(case: &Path, truth: &Truth, incident: &Value) {
    let label = format!("{} {}", truth.scenario, truth.seed);
    let folder = case.join("profiles").join(incident["service"].as_str().unwrap());
    let change = truth.change_time.map(|t| rfc3339(t).replace(':', "-"));
    let mut sums = [[0.0_f64; 2]; 2];
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        count += 1;
        let after = change.as_deref().is_some_and(|c| path.file_stem().unwrap().to_str().unwrap() >= c);
        for line in fs::read(&path).unwrap().split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let (stack, samples) = line.rsplit_once(' ').unwrap();
            let samples: f64 = samples.parse().unwrap();
            sums[usize::from(after)][1] += samples;
            if truth.function.as_ref().is_some_and(|f| stack.split(';').any(|frame| frame == f)) {
                sums[usize::from(after)][0] += samples;
            }
        }
    }
    assert!(count >= 4, "{label}: {count} profiles");
    if truth.function.is_some() {
        let share = |side: [f64; 2]| side[0] / side[1];
        assert!(share(sums[1]) > share(sums[0]) * 1.05, "{label}: share {} then {}", share(sums[0]), share(sums[1]));
    }
}

fn check(scenario: Scenario, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path();
    let truth = generate(scenario, seed, case).unwrap();
    assert_eq!(json(&case.join("truth.json")), truth.to_json());
    assert_eq!(truth.verdict, scenario.verdict());
    assert_eq!(truth.suspect.is_some(), truth.verdict == "regression", "{scenario} {seed}");
    let incident = json(&case.join("incident.json"));
    assert!(git(case, &["fsck", "--full", "--strict"]).is_some(), "{scenario} {seed}: git fsck");
    check_series(case, &truth, &incident);
    check_commit(case, &truth, &incident);
    check_profiles(case, &truth, &incident);
    for (name, key) in [("configs.jsonl", "key"), ("experiments.jsonl", "start")] {
        let Ok(text) = fs::read_to_string(case.join(name)) else { continue };
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(lines.iter().all(|l| l[key].is_string() && l["id"].is_string()));
        if let Some(suspect) = truth.suspect.as_ref().filter(|s| name.starts_with(s.kind)) {
            assert_eq!(lines.iter().filter(|l| l["id"] == suspect.id.as_str()).count(), 1);
        }
    }
}

#[test]
fn every_scenario_makes_valid_cases() {
    let all: Vec<(Scenario, u64)> = Scenario::ALL.into_iter().chain([Scenario::Unclear]).map(|s| (s, 101)).collect();
    std::thread::scope(|threads| {
        for half in all.chunks(all.len().div_ceil(2)) {
            threads.spawn(move || half.iter().for_each(|(scenario, seed)| check(*scenario, *seed)));
        }
    });
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    for (scenario, seed) in [(Scenario::Commit, 7), (Scenario::Hostile, 8), (Scenario::Config, 10)] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(generate(scenario, seed, one.path()).unwrap(), generate(scenario, seed, two.path()).unwrap());
        let (one, two) = (files(one.path()), files(two.path()));
        assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
        for (path, bytes) in &one {
            assert!(two[path] == *bytes, "{scenario} {seed}: {} differs", path.display());
        }
    }
}

#[test]
fn another_seed_makes_another_case() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = generate(Scenario::Commit, 1, one.path()).unwrap();
    let second = generate(Scenario::Commit, 2, two.path()).unwrap();
    assert_ne!(first.suspect, second.suspect);
}

#[test]
fn a_case_can_end_now() {
    let folder = tempfile::tempdir().unwrap();
    let end = 2_000_000_123;
    let truth = generate_until(Scenario::Commit, 5_600, end, folder.path()).unwrap();
    let incident = json(&folder.path().join("incident.json"));
    assert_eq!(incident["window"]["end"], rfc3339(end));
    let metric = incident["metric"]["name"].as_str().unwrap();
    let csv = std::fs::read_to_string(folder.path().join(format!("metrics/{metric}.csv"))).unwrap();
    let changed = truth.change_time.unwrap();
    assert!(csv.lines().count() > 64 && (end - 7 * 86_400..end).contains(&changed), "{changed}");
    // But for its time it is the case of its seed.
    let other = tempfile::tempdir().unwrap();
    let usual = generate(Scenario::Commit, 5_600, other.path()).unwrap();
    assert_eq!((truth.verdict, truth.relative, truth.function), (usual.verdict, usual.relative, usual.function));
}

#[test]
fn names_of_scenarios_can_be_read_back() {
    for scenario in Scenario::ALL {
        assert_eq!(scenario.name().parse::<Scenario>().unwrap(), scenario);
    }
    assert!("nothing".parse::<Scenario>().is_err());
}
