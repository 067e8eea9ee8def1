//! What the host adds to a call: the same component, fresh for each call, through the whole host and through bare wasmtime.
//!
//! `cargo bench -p negawatt-host --bench floor`. Both run in this process, on engines with the same knobs, in turns; the ratio
//! is that of the medians. The skill asks one question with a kilobyte each way. The commit of the case's record is apart.

#[path = "../../casebook/tests/common/mod.rs"]
mod casebook;
#[path = "common/mod.rs"]
mod common;
#[allow(dead_code, reason = "nothing is compiled for another process here")]
#[path = "../src/engine.rs"]
mod engine;
mod limits {
    pub use negawatt_host::limits::*;
}

use std::time::Duration;

use common::{Bench, SAMPLES, WINDOW, median, timed};
use criterion::{Criterion, criterion_group, criterion_main};
use negawatt_casebook::Batch;
use negawatt_host::limits::Limits;
use negawatt_test_guests::ASKER;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

#[allow(missing_docs, reason = "the comments are in wit/")]
mod bare {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "all",
        imports: { default: async },
        exports: { default: async },
    });
}
use bare::negawatt::skill as interfaces;
use interfaces::types;

/// What bare wasmtime keeps of a call.
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for State {}

impl interfaces::log::Host for State {
    async fn log(&mut self, _: interfaces::log::Level, _: String) {}
    async fn progress(&mut self, _: f64, _: String) {}
}

impl interfaces::metrics::Host for State {
    async fn query(
        &mut self,
        _: interfaces::metrics::Selector,
        _: types::Window,
        _: Option<u64>,
    ) -> Result<Vec<interfaces::metrics::Series>, types::Error> {
        let times = (0..SAMPLES as i64).collect();
        Ok(vec![interfaces::metrics::Series { labels: Vec::new(), times, values: vec![1.0; SAMPLES] }])
    }
}

/// The floor: an instance made ready once, and the case that it is called with.
struct Floor {
    engine: Engine,
    instance: bare::AllPre<State>,
    case: types::CaseView,
}

impl Floor {
    fn new(title: &str) -> Floor {
        let engine = engine::new(false).unwrap();
        let component = Component::new(&engine, ASKER).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).unwrap();
        interfaces::log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).unwrap();
        interfaces::metrics::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).unwrap();
        let instance = bare::AllPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
        let incident = types::Incident {
            kind: types::IncidentKind::Regression,
            title: title.into(),
            service: "checkout".into(),
            metric: Some(types::Metric {
                name: "cpu".into(),
                labels: Vec::new(),
                worse: types::Direction::Up,
                transform: types::Transform::None,
                aggregate: None,
            }),
            window: types::Window { start: WINDOW.start, end: WINDOW.end },
            severity: types::Severity::Medium,
        };
        let case = types::CaseView {
            incident,
            now: WINDOW.end,
            evidence: Vec::new(),
            explains: None,
            budget: types::Budget { tool_calls: 0, read_bytes: 0, findings: 0, time: 0 },
            seed: 7,
            fleet: None,
            extra: Vec::new(),
        };
        Floor { engine, instance, case }
    }

    async fn call(&self) -> Vec<types::Finding> {
        let random = |stream| {
            let mut random = ChaCha12Rng::seed_from_u64(7);
            random.set_stream(stream);
            random
        };
        let wasi =
            WasiCtx::builder().secure_random(random(1)).insecure_random(random(2)).insecure_random_seed(7).build();
        let limits = StoreLimitsBuilder::new().memory_size(64 << 20).trap_on_grow_failure(true).build();
        let mut store = Store::new(&self.engine, State { wasi, table: ResourceTable::new(), limits });
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(64 << 20);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = self.instance.instantiate_async(&mut store).await.unwrap();
        instance.call_investigate(&mut store, &self.case).await.unwrap().unwrap()
    }
}

fn floor(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = Bench::new("kilobyte", SAMPLES, Limits::default());
    let floor = Floor::new("kilobyte");
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
    batch.push_call("s1", 1, &outcome);
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

/// The same record on disk, before anything is acknowledged: one call, and a wave of eight in one commit.
fn commit(criterion: &mut Criterion, outcome: &negawatt_host::Outcome) {
    let folder = casebook::folder();
    let book = negawatt_casebook::Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(casebook::opened("bench")).unwrap();
    let mut group = criterion.benchmark_group("committing the record (WAL, synchronous)");
    for calls in [1, 8] {
        group.bench_function(format!("{calls} in one commit"), |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let steps: Vec<_> = (0..calls).map(|n| format!("s{}", n + 1)).collect();
                    let mut batch = Batch::default();
                    steps.iter().for_each(|step| batch.push_call(step, 1, outcome));
                    let began = std::time::Instant::now();
                    log.append(batch).unwrap();
                    spent += began.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, floor);
criterion_main!(benches);
