//! What the host adds to a call: the same component, fresh for each call, through the whole host and through bare wasmtime.
//!
//! `cargo bench --workspace --bench floor`. Both run in this process, on engines with the same knobs, in turns; the ratio
//! is that of the medians. The skill asks one question with a kilobyte each way. The commit of the case's record is apart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use negawatt_casebook::{Batch, Config, Event, Opened, Planned, PlannedStep};
use negawatt_host::Digest;
use negawatt_host::limits::Limits;
use negawatt_speed::bare::Floor;
use negawatt_speed::{Bench, SAMPLES, WINDOW, incident, median, timed};
use negawatt_test_guests::ASKER;

fn floor(criterion: &mut Criterion) {
    let runtime = negawatt_host::runtime().build().unwrap();
    let bench = Bench::new("kilobyte", SAMPLES, Limits::default());
    let floor = Floor::new(ASKER, "kilobyte", SAMPLES);
    let mut group = criterion.benchmark_group("a call in a fresh sandbox, one question with a kilobyte each way");
    group.bench_function("bare wasmtime", |bencher| bencher.to_async(&runtime).iter(|| floor.call()));
    group
        .bench_function("the host, recorded in memory", |bencher| bencher.to_async(&runtime).iter(|| recorded(&bench)));
    group.finish();
    runtime.block_on(ratio(&floor, &bench));
    commit(criterion, &runtime.block_on(bench.call()));
}

/// A call with its record, in the batch of its case.
async fn recorded(bench: &Bench) {
    let outcome = bench.call().await;
    let mut batch = Batch::default();
    batch.push_call("s1", 1, &outcome, Vec::new());
    std::hint::black_box(batch);
}

/// Both in turns, so that whatever else the machine does falls on both.
async fn ratio(floor: &Floor, bench: &Bench) {
    let (mut bare, mut host) = (Vec::new(), Vec::new());
    for _ in 0..5_000 {
        bare.push(timed(floor.call()).await);
        host.push(timed(recorded(bench)).await);
    }
    let (bare, host): (f64, f64) = (median(&mut bare), median(&mut host));
    println!(
        "\nbare wasmtime {bare:.1} µs, the host {host:.1} µs: {:.2} times, {:.1} µs more",
        host / bare,
        host - bare
    );
}

/// Steps of a case.
const STEPS: usize = 64;

/// The same record on disk, before anything is acknowledged: one call, and a wave of eight in one commit.
fn commit(criterion: &mut Criterion, outcome: &negawatt_host::Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let book = negawatt_casebook::Casebook::open(folder.path()).unwrap();
    let mut group = criterion.benchmark_group("committing the record (WAL, synchronous)");
    for calls in [1, 8] {
        let mut log = book.open_case(opened()).unwrap();
        let mut planned = 0;
        group.bench_function(format!("{calls} in one commit"), |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    // A case has as many steps as one may have.
                    if planned + calls > STEPS {
                        (log, planned) = (book.open_case(opened()).unwrap(), 0);
                    }
                    let steps: Vec<_> = (planned + 1..=planned + calls).map(step).collect();
                    planned += calls;
                    log.append(Event::Planned(Planned { steps: steps.clone() })).unwrap();
                    let mut batch = Batch::default();
                    steps.iter().for_each(|step| batch.push_call(&step.step, 1, outcome, Vec::new()));
                    let began = Instant::now();
                    log.append(batch).unwrap();
                    spent += began.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

fn step(nth: usize) -> PlannedStep {
    PlannedStep {
        step: format!("s{nth}"),
        skill: "asker@0.1.0".to_owned(),
        digest: Digest::of(ASKER),
        inputs: Vec::new(),
        withheld: Vec::new(),
        reason: String::new(),
    }
}

/// A case of nothing but its incident.
fn opened() -> Opened {
    Opened {
        incident: incident("a case"),
        fingerprint: "a case".to_owned(),
        now: WINDOW.end,
        seed: 7,
        neighbours: BTreeSet::new(),
        catalog: Vec::new(),
        fleet: None,
        host_version: "0".to_owned(),
        earlier: None,
        config: Config { path: None, digest: Digest::of(b"") },
        extra: Vec::new(),
    }
}

criterion_group!(benches, floor);
criterion_main!(benches);
