//! Lines of the log as JSON, one object each.

use std::fmt::Debug;
use std::io::Write;

use negawatt_text::{printable_json, shorten};
use opentelemetry::Context as OtelContext;
use opentelemetry::trace::TraceContextExt as _;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Characters of one text in a line.
const MOST: usize = 4_000;

/// Writes each line as one JSON object: what it says itself, what the spans around it say, and where in which trace that is.
pub struct JsonLines<W> {
    writer: fn() -> W,
}

/// What a line or a span says, by the names of its fields.
#[derive(Default)]
struct Fields(Map<String, Value>);

#[derive(Serialize)]
struct Line {
    time: String,
    level: &'static str,
    target: &'static str,
    message: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// The names of [`Line`] itself, which no field may have.
const OWN: [&str; 6] = ["time", "level", "target", "message", "trace_id", "span_id"];

impl<W> JsonLines<W> {
    /// To where `writer` says.
    pub fn new(writer: fn() -> W) -> JsonLines<W> {
        JsonLines { writer }
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // Those are for whoever makes spans of it.
        if !field.name().starts_with("otel.") {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, shorten(&format!("{value:?}"), MOST));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, shorten(value, MOST));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span.0.clone());
            }
        }
        let mut own = Fields::default();
        event.record(&mut own);
        let message = own.0.remove("message").unwrap_or_else(|| event.metadata().name().into());
        fields.extend(own.0);
        fields.retain(|name, _| !OWN.contains(&name.as_str()));
        let place = OtelContext::map_current(|context| context.span().span_context().clone());
        let place = Some(place).filter(|place| place.is_valid());
        let line = Line {
            time: now(),
            level: word(event.metadata().level()),
            target: event.metadata().target(),
            message,
            trace_id: place.as_ref().map(|place| place.trace_id().to_string()),
            span_id: place.as_ref().map(|place| place.span_id().to_string()),
            fields,
        };
        // A reader that went away is no error; every value can be written.
        if let Ok(line) = serde_json::to_string(&line) {
            let _ = (self.writer)().write_all(format!("{}\n", printable_json(&line)).as_bytes());
        }
    }
}

/// RFC 3339, in UTC.
fn now() -> String {
    let mut text = String::new();
    // A text takes everything.
    let _ = tracing_subscriber::fmt::time::SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

fn word(level: &tracing::Level) -> &'static str {
    match *level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn",
        tracing::Level::INFO => "info",
        tracing::Level::DEBUG => "debug",
        tracing::Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use tracing::{info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    /// Keeps what is written; each line must come at once.
    struct Kept;

    impl Write for Kept {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            assert!(text.ends_with(b"}\n"), "{text:?}");
            WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_with_what_its_spans_say() {
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(|| Kept));
        let long = "x".repeat(2 * MOST);
        tracing::subscriber::with_default(subscriber, || {
            let outer = info_span!("case", case = "01J", verdict = tracing::field::Empty, otel.kind = "server", n = 1);
            let _outer = outer.enter();
            let inner = info_span!("step", step = "s1", n = 2);
            inner.in_scope(|| warn!(time = "never", ok = true, share = 0.5, "a {}", "\u{1b}[31m\nb\u{2028}"));
            outer.record("verdict", "dismissed");
            info!(long, n = -3);
        });
        let written = std::mem::take(&mut *WRITTEN.lock().unwrap());
        let text = String::from_utf8(written).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{2028}'), "{text:?}");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let without_time = |line: &Value| {
            let mut line = line.clone();
            let time = line.as_object_mut().unwrap().remove("time").unwrap();
            assert!(time.as_str().unwrap().starts_with("20") && time.as_str().unwrap().ends_with('Z'), "{time}");
            line
        };
        assert_eq!(
            without_time(&lines[0]),
            serde_json::json!({
                "level": "warn", "target": module_path!(), "message": "a \u{1b}[31m\nb\u{2028}",
                "case": "01J", "step": "s1", "n": 2, "ok": true, "share": 0.5,
            })
        );
        let second = without_time(&lines[1]);
        assert_eq!(
            (&second["verdict"], &second["n"], &second["level"]),
            (&"dismissed".into(), &(-3).into(), &"info".into())
        );
        assert_eq!(second["long"].as_str().unwrap().chars().count(), MOST);
        assert!(second["message"].as_str().unwrap().starts_with("event ") && lines.len() == 2, "{second}");
    }
}
