//! Whether memory stays flat: resident bytes over a server's life, and at the end of one life after the other.

use negawatt_test_servers::negawatt::resident;

use crate::server::Server;

/// By how much the last quarter's median may be above the first's: a part of it, and bytes, which an allocator may keep.
const GROWTH: f64 = 0.15;
const SLACK: u64 = 24 << 20;

/// Samples of a life that tell something: 30 seconds of it.
const FEWEST: usize = 60;

/// Samples.
#[derive(Debug, Default)]
pub struct Memory {
    /// Of the life of now: its process, and the samples.
    now: Option<(u32, Vec<u64>)>,
    /// Of each life that was long enough, all samples, in order.
    pub lives: Vec<Vec<u64>>,
    /// At the end of each life, in order.
    pub ends: Vec<u64>,
}

/// The medians of a first and a last quarter, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarters {
    /// Of the first.
    pub first: u64,
    /// Of the last.
    pub last: u64,
}

impl Quarters {
    /// Those of samples; none where there are fewer than four.
    pub fn of(samples: &[u64]) -> Option<Quarters> {
        let quarter = samples.len() / 4;
        let median = |samples: &[u64]| {
            let mut sorted = samples.to_vec();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).copied()
        };
        Some(Quarters { first: median(&samples[..quarter])?, last: median(&samples[samples.len() - quarter..])? })
    }

    /// Whether it grew by more than it may.
    pub fn is_grown(&self) -> bool {
        self.last > self.first + (self.first as f64 * GROWTH) as u64 + SLACK
    }
}

impl Memory {
    /// Takes a sample of a server, which may be about to end.
    pub fn look(&mut self, server: &Server, is_end: bool) {
        let process = server.process();
        if self.now.as_ref().is_none_or(|(of, _)| *of != process) {
            self.now = Some((process, Vec::new()));
        }
        let (Some(resident), Some((_, samples))) = (resident(process), &mut self.now) else { return };
        samples.push(resident);
        if is_end {
            self.ends.push(resident);
            let samples = std::mem::take(samples);
            if samples.len() >= FEWEST {
                self.lives.push(samples);
            }
        }
    }

    /// What grew and should not have; and whether nothing was measured although so many lives were long enough.
    pub fn wrong(&self, long_lives: usize) -> Vec<String> {
        let within = self.lives.iter().map(|samples| ("within a server's life", samples));
        let all = within.chain((self.ends.len() >= FEWEST).then_some(("over servers", &self.ends)));
        let grown = all.filter_map(|(what, samples)| Some((what, Quarters::of(samples).filter(Quarters::is_grown)?)));
        let grown =
            grown.map(|(what, Quarters { first, last })| format!("memory grew {what}: from {first} to {last} bytes"));
        let unmeasured = (long_lives > 0 && self.lives.is_empty())
            .then(|| format!("memory was measured in none of {long_lives} lives that were long enough"));
        grown.chain(unmeasured).collect()
    }
}
