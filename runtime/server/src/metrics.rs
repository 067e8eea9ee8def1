//! What is counted, for Prometheus. Labels have few values: verdicts, routes, methods, statuses.

use std::time::Duration;

use negawatt_casebook::Verdict;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds that cases and requests are told apart by.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// Where a case comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// An incident or an alert that was sent.
    Http,
    /// An agent.
    Agent,
    /// The watch.
    Watch,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Accepted {
    from: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone)]
struct OfSeconds;

impl MetricConstructor<Histogram> for OfSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    accepted: Family<Accepted, Counter>,
    ended: Family<Ended, Counter>,
    case_seconds: Histogram,
    failed: Counter,
    reloads: Counter,
    refused: Counter,
    waiting: Gauge,
    running: Gauge,
    carrying: Gauge,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram, OfSeconds>,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("negawatt");
        let accepted = Family::<Accepted, Counter>::default();
        registry.register("cases_accepted", "Cases that were opened, by where they come from", accepted.clone());
        let ended = Family::<Ended, Counter>::default();
        registry.register(
            "cases_ended",
            "Cases that came to rest, by verdict; none for those without one",
            ended.clone(),
        );
        let case_seconds = Histogram::new(SECONDS);
        let about = "From the moment a case was begun, or taken up, to its verdict";
        registry.register_with_unit("case", about, Unit::Seconds, case_seconds.clone());
        let failed = Counter::default();
        registry.register(
            "cases_failed",
            "Cases that could not be run on, and wait for the next sweep",
            failed.clone(),
        );
        let reloads = Counter::default();
        registry.register("reloads", "Times that configuration and skills were read anew", reloads.clone());
        let refused = Counter::default();
        registry.register(
            "incidents_refused",
            "Incidents that were turned away because the queue was full",
            refused.clone(),
        );
        let waiting = Gauge::default();
        registry.register("cases_waiting", "Cases that wait for a worker of the queue", waiting.clone());
        let running = Gauge::default();
        registry.register("cases_running", "Cases that the workers of the queue work on", running.clone());
        let carrying = Gauge::default();
        let about = "Cases of the queue that have a verdict, and of which proposals wait to be examined, or are";
        registry.register("cases_carrying", about, carrying.clone());
        let requests = Family::<Answered, Counter>::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        let request_seconds = Family::new_with_constructor(OfSeconds);
        let about = "From the head of a request to the head of its answer";
        registry.register_with_unit("http_request", about, Unit::Seconds, request_seconds.clone());
        Metrics {
            accepted,
            ended,
            case_seconds,
            failed,
            reloads,
            refused,
            waiting,
            running,
            carrying,
            requests,
            request_seconds,
            registry,
        }
    }
}

impl Metrics {
    /// A case was opened.
    pub fn accepted(&self, from: From) {
        let from = match from {
            From::Http => "http",
            From::Agent => "agent",
            From::Watch => "watch",
        };
        self.accepted.get_or_create(&Accepted { from }).inc();
    }

    /// An incident was turned away.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// A case came to rest, and took so long where it has a verdict.
    pub fn ended(&self, verdict: Option<Verdict>, took: Duration) {
        self.ended.get_or_create(&Ended { verdict: verdict.map_or("none", Verdict::name) }).inc();
        if verdict.is_some() {
            self.case_seconds.observe(took.as_secs_f64());
        }
    }

    /// A case could not be run on.
    pub fn failed(&self) {
        self.failed.inc();
    }

    /// Configuration and skills were read anew.
    pub fn reloaded(&self) {
        self.reloads.inc();
    }

    /// A request was answered. The route is as it is written in the code, not as it was asked.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.requests.get_or_create(&Answered { method, route: route.clone(), status }).inc();
        self.request_seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    /// All of it, in OpenMetrics's text format.
    pub fn text(&self, waiting: usize, running: usize, carrying: usize) -> String {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.set(count(waiting));
        self.running.set(count(running));
        self.carrying.set(count(carrying));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
