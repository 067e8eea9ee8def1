//! What one call costs, side by side in one run: a skill in Negawatt with every limit on, a plug-in in extism, a native process
//! and a Python process for each call. All do the same: read a case, ask one question with a kilobyte each way, return a note.
//!
//! See README.md for the command.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, UserData, Wasm, host_fn};
use serde_json::json;

#[path = "../../../runtime/host/benches/common/mod.rs"]
mod common;

const ROUNDS: usize = 400;

fn case() -> String {
    let window = json!({ "start": 0, "end": 86_400_000_000_i64 });
    json!({ "title": "kilobyte", "service": "checkout", "metric": "cpu", "window": window }).to_string()
}

/// A kilobyte of samples, as JSON.
fn answer() -> String {
    let (times, values): (Vec<_>, Vec<_>) = (0..common::SAMPLES).map(|n| (n, 1.0)).unzip();
    json!({ "times": times, "values": values }).to_string()
}

host_fn!(query(_data: (); question: String) -> String {
    black_box(question);
    Ok(answer())
});

/// A plug-in that is compiled once; each call gets an instance of its own.
fn plugin(file: &str) -> CompiledPlugin {
    let manifest = Manifest::new([Wasm::file(file)]).with_timeout(Duration::from_secs(10)).with_memory_max(1024);
    let function = [extism::PTR];
    let builder = PluginBuilder::new(manifest).with_wasi(false).with_function("query", function, function, UserData::new(()), query);
    CompiledPlugin::new(builder).unwrap()
}

fn in_extism(plugin: &CompiledPlugin) {
    let mut instance = Plugin::new_from_compiled(plugin).unwrap();
    let findings: String = instance.call("investigate", case()).unwrap();
    assert!(findings.contains("64"), "{findings}");
}

/// A process that speaks JSON, a line at a time.
fn in_a_process(command: &mut Command) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut lines = stdout.lines();
    writeln!(stdin, "{}", case()).unwrap();
    black_box(lines.next().unwrap().unwrap());
    writeln!(stdin, "{}", answer()).unwrap();
    let findings = lines.next().unwrap().unwrap();
    assert!(findings.contains("64"), "{findings}");
    assert!(child.wait().unwrap().success());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [native, file, python] = arguments.as_slice() else {
        panic!("usage: peers NATIVE PLUGIN.wasm SKILL.py");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = common::Bench::new("kilobyte", common::SAMPLES, Default::default());
    let plugin = plugin(file);
    let mut times: [Vec<Duration>; 4] = Default::default();
    // In turns, so that whatever else the machine does falls on all of them.
    for _ in 0..ROUNDS {
        let timed = |work: &dyn Fn()| {
            let began = Instant::now();
            work();
            began.elapsed()
        };
        times[0].push(timed(&|| drop(black_box(runtime.block_on(bench.call())))));
        times[1].push(timed(&|| in_extism(&plugin)));
        times[2].push(timed(&|| in_a_process(&mut Command::new(native))));
        times[3].push(timed(&|| in_a_process(Command::new("python3").arg(python))));
    }
    let names = ["Negawatt, every limit on", "extism 1.30, time and memory", "a native process", "a Python process"];
    let medians = times.map(|mut times| common::median(&mut times));
    for (name, median) in names.iter().zip(medians) {
        println!("{name:<30} {median:>9.1} µs  {:>7.1} times", median / medians[0]);
    }
}
