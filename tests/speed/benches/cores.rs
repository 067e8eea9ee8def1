//! What a second core gives: calls in a second from one caller and from two.
//!
//! `cargo bench --workspace --bench cores`. One and two callers take turns, each on a thread of its own, so that whatever
//! else the machine does falls on both. Page faults serialise threads in the kernel: what a call touches must stay mapped.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use negawatt_host::limits::Limits;
use negawatt_speed::{Bench, SAMPLES};

/// How long the callers of one turn call.
const TURN: Duration = Duration::from_millis(500);
const TURNS: usize = 12;

/// Calls in a second of so many callers.
fn rate(bench: &Bench, callers: usize) -> f64 {
    let barrier = Barrier::new(callers);
    let calls: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        bench.call().await;
                        barrier.wait();
                        let (began, mut calls) = (Instant::now(), 0);
                        while began.elapsed() < TURN {
                            bench.call().await;
                            calls += 1;
                        }
                        calls
                    })
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    calls as f64 / TURN.as_secs_f64()
}

fn main() {
    for title in ["kilobyte", "nothing"] {
        let bench = Bench::new(title, SAMPLES, Limits::default());
        rate(&bench, 2);
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            one.push(rate(&bench, 1));
            two.push(rate(&bench, 2));
        }
        let median = |rates: &mut Vec<f64>| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        };
        let (one, two) = (median(&mut one), median(&mut two));
        println!("{title}: {one:.0} calls a second from one caller, {two:.0} from two: {:.2} times", two / one);
    }
}
