//! How soon a loop stops after its deadline, and what looping neighbours cost an honest call.
//!
//! `cargo bench --workspace --bench stopping`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Window};
use negawatt_host::{Envelope, Metrics, Scope, Status, Tools};
use negawatt_speed::{Bench, SAMPLES, Samples, percentile, timed};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_millis(50);

async fn call(bench: &Bench, envelope: Envelope) -> Status {
    bench.host.call(&bench.skill, &bench.rights, envelope).await.status
}

/// From the deadline to the end of the call.
async fn overshoot(bench: &Bench) -> Duration {
    let began = Instant::now();
    assert_eq!(call(bench, bench.envelope()).await, Status::Timeout);
    began.elapsed().saturating_sub(DEADLINE)
}

fn print(what: &str, times: &mut [Duration]) {
    let worst = times.iter().max().map_or(0.0, Duration::as_secs_f64) * 1e3;
    let (p50, p99) = (percentile(times, 50) / 1e3, percentile(times, 99) / 1e3);
    println!("{what}: p50 {p50:.2} ms, p99 {p99:.2} ms, worst {worst:.2} ms");
}

async fn measure() {
    let limits = |limits: Limits| Bench::new("loop", SAMPLES, limits);
    let by_wall = limits(Limits { time: DEADLINE, compute: Duration::from_secs(60), ..Limits::default() });
    let by_compute = limits(Limits { compute: DEADLINE, ..Limits::default() });
    for (what, bench) in [("wall time", &by_wall), ("compute time", &by_compute)] {
        let mut times = Vec::new();
        for _ in 0..100 {
            times.push(overshoot(bench).await);
        }
        print(&format!("a loop stops after its deadline ({what})"), &mut times);
    }
    let honest = Arc::new(Bench::new("kilobyte", SAMPLES, Limits::default()));
    let waiting = Tools { metrics: Some(Arc::new(Slow)), ..Tools::default() };
    let waiting = Bench::new("kilobyte", SAMPLES, Limits::default()).with(waiting);
    let calls = [("an honest call", &*honest), ("one whose tool takes a millisecond", &waiting)];
    for (what, bench) in calls {
        print(&format!("{what}, alone"), &mut many(bench).await);
    }
    let mut looping = honest.envelope();
    looping.case.incident.title = "loop".into();
    looping.limits = Limits { compute: Duration::from_secs(60), time: Duration::from_secs(60), ..Limits::default() };
    let cancel = looping.cancel.clone();
    let neighbours: Vec<_> = (0..8)
        .map(|_| {
            let (bench, envelope) = (honest.clone(), looping.clone());
            tokio::spawn(async move { call(&bench, envelope).await })
        })
        .collect();
    for (what, bench) in calls {
        print(&format!("{what}, beside 8 loops"), &mut many(bench).await);
    }
    let mut times = Vec::new();
    for _ in 0..20 {
        times.push(overshoot(&by_wall).await);
    }
    print("a ninth loop stops after its deadline (wall time)", &mut times);
    cancel.cancel();
    for neighbour in neighbours {
        assert_eq!(neighbour.await.unwrap(), Status::Cancelled);
    }
}

/// Answers after a millisecond.
struct Slow;

#[async_trait]
impl Metrics for Slow {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(vec![Samples(SAMPLES).series()])
    }
}

/// Many calls, one after the other.
async fn many(bench: &Bench) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..500 {
        let envelope = Envelope { cancel: CancellationToken::new(), ..bench.envelope() };
        times.push(timed(call(bench, envelope)).await);
    }
    times
}

fn main() {
    let runtime = negawatt_host::runtime().build().unwrap();
    // On a worker, as calls of cases are.
    runtime.block_on(async { tokio::spawn(measure()).await.unwrap() });
}
