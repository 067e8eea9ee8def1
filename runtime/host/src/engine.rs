//! The engine: wasmtime's knobs, each with its reason, and the ticker that makes deadlines.

use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::{MAX_CALLS, MAX_MEMORY};

/// How often running guests look at their deadlines. A guest that computes overshoots its limit by two or three ticks.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Makes the engine, and the thread that ticks until the engine is gone.
///
/// With `counted`, it counts the instructions of guests, for grants that ask for it; its code is another.
pub(crate) fn new(counted: bool) -> wasmtime::Result<Engine> {
    bare_engine(|config, _| {
        config.consume_fuel(counted);
    })
}

/// An engine as the host makes one, with changes: for benchmarks, which hold the host against wasmtime alone.
#[doc(hidden)]
pub fn bare_engine(change: impl FnOnce(&mut Config, &mut PoolingAllocationConfig)) -> wasmtime::Result<Engine> {
    let (mut config, mut pool) = (config(false), pool());
    change(&mut config, &mut pool);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let weak = engine.weak();
    std::thread::Builder::new().name("negawatt-ticker".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(engine)
}

/// An engine that makes the same code and runs none, so that it needs no pool and no ticker.
pub(crate) fn for_compiling(counted: bool) -> wasmtime::Result<Engine> {
    Engine::new(&config(counted))
}

/// What decides about the code.
fn config(counted: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .consume_fuel(counted)
        // A guest that computes is interrupted at its deadline without counting its instructions.
        .epoch_interruption(true)
        // The same input gives the same bytes on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Traps name no frames: nothing of the host or the guest's build gets into records, and nothing is symbolised.
        .wasm_backtrace_max_frames(None::<NonZeroUsize>)
        // Which needs no map from code to addresses of the guest, nor tables for unwinders: half of the code's size.
        .generate_address_map(false)
        .native_unwind_info(false)
        // A recursion that is deep for a parser, and shallow for a machine.
        .max_wasm_stack(1 << 20)
        .async_stack_size(2 << 20)
        // A component model without async needs none of it, and instantiates a microsecond faster.
        .concurrency_support(false)
        .memory_init_cow(true);
    config
}

/// Slots for every call at the same time. Address space is reserved and not used until a guest touches it.
fn pool() -> PoolingAllocationConfig {
    // JavaScript guests have three memories, Python guests a dozen core instances.
    const MEMORIES: u32 = 4;
    const CORE_INSTANCES: u32 = 40;
    const TABLES: u32 = 24;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_CALLS)
        .total_core_instances(MAX_CALLS * CORE_INSTANCES)
        .total_memories(MAX_CALLS * MEMORIES)
        .total_tables(MAX_CALLS * TABLES)
        .total_stacks(MAX_CALLS)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        // However they are spread over the modules of a component.
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(100_000)
        .max_memory_size(usize::try_from(MAX_MEMORY).unwrap_or(usize::MAX))
        // Page faults, not code, limit how fast fresh sandboxes are made, and two threads share the kernel's lock on them:
        // what a call touched stays mapped and is cleared instead.
        .linear_memory_keep_resident(16 << 20)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    pool
}
