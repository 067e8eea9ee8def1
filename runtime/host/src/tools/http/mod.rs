//! The tool `http`: `wasi:http` for skills, to the origins that an operator named.
//!
//! A request is held against the grants before its body is read ([`check`]); then it is kept within the limits of the call,
//! recorded, and handed to what stands behind the tool ([`exchange`]), which looks at the addresses and adds the credentials.
//! What a skill writes into requests before that counts as its memory ([`kept`]).
//!
//! Redirects are answers like any others: a skill that wants to follow one sends a request of its own, which is checked,
//! counted and recorded as every request is.

mod again;
mod check;
mod exchange;
mod kept;

use async_trait::async_trait;
use negawatt_config::HttpOrigin;
use serde::{Deserialize, Serialize};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::call::CallState;
use crate::grants::HttpRule;
use crate::model::Answer;

pub(crate) use exchange::{Idle, Requests};

/// Sends requests over HTTP.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends a request, without following redirects, and gives the whole answer, which has `most` bytes at most, headers
    /// included.
    ///
    /// Each of the `rules` allows the request's origin and method. One of them must allow the address that is dialled as well,
    /// and the credentials are those of the rules that do. None of them may be seen in the answer or in an error.
    ///
    /// It is bounded in time by being dropped: then nothing of it may go on.
    async fn send(&self, request: HttpRequest, rules: &[HttpRule], most: u64) -> Answer<HttpResponse>;
}

/// A request over HTTP as a skill sends it, whole and without credentials; so it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// In capitals, such as `GET`.
    pub method: String,
    /// Where it goes.
    pub origin: HttpOrigin,
    /// The path and the query; begins with a slash.
    pub target: String,
    /// Names in small letters, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The whole address.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }

    /// Its size, headers included.
    pub fn bytes(&self) -> u64 {
        (self.method.len() + self.target.len() + self.body.len()) as u64 + header_bytes(&self.headers)
    }

    /// Whether it does more than ask.
    pub fn is_effect(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// An answer over HTTP, whole; so it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// Such as 200.
    pub status: u16,
    /// Names in small letters, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Bytes of headers as they are sent: each has two characters between and two at its end.
pub fn header_bytes(headers: &[(String, Vec<u8>)]) -> u64 {
    headers.iter().map(|(name, value)| (name.len() + value.len() + 4) as u64).sum()
}

/// Bytes of one set of headers that a skill makes, more or less: twice what servers take.
const MAX_FIELDS_BYTES: usize = 32 << 10;

/// The interface through which requests are sent, of the version that is linked; it serves the older ones of 0.2 too.
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// What [`HANDLER`] takes.
type Sent = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

/// The first stage of the tool.
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, WasiHttp>(linker, &LinkOptions::default().into(), CallState::http)?;
    kept::link(linker)?;
    linker.instance(HANDLER)?.func_wrap(
        "handle",
        |mut store: StoreContextMut<'_, CallState>, (request, options): Sent| {
            let state = store.data_mut();
            let response = match outgoing_handler::Host::handle(&mut state.http(), request, options) {
                Ok(response) => response,
                Err(error) => return Ok((Err(error.downcast()?),)),
            };
            if let HostFutureIncomingResponse::Pending(task) = state.table.get(&response)? {
                state.requests.idle().until(task.abort_handle());
            }
            Ok((Ok(response),))
        },
    )
}

/// What one call needs besides its requests.
pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(MAX_FIELDS_BYTES);
    context
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.requests, table: &mut self.table, ctx: &mut self.http }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_what_is_sent() {
        let headers = vec![("a".to_owned(), b"bc".to_vec()), ("defgh".to_owned(), Vec::new())];
        assert_eq!(header_bytes(&headers), 7 + 9);
        let (method, target, body) = ("GET".to_owned(), "/xy/z".to_owned(), vec![0; 7]);
        let request =
            HttpRequest { method, origin: HttpOrigin::parse("https://a.example").unwrap(), target, headers, body };
        assert_eq!(request.bytes(), 3 + 5 + 7 + 16);
    }
}
