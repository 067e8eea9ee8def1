//! A request of a call that is replayed: its answer is in the record, and nothing is sent.

use std::sync::Arc;
use std::time::Duration;

use negawatt_package::Tool;
use wasmtime_wasi_http::WasiBody;

use super::exchange::{collect, function};
use super::{HttpRequest, HttpResponse};
use crate::call::{ToolAnswer, decode};
use crate::limits::Limits;
use crate::model::Answer;
use crate::record::{Record, encode};
use crate::replay::{self, Replay};

/// A request with what the record has for it.
pub(super) struct Again {
    replay: Arc<Replay>,
    function: String,
    head: Option<HttpRequest>,
    known: Option<Arc<ToolAnswer>>,
}

impl Again {
    /// Takes its place, in the order in which the skill asks.
    pub(super) fn open(replay: Arc<Replay>, record: &mut Record, method: &str, head: Option<HttpRequest>) -> Again {
        let function = function(method);
        let known = replay.answer_to(&function, head.as_ref());
        known.iter().for_each(|known| record.repeat(known));
        Again { replay, function, head, known }
    }

    /// The answer, once the skill has said all of what the record has.
    pub(super) async fn run(self, limits: &Limits, body: WasiBody) -> Answer<HttpResponse> {
        let mut request = self.head.clone();
        let Some(known) = self.known.clone() else { return Err(self.miss(request.as_ref())) };
        if known.error.as_ref().is_some_and(|told| told.starts_with("cancelled: ")) {
            // Nobody waited for it then.
            wait(limits.tool_time).await;
            return replay::told(&known);
        }
        let had_body = decode::<HttpRequest>(&known.request).is_some_and(|known| !known.body.is_empty());
        // What was refused for its head alone was not read any further.
        if had_body || known.error.is_none() {
            let body = collect(body, limits.http_request_bytes).await?.unwrap_or_default();
            request = request.map(|head| HttpRequest { body, ..head });
            if request.as_ref().map(encode).transpose()?.as_ref() != Some(&known.request) {
                return Err(self.miss(request.as_ref()));
            }
        }
        replay::told(&known)
    }

    fn miss(&self, request: Option<&HttpRequest>) -> crate::model::Error {
        let request = request.and_then(|request| encode(request).ok()).unwrap_or_default();
        self.replay.miss(Tool::Http, &self.function, &request)
    }
}

async fn wait(most: Duration) {
    let _ = tokio::time::timeout(most, std::future::pending::<()>()).await;
}
