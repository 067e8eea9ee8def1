//! What a metric measures, as far as its name tells.

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
    let words = words(name);
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    !any(&RESOURCES) && (any(&FELT) || !any(&TRAFFIC))
}

/// The words of a name such as `http_request_duration_seconds`, `Latency.Mean` or `cpuTime`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && after_small) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase();
    }
    words
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
