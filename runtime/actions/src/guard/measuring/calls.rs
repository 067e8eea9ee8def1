//! Calls by which programs measure themselves, and report it.

/// In words of a line: what stands here must be whole words there, with the marks between.
const CALLS: &[&str] = &[
    // Rust
    "Instant::now",
    "SystemTime::now",
    "elapsed()",
    "duration_since",
    "black_box",
    "criterion_group!",
    "criterion_main!",
    "iter_batched",
    // Python
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "monotonic()",
    "time.time()",
    "time_ns()",
    "timeit",
    "cProfile",
    "tracemalloc",
    // Go
    "time.Now()",
    "time.Since(",
    "runtime.ReadMemStats",
    "pprof",
    "testing.B",
    "testing.T",
    // Java
    "System.nanoTime",
    "System.currentTimeMillis",
    "StopWatch",
    "Stopwatch",
    "@Benchmark",
    "@Test",
    "@Timed",
    "MeterRegistry",
    // C and C++
    "clock_gettime",
    "gettimeofday",
    "rdtsc",
    "__rdtsc",
    "steady_clock",
    "high_resolution_clock",
    "system_clock",
    "getrusage",
    "BENCHMARK(",
    "TEST(",
    "TEST_F(",
    // JavaScript
    "performance.now",
    "performance.mark",
    "performance.measure",
    "process.hrtime",
    "console.time",
    "console.timeEnd",
    "Date.now()",
    // Metrics and traces
    "histogram",
    "Histogram",
    "observe(",
    "start_timer",
    "startTimer",
    "statsd",
    "prometheus",
    "metrics",
    "opentelemetry",
    "instrument",
    "start_span",
    "startSpan",
];

/// The first measuring call of a line.
pub(super) fn measures(line: &str) -> Option<&'static str> {
    CALLS.iter().copied().find(|call| has(line, call))
}

fn has(line: &str, call: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(call).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + call.len()..].chars().next();
        let begins = !is_word(call.chars().next()) || !is_word(before);
        let ends = !is_word(call.chars().next_back()) || !is_word(after);
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words() {
        for (line, call) in [
            ("    let start = std::time::Instant::now();", Some("Instant::now")),
            ("LATENCY.observe(start.elapsed().as_secs_f64());", Some("elapsed()")),
            ("t0 = time.perf_counter()", Some("perf_counter")),
            ("defer func() { h.Observe(time.Since(start).Seconds()) }()", Some("time.Since(")),
            ("const t = performance.now();", Some("performance.now")),
            ("#[instrument]", Some("instrument")),
            ("let instruments = list();", None),
            ("fn observer() { reobserve(1) }", None),
            ("thread::sleep(Duration::from_millis(5));", None),
            ("assert!(a < b);", None),
            ("let biometrics = 1; // ünïcode", None),
        ] {
            assert_eq!(measures(line), call, "{line}");
        }
    }
}
