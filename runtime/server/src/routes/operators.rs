//! For whoever runs the server: health, metrics, statistics, skills, and reading all anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::metrics::MEDIA_TYPE;
use crate::problem::Problem;
use crate::routes::cases::blocking;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `closing`.
    pub status: &'static str,
    /// Cases that wait for a worker.
    pub waiting: usize,
    /// Cases that are worked on.
    pub running: usize,
    /// The version of the program.
    pub version: &'static str,
}

/// Say that the server is there, and takes incidents
#[utoipa::path(
    get, path = "/healthz", tag = "operators",
    responses(
        (status = 200, description = "It takes incidents", body = Health),
        (status = 503, description = "It is shutting down", body = Health),
    )
)]
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let (code, status) = match app.closing.is_cancelled() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
        false => (StatusCode::OK, "ok"),
    };
    let (waiting, running) = (app.queue.waiting(), app.running());
    (code, Json(Health { status, waiting, running, version: env!("CARGO_PKG_VERSION") }))
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operators",
    responses((status = 200, description = "In OpenMetrics's text format", body = String, content_type = "application/openmetrics-text"))
)]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], app.metrics.text(app.queue.waiting(), app.running())).into_response()
}

/// Say what all cases came to
#[utoipa::path(
    get, path = "/v1/stats", tag = "operators",
    responses(
        (status = 200, description = "As `negawatt stats --json` prints it", body = Object),
        (status = "4XX", description = "It may not be asked", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Cases cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn stats(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let told = |why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "casebook", why);
    blocking(move || app.program.stats(&app.loaded(), &app.book).map(Json).map_err(told)).await
}

/// List skills
#[utoipa::path(
    get, path = "/v1/skills", tag = "operators",
    responses(
        (status = 200, description = "As `negawatt skill list --json` prints them", body = Object),
        (status = "4XX", description = "It may not be asked", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The casebook cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn skills(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let told = |why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "casebook", why);
    blocking(move || app.program.skills(&app.loaded(), &app.book).map(Json).map_err(told)).await
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
    post, path = "/v1/reload", tag = "operators",
    responses(
        (status = 200, description = "It is in use", body = Reloaded),
        (status = "4XX", description = "It cannot be used, and is not", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The server failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn reload(State(app): State<Arc<App>>) -> Result<Json<Reloaded>, Problem> {
    blocking(move || {
        let wrong = |why| Problem::new(StatusCode::CONFLICT, "configuration", why).help("all is as it was before");
        let loaded = app.reload().map_err(wrong)?;
        let refused = loaded.refused.iter();
        let refused =
            refused.map(|(file, reason)| RefusedFile { file: file.display().to_string(), reason: reason.clone() });
        Ok(Json(Reloaded { skills: loaded.runtime.catalog.entries().len(), refused: refused.collect() }))
    })
    .await
}
