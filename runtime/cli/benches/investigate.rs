//! How long a warm investigation of the demo takes, and who spends it.
//!
//! `cargo bench -p negawatt`. Prints the wall time of the built program, and from a run inside this process the shares of
//! skills (in their sandboxes), tools (sources at work), the host (all else of a call, planning, loading) and the casebook.
#![allow(dead_code, unused_imports, reason = "of the program's own modules a part is used")]

#[path = "../src/bundle.rs"]
mod bundle;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/setup.rs"]
mod setup;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use negawatt_casebook::Case;
use tokio_util::sync::CancellationToken;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Sums how long the casebook was at work.
#[derive(Clone, Default)]
struct Appends(Arc<Mutex<Duration>>);

struct Began(Instant);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Appends {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() == "append"
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(Began(Instant::now()));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(Began(began)) = span.extensions().get()
        {
            *self.0.lock().unwrap() += began.elapsed();
        }
    }
}

/// The demo's files, as `negawatt demo` unpacks them.
fn unpack(folder: &Path) {
    for (name, bytes) in bundle::DEMO {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let clone = ["clone", "--quiet", "--bare", "shop.bundle", "repo"];
    assert!(Command::new("git").args(clone).current_dir(folder).status().unwrap().success());
    let toml = std::fs::read_to_string(folder.join("negawatt.toml")).unwrap();
    std::fs::write(folder.join("negawatt.toml"), toml + "\n[casebook]\npath = \"casebook\"\n").unwrap();
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// One investigation inside this process: wall time with everything loaded anew, and what the casebook took of it.
fn inside(runtime: &tokio::runtime::Runtime, folder: &Path) -> (Case, Duration, Duration) {
    let appends = Appends::default();
    let subscriber = tracing_subscriber::registry().with(appends.clone());
    // The thread that runs the case is the one that writes its log.
    let dispatch = tracing::Dispatch::new(subscriber);
    let began = Instant::now();
    let case = tracing::dispatcher::with_default(&dispatch, || {
        let text = std::fs::read_to_string(folder.join("incident.json")).unwrap();
        let file = negawatt_host::json::read_incident(&text).unwrap();
        let setup = setup::Setup::new(Some(&folder.join("negawatt.toml"))).unwrap();
        let book = setup.casebook().unwrap();
        let watcher = Arc::new(|_: &_| {});
        runtime.block_on(setup.runtime.investigate(&book, file, watcher, CancellationToken::new())).unwrap()
    });
    let wall = began.elapsed();
    let book = *appends.0.lock().unwrap();
    (case, wall, book)
}

fn shares(folder: &Path) {
    const RUNS: u32 = 20;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    inside(&runtime, folder);
    let (mut skills, mut tools, mut calls, mut book, mut wall) =
        <(Duration, Duration, Duration, Duration, Duration)>::default();
    for _ in 0..RUNS {
        let (case, took, appended) = inside(&runtime, folder);
        wall += took;
        book += appended;
        for usage in case.steps.iter().filter_map(|step| step.last_call()).map(|call| &call.usage) {
            skills += Duration::from_micros(usage.guest_us);
            tools += Duration::from_micros(usage.tools_us);
            calls += Duration::from_micros(usage.wall_us);
        }
    }
    // Steps of a wave run at the same time: what they overlap is taken from nobody's share.
    let around_calls = wall.saturating_sub(calls).saturating_sub(book);
    let host = calls.saturating_sub(skills).saturating_sub(tools) + around_calls;
    let sum = skills + tools + host + book;
    println!("\none warm investigation of the demo: {:.1} ms of wall time (mean of {RUNS})", millis(wall / RUNS));
    for (name, time) in [("skills", skills), ("tools", tools), ("host", host), ("casebook", book)] {
        let share = 100.0 * time.as_secs_f64() / sum.as_secs_f64();
        println!("  {name:<9} {:>7.1} ms  {share:>5.1} %", millis(time / RUNS));
    }
}

fn investigate(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    unpack(folder.path());
    let program = |arguments: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_negawatt"))
            .args(arguments)
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    };
    // The first one compiles the skills.
    program(&["investigate", "incident.json", "--json"]);
    let mut group = criterion.benchmark_group("the built program");
    group.sample_size(20);
    group.bench_function("warm investigation of the demo", |bencher| {
        bencher.iter(|| program(&["investigate", "incident.json", "--json"]));
    });
    group.bench_function("floor: it prints its version", |bencher| bencher.iter(|| program(&["--version"])));
    group.finish();
    shares(folder.path());
}

criterion_group!(benches, investigate);
criterion_main!(benches);
