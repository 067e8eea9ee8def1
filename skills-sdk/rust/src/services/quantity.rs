//! What a metric measures, as far as its name tells.

use crate::words::words;
use crate::{Metric, Transform};

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
const FELT: [&str; 39] = [
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
    "micros",
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

/// Words for what each request has: what its callees add to it is what each call brings, times the calls.
const PER_REQUEST: [&str; 25] = [
    "apdex",
    "availability",
    "delay",
    "duration",
    "elapsed",
    "fraction",
    "latency",
    "millis",
    "milliseconds",
    "ms",
    "ns",
    "percent",
    "ratio",
    "response",
    "rtt",
    "seconds",
    "share",
    "sla",
    "slo",
    "success",
    "successful",
    "time",
    "times",
    "us",
    "wait",
];

/// Words for one of many requests: the slowest of a caller need not be those of its callees.
const ONE_OF_MANY: [&str; 10] =
    ["max", "maximum", "median", "min", "minimum", "percentile", "percentiles", "quantile", "tail", "worst"];

/// Whether what callees bring adds up in this metric of their caller: what each call brings, times the calls for one request. So
/// it is for means of time and for parts of calls that fail, not for quantiles or totals.
pub fn adds_up(metric: &Metric) -> bool {
    let words: Vec<String> = words(&metric.name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let is_rank =
        |word: &String| word.strip_prefix('p').is_some_and(|rank| !rank.is_empty() && crate::words::is_number(rank));
    let is_one = any(&ONE_OF_MANY) || words.iter().any(is_rank) || metric.label("quantile").is_some();
    metric.transform == Transform::None && any(&PER_REQUEST) && !is_one
}

/// Whether a metric is what who waits for an answer feels: a time, or requests that fail.
pub fn is_felt(name: &str) -> bool {
    let words: Vec<String> = words(name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let is_rank = |word: &String| matches!(word.as_str(), "p50" | "p90" | "p95" | "p99");
    (any(&FELT) || words.iter().any(is_rank)) && !any(&RESOURCES)
}

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
    fn latencies_and_failures_are_felt_and_resources_are_not() {
        for name in ["request_seconds", "http_request_duration_seconds_bucket", "latencyP99", "graphql_errors_total"] {
            assert!(is_felt(name), "{name}");
        }
        for name in ["cpu_seconds_per_request", "requests_per_second", "gc_pause_seconds", "queue_depth"] {
            assert!(!is_felt(name), "{name}");
        }
    }

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
    fn means_of_time_and_parts_add_up() {
        let metric = |name: &str, transform| Metric {
            name: name.into(),
            labels: Vec::new(),
            worse: crate::Direction::Up,
            transform,
            aggregate: None,
        };
        for name in ["latency", "availability", "request_duration_seconds", "error_ratio", "Latency.Mean"] {
            assert!(adds_up(&metric(name, Transform::None)), "{name}");
        }
        for name in ["latency_p99", "requestLatencyP95", "latency_max", "duration_quantile", "errors", "signal"] {
            assert!(!adds_up(&metric(name, Transform::None)), "{name}");
        }
        assert!(!adds_up(&metric("request_seconds_sum", Transform::Rate(1))));
        let label = crate::Label { name: "quantile".into(), value: "0.9".into() };
        assert!(!adds_up(&Metric { labels: vec![label], ..metric("latency", Transform::None) }));
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
