//! Incidents in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use negawatt_host::json::{IncidentFile, read_incident};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::accept::{Accepted, Refusal};
use crate::app::App;
use crate::notice::Notice;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::routes::extract::{Asked, Text};

/// A case that an incident made, or belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedCase {
    /// The case's id.
    #[schema(min_length = 26, max_length = 26)]
    pub case: String,
    /// Whether an earlier incident of the same fingerprint and time made it.
    pub duplicate: bool,
    /// Where the case is.
    pub url: String,
}

impl From<Accepted> for AcceptedCase {
    fn from(accepted: Accepted) -> AcceptedCase {
        let case = accepted.case.to_string();
        AcceptedCase { url: format!("/v1/cases/{case}"), case, duplicate: !accepted.is_new }
    }
}

impl IntoResponse for AcceptedCase {
    fn into_response(self) -> Response {
        let status = if self.duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
        let location = HeaderValue::from_str(&self.url).ok();
        let mut response = (status, Json(self)).into_response();
        location.and_then(|location| response.headers_mut().insert(header::LOCATION, location));
        response
    }
}

/// How an incident is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct How {
    /// Make a new case, also where one is there
    #[serde(default)]
    again: bool,
}

/// Accept an incident
///
/// It is on disk before it is acknowledged, and investigated as soon as a worker is free. The same incident again is answered with the
/// same case.
#[utoipa::path(
    post, path = "/v1/incidents", operation_id = "accept_incident", tag = "incidents", params(How),
    request_body(
        content = ref("#/components/schemas/Incident"), content_type = "application/json",
        description = "An incident, as `negawatt investigate` reads it, whatever its media type is said to be",
    ),
    responses(
        (status = 202, description = "It made a case", body = AcceptedCase),
        (status = 200, description = "An earlier one made its case", body = AcceptedCase),
        Refusals,
    )
)]
pub async fn post(
    State(app): State<Arc<App>>,
    Asked(how): Asked<How>,
    Text(body): Text,
) -> Result<AcceptedCase, Problem> {
    take(&app, read_incident(&body)?, how.again).await
}

/// Accepts an incident, and tells whoever listens.
pub async fn take(app: &App, file: IncidentFile, again: bool) -> Result<AcceptedCase, Problem> {
    let (service, title) = (file.incident.service.clone(), file.incident.title.clone());
    let accepted = app.accept(file, again).await.inspect_err(|refusal| {
        if matches!(refusal, Refusal::Full(_)) {
            app.metrics.refused();
        }
    })?;
    if accepted.is_new {
        app.tell(Notice::accepted(accepted.case, &service, &title));
    }
    Ok(accepted.into())
}
