//! Cases out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use negawatt_casebook::{Case, CaseId, Casebook, CasebookError, End, Summary};
use negawatt_host::time;
use negawatt_proposals::is_left;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::metrics;
use crate::notice::Notice;
use crate::places::{apart, blocking, looking};
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes;
use crate::routes::extract::{Asked, Named, OfCase, Sent, all_whole, cursor, limit, whole_numbers};

/// Cases that are looked through for one page: a filter that fits nothing must not read everything.
const LOOKED_THROUGH: usize = 2_000;

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only cases of this service
    service: Option<String>,
    /// Only cases in this state
    state: Option<State_>,
    /// At most so many
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next` of the page before; of one that no page had, there is nothing
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    cursor: Option<String>,
}

/// Where a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CaseState)]
pub enum State_ {
    /// It has no verdict yet.
    Open,
    /// It was ended before it had one.
    Cancelled,
    /// There is a regression.
    Regression,
    /// There is an opportunity.
    Opportunity,
    /// Something else explains it.
    Dismissed,
    /// Nothing can be said.
    Inconclusive,
    /// A newer version ended it in a way that this one does not know.
    Unknown,
}

/// A case in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedCase {
    /// Its id.
    pub case: String,
    /// Where it is.
    pub state: State_,
    /// How sure its verdict is, from 0 to 1; null while there is none.
    pub confidence: Option<f64>,
    /// What most likely caused it; null where nothing is suspected.
    pub suspect: Option<ListedSuspect>,
    /// The service of its incident.
    pub service: Option<String>,
    /// The title of its incident; a stranger's words.
    pub title: Option<String>,
    /// When it was opened (RFC 3339).
    pub opened: String,
    /// When it ended (RFC 3339); null while it is open.
    pub ended: Option<String>,
}

/// The likeliest suspect of a case in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSuspect {
    /// What it is, such as `commit`.
    pub kind: String,
    /// Names it among its kind.
    pub id: String,
    /// Who made it; null where nobody knows.
    pub author: Option<String>,
    /// The probability that it is the cause.
    pub confidence: f64,
}

/// Some cases, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasePage {
    /// The cases.
    pub cases: Vec<ListedCase>,
    /// The `cursor` of the next page; null where there is none.
    pub next: Option<String>,
}

fn state(case: &Summary) -> State_ {
    match &case.end {
        None => State_::Open,
        Some(End::Cancelled(_)) => State_::Cancelled,
        Some(End::Concluded(concluded)) => match concluded.verdict.name() {
            "regression" => State_::Regression,
            "opportunity" => State_::Opportunity,
            "dismissed" => State_::Dismissed,
            _ => State_::Inconclusive,
        },
    }
}

impl ListedCase {
    fn of(case: &Summary, book: &Casebook) -> ListedCase {
        let incident = case.opened.as_ref().map(|opened| &opened.incident);
        ListedCase {
            case: case.id.to_string(),
            state: state(case),
            confidence: match &case.end {
                Some(End::Concluded(concluded)) => Some(concluded.confidence),
                _ => None,
            },
            suspect: case.end.as_ref().and_then(|_| suspect(book, &case.id)),
            service: incident.map(|incident| incident.service.clone()),
            title: incident.map(|incident| incident.title.clone()),
            opened: time::rfc3339(case.opened_at),
            ended: case.ended_at.map(time::rfc3339),
        }
    }
}

/// The likeliest suspect of a case that has one.
fn suspect(book: &Casebook, case: &CaseId) -> Option<ListedSuspect> {
    let case = book.load(case).inspect_err(|error| tracing::warn!("the case {case}: {error}")).ok()?;
    let likeliest = negawatt_planner::suspects(&case).into_iter().next()?;
    Some(ListedSuspect {
        kind: likeliest.candidate.word().to_owned(),
        id: likeliest.id,
        author: likeliest.author,
        confidence: likeliest.confidence,
    })
}

/// List cases
///
/// The newest first. A page may have fewer than `limit` cases, or none, and still a next one.
#[utoipa::path(
    get, path = "/v1/cases", operation_id = "list_cases", tag = "cases", params(Which),
    responses(
        (status = 200, description = "Cases", body = CasePage),
        Refusals,
    )
)]
pub async fn list(State(app): State<Arc<App>>, Asked(which): Asked<Which>) -> Result<Json<CasePage>, Problem> {
    let (limit, before) = (limit(which.limit)?, cursor(which.cursor.as_deref())?);
    looking(move || page(&app.book, &which, limit, before)).await.map(Json)
}

fn page(book: &Casebook, which: &Which, limit: usize, before: Option<CaseId>) -> Result<CasePage, Problem> {
    let mut cases = Vec::new();
    let all = book.list_before(before.as_ref(), LOOKED_THROUGH)?;
    let mut last = None;
    for case in &all {
        if cases.len() == limit {
            return Ok(CasePage { cases, next: last });
        }
        last = Some(case.to_string());
        let summary = match book.summary(case) {
            Ok(summary) => summary,
            // A damaged case costs itself.
            Err(error) => {
                tracing::warn!("the case {case} is not listed: {error}");
                continue;
            }
        };
        let service = summary.opened.as_ref().map(|opened| &opened.incident.service);
        let fits = which.service.as_ref().is_none_or(|wanted| service == Some(wanted))
            && which.state.is_none_or(|wanted| wanted == state(&summary));
        if fits {
            cases.push(ListedCase::of(&summary, book));
        }
    }
    Ok(CasePage { cases, next: last.filter(|_| all.len() == LOOKED_THROUGH) })
}

/// Show a case
///
/// As JSON, as the text that `negawatt case show` prints (`Accept: text/plain`), or as a page of its own (`Accept: text/html`).
#[utoipa::path(
    get, path = "/v1/cases/{case}", operation_id = "show_case", tag = "cases",
    params(OfCase),
    responses(
        (status = 200, description = "The case", content(
            (ref("#/components/schemas/Case") = "application/json"), (String = "text/plain"), (String = "text/html"))),
        Refusals, Also<404>, Also<406>, Also<409>,
    )
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let case = found(&app, case).await?;
    routes::show(&app, Shown::Case(&case), &headers, &FORMS).await
}

/// The forms of a case.
pub const FORMS: [Form; 3] = [Form::Json, Form::Text, Form::Page];

/// A case, by its id or the beginning of it.
pub async fn found(app: &Arc<App>, case: String) -> Result<Case, Problem> {
    let app = app.clone();
    blocking(move || Ok(app.book.load(&app.book.find(&case)?)?)).await
}

/// Go on with a case
///
/// One that has no verdict waits for a worker again, and one that has one for what is left to do of what it proposes.
#[utoipa::path(
    post, path = "/v1/cases/{case}/resume", operation_id = "resume_case", tag = "cases",
    params(OfCase),
    responses(
        (status = 202, description = "It waits, or runs already", body = Waiting),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn resume(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
) -> Result<(StatusCode, Json<Waiting>), Problem> {
    blocking(move || {
        let case = app.book.load(&app.book.find(&case)?)?;
        if case.end.is_some() {
            if is_left(&app.loaded().desk, &app.book, &case)? {
                app.carry_again(&case);
                return Ok((StatusCode::ACCEPTED, Json(Waiting { case: case.id.to_string() })));
            }
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "case-has-ended",
                format!("the case {} has ended", case.id),
            ));
        }
        app.book.claim(&case.id)?;
        app.wait_again(&case);
        Ok((StatusCode::ACCEPTED, Json(Waiting { case: case.id.to_string() })))
    })
    .await
}

/// A case that waits for a worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// Its id.
    pub case: String,
}

/// Which symptoms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Their numbers, as the case has them.
    #[schema(schema_with = numbers)]
    #[serde(deserialize_with = "all_whole")]
    symptoms: Vec<u32>,
}

/// The most symptoms that are taken out at a time.
const MAX_TAKEN: usize = 1_000;

fn numbers() -> Schema {
    whole_numbers(MAX_TAKEN)
}

/// Take symptoms out of a case that are of another change, and open a case for them
///
/// The first symptom is what the case is about, and stays.
#[utoipa::path(
    post, path = "/v1/cases/{case}/split", operation_id = "split_case", tag = "cases",
    params(OfCase),
    request_body = Taken,
    responses(
        (status = 202, description = "The case that was opened waits for a worker", body = Waiting),
        Refusals, Also<404>, Also<409>, Also<415>, Also<422>,
    )
)]
pub async fn split(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
    Sent(Taken { symptoms }): Sent<Taken>,
) -> Result<(StatusCode, Json<Waiting>), Problem> {
    if symptoms.is_empty() || symptoms.len() > MAX_TAKEN {
        let why = format!("name 1 to {MAX_TAKEN} symptoms, by their numbers");
        return Err(Problem::bad_input("symptoms", why).at("/symptoms"));
    }
    apart(async move {
        let id = app.book.find(&case)?;
        let split = negawatt_watch::split(&app.loaded().runtime, &app.book, &id, &symptoms).await;
        let log = split.map_err(|error| {
            let is_misplaced = matches!(error, CasebookError::Misplaced { .. });
            let problem = Problem::from(error);
            if is_misplaced { problem.help(format!("GET /v1/cases/{id} lists its symptoms")) } else { problem }
        })?;
        let case = log.release()?;
        app.metrics.accepted(metrics::From::Http);
        if let Some(opened) = &case.opened {
            app.tell(Notice::accepted(case.id, &opened.incident.service, &opened.incident.title));
        }
        app.wait_again(&case);
        Ok((StatusCode::ACCEPTED, Json(Waiting { case: case.id.to_string() })))
    })
    .await
}

/// Stop a case that runs
///
/// It stays where it is, until it is resumed or the server starts anew.
#[utoipa::path(
    post, path = "/v1/cases/{case}/stop", operation_id = "stop_case", tag = "cases",
    params(OfCase),
    responses(
        (status = 202, description = "It stops", body = Waiting),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn stop(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
) -> Result<(StatusCode, Json<Waiting>), Problem> {
    blocking(move || {
        let case = app.book.find(&case)?;
        if !app.stop(&case) {
            let why = format!("the case {case} does not run here");
            return Err(Problem::new(StatusCode::CONFLICT, "not-running", why));
        }
        Ok((StatusCode::ACCEPTED, Json(Waiting { case: case.to_string() })))
    })
    .await
}
