//! What every request passes: a number, hosts and origins, its body, who asks, how often, and the log of what is written.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use negawatt_access::{Access, Entry, Key, Limiter, Outcome, Right, Role};
use negawatt_host::time;
use negawatt_telemetry::Trace;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};
use ulid::Ulid;

use crate::app::App;
use crate::caller::Caller;
use crate::places::blocking;
use crate::problem::Problem;
use crate::strangers::{NOBODY, Strangers};
use crate::streams::Streams;

/// The number of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a browser says of whose page asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request is held against.
pub struct Gate {
    /// Tokens, and the log of what is written.
    pub access: Access,
    /// Whether there were tokens; without, whoever reaches the loopback may ask. Once there are, it stays closed.
    pub had_tokens: AtomicBool,
    /// How often anybody may ask.
    pub limiter: Limiter,
    /// Bytes of a body at most.
    pub body: usize,
    /// How long a body may take to arrive.
    pub patience: Duration,
    /// Names by which the server may be called, beside addresses and `localhost`.
    pub hosts: BTreeSet<String>,
    /// Origins whose pages may ask.
    pub origins: BTreeSet<String>,
    /// Answers that stay open.
    pub streams: Arc<Streams>,
    /// What strangers were refused.
    pub strangers: Strangers,
}

/// Numbers a request, counts it, and dresses its answer.
pub async fn number(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let given = request.headers().get(&REQUEST_ID).filter(|id| is_plain(id)).cloned();
    let id = given.or_else(|| HeaderValue::from_str(&Ulid::generate().to_string()).ok());
    let method = word(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if let Some(id) = &id {
        request.headers_mut().insert(REQUEST_ID, id.clone());
    }
    let route = route.as_deref().unwrap_or("none");
    let span = span(method, route, &request);
    request.extensions_mut().insert(Arrived(span.clone()));
    let mut response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    span.in_scope(|| tracing::info!(method, route, status, took_us = u64::try_from(took.as_micros()).ok(), "answered"));
    let headers = response.headers_mut();
    id.and_then(|id| headers.insert(REQUEST_ID, id));
    for (name, value) in DRESS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    app.metrics.answered(method, route, status, took);
    response
}

/// The span of a request of which nobody knows yet who sent it, and in which nothing was done.
#[derive(Clone)]
struct Arrived(Span);

/// Goes on with a request of a sender that is known, in its span, below whatever the sender is in. A stranger's word puts nothing into
/// anybody's trace: without this, the span is below nothing.
pub async fn placed<F: Future<Output = Response>>(mut request: Request, go_on: impl FnOnce(Request) -> F) -> Response {
    let Some(Arrived(span)) = request.extensions_mut().remove() else { return go_on(request).await };
    Trace::of_headers(request.headers()).adopt(&span);
    // Whoever takes the request up on another task goes on from here.
    request.extensions_mut().insert(span.in_scope(Trace::now));
    go_on(request).instrument(span).await
}

/// The span of a request. Whether the server lives is asked all the time, and is no part of anything.
fn span(method: &'static str, route: &str, request: &Request) -> Span {
    if matches!(route, "/healthz" | "/metrics") {
        return Span::none();
    }
    let id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    debug_span!(
        "request",
        request = id,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
    )
}

/// A page of a case has its style in it, and nothing that runs.
const DRESS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    ),
];

fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn is_plain(id: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    (1..=128).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

/// Lets in what is meant for this server, from where it may come, and not too large or slow.
pub async fn arrive(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    if let Err(problem) = gate.is_meant(request.headers()) {
        return problem.into_response();
    }
    let (parts, body) = request.into_parts();
    let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let too_large = || {
        let why = format!("a body may have {} bytes (serve.body)", gate.body);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why).into_response()
    };
    if declared.is_some_and(|length: usize| length > gate.body) {
        return too_large();
    }
    match tokio::time::timeout(gate.patience, to_bytes(body, gate.body)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        // Either it is longer than was said, or the client broke off, which hears nothing any more.
        Ok(Err(_)) => too_large(),
        Err(_) => {
            let why = format!("the body did not arrive within {:?} (serve.patience)", gate.patience);
            Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", why).into_response()
        }
    }
}

/// Finds out who asks, and whether that is too often.
pub async fn admit(
    State(gate): State<Arc<Gate>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.map(|value| value.to_str().unwrap_or_default().to_owned());
    let asked = gate.clone();
    // A token that is used is noted.
    let caller = blocking(move || asked.caller(given.as_deref(), address.ip())).await;
    match caller {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            placed(request, |request| next.run(request)).await
        }
        Ok(None) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets those through who have a right, and records what they write: before it is done, and again where it was not. What is refused is
/// recorded as well.
pub async fn needs(right: Right, gate: Arc<Gate>, request: Request, next: Next) -> Response {
    match let_in(right, &request) {
        Ok(caller) => written(&gate, &caller, request, next).await,
        Err((who, role, problem)) => {
            if !request.method().is_safe() {
                let entry = entry(who, role, &request, Outcome::Refused);
                if let Err(problem) = gate.record_refused(entry).await {
                    return problem.into_response();
                }
            }
            problem.into_response()
        }
    }
}

/// Who asks, if that one has a right; or who it is that has it not, by which role, and what is answered.
pub fn let_in(right: Right, request: &Request) -> Result<Caller, (String, Option<Role>, Problem)> {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "token", "this takes a token")
            .help("send `Authorization: Bearer ngw_…`; an administrator makes one: negawatt token create");
        return Err((NOBODY.to_owned(), None, problem));
    };
    if !caller.may(right) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "role", format!("{} may not do this", caller.who()))
            .help("docs/access.md says which role may; an administrator makes a token for it");
        return Err((caller.who(), caller.role(), problem));
    }
    Ok(caller)
}

/// What is recorded of a request.
pub fn entry(who: String, role: Option<Role>, request: &Request, outcome: Outcome) -> Entry {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    Entry {
        time: time::now(),
        who,
        role,
        address: address.map(|address| address.to_string()),
        action: format!("{} {}", request.method(), matched(request)),
        object: request.uri().path().to_owned(),
        outcome,
        detail: format!("request {id}"),
    }
}

/// Records what is written.
pub async fn written(gate: &Gate, caller: &Caller, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let entry = entry(caller.who(), caller.role(), &request, Outcome::Done);
    if let Err(problem) = gate.record(entry.clone()).await {
        return problem.into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_success() {
        let outcome = if status.is_server_error() { Outcome::Failed } else { Outcome::Refused };
        let detail = format!("{}: {status}", entry.detail);
        // That it was begun is recorded, which is what must not be missing.
        if let Err(problem) = gate.record(Entry { time: time::now(), outcome, detail, ..entry }).await {
            tracing::error!("how a request ended is not recorded: {}", problem.detail);
        }
    }
    response
}

fn matched(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned())
}

impl Gate {
    /// Whether a request names this server, and comes from no page but those that may: a page that a browser was led to (DNS rebinding,
    /// CSRF) names another host, or has another origin.
    fn is_meant(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(header::HOST).map(without_port).unwrap_or_default();
        let is_ours = is_itself(host) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
        if !is_ours {
            let why = format!("{host:?} is no name of this server");
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", why).help("name it in serve.hosts"));
        }
        let refused = |why: String| Problem::new(StatusCode::FORBIDDEN, "origin", why).help("name it in serve.origins");
        match text(header::ORIGIN) {
            Some(origin) if self.origins.iter().any(|known| known == origin) => Ok(()),
            Some(origin) => Err(refused(format!("pages of {origin:?} may not ask"))),
            // A browser names no origin where a page shows or loads something, and says only that it is a page of elsewhere.
            None if matches!(text(FETCH_SITE), Some("cross-site" | "same-site")) => {
                Err(refused("pages of elsewhere may not ask".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Who asks, where that is known.
    fn caller(&self, given: Option<&str>, address: IpAddr) -> Result<Option<Caller>, Problem> {
        let often = |key: Key| {
            self.limiter.check(&key, Instant::now()).map_err(|wait| {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "too many requests in a short time")
                    .retry_after(wait)
            })
        };
        let Some(given) = given else {
            often(Key::Address(address))?;
            return Ok((!self.has_tokens()?).then_some(Caller::Local));
        };
        let principal = match given.strip_prefix("Bearer ") {
            Some(secret) => self.access.authenticate(secret.trim(), time::now())?,
            None => None,
        };
        let Some(principal) = principal else {
            // Guessing costs the address its turns.
            often(Key::Address(address))?;
            return Ok(None);
        };
        often(Key::Principal(principal.id.clone()))?;
        Ok(Some(Caller::Bearer(principal)))
    }

    /// Whether there are tokens, or were: who makes the first one closes a server that runs.
    pub fn has_tokens(&self) -> Result<bool, Problem> {
        if !self.had_tokens.load(Ordering::Relaxed) {
            // A token that was revoked counts: to take the last one back opens nothing.
            let any = !self.access.list()?.is_empty();
            self.had_tokens.store(any, Ordering::Relaxed);
        }
        Ok(self.had_tokens.load(Ordering::Relaxed))
    }

    /// Writes into the log what somebody was refused; of what strangers were, as much as has its place there.
    pub async fn record_refused(&self, mut entry: Entry) -> Result<(), Problem> {
        if entry.who != NOBODY {
            return self.record(entry).await;
        }
        let address = entry.address.as_ref().and_then(|address| address.parse().ok());
        let Some(left_out) = self.strangers.refused(address, Instant::now()) else { return Ok(()) };
        if left_out > 0 {
            entry.detail.push_str(&format!("; {left_out} refusals of strangers before it are not in the log"));
        }
        self.record(entry).await.inspect_err(|_| self.strangers.leave_out(left_out + 1))
    }

    /// Writes an entry into the log of what was done.
    pub async fn record(&self, entry: Entry) -> Result<(), Problem> {
        let access = self.access.clone();
        blocking(move || Ok(access.record(entry).map(drop)?)).await
    }
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, _)) => inside,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether that cannot be somebody else's name: to rebind takes a name, and whoever is asked by an address is asked by whoever reached it.
fn is_itself(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}
