//! The server over HTTP, as a service that a router mounts. Requests are let in before anything of them is read.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rmcp::ServerHandler;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use crate::program::Caller;
use crate::sessions::Sessions;
use crate::stdio::MOST_BYTES;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// What is logged where nothing else is said: warnings, but for those of the library, which takes a session that is refused for a failure of
/// its own.
pub const LOG: &str = "warn,rmcp::transport::common::server_side_http=off";

/// The body of an answer.
pub type HttpBody = BoxBody<Bytes, Infallible>;

/// Says who asks, or what they are answered instead. It sees the head of every request.
pub type Admission =
    Arc<dyn Fn(&http::request::Parts) -> Pin<Box<dyn Future<Output = Result<Caller, Refusal>> + Send>> + Send + Sync>;

/// What is answered to somebody who is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Such as 401.
    pub status: StatusCode,
    /// How one would get in: the header `WWW-Authenticate`.
    pub challenge: Option<HeaderValue>,
    /// What is missing, for people.
    pub message: String,
}

/// Whom the server listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Names under which it is reached, such as `negawatt.example.com` or `localhost:8080`: what a browser was tricked into asking under
    /// another name is refused. Where there are none, this machine's own; nothing where whoever mounts it has looked at the name already.
    pub hosts: Option<Vec<String>>,
    /// Origins of web pages that may ask, such as `https://app.example.com:443`. Where there are none, no page may; requests of other
    /// programs have no origin.
    pub origins: Vec<String>,
    /// Ends every session, and what runs for them.
    pub stop: CancellationToken,
}

/// The server as a service for requests under one path. Clones are the same service.
pub struct Http<H> {
    service: StreamableHttpService<H, Sessions>,
    sessions: Arc<Sessions>,
    admission: Admission,
}

impl<H> Clone for Http<H> {
    fn clone(&self) -> Self {
        Http { service: self.service.clone(), sessions: self.sessions.clone(), admission: self.admission.clone() }
    }
}

impl<H: ServerHandler + Clone> Http<H> {
    /// Of a handler, for those whom `admission` lets in.
    pub fn new(handler: H, settings: HttpSettings, admission: Admission) -> Http<H> {
        let mut config = StreamableHttpServerConfig::default()
            .with_allowed_origins(settings.origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(MOST_BYTES)
            .with_cancellation_token(settings.stop);
        config = match settings.hosts {
            None => config.disable_allowed_hosts(),
            Some(hosts) if hosts.is_empty() => config,
            Some(hosts) => config.with_allowed_hosts(hosts),
        };
        let sessions = Arc::<Sessions>::default();
        let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions.clone(), config);
        Http { service, sessions, admission }
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<HttpBody>
    where
        B: http_body::Body + Send + 'static,
        B::Error: Display,
    {
        let (mut parts, body) = request.into_parts();
        let caller = match (self.admission)(&parts).await {
            Ok(caller) => caller,
            Err(refusal) => return refused(refusal),
        };
        let name = caller.name.clone();
        let session = parts.headers.get(SESSION).and_then(|id| id.to_str().ok());
        if let Some(id) = session
            && !self.sessions.may_use(id, &name).await
        {
            let message = "there is no such session".to_owned();
            return refused(Refusal { status: StatusCode::NOT_FOUND, challenge: None, message });
        }
        parts.extensions.insert(caller);
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let body = body.map_frame(move |frame| {
            counted.fetch_add(frame.data_ref().map_or(0, Buf::remaining), Ordering::Relaxed);
            frame
        });
        let answer = self.service.handle(Request::from_parts(parts, body));
        Sessions::answered(name, read, answer).await.unwrap_or_else(refused)
    }
}

impl<H, B> tower::Service<Request<B>> for Http<H>
where
    H: ServerHandler + Clone,
    B: http_body::Body + Send + 'static,
    B::Error: Display,
    B::Data: Send + 'static,
{
    type Response = Response<HttpBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<HttpBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

fn refused(refusal: Refusal) -> Response<HttpBody> {
    let mut response = Response::new(Full::new(Bytes::from(refusal.message)).boxed());
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(challenge) = refusal.challenge {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
