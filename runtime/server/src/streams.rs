//! Answers that stay open: how many there may be, and that they end with the right to hear them.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use negawatt_host::time;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::caller::Caller;
use crate::gate::Gate;
use crate::places::blocking;
use crate::problem::{AGAIN, Problem};

/// How often it is looked whether tokens are still of use.
const LOOK: Duration = Duration::from_secs(1);

/// Answers that stay open.
#[derive(Debug)]
pub struct Streams {
    each: usize,
    all: usize,
    open: Mutex<HashMap<Holder, Open>>,
}

/// Whose streams are counted together: those of a token, by its id, or of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Holder {
    Token(String),
    Machine,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    end: CancellationToken,
}

/// A place for one stream; it is given back when it is dropped.
#[derive(Debug)]
struct Place {
    streams: Arc<Streams>,
    holder: Holder,
    end: CancellationToken,
}

impl Streams {
    /// So many for each caller, and so many for all together.
    pub fn new(each: usize, all: usize) -> Streams {
        Streams { each: each.max(1), all: all.max(1), open: Mutex::default() }
    }

    fn open(self: &Arc<Self>, caller: &Caller) -> Result<Place, Problem> {
        let holder = match caller {
            Caller::Bearer(principal) => Holder::Token(principal.id.clone()),
            Caller::Local | Caller::Webhook(_) => Holder::Machine,
        };
        let full = |why: String| {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", why)
                .help("close some of them, or let the operator raise serve.streams or serve.connections")
                .retry_after(AGAIN))
        };
        let mut open = self.held();
        if open.values().map(|open| open.count).sum::<usize>() >= self.all {
            return full(format!("{} streams are open, which is as many as may", self.all));
        }
        if open.get(&holder).is_some_and(|open| open.count >= self.each) {
            return full(format!("{} has {} streams open, which is as many as may", caller.who(), self.each));
        }
        let known = open.entry(holder.clone()).or_default();
        known.count += 1;
        Ok(Place { streams: self.clone(), holder, end: known.end.clone() })
    }

    /// Who has streams open.
    fn holders(&self) -> Vec<Holder> {
        self.held().keys().cloned().collect()
    }

    /// Ends all streams of one; who may comes again.
    fn end(&self, holder: &Holder) {
        if let Some(open) = self.held().get_mut(holder) {
            std::mem::take(&mut open.end).cancel();
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Holder, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.streams.held();
        if let Some(open) = held.get_mut(&self.holder) {
            open.count -= 1;
            if open.count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

/// Answers with a stream where there is a place for it. It ends when whoever asked may not hear it any more.
pub async fn held(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    // Nobody comes here whom nobody let in.
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Local);
    let place = match gate.streams.open(&caller) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let Some(response) = place.end.clone().run_until_cancelled(next.run(request)).await else {
        return Problem::new(StatusCode::UNAUTHORIZED, "token", "the token is of no use any more").into_response();
    };
    let end = Box::pin(place.end.clone().cancelled_owned());
    response.map(|body| Body::new(Held { body, end, _place: place }))
}

/// A body that has a place.
struct Held {
    body: Body,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// Ends the streams of tokens that are revoked or expire, until the server ends; those of this machine when there is a first token.
pub async fn watch(gate: Arc<Gate>, closing: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while closing.run_until_cancelled(ticks.tick()).await.is_some() {
        let holders = gate.streams.holders();
        if holders.is_empty() {
            continue;
        }
        let looking = gate.clone();
        let ended = blocking(move || {
            let mut ended = Vec::new();
            for holder in holders {
                let may = match &holder {
                    Holder::Token(id) => looking.access.is_valid(id, time::now())?,
                    Holder::Machine => !looking.has_tokens()?,
                };
                ended.extend((!may).then_some(holder));
            }
            Ok(ended)
        });
        match ended.await {
            Ok(ended) => ended.iter().for_each(|holder| gate.streams.end(holder)),
            Err(problem) => tracing::warn!("nobody looked whether tokens are still of use: {}", problem.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use negawatt_access::{Principal, Role};

    use super::*;

    fn of(id: &str) -> Caller {
        Caller::Bearer(Principal { id: id.to_owned(), name: "Ada".to_owned(), role: Role::Viewer })
    }

    #[test]
    fn there_are_so_many_for_each_and_so_many_for_all() {
        let streams = Arc::new(Streams::new(2, 3));
        let kept = [streams.open(&of("a")).unwrap(), streams.open(&of("a")).unwrap()];
        assert_eq!(streams.open(&of("a")).unwrap_err().status, 429);
        let other = streams.open(&of("b")).unwrap();
        assert!(streams.open(&Caller::Local).unwrap_err().detail.contains("3 streams"));
        drop(kept);
        assert!(streams.open(&of("a")).is_ok() && streams.open(&Caller::Local).is_ok());
        drop(other);
        assert!(streams.holders().is_empty(), "nothing of them is kept");
    }

    #[test]
    fn they_end_for_one_and_not_for_the_others() {
        let streams = Arc::new(Streams::new(2, 3));
        let (ada, bob) = (streams.open(&of("a")).unwrap(), streams.open(&of("b")).unwrap());
        streams.end(&Holder::Token("a".to_owned()));
        assert!(ada.end.is_cancelled() && !bob.end.is_cancelled());
        assert!(!streams.open(&of("a")).unwrap().end.is_cancelled(), "what comes later has an end of its own");
    }
}
