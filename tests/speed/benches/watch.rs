//! One pass of the watch over 10,000 series of 1,000 points, and where its time goes: fetching, the skills, what the sandbox adds to
//! them, and writing down what was seen.
//!
//! `cargo bench --workspace --bench watch [-- SERIES]`. The series are in memory, so that no source is measured.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use negawatt_casebook::{Casebook, Config};
use negawatt_config::Located;
use negawatt_host::grants::{Grant, Grants};
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::metrics::{MatchOperation, Selector, Series};
use negawatt_host::model::{Answer, Direction, Label, Severity, Transform, Window};
use negawatt_host::{Digest, Host, HostConfig, Metrics, Origin, Scope, Skill, Tool, Tools};
use negawatt_planner::{Catalog, Reach, Runtime, SearchPlanner, Successor};
use negawatt_speed::SKILLS;
use negawatt_watch::{Selection, Settings, Spent, Watch};
use tokio_util::sync::CancellationToken;

const SERIES: usize = 10_000;
const POINTS: i64 = 1_000;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

/// 2023-11-13T00:00:00Z.
const START: i64 = 1_699_833_600_000_000;

/// Series that change: three in a thousand, by a tenth.
const CHANGING: usize = 333;

/// Series in memory; what is asked of the time before them has the same season and no noise.
struct Memory {
    series: Vec<Series>,
    season: f64,
}

/// A multiplicative generator (Lehmer 1951); twelve uniform numbers are nearly normal.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 = self.0 * 48_271 % 0x7fff_ffff;
            sum += self.0 as f64 / f64::from(0x7fff_ffff_u32);
        }
        sum
    }
}

fn season(size: f64, time: i64) -> f64 {
    size * (std::f64::consts::TAU * time.rem_euclid(DAY) as f64 / DAY as f64).sin()
}

impl Memory {
    /// So many series of noise about 100; every second one remembers, and some change after nine tenths.
    fn new(count: usize, size: f64) -> Memory {
        let one = |n: usize| {
            let mut noise = Noise(4_711 + n as u64);
            let mut last = 0.0;
            let value = |at: i64| {
                let memory = if n.is_multiple_of(2) { 0.0 } else { 0.5 };
                last = memory * last + noise.next();
                let change = if n % CHANGING == 7 && at >= POINTS * 9 / 10 { 10.0 } else { 0.0 };
                100.0 + change + last + season(size, START + at * MINUTE)
            };
            let label = |name: &str, value: String| Label { name: name.to_owned(), value };
            Series {
                labels: vec![label("instance", n.to_string()), label("service", format!("s{}", n / 20))],
                times: (0..POINTS).map(|at| START + at * MINUTE).collect(),
                values: (0..POINTS).map(value).collect(),
            }
        };
        Memory { series: (0..count).map(one).collect(), season: size }
    }
}

#[async_trait]
impl Metrics for Memory {
    async fn query(&self, _: &Scope, selector: Selector, window: Window, step: Option<u64>) -> Answer<Vec<Series>> {
        let asked = selector.matchers.iter().find(|matcher| matcher.name == "instance");
        let asked = asked.filter(|matcher| matcher.operation == MatchOperation::Equal);
        let Some(at) = asked.and_then(|matcher| matcher.value.parse::<usize>().ok()) else {
            return Ok(self.series.clone());
        };
        if window.start >= START {
            return Ok(vec![self.series[at].clone()]);
        }
        let mut noise = Noise(99_991 + at as u64);
        let step = step.unwrap_or(5 * MINUTE.unsigned_abs()) as usize;
        let times: Vec<i64> = (window.start..window.end).step_by(step).collect();
        let values = times.iter().map(|time| 100.0 + noise.next() + season(self.season, *time)).collect();
        Ok(vec![Series { labels: self.series[at].labels.clone(), times, values }])
    }
}

fn runtime(memory: Memory) -> Arc<Runtime> {
    let host = Arc::new(Host::new(HostConfig::default()).expect("a host"));
    let grants = Grants { grants: vec![Grant::to("*", [Tool::Metrics])], ..Grants::default() };
    let mut catalog = Catalog::default();
    for (_, wasm) in SKILLS {
        let skill = Skill::read(wasm, Origin::Bundled).expect("a skill");
        host.compile(&skill).expect("it compiles");
        catalog.add(skill, &grants, &[]).expect("skills of other names");
    }
    Arc::new(Runtime {
        host,
        tools: Arc::new(Tools { metrics: Some(Arc::new(memory)), ..Tools::default() }),
        catalog: Arc::new(catalog),
        planner: Arc::new(SearchPlanner),
        neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
        reach: Reach::default(),
        fleet: HashMap::new(),
        config: Config { path: None, digest: Digest::of(b"") },
        budget: CaseLimits::default(),
        successor: Successor::default(),
    })
}

fn settings() -> Settings {
    let selector = Selector { name: "cpu".into(), matchers: Vec::new(), transform: Transform::None, aggregate: None };
    let toml = "[watch]\n[[watch.series]]\nmetric = \"cpu\"\n";
    let config = negawatt_config::Config::parse(toml, std::path::Path::new("negawatt.toml")).expect("a configuration");
    let place = config.watch.expect("a section").series[0].metric.place.clone();
    let selection = Selection {
        selector: Located { value: selector, place },
        service: None,
        worse: Direction::Up,
        least: 0.01,
        severity: Severity::Medium,
    };
    let minute = MINUTE.unsigned_abs();
    Settings {
        interval: Duration::from_secs(300),
        window: POINTS.unsigned_abs() * minute,
        step: minute,
        selections: vec![selection],
    }
}

async fn measure(what: &str, count: usize, size: f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let book = Casebook::open(&folder.path().join("casebook")).expect("a casebook");
    let mut watch = Watch::new(runtime(Memory::new(count, size)), book, settings());
    let cancel = CancellationToken::new();
    let progress: negawatt_planner::Watcher = Arc::new(|_| {});
    let began = Instant::now();
    let pass = watch.pass(START + POINTS * MINUTE, &progress, &cancel).await.expect("a casebook that is written");
    let seconds = began.elapsed().as_secs_f64();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let Spent { fetch, scan, cases, record, calls, guest, tools, called, .. } = pass.spent;
    let in_seconds = |micros: u64| micros as f64 / 1e6;
    let per_call = |micros: u64| micros as f64 / 1e3 / calls as f64;
    println!(
        "{what}: {} series of {POINTS} points in {seconds:.1} s on {cores} cores ({:.1} ms of a core each): {} alarms, {} opened",
        pass.scanned,
        1e3 * in_seconds(scan) * cores as f64 / pass.scanned as f64,
        pass.alarms,
        pass.opened.len()
    );
    println!(
        "  fetch {:.2} s, skills and sandbox {:.2} s, cases {:.2} s, record {:.2} s",
        in_seconds(fetch),
        in_seconds(scan),
        in_seconds(cases),
        in_seconds(record)
    );
    println!(
        "  of {calls} calls: {:.2} ms the skill itself, {:.2} ms tools, {:.2} ms in all; {:.0} % of the cores' time is the skill's",
        per_call(guest),
        per_call(tools),
        per_call(called),
        100.0 * in_seconds(guest) / (in_seconds(scan) * cores as f64)
    );
    let began = Instant::now();
    let again = watch.pass(START + POINTS * MINUTE, &progress, &cancel).await.expect("a casebook that is written");
    println!("  again, with nothing new: {} looked at in {:.2} s", again.scanned, began.elapsed().as_secs_f64());
}

fn main() {
    let count = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(SERIES);
    let runtime = negawatt_host::runtime().build().expect("threads");
    runtime.block_on(measure("noise", count, 0.0));
    runtime.block_on(measure("with a daily season, which the skill asks four weeks for", count.div_ceil(20), 30.0));
}
