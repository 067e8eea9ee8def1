//! What a metric measures, as far as its name tells.

use negawatt_skill::words::words;

/// Words for what a service uses up by itself: a callee's use does not show in its caller's.
const RESOURCES: [&str; 26] = [
    "alloc",
    "allocated",
    "allocation",
    "allocations",
    "allocs",
    "core",
    "cores",
    "cpu",
    "cycles",
    "disk",
    "energy",
    "fds",
    "gc",
    "goroutines",
    "heap",
    "instructions",
    "io",
    "iops",
    "joules",
    "mem",
    "memory",
    "power",
    "rss",
    "swap",
    "threads",
    "watts",
];

/// Words for how much work arrives: callers decide on it, not callees.
const TRAFFIC: [&str; 14] = [
    "calls",
    "hits",
    "invocations",
    "jobs",
    "messages",
    "ops",
    "qps",
    "queries",
    "requests",
    "rps",
    "throughput",
    "tps",
    "traffic",
    "visits",
];

/// Words for what a caller feels of its callees: time, and calls that fail.
const FELT: [&str; 38] = [
    "apdex",
    "availability",
    "crash",
    "delay",
    "duration",
    "elapsed",
    "error",
    "errors",
    "exception",
    "exceptions",
    "fail",
    "failed",
    "failure",
    "failures",
    "faults",
    "latency",
    "lag",
    "millis",
    "milliseconds",
    "ms",
    "ns",
    "rejected",
    "response",
    "retries",
    "rtt",
    "seconds",
    "sla",
    "slo",
    "slow",
    "success",
    "successful",
    "time",
    "timeout",
    "timeouts",
    "times",
    "us",
    "wait",
    "waiting",
];

/// Whether a fault of a callee shows in this metric of its caller, as time and failures do; resources and traffic do not. A name
/// that says nothing is taken as one that does.
pub fn passes_to_callers(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    !any(&RESOURCES) && (any(&FELT) || !any(&TRAFFIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_failures_pass_to_callers() {
        for name in [
            "latency",
            "availability",
            "http_request_duration_seconds",
            "requestLatency",
            "Latency.Mean",
            "requests_failed_total",
            "response_time_ms",
            "errors_per_second",
            "error_share",
            "signal",
        ] {
            assert!(passes_to_callers(name), "{name}");
        }
    }

    #[test]
    fn resources_and_traffic_do_not() {
        for name in [
            "cpu_seconds_per_request",
            "process_cpu_utilization",
            "cpuTime",
            "jvm.gc.pause.seconds",
            "memory_bytes",
            "instructions_per_request",
            "queries_per_cpu_second",
            "requests_per_second",
            "throughput",
            "http_requests_total",
        ] {
            assert!(!passes_to_callers(name), "{name}");
        }
    }
}
