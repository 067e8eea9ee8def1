//! What other systems say of incidents.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use negawatt_host::time;
use negawatt_signals::{Received, Signal, SignalError, State as Said, alertmanager, generic, grafana};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accept::Accepted;
use crate::app::App;
use crate::notice::Notice;
use crate::problem::Problem;
use crate::refusals::{Also, Refusals};
use crate::routes::extract::Named;
use crate::routes::incidents::{AcceptedCase, take};

/// What was done with an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenAlert {
    /// The fingerprint by which it is known.
    pub fingerprint: String,
    /// Whether it goes on: `firing` or `resolved`.
    pub state: AlertState,
    /// Its case; null where it is over and made none.
    pub case: Option<AcceptedCase>,
    /// What was guessed or left out.
    pub notes: Vec<String>,
}

/// Whether an alert goes on.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It does.
    Firing,
    /// It does not any more.
    Resolved,
}

/// An alert of which no incident can be made.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedAlert {
    /// Where in what was sent (a JSON pointer).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl From<SignalError> for RefusedAlert {
    fn from(error: SignalError) -> RefusedAlert {
        RefusedAlert { pointer: error.pointer, message: error.message, help: error.help }
    }
}

/// What was done with alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenAlerts {
    /// Those of which incidents were made.
    pub alerts: Vec<TakenAlert>,
    /// Those of which none can be made. They would be refused again.
    pub refused: Vec<RefusedAlert>,
    /// What is to be known of all of them, such as that the sender left some out.
    pub notes: Vec<String>,
}

/// What an Alertmanager sends.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described")]
pub struct AlertmanagerPayload {
    /// The version of the payload.
    #[schema(example = "4")]
    version: String,
    group_key: String,
    /// How many alerts the sender left out.
    truncated_alerts: Option<u64>,
    alerts: Vec<SentAlert>,
}

/// What Grafana sends.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described")]
pub struct GrafanaPayload {
    /// How many alerts the sender left out.
    truncated_alerts: Option<u64>,
    alerts: Vec<SentAlert>,
}

/// One of their alerts.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described")]
pub struct SentAlert {
    /// `firing` or `resolved`.
    #[schema(example = "firing")]
    status: String,
    labels: BTreeMap<String, String>,
    annotations: Option<BTreeMap<String, String>>,
    /// When it began (RFC 3339).
    starts_at: Option<String>,
    /// Where its expression is seen.
    #[schema(rename = "generatorURL")]
    generator_url: Option<String>,
    /// Equal for the same alert.
    fingerprint: Option<String>,
}

/// Take alerts of an Alertmanager
///
/// Its webhook, version 4. The same alert again is answered with the same case. One that is resolved makes none: it is answered with the case
/// that it made, which goes on.
#[utoipa::path(
    post, path = "/v1/webhooks/alertmanager", operation_id = "take_alertmanager", tag = "incidents",
    request_body(content = AlertmanagerPayload, description = "What an Alertmanager sends, as far as it is read"),
    responses(
        (status = 200, description = "What was done", body = TakenAlerts),
        Refusals, Also<422>,
    ),
    security(("token" = []), ("signature" = [])),
)]
pub async fn of_alertmanager(State(app): State<Arc<App>>, body: Bytes) -> Result<Json<TakenAlerts>, Problem> {
    let received = alertmanager(&body, &app.hooks().alertmanager.mapping, time::now());
    done(&app, received).await
}

/// Take alerts of Grafana
#[utoipa::path(
    post, path = "/v1/webhooks/grafana", operation_id = "take_grafana", tag = "incidents",
    request_body(content = GrafanaPayload, description = "What a contact point of Grafana's alerting sends, as far as it is read"),
    responses(
        (status = 200, description = "What was done", body = TakenAlerts),
        Refusals, Also<422>,
    ),
    security(("token" = []), ("signature" = [])),
)]
pub async fn of_grafana(State(app): State<Arc<App>>, body: Bytes) -> Result<Json<TakenAlerts>, Problem> {
    let received = grafana(&body, &app.hooks().grafana.mapping, time::now());
    done(&app, received).await
}

/// Take JSON of whatever is configured under a name
#[utoipa::path(
    post, path = "/v1/webhooks/generic/{name}", operation_id = "take_any", tag = "incidents",
    params(("name" = String, Path, description = "As in [serve.webhooks.generic.<name>]")),
    request_body(content = serde_json::Value, description = "JSON, of which the configuration says what is where"),
    responses(
        (status = 200, description = "What was done", body = TakenAlerts),
        Refusals, Also<404>, Also<422>,
    ),
    security(("token" = []), ("signature" = [])),
)]
pub async fn of_any(
    State(app): State<Arc<App>>,
    Named(name): Named<String>,
    body: Bytes,
) -> Result<Json<TakenAlerts>, Problem> {
    let hooks = app.hooks();
    let hook = hooks.generic.get(&name).ok_or_else(|| {
        Problem::not_found("no-such-webhook", format!("no webhook is named {name:?}"))
            .help("write [serve.webhooks.generic.<name>] into negawatt.toml")
    })?;
    done(&app, generic(&body, &hook.mapping, time::now())).await
}

/// Tells whoever listens that the alert of a case is over. What it was is investigated none the less: that it went away may be a finding.
fn resolved(app: &App, signal: &Signal) -> Result<Option<AcceptedCase>, Problem> {
    let case = app.made_of(&signal.incident)?;
    Ok(case.map(|case| {
        app.tell(Notice::resolved(case, &signal.fingerprint));
        Accepted { case, is_new: false }.into()
    }))
}

async fn done(app: &App, received: Result<Received, SignalError>) -> Result<Json<TakenAlerts>, Problem> {
    let wrong = |status, error: &SignalError| {
        Problem::new(status, "payload", &error.message).at(&error.pointer).help(&error.help)
    };
    let received = received.map_err(|error| wrong(StatusCode::BAD_REQUEST, &error))?;
    if let (true, Some(first)) = (received.signals.is_empty(), received.refused.first()) {
        return Err(wrong(StatusCode::UNPROCESSABLE_ENTITY, first));
    }
    let mut alerts = Vec::new();
    for signal in received.signals {
        // Where one cannot be kept, the sender sends all again, and those that were kept are known.
        let (state, case) = match signal.state {
            Said::Firing => (AlertState::Firing, Some(take(app, signal.incident, false).await?)),
            Said::Resolved => (AlertState::Resolved, resolved(app, &signal)?),
        };
        alerts.push(TakenAlert { fingerprint: signal.fingerprint, state, case, notes: signal.notes });
    }
    let refused = received.refused.into_iter().map(RefusedAlert::from).collect();
    Ok(Json(TakenAlerts { alerts, refused, notes: received.notes }))
}
