//! What it costs that a running skill can be stopped: the same skills on engines that interrupt by epochs, by fuel, by both, and
//! not at all.
//!
//! `cargo bench --workspace --bench interruption`. The ways take turns; the ratios are those of the medians.

use negawatt_speed::bare::{Floor, Interruption};
use negawatt_speed::{SAMPLES, SKILLS, median, timed};
use negawatt_test_guests::ASKER;

const ROUNDS: usize = 60;
const POINTS: usize = 5_000;

const WAYS: [(&str, Interruption); 4] = [
    ("neither", Interruption { epochs: false, fuel: false }),
    ("epochs", Interruption { epochs: true, fuel: false }),
    ("fuel", Interruption { epochs: false, fuel: true }),
    ("both", Interruption { epochs: true, fuel: true }),
];

async fn compare(name: &str, wasm: &[u8], title: &str, samples: usize) {
    let floors = WAYS.map(|(_, interruption)| Floor::interrupted(wasm, title, samples, interruption));
    let mut times = WAYS.map(|_| Vec::new());
    for round in 0..=ROUNDS {
        for (floor, times) in floors.iter().zip(&mut times) {
            let time = timed(floor.call()).await;
            // The first call of each touches its memory for the first time.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let medians = times.map(|mut times| median(&mut times));
    let costs = WAYS.iter().zip(medians).skip(1).map(|((way, _), time)| format!("{way} {:.2}", time / medians[0]));
    println!("{name}: {:.0} µs uninterrupted; {}", medians[0], costs.collect::<Vec<_>>().join(", "));
}

async fn measure() {
    compare("asker (a kilobyte each way)", ASKER, "kilobyte", SAMPLES).await;
    for (name, wasm) in SKILLS.into_iter().filter(|(name, _)| ["change-point", "seasonality"].contains(name)) {
        compare(&format!("{name} ({POINTS} points)"), wasm, "an incident", POINTS).await;
    }
}

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(measure());
}
