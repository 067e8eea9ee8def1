//! Files of data: metrics as CSV, profiles as folded stacks and as pprof. They are written into a folder, which is then
//! configured and asked as it would be in a case.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use negawatt_config::Config;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Aggregate, Aggregation, Answer, Error, QuantileTransform, Transform, Window};
use negawatt_host::{Scope, Tools};
use negawatt_sources::{configure, examine};

use crate::block_on;
use crate::shown::assert_shown;

/// All of time.
const ALWAYS: Window = Window { start: i64::MIN, end: i64::MAX };

/// The service that everything is about.
const SERVICE: &str = "shop";

/// How long a source may take to say what is wrong with it.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn scope() -> Scope {
    Scope { services: [SERVICE.to_owned()].into(), unlabelled: true, window: ALWAYS, everything: false }
}

/// A temporary folder; it is gone with its value.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"))
}

/// Writes a file, and the folder that it is in.
pub fn write(path: &Path, bytes: &[u8]) {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
}

/// The sources of a configuration in a folder.
pub fn tools(folder: &Path, toml: &str) -> Option<(Config, Tools)> {
    let config = Config::parse(toml, &folder.join("negawatt.toml")).unwrap_or_else(|error| panic!("{error}"));
    let tools = configure(&config, None).ok()?.tools;
    Some((config, tools))
}

/// An answer to a question that makes sense: given, or refused for a reason that is the data's and not a defect of ours.
pub fn answered<T>(answer: Answer<T>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(Error::Unavailable(text) | Error::OverBudget(text) | Error::NotFound(text)) => {
            assert!(!text.is_empty());
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// Whoever wrote the data is told which file is wrong.
fn assert_told(config: &Config, file: &str) {
    let examined = block_on(examine(config, PATIENCE));
    let [examined] = examined.as_slice() else { panic!("{} sources", examined.len()) };
    match &examined.outcome {
        Err(problem) => assert!(problem.message.contains(file), "{problem:?} does not name {file}"),
        Ok(_) => panic!("a source that does not answer says that it can"),
    }
}

/// Metrics: an answer has rising times and finite values, no more of them than the file has lines, of the case's services
/// only; and what can be computed of them is the same.
pub fn csv(bytes: &[u8]) {
    let folder = folder();
    write(&folder.path().join("data/m.csv"), bytes);
    let toml = "[sources.metrics]\nkind = \"files\"\npath = \"data\"\n";
    let Some((config, Tools { metrics: Some(metrics), .. })) = tools(folder.path(), toml) else { panic!("no source") };
    let scope = scope();
    let ask = |transform, aggregate, step| {
        let selector = Selector { name: "m".into(), matchers: Vec::new(), transform, aggregate };
        block_on(metrics.query(&scope, selector, ALWAYS, step))
    };
    let Some(series) = answered(ask(Transform::None, None, None)) else {
        return assert_told(&config, "m.csv");
    };
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    assert!(series.iter().map(|series| series.values.len()).sum::<usize>() < lines, "more samples than lines");
    assert_series(&series);
    for (transform, by) in [
        (Transform::Rate(60_000_000), vec!["a".to_owned()]),
        (Transform::Increase(1), Vec::new()),
        (Transform::Quantile(QuantileTransform { quantile: 0.9, over: 3_600_000_000 }), Vec::new()),
        (Transform::None, vec!["service".to_owned()]),
    ] {
        let aggregate = Some(Aggregate { operation: Aggregation::Sum, by });
        match ask(transform, aggregate, None) {
            Ok(series) => assert_series(&series),
            // Not every file is one of a histogram's.
            Err(error) => assert!(matches!(error, Error::Invalid(_) | Error::OverBudget(_)), "{error:?}"),
        }
    }
}

fn assert_series(series: &[Series]) {
    assert!(series.is_sorted_by(|a, b| {
        let labels =
            |series: &Series| series.labels.iter().map(|l| (l.name.clone(), l.value.clone())).collect::<Vec<_>>();
        labels(a) < labels(b)
    }));
    for Series { labels, times, values } in series {
        assert!(!times.is_empty() && times.len() == values.len());
        assert!(times.is_sorted_by(|a, b| a < b), "times do not rise: {times:?}");
        assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
        assert!(labels.is_sorted_by(|a, b| a.name < b.name) && labels.iter().all(|label| !label.value.is_empty()));
        assert!(labels.iter().all(|label| label.name != "service" || label.value == SERVICE), "{labels:?}");
    }
}

/// Folded stacks: an answer holds together, and is no larger than the file.
pub fn folded(bytes: &[u8]) {
    let Some(profile) = profile("2026-11-18T00-00-00Z.folded", bytes) else { return };
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(profile.sample_stacks.len() <= lines && profile.stack_frames.len() <= bytes.len());
    // What is not UTF-8 is replaced by a character of three bytes.
    assert!(profile.strings.iter().map(String::len).sum::<usize>() <= 3 * bytes.len());
    assert_eq!(profile.unit, "samples");
}

/// pprof, packed or not: an answer holds together.
pub fn pprof(bytes: &[u8]) {
    if let Some(profile) = profile("2026-11-18T00-00-00Z.pb.gz", bytes) {
        assert!(["samples", "nanoseconds"].contains(&profile.unit.as_str()));
    }
}

/// What the tool answers of one file.
fn profile(name: &str, bytes: &[u8]) -> Option<Profile> {
    let folder = folder();
    write(&folder.path().join("data").join(SERVICE).join(name), bytes);
    let toml = "[sources.profiles]\nkind = \"files\"\npath = \"data\"\n";
    let Some((config, Tools { profiles: Some(profiles), .. })) = tools(folder.path(), toml) else {
        panic!("no source")
    };
    let Some(profile) = answered(block_on(profiles.query(&scope(), SERVICE.into(), ALWAYS))) else {
        assert_told(&config, name);
        return None;
    };
    assert_profile(&profile);
    Some(profile)
}

/// Every index is one of something, and everything is there once.
fn assert_profile(of: &Profile) {
    let below = |indices: &[u32], length: usize| indices.iter().all(|index| (*index as usize) < length);
    let offsets = |offsets: &[u32], length: usize| {
        offsets.first() == Some(&0) && offsets.last().map(|last| *last as usize) == Some(length) && offsets.is_sorted()
    };
    let frames = of.frame_names.len();
    assert!(frames == of.frame_files.len() && frames == of.frame_lines.len());
    assert!(below(&of.frame_names, of.strings.len()) && below(&of.frame_files, of.strings.len()));
    assert!(below(&of.stack_frames, frames) && offsets(&of.stack_offsets, of.stack_frames.len()));
    assert!(below(&of.sample_stacks, of.stack_offsets.len() - 1));
    assert_eq!(of.sample_stacks.len(), of.sample_counts.len());
    assert!(offsets(&of.file_offsets, of.sample_stacks.len()) && of.file_offsets.len() == of.file_starts.len() + 1);
    assert_eq!(of.strings.iter().collect::<HashSet<_>>().len(), of.strings.len(), "a string is there twice");
    of.strings.iter().for_each(|text| assert_shown(text));
}
