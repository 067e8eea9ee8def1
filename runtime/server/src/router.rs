//! All routes, and who may take each.

use std::collections::HashMap;
use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use negawatt_access::{Outcome, Right};
use negawatt_mcp::Server;

use crate::agents::mounted;
use crate::app::App;
use crate::caller::Caller;
use crate::gate::{Gate, admit, arrive, entry, let_in, needs, number, placed, written};
use crate::problem::Problem;
use crate::routes::{casebook, cases, events, incidents, operators, proposals, skills, tokens, trials, webhooks};
use crate::strangers::NOBODY;
use crate::streams::held;

#[derive(Clone)]
struct Shared {
    app: Arc<App>,
    gate: Arc<Gate>,
}

impl FromRef<Shared> for Arc<App> {
    fn from_ref(shared: &Shared) -> Arc<App> {
        shared.app.clone()
    }
}

impl FromRef<Shared> for Arc<Gate> {
    fn from_ref(shared: &Shared) -> Arc<Gate> {
        shared.gate.clone()
    }
}

/// All routes.
pub fn router(app: Arc<App>, gate: Arc<Gate>, agents: Server) -> Router {
    let shared = Shared { app: app.clone(), gate: gate.clone() };
    let with = |right: Right, routes: Router<Shared>| {
        let gate = gate.clone();
        routes.route_layer(from_fn(move |request: Request, next: Next| needs(right, gate.clone(), request, next)))
    };
    // What may stay open for long takes a place, and ends with the right to it.
    let held = from_fn_with_state(gate.clone(), held);
    let reading = Router::new()
        .route("/v1/cases", get(cases::list))
        .route("/v1/cases/{case}", get(cases::show))
        .route("/v1/cases/{case}/events", get(events::one).layer(held.clone()))
        .route("/v1/cases/{case}/outcome", get(proposals::outcomes_of))
        .route("/v1/cases/{case}/proposals", get(proposals::of_case))
        .route("/v1/cases/{case}/proposals/{proposal}", get(proposals::show))
        .route("/v1/events", get(events::all).layer(held.clone()))
        .route("/v1/reviews", get(proposals::list))
        .route("/v1/skills", get(skills::list))
        .route("/v1/skills/{skill}/grants", get(skills::grants))
        .route("/v1/stats", get(operators::stats))
        .route("/v1/stats/metrics", get(operators::stats_metrics))
        .route("/metrics", get(operators::metrics));
    // That somebody asks is not written down, whatever method that takes. What agents do is, where it is known what that is.
    let asked = Router::new()
        .route("/v1/plan", post(trials::plan))
        .merge(Router::new().route_service("/mcp", mounted(agents, &app, &gate)).route_layer(held))
        .route_layer(from_fn(look));
    let operating = Router::new()
        .route("/v1/incidents", post(incidents::post))
        .route("/v1/cases/{case}/resume", post(cases::resume))
        .route("/v1/cases/{case}/replay", post(trials::replay))
        .route("/v1/cases/{case}/split", post(cases::split))
        .route("/v1/cases/{case}/stop", post(cases::stop))
        .route("/v1/doctor", get(operators::doctor))
        .route("/v1/cases/{case}/outcome", post(proposals::became))
        .route("/v1/reviews/follow", post(proposals::follow_all));
    let reviewing = Router::new()
        .route("/v1/cases/{case}/proposals/{proposal}/approve", post(proposals::approve))
        .route("/v1/cases/{case}/proposals/{proposal}/reject", post(proposals::reject))
        .route("/v1/cases/{case}/proposals/{proposal}/submit", post(proposals::send));
    let publishing = Router::new()
        .route("/v1/reload", post(operators::reload))
        .route("/v1/skills/{skill}/restore", post(skills::restore));
    let administering = Router::new()
        .route("/v1/audit", get(tokens::entries))
        .route("/v1/audit/verify", get(tokens::verify))
        .route("/v1/casebook/check", get(casebook::check))
        .route("/v1/casebook/export", get(casebook::export))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{token}/revoke", post(tokens::revoke));
    let hooked = Router::new()
        .route("/v1/webhooks/alertmanager", post(webhooks::of_alertmanager))
        .route("/v1/webhooks/grafana", post(webhooks::of_grafana))
        .route("/v1/webhooks/generic/{name}", post(webhooks::of_any))
        .route_layer(from_fn_with_state(shared.clone(), hook));
    Router::new()
        .route("/healthz", get(operators::health))
        .route("/v1/openapi.json", get(operators::description))
        .merge(with(Right::Read, reading))
        .merge(with(Right::Operate, operating))
        .merge(with(Right::Review, reviewing))
        .merge(with(Right::Publish, publishing))
        .merge(with(Right::Administer, administering))
        .merge(hooked)
        .merge(asked)
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        // A body was held against the limit when it arrived.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(gate.clone(), admit))
        .layer(from_fn_with_state(gate, arrive))
        .layer(from_fn_with_state(app, number))
        .with_state(shared)
}

/// Lets in who may look.
async fn look(request: Request, next: Next) -> Response {
    match let_in(Right::Read, &request) {
        Ok(_) => next.run(request).await,
        Err((.., problem)) => problem.into_response(),
    }
}

async fn nothing(request: Request) -> Problem {
    Problem::not_found("no-such-path", format!("there is nothing at {}", request.uri().path()))
        .help("/v1/openapi.json has what there is")
}

async fn wrong_method(request: Request) -> Problem {
    let why = format!("{} takes no {}", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", why).help("/v1/openapi.json has what there is")
}

/// Lets a webhook in that is signed as is configured, or whose sender has a token.
async fn hook(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // The very name that the route is told, however it was written.
    let named = parts.extract::<Path<HashMap<String, String>>>().await.map(|Path(names)| names).unwrap_or_default();
    let route = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Ok(bytes) = to_bytes(body, shared.gate.body).await else {
        return Problem::bad_input("body", "the body cannot be read").into_response();
    };
    let name = named.get("name").map(String::as_str);
    let verified = shared.app.hooks().verify(&route, name, &parts.headers, &bytes);
    let request = Request::from_parts(parts, Body::from(bytes));
    match verified {
        None => needs(Right::Operate, shared.gate, request, next).await,
        Some(Ok(name)) => {
            let caller = Caller::Webhook(name);
            placed(request, |request| written(&shared.gate, &caller, request, next)).await
        }
        Some(Err(why)) => {
            let refused = entry(NOBODY.to_owned(), None, &request, Outcome::Refused);
            if let Err(problem) = shared.gate.record_refused(refused).await {
                return problem.into_response();
            }
            Problem::new(StatusCode::UNAUTHORIZED, "signature", why)
                .help("the sender's secret must be that of negawatt.toml")
                .into_response()
        }
    }
}
