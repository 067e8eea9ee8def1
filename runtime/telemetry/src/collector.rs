//! Who takes spans: a collector of OpenTelemetry, over HTTP, in protobuf.
//!
//! Everything happens on a thread of the exporter's own, with a runtime of its own: neither waits for the program, nor the program
//! for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use negawatt_config::Telemetry as Said;
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, RetryPolicy, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use reqwest::Url;
use reqwest::redirect::Policy;
use tokio::runtime::{Builder, Runtime};

use crate::TelemetryError;

/// How long a connection may take to open, and an answer to come.
const CONNECT_TIME: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// How long the end of the program waits for spans to be taken.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// Makes spans and sends them, as the file says, or else the environment; `None` where neither names a collector.
pub fn provider(said: &Said) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let Some(address) = address(said)? else { return Ok(None) };
    let collector = Collector::of(said, &address)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_endpoint(address.as_str())
        .with_headers(headers(said)?)
        .with_timeout(ANSWER_TIME)
        // Whoever waits for the end of a command does not wait for a second try.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(|error| wrong(said, format!("spans cannot be sent: {error}")))?;
    let mut builder = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource());
    if let Some(part) = said.sample {
        builder = builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(part))));
    }
    Ok(Some(builder.build()))
}

/// Where spans go. What the file says comes before the environment.
fn address(said: &Said) -> Result<Option<Url>, TelemetryError> {
    let of_environment = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let (text, name) = if let Some(traces) = &said.traces {
        (format!("{}{PATH}", traces.value), "telemetry.traces")
    } else if let Some(text) = of_environment(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) {
        (text, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
    } else if let Some(text) = of_environment(OTEL_EXPORTER_OTLP_ENDPOINT) {
        (format!("{}{PATH}", text.trim_end_matches('/')), OTEL_EXPORTER_OTLP_ENDPOINT)
    } else {
        return Ok(None);
    };
    // What was written is not repeated: there may be a password in it.
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        wrong(said, format!("{name} is not the address of a collector, such as http://127.0.0.1:4318"))
    })?;
    Ok(Some(url))
}

/// What the collector asks for, read where it is.
fn headers(said: &Said) -> Result<HashMap<String, String>, TelemetryError> {
    let mut headers = HashMap::new();
    for (name, secret) in &said.headers {
        let value = secret.value.read().map_err(|what| secret.error(what, "put the secret where this names it"))?;
        if http::HeaderValue::from_str(&value).is_err() {
            return Err(secret.error("the secret fits into no header", "write ASCII characters alone").into());
        }
        headers.insert(name.clone(), value);
    }
    Ok(headers)
}

/// A mistake at the place in the file that names the collector, or in the environment.
fn wrong(said: &Said, what: String) -> TelemetryError {
    match &said.traces {
        Some(traces) => traces.error(what, "write an address such as http://127.0.0.1:4318").into(),
        None => TelemetryError::Environment(what),
    }
}

/// Who sends spans: this program, unless the environment gives it another name.
fn resource() -> Resource {
    const NAME: &str = "service.name";
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    let named = Resource::builder().build().get(&Key::from_static_str(NAME));
    match named.filter(|name| !name.as_str().starts_with("unknown_service")) {
        Some(_) => builder.build(),
        None => builder.with_service_name(crate::OURS).build(),
    }
}

/// Sends to one collector, and says once when it takes nothing.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    /// Of its own: spans are sent from a thread that has none, also when the program's has ended.
    runtime: Runtime,
    /// Scheme, host and port; a path may be a secret.
    origin: String,
    is_away: AtomicBool,
}

impl Collector {
    fn of(said: &Said, address: &Url) -> Result<Collector, TelemetryError> {
        // The first provider of the process stays; all are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("negawatt/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME);
        // Reading the system's certificates takes time, and fails on systems without any: only where they are needed.
        let builder = if address.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let client = builder.build().map_err(|error| {
            wrong(
                said,
                format!("no client can be made for the collector ({error}); install the package ca-certificates"),
            )
        })?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| wrong(said, format!("spans cannot be sent: {error}")))?;
        Ok(Collector {
            client,
            runtime,
            origin: address.origin().ascii_serialization(),
            is_away: AtomicBool::new(false),
        })
    }

    /// Says what became of spans where that is new.
    fn note(&self, why: Option<String>) {
        match why {
            Some(why) if !self.is_away.swap(true, Ordering::Relaxed) => {
                tracing::warn!("spans are lost, since the collector {} does not take them: {why}", self.origin);
            }
            None if self.is_away.swap(false, Ordering::Relaxed) => {
                tracing::info!("the collector {} takes spans again", self.origin);
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Blocks, as the thread of the exporter may.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = self.runtime.block_on(self.client.send_bytes(request));
        self.note(match &answered {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status().as_u16())),
            Err(error) => Some(why(error)),
        });
        answered
    }
}

/// Why there is no answer; never with the whole address.
fn why(error: &HttpError) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => format!("no answer within {ANSWER_TIME:?}"),
        Some(error) if error.is_connect() => "no connection".to_owned(),
        _ => "the connection broke".to_owned(),
    }
}
