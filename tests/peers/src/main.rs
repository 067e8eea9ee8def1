//! What one call costs, side by side in one run: a skill in Negawatt, a plug-in of extism, a native process and a Python process.
//! Each call begins afresh, asks one question with a kilobyte each way, and returns one note. See README.md.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use extism::convert::Json;
use extism::{Manifest, PTR, Plugin, PluginBuilder, UserData, Wasm, host_fn};
use negawatt_host::limits::{CaseLimits, Fuel, Limits};
use negawatt_host::{Envelope, SharedBudget, Status};
use negawatt_speed::{Bench, SAMPLES, WINDOW, incident, median};
use peer_skill::{Case, Finding, Question, Series, Window};
use rand::seq::SliceRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often each has its turn, so that whatever else the machine does falls on all of them.
const TURNS: usize = 100;
/// What a turn begins with, before its first call.
const PAUSE: Duration = Duration::from_millis(20);
/// Calls of a turn after the first, one right after the other.
const CALLS: usize = 10;

fn main() {
    let runtime = Runtime::new().expect("threads can be started");
    // The one limit that is off unless somebody asks for it is that of instructions.
    let limits = Limits { fuel: Fuel(1_000_000_000), ..Limits::default() };
    let bench = Bench::new("kilobyte", SAMPLES, limits);
    let native = Command::new(env!("NATIVE"));
    let mut peers = [
        Peer::new("Negawatt, every limit", negawatt(&runtime, &bench)),
        Peer::new("extism 1.30 with a pool, time and memory limited", in_extism(limited(plugin()), pool())),
        Peer::new("extism 1.30 with a pool, no limit", in_extism(plugin(), pool())),
        Peer::new("extism 1.30 as it comes, time and memory limited", in_extism(limited(plugin()), Config::new())),
        Peer::new("a native process, no limit", in_a_process(native)),
        Peer::new("a Python process, no limit", in_a_process(interpreter())),
    ];
    let mut order: Vec<_> = (0..peers.len()).collect();
    for _ in 0..TURNS {
        // Who comes after Python finds other things in the processor's caches than who comes after Negawatt.
        order.shuffle(&mut rand::rng());
        order.iter().for_each(|at| peers[*at].turn());
    }
    report(&mut peers);
}

/// A call, from its case to its findings, with all that is made and cleared away for it.
type Call<'a> = Box<dyn FnMut() + 'a>;

/// One of those that are compared.
struct Peer<'a> {
    name: &'static str,
    call: Call<'a>,
    /// How long each call of a row took.
    in_a_row: Vec<Duration>,
    /// How long each call after a pause took: it finds the processor asleep, or with other things in its caches.
    after_a_pause: Vec<Duration>,
}

impl<'a> Peer<'a> {
    /// Warmed up.
    fn new(name: &'static str, mut call: Call<'a>) -> Peer<'a> {
        (0..CALLS).for_each(|_| call());
        Peer { name, call, in_a_row: Vec::new(), after_a_pause: Vec::new() }
    }

    fn turn(&mut self) {
        std::thread::sleep(PAUSE);
        self.after_a_pause.push(timed(&mut self.call));
        self.in_a_row.extend((0..CALLS).map(|_| timed(&mut self.call)));
    }
}

fn timed(call: &mut Call<'_>) -> Duration {
    let began = Instant::now();
    call();
    began.elapsed()
}

/// Prints the table, in Markdown.
fn report(peers: &mut [Peer<'_>]) {
    println!("| medians of {TURNS} turns | {CALLS} in a row, µs | × Negawatt | one after {PAUSE:?}, µs | × Negawatt |");
    println!("|---|---:|---:|---:|---:|");
    let mut ours = None;
    for Peer { name, in_a_row, after_a_pause, .. } in peers {
        let (row, pause) = (median(in_a_row), median(after_a_pause));
        let (our_row, our_pause) = *ours.get_or_insert((row, pause));
        println!("| {name} | {row:.1} | {:.1} | {pause:.0} | {:.1} |", row / our_row, pause / our_pause);
    }
}

/// The whole host, with a budget of the case above the limits of the call.
fn negawatt<'a>(runtime: &'a Runtime, bench: &'a Bench) -> Call<'a> {
    let case = CaseLimits::default();
    Box::new(move || {
        let budget = Some(Arc::new(SharedBudget::new(&case, &case)));
        let envelope = Envelope { budget, ..bench.envelope() };
        let outcome = runtime.block_on(bench.host.call(&bench.skill, &bench.rights, envelope));
        assert_eq!(outcome.status, Status::Ok, "{:?}", outcome.message);
        black_box(outcome);
    })
}

host_fn!(query(_data: (); question: Json<Question>) -> Json<Series> {
    Ok(Json(answer(question.0)))
});

/// A plug-in that is compiled once; each call gets an instance of its own.
fn in_extism(plugin: Manifest, config: Config) -> Call<'static> {
    let compiled = PluginBuilder::new(plugin)
        .with_wasmtime_config(config)
        .with_cache_disabled()
        .with_function("query", [PTR], [PTR], UserData::<()>::default(), query)
        .compile()
        .expect("the plug-in was built with this program");
    Box::new(move || {
        let mut instance = Plugin::new_from_compiled(&compiled).expect("it has all that it imports");
        let Json(findings) = instance.call("investigate", Json(case())).expect("it investigates");
        check(findings);
    })
}

/// By its path: the bytes of a plug-in would be copied for each instance.
fn plugin() -> Manifest {
    Manifest::new([Wasm::file(env!("PLUGIN"))])
}

/// What extism can limit of what Negawatt does, and as much of it: ten seconds and 64 MiB.
fn limited(plugin: Manifest) -> Manifest {
    plugin.with_timeout(Duration::from_secs(10)).with_memory_max(1024)
}

/// What makes Negawatt's engine fast (`runtime/host/src/engine.rs`), which extism leaves to whoever uses it.
fn pool() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(16 << 20).table_keep_resident(1 << 20).pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// A process for each call, which speaks JSON over its standard input and output.
fn in_a_process(mut command: Command) -> Call<'static> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Box::new(move || {
        let mut child = command.spawn().expect("the program is there");
        let (mut stdin, stdout) = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        let mut stdout = BufReader::new(stdout);
        write(&mut stdin, &case());
        let question = read(&mut stdout);
        write(&mut stdin, &answer(question));
        check(read(&mut stdout));
        assert!(child.wait().expect("it was started").success());
    })
}

fn write(stdin: &mut ChildStdin, value: &impl Serialize) {
    let mut line = serde_json::to_vec(value).expect("it can be written as JSON");
    line.push(b'\n');
    stdin.write_all(&line).expect("the process reads");
}

fn read<T: DeserializeOwned>(stdout: &mut BufReader<ChildStdout>) -> T {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the process writes");
    serde_json::from_str(&line).expect("the process writes JSON")
}

/// The interpreter itself, started with as little as it can: what is called `python3` may be a script that looks for it.
fn interpreter() -> Command {
    let bare = ["-I", "-S"];
    let found = Command::new("python3").args(bare).args(["-c", "import sys; print(sys.executable, end='')"]).output();
    let path = String::from_utf8(found.expect("Python is installed").stdout).expect("its path is a text");
    let mut command = Command::new(path);
    command.args(bare).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/skill/skill.py"));
    command
}

/// The case that all are called with.
fn case() -> Case {
    let incident = incident("kilobyte");
    let window = Window { start: WINDOW.start, end: WINDOW.end };
    let metric = incident.metric.map(|metric| metric.name).unwrap_or_default();
    Case { title: incident.title, service: incident.service, metric, window, now: WINDOW.end, seed: 7 }
}

/// The samples that Negawatt's tool gives too.
fn answer(question: Question) -> Series {
    black_box(question);
    Series { times: (0..SAMPLES as i64).collect(), values: vec![1.0; SAMPLES] }
}

fn check(findings: Vec<Finding>) {
    assert_eq!(findings[0].note, SAMPLES.to_string());
}
