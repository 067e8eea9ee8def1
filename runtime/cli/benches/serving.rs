//! How many cases a second `negawatt serve` carries from an acknowledged incident to a verdict, and how long one takes.
//!
//! `cargo bench --workspace --bench serving` runs the built program on the demo's files, with as many workers as there are cores, and
//! asks over HTTP as anybody would. It prints cases per second while as many wait as it takes to keep all workers busy, the time
//! from acceptance to verdict at that rate and where one case is asked at a time, and as the peer what a process for each case
//! (`negawatt investigate`) comes to; and the memory that it has while `NEGAWATT_CASES` (10,000 unless it is said) small cases go by.
#![allow(dead_code, unused_imports, reason = "of the program's own modules a part is used")]

#[path = "../src/bundle.rs"]
mod bundle;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use negawatt_test_servers::negawatt::{Events, SERVE, ask, listening, resident};
use serde_json::Value;

/// What the demo has, without what it does with a verdict: building and measuring the fix takes a compiler its time.
const CONFIG: &str = r#"
[serve]
queue = 100000
rate = 1000000
[casebook]
path = "casebook"
[sources.metrics]
kind = "files"
path = "metrics"
[sources.profiles]
kind = "files"
path = "profiles"
[sources.changes]
kind = "git"
path = "repo"
[sources.configs]
kind = "files"
path = "configs.jsonl"
[sources.experiments]
kind = "files"
path = "experiments.jsonl"
[fleet.services.shop]
servers = 1200
cores_per_server = 64
watts_per_core = 4.5
"#;

/// Cases that are asked for and have no verdict yet, at most.
const IN_FLIGHT: usize = 64;

fn unpack(folder: &Path) -> Value {
    for (name, bytes) in bundle::DEMO {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let clone = ["-c", "init.defaultBranch=main", "clone", "--quiet", "--bare", "shop.bundle", "repo"];
    assert!(Command::new("git").args(clone).current_dir(folder).status().unwrap().success());
    std::fs::write(folder.join("negawatt.toml"), CONFIG).unwrap();
    serde_json::from_slice(&std::fs::read(folder.join("incident.json")).unwrap()).unwrap()
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_negawatt"));
    command.current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).stdin(Stdio::null());
    command
}

/// A running server.
struct Server {
    child: Child,
    address: String,
    /// When which case ended, and how.
    ended: Receiver<(String, String, Instant)>,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let mut command = program(folder);
        let mut child = command.args(SERVE).stdout(Stdio::piped()).spawn().unwrap();
        let address = listening(child.stdout.take().unwrap()).unwrap();
        let events = Events::of(&address, "/v1/events", "").unwrap();
        let (tell, ended) = channel();
        std::thread::spawn(move || {
            for (event, data) in events.map_while(Result::ok) {
                assert_ne!(event, "missed");
                let word = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
                if event == "verdict" && tell.send((word("case"), word("verdict"), Instant::now())).is_err() {
                    return;
                }
            }
        });
        Server { child, address, ended }
    }

    /// Posts an incident; gives the case once it is acknowledged.
    fn post(&self, incident: &Value) -> String {
        let answer = ask(&self.address, "POST", "/v1/incidents", "", &incident.to_string()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.json().unwrap()["case"].as_str().unwrap().to_owned()
    }

    /// Runs so many cases of a name with so many at a time; gives the time from acceptance to verdict of each, and that of all.
    fn run(&self, incident: &Value, name: &str, count: usize, most: usize) -> (Vec<Duration>, Duration) {
        let began = Instant::now();
        let (mut accepted, mut times) = (HashMap::new(), Vec::with_capacity(count));
        let mut asked = 0;
        while times.len() < count {
            while asked < count && accepted.len() < most {
                let mut incident = incident.clone();
                incident["fingerprint"] = format!("{name}-{asked}").into();
                accepted.insert(self.post(&incident), Instant::now());
                asked += 1;
            }
            let (case, verdict, at) = self.ended.recv().unwrap();
            assert_eq!(verdict == "regression", incident["service"] == "shop", "{verdict}");
            times.push(at.saturating_duration_since(accepted.remove(&case).unwrap()));
        }
        (times, began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn percentile(times: &mut [Duration], at: usize) -> f64 {
    times.sort();
    times[(times.len() - 1) * at / 100].as_secs_f64() * 1e3
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let incident = unpack(folder);
    let server = Server::start(folder);
    // The first ones compile the skills and read the files.
    server.run(&incident, "warm", 20, 1);
    let (mut alone, took) = server.run(&incident, "alone", 100, 1);
    println!("one case at a time: {:.1} cases/s", 100.0 / took.as_secs_f64());
    told(&mut alone);
    let (mut all, took) = server.run(&incident, "all", 1_000, IN_FLIGHT);
    let rate = all.len() as f64 / took.as_secs_f64();
    println!("sustained, {IN_FLIGHT} in flight: {rate:.1} cases/s over {} cases", all.len());
    told(&mut all);
    drop(server);
    let runs = 10;
    let began = Instant::now();
    for _ in 0..runs {
        let mut command = program(folder);
        let status = command.args(["investigate", "incident.json", "--json"]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    }
    let peer = f64::from(runs) / began.elapsed().as_secs_f64();
    println!(
        "a process for each case, one after the other: {peer:.1} cases/s; the server has {:.1} times that",
        rate / peer
    );
    memory(folder, incident);
}

/// Many cases that nobody has data of, which are the quickest: whether memory stays flat.
fn memory(folder: &Path, mut incident: Value) {
    let cases: usize = std::env::var("NEGAWATT_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    incident["service"] = "unknown".into();
    incident["metric"]["labels"]["service"] = "unknown".into();
    let server = Server::start(folder);
    for tenth in 1..=10 {
        let (_, took) = server.run(&incident, &format!("small-{tenth}"), cases / 10, IN_FLIGHT);
        let rate = (cases / 10) as f64 / took.as_secs_f64();
        let resident = resident(server.child.id()).unwrap() / 1_000_000;
        println!("after {:>6} small cases: {resident:>4} MB resident, {rate:>6.1} cases/s", tenth * (cases / 10));
    }
}

fn told(times: &mut [Duration]) {
    println!("  acceptance to verdict: p50 {:.1} ms, p99 {:.1} ms", percentile(times, 50), percentile(times, 99));
}
