//! Spans of tracing follow case, step, call and tool, so that whoever watches sees in which case and step a tool was slow, also
//! where steps run at the same time.

mod common;
#[path = "common/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use common::incident;
use host::{investigate, runtime};
use negawatt_casebook::Casebook;
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The spans of ours that were opened, each as its way from the root; and what was noted in them later.
#[derive(Clone, Default)]
struct Opened(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<String>>>);

/// A span's name with what tells it from others.
struct Named(String);

/// The fields that do.
const TELLING: [&str; 5] = ["case", "step", "skill", "tool", "function"];

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").replace('"', ""));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Opened {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !["case", "step", "call", "tool"].contains(&attributes.metadata().name()) {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        fields.0.retain(|name, _| TELLING.contains(name));
        let fields: Vec<_> = fields.0.values().map(String::as_str).collect();
        let named = format!("{} {}", attributes.metadata().name(), fields.join(" "));
        let span = context.span(id).unwrap();
        span.extensions_mut().insert(Named(named.trim_end().to_owned()));
        let way = span.scope().from_root().filter_map(|span| Some(span.extensions().get::<Named>()?.0.clone()));
        self.0.lock().unwrap().push(way.collect::<Vec<_>>().join(" > "));
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let name = context.span(id).unwrap().name();
        let mut fields = Fields::default();
        record.record(&mut fields);
        self.1.lock().unwrap().extend(fields.0.into_iter().map(|(field, value)| format!("{name} {field} {value}")));
    }
}

/// What three steps of one wave open below a case.
fn expected(case: &str) -> Vec<String> {
    let mut all = vec![format!("case {case}")];
    for (n, skill) in ["one", "two", "three"].into_iter().enumerate() {
        let step = format!("case {case} > step {skill}@0.1.0 s{}", n + 1);
        all.extend([format!("{step} > call"), format!("{step} > call > tool query metrics"), step]);
    }
    all.sort();
    all
}

// The subscriber is the process's: no other test may be in this file.
#[tokio::test(flavor = "multi_thread")]
async fn spans_follow_case_step_call_and_tool() {
    let opened = Opened::default();
    tracing::subscriber::set_global_default(Registry::default().with(opened.clone())).unwrap();
    let sorted = || {
        let mut opened = std::mem::take(&mut *opened.0.lock().unwrap());
        opened.sort();
        opened
    };
    let names = ["one", "two", "three"];
    let runtime = || runtime(&names, names.len(), CaseLimits::default());
    let case = investigate(&runtime(), "read").await;
    assert_eq!(sorted(), expected(&case.id.to_string()));
    // How each ended is noted when it is known.
    let noted = std::mem::take(&mut *opened.1.lock().unwrap());
    let verdict = format!("case verdict {}", case.concluded().unwrap().verdict.name());
    for (what, times) in [(verdict.as_str(), 1), ("step status ok", 3), ("call status ok", 3), ("tool outcome ok", 3)] {
        assert_eq!(noted.iter().filter(|one| *one == what).count(), times, "{what}: {noted:?}");
    }

    // A case that is taken up again is watched as well.
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let mut incident = incident();
    incident.title = "read".to_owned();
    let file = IncidentFile { incident, fingerprint: "f".into() };
    let open = runtime().investigate(&book, file, Arc::new(|_| {}), cancelled).await.unwrap();
    assert_eq!(sorted(), [format!("case {}", open.id)]);
    runtime().resume(&book, &open.id, Arc::new(|_| {}), CancellationToken::new()).await.unwrap();
    assert_eq!(sorted(), expected(&open.id.to_string()));
}
