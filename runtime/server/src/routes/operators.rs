//! For whoever runs the server: health, metrics, statistics, what is wrong, and reading all anew.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::description::DESCRIPTION;
use crate::metrics::MEDIA_TYPE;
use crate::places::reloading;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes::extract::Asked;
use crate::routes::show_in_turn;
use crate::shown::{Diagnosis, Stats};

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `closing`.
    pub status: &'static str,
    /// Cases that wait for a worker.
    pub waiting: usize,
    /// Cases that are worked on, and have no verdict yet.
    pub running: usize,
    /// Cases that have a verdict, and of which proposals wait to be examined, or are.
    pub carrying: usize,
    /// The version of the program.
    pub version: &'static str,
}

/// Say that the server is there, and takes incidents
#[utoipa::path(
    get, path = "/healthz", operation_id = "check_health", tag = "operators", security(()),
    responses(
        (status = 200, description = "It takes incidents", body = Health),
        Refusals,
        (status = 503, description = "It is shutting down, or cannot know who asks", content(
            (Health = "application/json"), (Problem = "application/problem+json"))),
    )
)]
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (code, status) = match app.closing.is_cancelled() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
        false => (StatusCode::OK, "ok"),
    };
    let (waiting, running, carrying) = (app.queue.waiting(), app.running(), app.carrying());
    (code, Json(Health { status, waiting, running, carrying, version: env!("CARGO_PKG_VERSION") }))
}

/// Describe all this, in OpenAPI 3.1
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "describe", tag = "operators", security(()),
    responses((status = 200, description = "The description", body = Object), Refusals)
)]
pub async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION.as_str()).into_response()
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", operation_id = "scrape_metrics", tag = "operators",
    responses(
        (status = 200, description = "In OpenMetrics's text format", body = String, content_type = "application/openmetrics-text"),
        Refusals,
    )
)]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics.text(app.queue.waiting(), app.running(), app.carrying());
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}

/// Say what all cases came to
#[utoipa::path(
    get, path = "/v1/stats", operation_id = "show_stats", tag = "operators",
    responses(
        (status = 200, description = "As `negawatt stats` prints it", content(
            (Stats = "application/json"), (String = "text/plain"), (String = "text/html"))),
        Refusals, Also<406>,
    )
)]
pub async fn stats(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show_in_turn(&app, Shown::Stats, &headers, &[Form::Json, Form::Text, Form::Page]).await
}

/// Say what all cases came to, for Prometheus
#[utoipa::path(
    get, path = "/v1/stats/metrics", operation_id = "scrape_stats", tag = "operators",
    responses(
        (status = 200, description = "As `negawatt stats --prometheus` prints it", body = String, content_type = "text/plain"),
        Refusals, Also<406>,
    )
)]
pub async fn stats_metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show_in_turn(&app, Shown::Stats, &headers, &[Form::Prometheus]).await
}

/// How long sources may take.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// Seconds that a source may take to answer
    #[param(minimum = 1, maximum = 60, default = 10)]
    wait: Option<u64>,
}

/// Check the configuration, reach every source, and say what each can answer
#[utoipa::path(
    get, path = "/v1/doctor", operation_id = "diagnose", tag = "operators", params(Patience),
    responses(
        (status = 200, description = "As `negawatt doctor` prints it", content(
            (Diagnosis = "application/json"), (String = "text/plain"))),
        Refusals, Also<406>, Also<409>,
    )
)]
pub async fn doctor(
    State(app): State<Arc<App>>,
    Asked(patience): Asked<Patience>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seconds = patience.wait.unwrap_or(10);
    if !(1..=60).contains(&seconds) {
        return Err(Problem::bad_input("wait", format!("{seconds} seconds are not waited"))
            .at("wait")
            .help("write 1 to 60"));
    }
    let what = Shown::Diagnosis(Duration::from_secs(seconds));
    show_in_turn(&app, what, &headers, &[Form::Json, Form::Text]).await
}

/// What was read anew.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reloaded {
    /// How many skills there are.
    pub skills: usize,
    /// Files that are not used, each with the reason. Where an earlier one was good, that one still is.
    pub refused: Vec<RefusedFile>,
}

/// A skill file that is not used.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedFile {
    /// Its path.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Read configuration and skills anew
///
/// Steps that run go on with what they began with; the next ones go by it. Where the configuration is wrong, all stays as it was.
#[utoipa::path(
    post, path = "/v1/reload", operation_id = "reload", tag = "operators",
    responses(
        (status = 200, description = "It is in use", body = Reloaded),
        Refusals, Also<409>,
    )
)]
pub async fn reload(State(app): State<Arc<App>>) -> Result<Json<Reloaded>, Problem> {
    reloading(move || {
        let wrong = |why| Problem::new(StatusCode::CONFLICT, "configuration", why).help("all is as it was before");
        let loaded = app.reload().map_err(wrong)?;
        let refused = loaded.refused.iter();
        let refused =
            refused.map(|(file, reason)| RefusedFile { file: file.display().to_string(), reason: reason.clone() });
        Ok(Json(Reloaded { skills: loaded.runtime.catalog.entries().len(), refused: refused.collect() }))
    })
    .await
}
