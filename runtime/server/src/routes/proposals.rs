//! What cases propose: shown, decided of by people, and submitted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use negawatt_casebook::{Became, Case, CaseId, Outcome, Proposal, Rejection, Stage, Witness};
use negawatt_proposals::{Desk, Observed, Word, decide, outcome, submit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::caller::Caller;
use crate::follow::ask;
use crate::places::{apart, blocking, looking};
use crate::problem::{AGAIN, Problem};
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes;
use crate::routes::cases::found;
use crate::routes::extract::{Asked, Named, OfCase, OfProposal, Sent, cursor, limit, whole, words};
use crate::shown;
use crate::tell::post;

/// Which proposals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichProposals {
    /// Also those of which nothing is to be decided
    #[serde(default)]
    all: bool,
    /// At most so many, and those of the last one's case besides
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next` of the page before
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    cursor: Option<String>,
}

/// Proposals, as `negawatt review list --json` has them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalList {
    /// The proposals.
    #[schema(value_type = Vec<shown::Proposal>)]
    pub proposals: Vec<Value>,
    /// The `cursor` of the next page; null where there is none.
    pub next: Option<String>,
}

/// List proposals that wait for a person, or all
#[utoipa::path(
    get, path = "/v1/reviews", operation_id = "list_proposals", tag = "reviews", params(WhichProposals),
    responses(
        (status = 200, description = "Proposals, of the newest cases first", body = ProposalList),
        Refusals,
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Asked(which): Asked<WhichProposals>,
) -> Result<Json<ProposalList>, Problem> {
    let (limit, before) = (limit(which.limit)?, cursor(which.cursor.as_deref())?);
    looking(move || {
        let (mut proposals, mut last) = (Vec::new(), None);
        // The newest first, which is by their ids.
        for id in app.book.proposing(!which.all)?.into_iter().filter(|id| before.is_none_or(|before| *id < before)) {
            if proposals.len() >= limit {
                return Ok(Json(ProposalList { proposals, next: last }));
            }
            last = Some(id.to_string());
            let case = match app.book.load(&id) {
                Ok(case) => case,
                Err(error) => {
                    tracing::warn!("the proposals of {id} are not listed: {error}");
                    continue;
                }
            };
            let waits = |one: &&Proposal| which.all || matches!(one.stage(), Stage::Waiting | Stage::Approved);
            proposals.extend(case.proposals.all.iter().filter(waits).map(|one| app.program.proposal(&case, one)));
        }
        Ok(Json(ProposalList { proposals, next: None }))
    })
    .await
}

/// Which of a case's proposals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichOfCase {
    /// Only this proposal
    #[param(maximum = 4_294_967_295_i64)]
    proposal: Option<u32>,
}

/// Show a case's proposals, and what became of them and of the case
#[utoipa::path(
    get, path = "/v1/cases/{case}/proposals", operation_id = "show_proposals", tag = "reviews", params(OfCase, WhichOfCase),
    responses(
        (status = 200, description = "As `negawatt review show` prints them", content(
            (shown::CaseProposals = "application/json"), (String = "text/plain"))),
        Refusals, Also<404>, Also<406>, Also<409>,
    )
)]
pub async fn of_case(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
    Asked(which): Asked<WhichOfCase>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let case = found(&app, case).await?;
    if let Some(proposal) = which.proposal {
        numbered(&case, proposal)?;
    }
    routes::show(&app, Shown::Proposals(&case, which.proposal), &headers, &[Form::Json, Form::Text]).await
}

/// Say what became of a case, and where its proposals stand
#[utoipa::path(
    get, path = "/v1/cases/{case}/outcome", operation_id = "show_outcome", tag = "reviews", params(OfCase),
    responses(
        (status = 200, description = "As `negawatt outcome` prints it", content(
            (shown::CaseProposals = "application/json"), (String = "text/plain"))),
        Refusals, Also<404>, Also<406>, Also<409>,
    )
)]
pub async fn outcomes_of(
    State(app): State<Arc<App>>,
    Named(OfCase { case }): Named<OfCase>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let case = found(&app, case).await?;
    routes::show(&app, Shown::Outcomes(&case), &headers, &[Form::Json, Form::Text]).await
}

/// Show a proposal
#[utoipa::path(
    get, path = "/v1/cases/{case}/proposals/{proposal}", operation_id = "show_proposal", tag = "reviews",
    params(OfProposal),
    responses(
        (status = 200, description = "The proposal", body = shown::Proposal),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Named(OfProposal { case, proposal }): Named<OfProposal>,
) -> Result<Json<Value>, Problem> {
    described(&app, &found(&app, case).await?, proposal)
}

fn described(app: &App, case: &Case, proposal: u32) -> Result<Json<Value>, Problem> {
    Ok(Json(app.program.proposal(case, numbered(case, proposal)?)))
}

fn numbered(case: &Case, proposal: u32) -> Result<&Proposal, Problem> {
    case.proposals.get(proposal).ok_or_else(|| {
        Problem::not_found("no-such-proposal", format!("the case {} has no proposal {proposal}", case.id))
    })
}

/// A proposal of which something was decided; others are told.
fn decided(app: &App, case: &CaseId, proposal: u32) -> Result<Json<Value>, Problem> {
    let case = app.book.load(case)?;
    post(app, &case);
    described(app, &case, proposal)
}

/// Why a proposal is approved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approval {
    /// Why, in the reviewer's own words.
    #[schema(max_length = 10_000)]
    text: String,
    /// Do not submit it yet.
    hold: bool,
}

/// Why a proposal is rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Why, in one word.
    #[schema(schema_with = reasons)]
    reason: String,
    /// Why, in the reviewer's own words.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    text: String,
}

/// The most characters of a person's own words.
const MOST_WORDS: usize = 10_000;

fn bounded(text: String) -> Result<String, Problem> {
    let count = text.chars().count();
    if count <= MOST_WORDS {
        return Ok(text);
    }
    let why = format!("{count} characters are too many");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-long", why)
        .at("/text")
        .help(format!("write at most {MOST_WORDS}")))
}

fn reasons() -> Schema {
    words(Rejection::ALL.map(Rejection::word))
}

/// Approve a proposal, and submit it to the forge of its repository
///
/// In the name of whom the token belongs to. Where its branch moved, the guard is asked anew first.
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/approve", operation_id = "approve_proposal", tag = "reviews",
    params(OfProposal),
    request_body = Approval,
    responses(
        (status = 200, description = "The proposal as it is now", body = shown::Proposal),
        Refusals, Also<404>, Also<409>, Also<415>, Also<422>, Also<502>,
    )
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named(OfProposal { case, proposal }): Named<OfProposal>,
    Sent(approval): Sent<Approval>,
) -> Result<Json<Value>, Problem> {
    let by = caller.person()?;
    apart(async move {
        let id = app.book.find(&case)?;
        let loaded = app.loaded();
        decide(&loaded.desk, &app.book, &id, proposal, Word::Approve, Some(by), bounded(approval.text)?)?;
        if !approval.hold {
            submitted(&app, &loaded.desk, &id, proposal).await?;
        }
        decided(&app, &id, proposal)
    })
    .await
}

async fn submitted(app: &App, desk: &Desk, case: &CaseId, proposal: u32) -> Result<(), Problem> {
    let mut log = app.book.resume(case)?;
    let submitted = submit(desk, &mut log, proposal).await;
    log.release()?;
    Ok(submitted?)
}

/// Reject a proposal
///
/// In the name of whom the token belongs to.
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/reject", operation_id = "reject_proposal", tag = "reviews",
    params(OfProposal),
    request_body = Refused,
    responses(
        (status = 200, description = "The proposal as it is now", body = shown::Proposal),
        Refusals, Also<404>, Also<409>, Also<415>, Also<422>,
    )
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named(OfProposal { case, proposal }): Named<OfProposal>,
    Sent(refused): Sent<Refused>,
) -> Result<Json<Value>, Problem> {
    let by = caller.person()?;
    let reason = Rejection::ALL.into_iter().find(|known| known.word() == refused.reason);
    let reason = reason.ok_or_else(|| {
        let words = Rejection::ALL.map(Rejection::word).join(", ");
        Problem::bad_input("reason", format!("{:?} is no reason", refused.reason)).at("/reason").help(words)
    })?;
    let why = bounded(refused.text)?;
    blocking(move || {
        let id = app.book.find(&case)?;
        let loaded = app.loaded();
        decide(&loaded.desk, &app.book, &id, proposal, Word::Reject(reason), Some(by), why)?;
        decided(&app, &id, proposal)
    })
    .await
}

/// Submit an approved proposal, or go on with one whose submission was stopped
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/submit", operation_id = "submit_proposal", tag = "reviews",
    params(OfProposal),
    responses(
        (status = 200, description = "The proposal as it is now", body = shown::Proposal),
        Refusals, Also<404>, Also<409>, Also<502>,
    )
)]
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named(OfProposal { case, proposal }): Named<OfProposal>,
) -> Result<Json<Value>, Problem> {
    // What waits was held back by whoever approved it.
    caller.person()?;
    apart(async move {
        let id = app.book.find(&case)?;
        submitted(&app, &app.loaded().desk, &id, proposal).await?;
        decided(&app, &id, proposal)
    })
    .await
}

/// What became of submitted proposals.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowedList {
    /// Each with its case, its number, its state and an error where it is not known.
    #[schema(value_type = Vec<shown::Followed>)]
    pub proposals: Vec<Value>,
}

/// Ask forges and series what became of submitted proposals
#[utoipa::path(
    post, path = "/v1/reviews/follow", operation_id = "follow_proposals", tag = "reviews",
    responses(
        (status = 200, description = "What is known", body = FollowedList),
        Refusals,
    )
)]
pub async fn follow_all(State(app): State<Arc<App>>) -> Result<Json<FollowedList>, Problem> {
    let turn = app.following.clone().try_lock_owned().map_err(|_| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", "forges and series are asked already").retry_after(AGAIN)
    })?;
    let followed = apart(async move {
        let _turn = turn;
        Ok(ask(&app).await?)
    })
    .await?;
    let one = |one: &negawatt_proposals::Followed| {
        let (state, error) = match &one.what {
            Ok(Observed::Open) => ("open", None),
            Ok(Observed::TooEarly) => ("merged", None),
            Ok(Observed::Became(what)) => (what.word(), None),
            Err(error) => ("unknown", Some(error)),
        };
        json!({ "case": one.case.to_string(), "proposal": one.proposal, "state": state, "error": error })
    };
    Ok(Json(FollowedList { proposals: followed.iter().map(one).collect() }))
}

/// What a person can say.
const SAID: [Became; 4] = [Became::Merged, Became::Rejected, Became::NotARegression, Became::WrongCulprit];

fn outcomes() -> Schema {
    words(SAID.map(|what| what.word()))
}

/// What a person says became of a case or a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidOutcome {
    /// What, in one word.
    #[schema(schema_with = outcomes)]
    what: String,
    /// Of which proposal; without it, of the case.
    #[serde(default, deserialize_with = "whole")]
    #[schema(maximum = 4_294_967_295_i64)]
    proposal: Option<u32>,
    /// What was the cause instead: the id of a suspect.
    culprit: Option<String>,
    /// In the person's own words.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    text: String,
}

/// Say what became of a case or a proposal
#[utoipa::path(
    post, path = "/v1/cases/{case}/outcome", operation_id = "tell_outcome", tag = "reviews",
    params(("case" = String, Path, description = "The case's id, or the beginning of it")),
    request_body = SaidOutcome,
    responses(
        (status = 200, description = "The case as it is now", body = ref("#/components/schemas/Case")),
        Refusals, Also<404>, Also<409>, Also<415>, Also<422>,
    )
)]
pub async fn became(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named(OfCase { case }): Named<OfCase>,
    Sent(said): Sent<SaidOutcome>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let by = Witness::Person(caller.person()?);
    let what = SAID.into_iter().find(|known| known.word() == said.what).ok_or_else(|| {
        let words = SAID.map(|known| known.word()).join(", ");
        Problem::bad_input("what", format!("{:?} is no outcome", said.what)).at("/what").help(words)
    })?;
    let SaidOutcome { proposal, culprit, text, .. } = said;
    let text = bounded(text)?;
    blocking(move || {
        let mut log = app.book.resume(&app.book.find(&case)?)?;
        let told = Outcome { proposal, what, by, at: None, culprit, text };
        let done = outcome(&app.loaded().config, &mut log, told);
        let case = log.release()?;
        done?;
        post(&app, &case);
        Ok((StatusCode::OK, Json(app.program.case(&case))))
    })
    .await
}
