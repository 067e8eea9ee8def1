//! What happens, as it happens: server-sent events for one case and for all.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use negawatt_casebook::CaseId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::app::App;
use crate::notice::Notice;
use crate::places::blocking;
use crate::problem::Problem;
use crate::refusals::{Also, Refusals};
use crate::routes::extract::{Named, OfCase};

/// Events that wait for a client that reads slowly; with more it is told that it missed some.
const WAITING: usize = 64;

type Events = Sse<axum::response::sse::KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// One of the events.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub struct Heard {
    /// What happened, in one word.
    event: String,
    /// More about it: a JSON object with the case's id as `case`; of `missed` a number.
    data: String,
}

/// Hear what happens to all cases
///
/// Events are `accepted`, `started`, `planned`, `progress`, `called`, `verdict`, `ended` (what it proposes is examined as well, or it rests
/// without a verdict), `resolved` (the alert of the case is over, which does not end it), and `missed` with the number of those that came
/// too fast.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "hear_all", tag = "events",
    responses(
        (status = 200, description = "Server-sent events, without end", body = Heard, content_type = "text/event-stream"),
        Refusals,
    )
)]
pub async fn all(State(app): State<Arc<App>>) -> Events {
    let heard = app.listen();
    stream(app, heard, None, Vec::new())
}

/// Hear what happens to a case
///
/// First `state` with how it stands, then as for all cases, until it has ended.
#[utoipa::path(
    get, path = "/v1/cases/{case}/events", operation_id = "hear_case", tag = "events",
    params(OfCase),
    responses(
        (status = 200, description = "Server-sent events, until the case has ended", body = Heard, content_type = "text/event-stream"),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn one(State(app): State<Arc<App>>, Named(OfCase { case }): Named<OfCase>) -> Result<Events, Problem> {
    // Before it is looked at, so that nothing falls in between.
    let heard = app.listen();
    let looked = app.clone();
    let (id, verdict, has_ended) = blocking(move || {
        let case = looked.book.load(&looked.book.find(&case)?)?;
        Ok((case.id, case.concluded().map(|concluded| concluded.verdict.name()), case.end.is_some()))
    })
    .await?;
    let now = Notice { what: "state", ..Notice::ended(id, verdict) };
    let mut first = vec![now];
    // One that is carried on here ends when that is done.
    if has_ended && !app.here.has(&id) {
        first.push(Notice::ended(id, verdict));
    }
    Ok(stream(app, heard, Some(id), first))
}

/// How often it is looked whether a case has ended of which nothing is heard: another process may run it.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until a case has ended that nobody works on here, and tells how.
async fn ended_elsewhere(app: &Arc<App>, case: CaseId) -> Notice {
    let mut ticks = tokio::time::interval(LOOK);
    let mut seen = None;
    loop {
        ticks.tick().await;
        // Who works on it here tells when it is done with it.
        if app.here.has(&case) {
            continue;
        }
        let (looking, before) = (app.clone(), seen);
        let looked = blocking(move || {
            let mark = Some(looking.book.mark()?);
            let summary = if mark == before { None } else { Some(looking.book.summary(&case)?) };
            Ok((mark, summary.and_then(|summary| summary.end)))
        });
        match looked.await {
            Ok((_, Some(end))) => return Notice::of_end(case, &end),
            Ok((mark, None)) => seen = mark,
            Err(problem) => tracing::warn!("nobody knows whether the case {case} has ended: {}", problem.detail),
        }
    }
}

fn stream(app: Arc<App>, mut heard: Receiver<Notice>, case: Option<CaseId>, first: Vec<Notice>) -> Events {
    let (send, events) = tokio::sync::mpsc::channel(WAITING);
    let ends = move |notice: &Notice| case.is_some() && notice.what == "ended";
    let closing = app.closing.clone();
    tokio::spawn(async move {
        for notice in first {
            let is_last = ends(&notice);
            if send.send(Ok(event(&notice))).await.is_err() || is_last {
                return;
            }
        }
        let elsewhere = async {
            match case {
                Some(case) => ended_elsewhere(&app, case).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(elsewhere);
        loop {
            let next = tokio::select! {
                () = closing.cancelled() => return,
                () = send.closed() => return,
                next = heard.recv() => next,
                ended = &mut elsewhere => Ok(ended),
            };
            let event = match &next {
                Ok(notice) if case.is_some_and(|case| case != notice.case) => continue,
                Ok(notice) => event(notice),
                Err(RecvError::Lagged(count)) => Event::default().event("missed").data(count.to_string()),
                Err(RecvError::Closed) => return,
            };
            if send.send(Ok(event)).await.is_err() || next.as_ref().is_ok_and(ends) {
                return;
            }
        }
    });
    Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::default())
}

fn event(notice: &Notice) -> Event {
    // JSON has no line breaks of its own, so nobody's text ends an event.
    Event::default().event(notice.what).data(notice.data.to_string())
}
