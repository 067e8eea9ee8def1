//! What no skill should do.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use negawatt_skill::prelude::*;
use wasip2::clocks::monotonic_clock::subscribe_duration;

use crate::note;

/// Computes for ever.
pub(crate) fn compute_for_ever() -> ! {
    let mut number = 1_u64;
    loop {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Takes memory until it is stopped, and writes to all of it.
pub(crate) fn allocate_for_ever() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Takes so many MiB at a time, and writes to all of them.
pub(crate) fn allocate(mib: usize) -> usize {
    black_box(vec![1_u8; mib << 20]).len() >> 20
}

/// Calls itself as deep as it is told, or until the stack is full; the depth that it reached.
pub(crate) fn recurse(depth: u64, most: f64) -> u64 {
    let frame = black_box([depth; 64]);
    // Nothing is greater than NaN.
    if depth as f64 >= most { depth } else { recurse(depth + 1, most).max(frame[7]) }
}

/// Holds so many timers at a time, each a resource of the host.
pub(crate) fn hold_timers(count: usize) -> usize {
    let held: Vec<_> = (0..count).map(|_| subscribe_duration(1)).collect();
    held.len()
}

/// Sleeps for an hour; the seconds that passed on the monotonic clock.
pub(crate) fn sleep_an_hour() -> u64 {
    let began = Instant::now();
    std::thread::sleep(Duration::from_secs(3600));
    began.elapsed().as_secs()
}

/// Writes 4 MiB, line by line.
pub(crate) fn flood(to: &str) -> Result<Vec<Finding>, Error> {
    let line = "x".repeat(1023);
    let failed = |error: std::io::Error| Error::Internal(error.to_string());
    for _ in 0..4096 {
        match to {
            "log" => log::info(&line),
            "stdout" => writeln!(std::io::stdout(), "{line}").map_err(failed)?,
            _ => writeln!(std::io::stderr(), "{line}").map_err(failed)?,
        }
    }
    Ok(Vec::new())
}

/// Text that would clear a screen, set a window's title, and read differently than it is.
pub(crate) fn steer_a_terminal() -> Finding {
    let text = "\u{1b}[2J\u{1b}]0;owned\u{7}safe\u{202e}gnp.exe\r\nsecond line";
    log::warn(text);
    println!("{text}");
    Finding { summary: text.into(), ..note(text) }
}

static CALLS: AtomicU32 = AtomicU32::new(0);

/// How often this was called since the sandbox was made.
pub(crate) fn calls_so_far() -> u32 {
    CALLS.fetch_add(1, Relaxed) + 1
}

/// All that a guest could learn of the machine it runs on, one fact a line.
pub(crate) fn surroundings() -> String {
    let began = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_micros());
    let random = RandomState::new().hash_one(1_u8);
    let file = std::fs::read("/etc/hostname").map_or_else(|error| error.kind().to_string(), |_| "read".into());
    let folder = std::fs::read_dir("/").map_or_else(|error| error.kind().to_string(), |_| "listed".into());
    let dialled = std::net::TcpStream::connect("127.0.0.1:80")
        .map_or_else(|error| error.kind().to_string(), |_| "connected".into());
    let listened = std::net::TcpListener::bind("127.0.0.1:0")
        .map_or_else(|error| error.kind().to_string(), |_| "listening".into());
    let resolved = std::net::ToSocketAddrs::to_socket_addrs("localhost:80")
        .map_or_else(|error| error.kind().to_string(), |_| "resolved".into());
    let facts = [
        ("clock", now.to_string()),
        ("elapsed", began.elapsed().as_nanos().to_string()),
        ("random", random.to_string()),
        ("environment", std::env::vars().count().to_string()),
        ("arguments", std::env::args().count().to_string()),
        ("file", file),
        ("folder", folder),
        ("dialled", dialled),
        ("listened", listened),
        ("resolved", resolved),
    ];
    facts.map(|(name, fact)| format!("{name}: {fact}")).join("\n")
}
