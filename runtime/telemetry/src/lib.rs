//! The log and the traces of the program.
//!
//! Spans are those of `tracing`: a request → a case → a step → a call → a tool. Where an operator names a collector they go there over
//! OTLP; where not, nothing is there that could cost anything. A trace comes in with a request and goes out with one by the headers of
//! W3C Trace Context ([`Trace`], [`outgoing`]).

mod collector;
mod lines;
mod trace;

use std::io::Write;

use negawatt_config::{ConfigError, LogForm, Telemetry as Said};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::lines::JsonLines;
pub use crate::trace::{Trace, outgoing};

/// The variable of the environment that says which lines are written.
pub const FILTER: &str = "NEGAWATT_LOG";

/// What the crates of this program are called, and nothing else that is linked.
const OURS: &str = "negawatt";

/// How the log is to be.
pub struct Log<W> {
    /// Which lines are written unless [`FILTER`] says otherwise, such as `warn`.
    pub filter: &'static str,
    /// Whether lines of text begin with the time; lines of JSON have it always.
    pub timed: bool,
    /// Where a line goes. Each is written at once.
    pub writer: fn() -> W,
}

/// Why nothing is started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The file says something that cannot be done.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The environment does.
    #[error("{0}")]
    Environment(String),
}

/// What was started, and has to be ended.
#[must_use = "spans that wait are sent at its end"]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Starts the log, and the traces where the file or the environment names a collector; once in a process.
pub fn start<W: Write + 'static>(said: &Said, log: Log<W>) -> Result<Telemetry, TelemetryError> {
    let provider = collector::provider(said)?;
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(log.filter));
    let text = fmt::layer().with_writer(log.writer).with_target(false).with_ansi(false);
    let lines = match (said.log, log.timed) {
        (LogForm::Text, true) => text.with_filter(filter).boxed(),
        (LogForm::Text, false) => text.without_time().with_filter(filter).boxed(),
        // What a line says of its case is what the spans around it say: they are there whatever lines are wanted.
        (LogForm::Json, _) => JsonLines::new(log.writer).with_filter(filter.or(our_spans())).boxed(),
    };
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![lines];
    if let Some(provider) = &provider {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(OURS))
            .with_location(false)
            .with_threads(false)
            .with_target(false);
        layers.push(spans.with_filter(our_spans()).boxed());
    }
    tracing_subscriber::registry().with(layers).init();
    Ok(Telemetry(provider))
}

/// The spans of this program, and no events: what a line says may be a stranger's word.
fn our_spans() -> FilterFn {
    let ours = |metadata: &Metadata<'_>| {
        metadata.is_span() && *metadata.level() <= Level::DEBUG && metadata.target().starts_with(OURS)
    };
    FilterFn::new(ours as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::DEBUG)
}

impl Telemetry {
    /// Sends the spans that wait, for a few seconds at most. Blocks; nothing must run that opens further ones.
    pub fn end(self) {
        if let Some(provider) = self.0 {
            // That they are not taken was said where it was found.
            let _ = provider.shutdown_with_timeout(collector::PATIENCE);
        }
    }
}
