//! What many numbers cost on their way through a tool into a skill: as a ratio to copying the same bytes, and to JSON.
//!
//! `cargo bench --workspace --bench bulk`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use negawatt_host::limits::Limits;
use negawatt_host::model::metrics::Series;
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Answer, Window};
use negawatt_host::{Profiles, Scope, Tools};
use negawatt_speed::{Bench, median, timed};

const POINTS: usize = 1_000_000;
const STACKS: usize = 100_000;
const ROUNDS: usize = 15;

/// Answers with one large profile.
struct Stacks(Profile);

#[async_trait]
impl Profiles for Stacks {
    async fn query(&self, _: &Scope, _: String, _: Window) -> Answer<Profile> {
        Ok(self.0.clone())
    }
}

fn profile() -> Profile {
    const FRAMES: u32 = 5_000;
    const DEPTH: u32 = 20;
    let stacks = STACKS as u32;
    Profile {
        strings: (0..FRAMES).map(|n| format!("service::module_{}::function_{n}", n % 97)).collect(),
        frame_names: (0..FRAMES).collect(),
        frame_files: vec![0; FRAMES as usize],
        frame_lines: (0..FRAMES).collect(),
        stack_offsets: (0..=stacks).map(|n| n * DEPTH).collect(),
        stack_frames: (0..stacks * DEPTH).map(|n| n.wrapping_mul(2_654_435_761) % FRAMES).collect(),
        file_starts: vec![0],
        file_offsets: vec![0, stacks],
        sample_stacks: (0..stacks).collect(),
        sample_counts: (0..u64::from(stacks)).collect(),
        unit: "samples".into(),
    }
}

fn limits() -> Limits {
    Limits {
        memory: 1 << 30,
        read_bytes: 4 << 30,
        time: Duration::from_secs(60),
        compute: Duration::from_secs(60),
        ..Limits::default()
    }
}

/// Through the tool, the copy of its bytes, and JSON there and back, in turns.
async fn compare<T: serde::Serialize + serde::de::DeserializeOwned>(
    what: &str,
    bench: &Bench,
    value: &T,
    bytes: usize,
) {
    let (mut through, mut copied, mut json) = (Vec::new(), Vec::new(), Vec::new());
    let (source, mut target) = (vec![1u8; bytes], vec![0u8; bytes]);
    for _ in 0..ROUNDS {
        through.push(timed(bench.call()).await);
        copied.push(timed(async { black_box(&mut target).copy_from_slice(black_box(&source)) }).await);
        json.push(timed(async { serde_json::from_str::<T>(&serde_json::to_string(value).unwrap()).unwrap() }).await);
    }
    let (through, copied, json) = (median(&mut through), median(&mut copied), median(&mut json));
    println!(
        "{what} ({} MiB): {:.1} ms through a tool into a skill, {:.1} times a copy ({:.2} ms), {:.2} of JSON ({:.1} ms)",
        bytes >> 20,
        through / 1e3,
        through / copied,
        copied / 1e3,
        through / json,
        json / 1e3
    );
}

async fn measure() {
    let series = Bench::new("series", POINTS, limits());
    let value = vec![Series { labels: Vec::new(), times: (0..POINTS as i64).collect(), values: vec![1.0; POINTS] }];
    compare("a series of 1,000,000 points", &series, &value, POINTS * 16).await;
    let profile = profile();
    let words = profile.stack_offsets.len() + profile.stack_frames.len() + profile.sample_stacks.len();
    let bytes = words * 4 + profile.sample_counts.len() * 8 + profile.strings.iter().map(String::len).sum::<usize>();
    let tools = Tools { profiles: Some(Arc::new(Stacks(profile.clone()))), ..Tools::default() };
    let stacks = Bench::new("profile", 0, limits()).with(tools);
    compare("a profile of 100,000 stacks", &stacks, &profile, bytes).await;
}

fn main() {
    negawatt_host::runtime().build().unwrap().block_on(measure());
}
