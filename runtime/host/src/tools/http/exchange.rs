//! One request and its answer: within the limits of the call, cancelled with it, and recorded.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use negawatt_package::Tool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use wasmtime_wasi_http::{Error as Code, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use super::again::Again;
use super::{HttpRequest, HttpResponse, check};
use crate::call::Envelope;
use crate::effects::Effects;
use crate::grants::HttpRule;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::model::{Answer, Error};
use crate::record::{Record, encode, lock};
use crate::replay;
use crate::spans;
use crate::text::{printable, shorten};
use crate::tools::Tools;

/// Bytes that wait between a skill that writes a body and the host that collects it, twice, for each body under way.
pub(super) const BODY_CHUNK: usize = 16 << 10;

/// The requests of one call.
pub(crate) struct Requests {
    rules: Vec<HttpRule>,
    idle: Idle,
    common: Arc<Common>,
}

/// What the requests of one call have in common.
struct Common {
    limits: Limits,
    cancel: CancellationToken,
    tools: Arc<Tools>,
    effects: Option<Arc<dyn Effects>>,
    meter: Arc<Meter>,
    record: Arc<Mutex<Record>>,
}

/// Tells when no request is under way.
#[derive(Clone)]
pub(crate) struct Idle {
    places: Arc<Semaphore>,
    all: u32,
    tasks: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Idle {
    /// Of so many requests at a time.
    fn new(all: u32) -> Idle {
        Idle { places: Arc::new(Semaphore::new(all as usize)), all, tasks: Arc::default() }
    }

    /// A request is under way until a task is over.
    pub(super) fn until(&self, task: AbortHandle) {
        let mut tasks = lock(&self.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Until no request is under way: each is over after its time at the latest, and whoever waits for an answer has it before
    /// whoever waits for this goes on.
    pub(crate) async fn wait(&self) {
        // It is never closed.
        drop(self.places.acquire_many(self.all).await);
        // From giving its place back to its end a task has a few instructions to go.
        while lock(&self.tasks).iter().any(|task| !task.is_finished()) {
            tokio::task::yield_now().await;
        }
    }
}

impl Requests {
    pub(crate) fn new(
        rules: &[HttpRule],
        envelope: &Envelope,
        meter: &Arc<Meter>,
        record: &Arc<Mutex<Record>>,
    ) -> Requests {
        let common = Common {
            limits: envelope.limits.clone(),
            cancel: envelope.cancel.clone(),
            tools: envelope.tools.clone(),
            effects: envelope.effects.clone(),
            meter: meter.clone(),
            record: record.clone(),
        };
        Requests { rules: rules.to_vec(), idle: Idle::new(envelope.limits.http_at_once), common: Arc::new(common) }
    }

    pub(crate) fn idle(&self) -> Idle {
        self.idle.clone()
    }

    /// Whether a request may be sent, as far as its head tells.
    fn admit(&self, request: HttpRequest) -> Answer<Admitted> {
        let rules = check::allowing(&self.rules, &request)?;
        let place = self.idle.places.clone().try_acquire_owned().map_err(|_| {
            Error::OverBudget(format!(
                "a call of this skill may have {} requests over HTTP under way at a time",
                self.common.limits.http_at_once
            ))
        })?;
        Ok(Admitted { request, rules, place })
    }
}

/// A request that may be sent, without its body.
struct Admitted {
    request: HttpRequest,
    rules: Vec<HttpRule>,
    place: OwnedSemaphorePermit,
}

type Given = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Code>> + Send>);

impl WasiHttpHooks for Requests {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(check::is_reserved)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK
    }

    /// The time-outs that a skill asks for are not heard: its clock is not that of the world, and the limits hold anyway.
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Code>> + Send>,
    ) -> Box<dyn Future<Output = Result<Given, Code>> + Send> {
        let (parts, body) = request.into_parts();
        // All that depends on the order of requests happens before anything waits.
        let head = check::head(&parts);
        if let Some(replay) = self.common.tools.recorded.clone().filter(|replay| replay.is_of_call()) {
            let again = Again::open(replay, &mut lock(&self.common.record), parts.method.as_str(), head.ok());
            let common = self.common.clone();
            return Box::new(async move { again.run(&common.limits, body).await.map(given).map_err(code) });
        }
        let exchange = Exchange::open(&self.common, parts.method.as_str(), head.as_ref().ok());
        let admitted = head.and_then(|head| self.admit(head));
        Box::new(async move {
            let answered = match exchange {
                Ok(exchange) => exchange.run(admitted, parts.headers, body).await,
                Err(error) => Err(error),
            };
            answered.map(given).map_err(code)
        })
    }
}

/// A request in the record of its call.
struct Exchange {
    common: Arc<Common>,
    /// Its place in the record.
    slot: usize,
    began: Duration,
    span: Span,
}

impl Exchange {
    /// Takes a place in the record, in the order in which the skill asks.
    fn open(common: &Arc<Common>, method: &str, head: Option<&HttpRequest>) -> Answer<Exchange> {
        let asked = head.map_or(Ok(Vec::new()), encode)?;
        let unheard = Error::Cancelled("the skill did not wait for the answer".to_owned());
        let function = function(method);
        let slot = lock(&common.record).open(&common.limits, (Tool::Http, &function), asked, &unheard)?;
        // What is asked for is sent by another task: here it is in the span of its call.
        let span = spans::tool(Tool::Http, &function);
        Ok(Exchange { common: common.clone(), slot, began: common.meter.wall(), span })
    }

    async fn run(self, admitted: Answer<Admitted>, headers: HeaderMap, body: WasiBody) -> Answer<HttpResponse> {
        let limits = &self.common.limits;
        let time = limits.tool_time.min(limits.time.saturating_sub(self.began));
        let answered = match admitted {
            Err(error) => Err(error),
            Ok(admitted) => tokio::select! {
                biased;
                () = self.common.cancel.cancelled() => Err(Error::Cancelled("the step was cancelled".to_owned())),
                answered = tokio::time::timeout(time, self.send(admitted, headers, body)).instrument(self.span.clone()) => answered.unwrap_or_else(|_| {
                    Err(Error::Unavailable(format!("the request and its answer took longer than {time:?}")))
                }),
            },
        };
        self.close(answered)
    }

    async fn send(&self, admitted: Admitted, headers: HeaderMap, body: WasiBody) -> Answer<HttpResponse> {
        let Admitted { mut request, rules, place: _place } = admitted;
        let Common { limits, tools, effects, record, .. } = &*self.common;
        let most = limits.http_request_bytes;
        let too_large = || Error::OverBudget(format!("a request may have {most} bytes, headers included"));
        let room = most.checked_sub(request.bytes()).ok_or_else(too_large)?;
        request.body = collect(body, room).await?.ok_or_else(too_large)?;
        check::length(&headers, &request.body)?;
        let encoded = encode(&request)?;
        lock(record).asked(limits, self.slot, encoded.clone())?;
        let function = function(&request.method);
        let recorded = tools.recorded.as_ref();
        if let Some(known) = recorded.and_then(|replay| replay.answer(Tool::Http, &function, &encoded)) {
            return replay::told(&known);
        }
        if request.is_effect()
            && let Some(effects) = effects
        {
            effects.intend(&effect(&request)?).await?;
        }
        let most = limits.http_response_bytes;
        let answered = match tools.http() {
            Ok(http) => http.send(request, &rules, most).await,
            Err(error) => Err(error),
        };
        if let (Err(Error::Unavailable(_)), Some(replay)) = (&answered, recorded) {
            replay.miss(Tool::Http, &function, &encoded);
        }
        answered
    }

    /// Records the answer.
    fn close(&self, answered: Answer<HttpResponse>) -> Answer<HttpResponse> {
        if let Err(Error::Denied(reason)) = &answered {
            tracing::warn!("a request over HTTP was refused: {}", shorten(&printable(reason), 300));
        }
        let Common { limits, meter, record, .. } = &*self.common;
        lock(record).answered(limits, self.slot, answered, meter.wall() - self.began, &self.span)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.common.meter.waited(self.began);
    }
}

/// What the record calls a request of a method.
pub(super) fn function(method: &str) -> String {
    shorten(&printable(method), 20)
}

/// The whole body that a skill writes; `None` where it is longer than `most`.
pub(super) async fn collect(mut body: WasiBody, most: u64) -> Answer<Option<Vec<u8>>> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Error::Invalid("the body was given up, or is not as long as was said".to_owned()))?;
        // What follows a body is sent to nobody.
        let Ok(data) = frame.into_data() else { continue };
        if (collected.len() + data.len()) as u64 > most {
            return Ok(None);
        }
        collected.extend_from_slice(&data);
    }
    Ok(Some(collected))
}

/// The name of an effect: what is sent where, and the digest of all of it.
fn effect(request: &HttpRequest) -> Answer<String> {
    let digest = blake3::hash(&encode(request)?);
    Ok(format!("{} {} (blake3:{})", request.method, shorten(&printable(&request.url()), 500), digest.to_hex()))
}

/// An answer as `wasi:http` gives it.
fn given(response: HttpResponse) -> Given {
    let body = Full::new(Bytes::from(response.body)).map_err(|never| match never {}).boxed_unsync();
    let mut given = http::Response::new(body);
    *given.status_mut() = http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), http::HeaderValue::from_bytes(&value)) {
            given.headers_mut().append(name, value);
        }
    }
    (given, Box::new(async { Ok(()) }))
}

/// An error in the words of `wasi:http`. The texts about addresses and servers are the operator's, in the record.
fn code(error: Error) -> Code {
    match error {
        Error::Denied(_) => Code::HttpRequestDenied,
        Error::NotFound(_) => Code::DestinationNotFound,
        Error::Unavailable(_) => Code::DestinationUnavailable,
        Error::Cancelled(_) => Code::ConnectionTerminated,
        Error::OverBudget(_) | Error::Invalid(_) => Code::InternalError(Some(error.told())),
        Error::Internal(_) => Code::InternalError(None),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_requests_waits_for_those_that_are_not_over() {
        let idle = Idle::new(1);
        let over = tokio::spawn(async {});
        idle.until(over.abort_handle());
        over.await.unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let under_way = tokio::spawn(ended);
        idle.until(under_way.abort_handle());
        assert_eq!(lock(&idle.tasks).len(), 1, "what is over is forgotten");
        // It has given its place back, and has a few instructions to go.
        let mut waiting = pin!(idle.wait());
        for _ in 0..10 {
            let is_over = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_ready())).await;
            assert!(!is_over);
        }
        end.send(()).unwrap();
        waiting.await;
        idle.wait().await;
    }
}
