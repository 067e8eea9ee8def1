//! A collector that keeps what it is sent, and what is read from that.

use std::sync::{Arc, Mutex};

use negawatt_test_servers::{HttpServer, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A collector that keeps what it is sent.
pub struct Collector {
    pub server: HttpServer,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    pub fn start() -> Collector {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let kept = requests.clone();
        let server = HttpServer::start(move |request| {
            kept.lock().unwrap().push(request.clone());
            Response { content_type: "application/x-protobuf", ..Response::json("") }
        });
        Collector { server, requests }
    }

    pub fn exports(&self) -> Vec<ExportTraceServiceRequest> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| ExportTraceServiceRequest::decode(request.bytes.as_slice()).unwrap()).collect()
    }

    pub fn spans(&self) -> Spans {
        let resources = self.exports().into_iter().flat_map(|export| export.resource_spans);
        Spans(resources.flat_map(|one| one.scope_spans).flat_map(|one| one.spans).collect())
    }

    /// The attributes of who sent all that.
    pub fn sender(&self) -> Vec<(String, String)> {
        let export = self.exports().remove(0);
        let resource = export.resource_spans[0].resource.clone().unwrap();
        resource
            .attributes
            .iter()
            .map(|one| (one.key.clone(), text(one.value.as_ref().unwrap().value.as_ref())))
            .collect()
    }
}

pub struct Spans(pub Vec<Span>);

fn text(value: Option<&Any>) -> String {
    match value {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::BoolValue(is)) => is.to_string(),
        other => panic!("{other:?}"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a span's attribute; nothing where it has none.
pub fn has(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key == name)?;
    Some(text(found.value.as_ref()?.value.as_ref()))
}

impl Spans {
    pub fn named<'a>(&'a self, name: &str) -> Vec<&'a Span> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    pub fn one(&self, name: &str) -> &Span {
        let all = self.named(name);
        assert_eq!(all.len(), 1, "{name}: {:?}", self.0.iter().map(|span| &span.name).collect::<Vec<_>>());
        all[0]
    }

    /// All of a name, each of which must be below one of another name.
    pub fn below<'a>(&'a self, name: &str, above: &str) -> Vec<&'a Span> {
        let all = self.named(name);
        for span in &all {
            let over = self.0.iter().find(|other| other.span_id == span.parent_span_id);
            assert_eq!(over.map(|over| over.name.as_str()), Some(above), "{span:?}");
        }
        all
    }
}
