//! What a case would do, and what it does again: nothing of it is recorded.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use negawatt_host::json::read_incident;

use crate::app::App;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes::cases::found;
use crate::routes::extract::{Named, OfCase, Text};
use crate::routes::show_in_turn;
use crate::shown::{Plan, Replayed};

/// Say which steps a case of an incident would take, without taking any
#[utoipa::path(
    post, path = "/v1/plan", operation_id = "plan", tag = "cases",
    request_body(
        content = ref("#/components/schemas/Incident"), content_type = "application/json",
        description = "An incident, as `negawatt plan` reads it, whatever its media type is said to be",
    ),
    responses((status = 200, description = "As `negawatt plan --json` prints it", body = Plan), Refusals, Also<406>)
)]
pub async fn plan(State(app): State<Arc<App>>, headers: HeaderMap, Text(body): Text) -> Result<Response, Problem> {
    let file = read_incident(&body)?;
    show_in_turn(&app, Shown::Plan(&file.incident), &headers, &[Form::Json]).await
}

/// Run every step of a case again from the recorded answers, and say where findings or verdict differ
///
/// It asks no source, does nothing outside and writes nothing. The skills must be there with the bytes that they had.
#[utoipa::path(
    post, path = "/v1/cases/{case}/replay", operation_id = "replay_case", tag = "cases", params(OfCase),
    responses(
        (status = 200, description = "As `negawatt case replay --json` prints it", body = Replayed),
        Refusals, Also<404>, Also<406>, Also<409>,
    )
)]
pub async fn replay(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let case = found(&app, case).await?;
    let cancel = app.parking.child_token();
    // Nobody waits for it who has gone away.
    let _gone = cancel.clone().drop_guard();
    show_in_turn(&app, Shown::Replay(&case, &cancel), &headers, &[Form::Json]).await
}
