//! The floor: the same components through wasmtime alone, as directly as it is meant to be used.

#![allow(missing_docs, reason = "of what the contract generates, the comments are in wit/")]

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{Samples, WINDOW};

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "all",
    imports: { default: async },
    exports: { default: async },
});
use negawatt::skill as interfaces;
use negawatt::skill::types;

/// What bare wasmtime keeps of a call.
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
    samples: usize,
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
        let negawatt_host::model::metrics::Series { times, values, .. } = Samples(self.samples).series();
        Ok(vec![interfaces::metrics::Series { labels: Vec::new(), times, values }])
    }
}

impl interfaces::profiles::Host for State {
    async fn query(&mut self, _: String, _: types::Window) -> Result<interfaces::profiles::Profile, types::Error> {
        Err(types::Error::Unavailable("it is not asked".to_owned()))
    }
}

/// How running guests are interrupted, which decides about their code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// By a deadline, looked at in loops and functions.
    pub epochs: bool,
    /// By counting instructions.
    pub fuel: bool,
}

/// An instance made ready once, and the case that it is called with.
pub struct Floor {
    engine: Engine,
    instance: AllPre<State>,
    case: types::CaseView,
    interruption: Interruption,
    samples: usize,
}

impl Floor {
    /// Of a component, with an engine as the host makes one.
    pub fn new(wasm: &[u8], title: &str, samples: usize) -> Floor {
        let engine = negawatt_host::bare_engine(|_, _| {}).expect("an engine");
        Floor::with(&engine, wasm, title, samples, Interruption { epochs: true, fuel: false })
    }

    /// The same, interrupted in another way.
    pub fn interrupted(wasm: &[u8], title: &str, samples: usize, interruption: Interruption) -> Floor {
        let engine = negawatt_host::bare_engine(|config, _| {
            config.epoch_interruption(interruption.epochs).consume_fuel(interruption.fuel);
        });
        Floor::with(&engine.expect("an engine"), wasm, title, samples, interruption)
    }

    /// The same, with an engine of whoever measures.
    pub fn with(engine: &Engine, wasm: &[u8], title: &str, samples: usize, interruption: Interruption) -> Floor {
        let component = Component::new(engine, wasm).expect("a component");
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).expect("types");
        interfaces::log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).expect("log");
        interfaces::metrics::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).expect("metrics");
        interfaces::profiles::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).expect("profiles");
        let instance = AllPre::new(linker.instantiate_pre(&component).expect("linked")).expect("a skill");
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
            budget: types::Budget { tool_calls: 100, read_bytes: 1 << 26, findings: 256, time: 10_000_000 },
            seed: 7,
            fleet: None,
            extra: Vec::new(),
        };
        Floor { engine: engine.clone(), instance, case, interruption, samples }
    }

    /// One call in a fresh instance.
    pub async fn call(&self) -> Vec<types::Finding> {
        let random = |stream| {
            let mut random = ChaCha12Rng::seed_from_u64(7);
            random.set_stream(stream);
            random
        };
        let wasi =
            WasiCtx::builder().secure_random(random(1)).insecure_random(random(2)).insecure_random_seed(7).build();
        let limits = StoreLimitsBuilder::new().memory_size(64 << 20).trap_on_grow_failure(true).build();
        let state = State { wasi, table: ResourceTable::new(), limits, samples: self.samples };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(64 << 20);
        if self.interruption.epochs {
            store.set_epoch_deadline(1);
            store.epoch_deadline_async_yield_and_update(1);
        }
        if self.interruption.fuel {
            store.set_fuel(u64::MAX / 2).expect("fuel");
        }
        let instance = self.instance.instantiate_async(&mut store).await.expect("an instance");
        instance.call_investigate(&mut store, &self.case).await.expect("no trap").expect("findings")
    }
}
