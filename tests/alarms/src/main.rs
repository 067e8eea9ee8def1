//! Prints how often the watch raises a false alarm, and how soon it finds a step:
//! `cargo run --release --package negawatt-alarms -- [series] [days] [minutes between looks] [first seed] [kind of noise…]`.

use std::time::Instant;

use negawatt_alarms::noise::Noise;
use negawatt_alarms::{false_alarms, power};

fn main() {
    let kinds: Vec<String> = std::env::args().skip(5).collect();
    let chosen = |noise: &Noise| kinds.is_empty() || kinds.contains(&format!("{noise:?}"));
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |at: usize, usual: u64| numbers.get(at).copied().unwrap_or(usual);
    let (series, days, minutes, seed) = (number(0, 30), number(1, 2), number(2, 5), number(3, 1));
    println!("{series} series of each kind over {days} days, looked at every {minutes} minutes, seeds from {seed}:");
    let mut all = (0, 0);
    for noise in Noise::ALL.into_iter().filter(chosen) {
        let began = Instant::now();
        let alarms = in_parallel(series, |n| false_alarms(noise, seed + n, days, minutes));
        let (count, series_days) = (alarms.iter().map(|(_, count)| count).sum::<usize>(), series * days);
        let at: Vec<_> = alarms.iter().map(|(n, _)| (seed + n).to_string()).collect();
        let at = if at.is_empty() { String::new() } else { format!(", seeds {}", at.join(" ")) };
        println!("  {noise:?}: {count} alarms in {series_days} series-days{at} ({:.0?})", began.elapsed());
        all = (all.0 + count, all.1 + series_days);
    }
    println!("  together: {} in {}, {:.2} per 1,000 series-days", all.0, all.1, 1e3 * all.0 as f64 / all.1 as f64);
    for size in [0.2, 0.5, 1.0] {
        let found = in_parallel(series, |n| usize::from(power(seed + n, 1.0 / size, minutes).is_some())).len();
        println!("  a step of 1 % in noise of {:.2} %, found within an hour: {found} of {series}", size);
    }
}

/// The series of which a count is not 0, with it; as many at a time as there are processors.
fn in_parallel(series: u64, of: impl Fn(u64) -> usize + Sync) -> Vec<(u64, usize)> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let of = &of;
    std::thread::scope(|scope| {
        let counted = move |n| Some((n, of(n))).filter(|(_, count)| *count > 0);
        let each = |first: u64| {
            scope.spawn(move || (first..series).step_by(threads as usize).filter_map(counted).collect::<Vec<_>>())
        };
        let running: Vec<_> = (0..threads).map(each).collect();
        let mut all: Vec<_> =
            running.into_iter().flat_map(|thread| thread.join().expect("a simulation ends")).collect();
        all.sort_unstable();
        all
    })
}
