//! What the engine's knobs bring and cost, on real skills: a call alone, what a second core gives, and the memory that stays.
//!
//! `cargo bench --workspace --bench knobs`. Bare wasmtime, one knob turned at a time from where the host has them. The ways take
//! turns. Each runs in a process of its own, so that what stays resident is its own.

use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use negawatt_host::bare_engine;
use negawatt_speed::bare::{Floor, Interruption};
use negawatt_speed::{SAMPLES, SKILLS, resident};
use negawatt_test_guests::ASKER;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How long the callers of one turn call.
const TURN: Duration = Duration::from_millis(300);
const TURNS: usize = 5;
const POINTS: usize = 300;

/// A way to set the knobs.
type Way = fn(&mut Config, &mut PoolingAllocationConfig);

const WAYS: [(&str, Way); 6] = [
    ("as the host has them", |_, _| {}),
    ("nothing kept resident", |_, pool| {
        pool.linear_memory_keep_resident(0).table_keep_resident(0);
    }),
    ("1 MiB kept resident", |_, pool| {
        pool.linear_memory_keep_resident(1 << 20);
    }),
    ("no scan of the page map", |_, pool| {
        pool.pagemap_scan(Enabled::No);
    }),
    ("memories reserved for 1 GiB alone", |config, _| {
        config.memory_reservation(1 << 30);
    }),
    ("no pool", |_, _| {}),
];

fn engine(name: &str, way: Way) -> Engine {
    let engine = bare_engine(way).expect("an engine");
    if name != "no pool" {
        return engine;
    }
    let mut config = engine.config().clone();
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config).expect("an engine")
}

/// Calls in a second of so many callers.
fn rate(floor: &Floor, callers: usize) -> f64 {
    let barrier = Barrier::new(callers);
    let caller = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            floor.call().await;
            barrier.wait();
            let (began, mut calls) = (Instant::now(), 0);
            while began.elapsed() < TURN {
                floor.call().await;
                calls += 1;
            }
            f64::from(calls) / began.elapsed().as_secs_f64()
        })
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().map(|caller| caller.join().expect("no panic")).sum()
    })
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// What the measured process does: one skill, one way.
fn measure(skill: &str, way: &str) {
    let (name, way) = WAYS.into_iter().find(|(name, _)| *name == way).expect("a way");
    let epochs = Interruption { epochs: true, fuel: false };
    let floor = match SKILLS.into_iter().find(|(name, _)| *name == skill) {
        Some((_, wasm)) => Floor::with(&engine(name, way), wasm, "an incident", POINTS, epochs),
        None => Floor::with(&engine(name, way), ASKER, "kilobyte", SAMPLES, epochs),
    };
    let before = resident();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        one.push(rate(&floor, 1));
        two.push(rate(&floor, 2));
    }
    let (one, two) = (median(one), median(two));
    println!("{:.1} µs a call, two callers {:.2} times, {} kB stay", 1e6 / one, two / one, (resident() - before) >> 10);
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, skill, way] = arguments.as_slice() {
        return measure(skill, way);
    }
    let this = std::env::current_exe().expect("this program");
    for skill in ["asker", "change-point", "seasonality"] {
        for (way, _) in WAYS {
            let output = Command::new(&this).args([skill, way]).stderr(Stdio::inherit()).output().expect("it runs");
            print!("{skill}, {way}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
}
