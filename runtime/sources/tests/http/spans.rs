//! What is traced of a skill's requests, and what of a trace they carry: nothing.

use std::sync::{Arc, Mutex};

use negawatt_telemetry::{Trace, outgoing};
use negawatt_test_servers::Response;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::{Counting, note, send};

/// Spans as they were opened, each below another; and what was noted in them.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

/// Notes what has a value.
struct Noted<'a>(&'a mut Vec<String>, &'static str);

impl Visit for Noted<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push(format!("{} {}={value:?}", self.1, field.name()).replace('"', ""));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let name = attributes.metadata().name();
        if !["call", "tool"].contains(&name) {
            return;
        }
        let above = context.span(id).unwrap().parent().map_or("nothing", |parent| parent.name());
        let mut seen = self.0.lock().unwrap();
        seen.push(format!("{name} below {above}"));
        attributes.record(&mut Noted(&mut seen, name));
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let name = context.span(id).unwrap().name();
        record.record(&mut Noted(&mut self.0.lock().unwrap(), name));
    }
}

#[test]
fn a_request_is_a_question_of_its_call() {
    let server = Counting::start(|_| Response::text("ok"));
    let seen = Seen::default();
    // All of a call is on this thread, and so is who looks.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _looked_at = tracing::subscriber::set_default(Registry::default().with(seen.clone()));
    let url = server.url();
    let outcome = runtime.block_on(send(&format!("send GET {url}"), &url));
    assert!(note(&outcome).starts_with("200\n"));
    let seen = seen.0.lock().unwrap();
    for what in ["call below nothing", "tool below call", "tool tool=http", "tool function=GET", "tool outcome=ok"] {
        assert!(seen.iter().any(|one| one == what), "{what}: {seen:?}");
    }
}

/// An origin may repeat what it is sent: a skill would see what nobody granted, and no two calls would be the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_does_not_reach_a_skills_origin() {
    let server = Counting::start(|request| Response::text(format!("{:?}", request.headers)));
    let trace = Trace::of(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), None);
    assert_eq!(trace.within(outgoing).len(), 1);
    let url = server.url();
    let title = format!("send GET {url}");
    let outcome = trace.around(send(&title, &url)).await;
    assert!(note(&outcome).contains("host") && !note(&outcome).contains("trace"), "{}", note(&outcome));
}
