//! What cases propose: shown, decided of by people, and submitted.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::{Json, http::StatusCode};
use negawatt_casebook::{Became, Case, CaseId, Outcome, Rejection, Stage, Witness};
use negawatt_proposals::{Observed, Word, decide, outcome, submit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::caller::Caller;
use crate::follow::ask;
use crate::problem::Problem;
use crate::routes::cases::blocking;
use crate::routes::extract::{Asked, Named, Sent};
use crate::tell::post;

/// Proposals of a list at most.
const MOST: usize = 1_000;

/// Which proposals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WhichProposals {
    /// Also those of which nothing is to be decided
    #[serde(default)]
    all: bool,
}

/// Proposals, as `negawatt review list --json` has them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalList {
    /// The proposals.
    #[schema(value_type = Vec<Object>)]
    pub proposals: Vec<Value>,
}

/// List proposals that wait for a person, or all
#[utoipa::path(
    get, path = "/v1/reviews", tag = "reviews", params(WhichProposals),
    responses(
        (status = 200, description = "Proposals, of the newest cases first", body = ProposalList),
        (status = "4XX", description = "It was asked wrongly", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "They cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Asked(which): Asked<WhichProposals>,
) -> Result<Json<ProposalList>, Problem> {
    blocking(move || {
        let mut proposals = Vec::new();
        for id in app.book.proposing(!which.all)? {
            let case = match app.book.load(&id) {
                Ok(case) => case,
                Err(error) => {
                    tracing::warn!("the proposals of {id} are not listed: {error}");
                    continue;
                }
            };
            let wanted = case.proposals.all.iter().filter(|one| which.all || one.stage() == Stage::Waiting);
            proposals.extend(wanted.map(|one| app.program.proposal(&case, one)));
            if proposals.len() >= MOST {
                break;
            }
        }
        Ok(Json(ProposalList { proposals }))
    })
    .await
}

/// Show a proposal
#[utoipa::path(
    get, path = "/v1/cases/{case}/proposals/{proposal}", tag = "reviews",
    params(
        ("case" = String, Path, description = "The case's id, or the beginning of it"),
        ("proposal" = u32, Path, description = "The proposal's number"),
    ),
    responses(
        (status = 200, description = "The proposal", body = Object),
        (status = "4XX", description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Named((case, proposal)): Named<(String, u32)>,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let case = app.book.load(&app.book.find(&case)?)?;
        described(&app, &case, proposal)
    })
    .await
}

fn described(app: &App, case: &Case, proposal: u32) -> Result<Json<Value>, Problem> {
    let found = case.proposals.get(proposal);
    let found = found.ok_or_else(|| {
        Problem::not_found("no-such-proposal", format!("the case {} has no proposal {proposal}", case.id))
    })?;
    Ok(Json(app.program.proposal(case, found)))
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
    /// Why, in one word: `wrong-culprit`, `not-a-regression`, `wrong-fix`, `risky`, `already-fixed` or `other`.
    #[schema(example = "wrong-culprit")]
    reason: String,
    /// Why, in the reviewer's own words.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    text: String,
}

/// Approve a proposal, and submit it to the forge of its repository
///
/// In the name of whom the token belongs to. Where its branch moved, the guard is asked anew first.
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/approve", tag = "reviews",
    params(
        ("case" = String, Path, description = "The case's id, or the beginning of it"),
        ("proposal" = u32, Path, description = "The proposal's number"),
    ),
    request_body = Approval,
    responses(
        (status = 200, description = "The proposal as it is now", body = Object),
        (status = "4XX", description = "It is not approved", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It is approved and not submitted, or cannot be kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named((case, proposal)): Named<(String, u32)>,
    Sent(approval): Sent<Approval>,
) -> Result<Json<Value>, Problem> {
    let by = caller.person()?;
    let id = app.book.find(&case)?;
    let desk = app.program.desk(&app.loaded());
    let (deciding, book) = (desk.clone(), app.book.clone());
    blocking(move || Ok(decide(&deciding, &book, &id, proposal, Word::Approve, Some(by), approval.text)?)).await?;
    if !approval.hold {
        let mut log = app.book.resume(&id)?;
        let submitted = submit(&desk, &mut log, proposal).await;
        log.release()?;
        submitted?;
    }
    decided(&app, &id, proposal)
}

/// Reject a proposal
///
/// In the name of whom the token belongs to.
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/reject", tag = "reviews",
    params(
        ("case" = String, Path, description = "The case's id, or the beginning of it"),
        ("proposal" = u32, Path, description = "The proposal's number"),
    ),
    request_body = Refused,
    responses(
        (status = 200, description = "The proposal as it is now", body = Object),
        (status = "4XX", description = "It is not rejected", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named((case, proposal)): Named<(String, u32)>,
    Sent(refused): Sent<Refused>,
) -> Result<Json<Value>, Problem> {
    let by = caller.person()?;
    let reason = Rejection::ALL.into_iter().find(|known| known.word() == refused.reason);
    let reason = reason.ok_or_else(|| {
        let words = Rejection::ALL.map(Rejection::word).join(", ");
        Problem::bad_input("reason", format!("{:?} is no reason", refused.reason)).at("/reason").help(words)
    })?;
    blocking(move || {
        let id = app.book.find(&case)?;
        let desk = app.program.desk(&app.loaded());
        decide(&desk, &app.book, &id, proposal, Word::Reject(reason), Some(by), refused.text)?;
        decided(&app, &id, proposal)
    })
    .await
}

/// Submit an approved proposal, or go on with one whose submission was stopped
#[utoipa::path(
    post, path = "/v1/cases/{case}/proposals/{proposal}/submit", tag = "reviews",
    params(
        ("case" = String, Path, description = "The case's id, or the beginning of it"),
        ("proposal" = u32, Path, description = "The proposal's number"),
    ),
    responses(
        (status = 200, description = "The proposal as it is now", body = Object),
        (status = "4XX", description = "It is not submitted", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The forge does not take it, or it cannot be kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named((case, proposal)): Named<(String, u32)>,
) -> Result<Json<Value>, Problem> {
    // What waits was held back by whoever approved it.
    caller.person()?;
    let id = app.book.find(&case)?;
    let desk = app.program.desk(&app.loaded());
    let mut log = app.book.resume(&id)?;
    let submitted = submit(&desk, &mut log, proposal).await;
    log.release()?;
    submitted?;
    decided(&app, &id, proposal)
}

/// What became of submitted proposals.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowedList {
    /// Each with its case, its number, its state and an error where it is not known.
    #[schema(value_type = Vec<Object>)]
    pub proposals: Vec<Value>,
}

/// Ask forges and series what became of submitted proposals
#[utoipa::path(
    post, path = "/v1/reviews/follow", tag = "reviews",
    responses(
        (status = 200, description = "What is known", body = FollowedList),
        (status = "4XX", description = "It may not be asked", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn follow_all(State(app): State<Arc<App>>) -> Result<Json<FollowedList>, Problem> {
    let followed = ask(&app).await?;
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

/// What a person says became of a case or a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidOutcome {
    /// `merged`, `rejected`, `not-a-regression` or `wrong-culprit`.
    #[schema(example = "wrong-culprit")]
    what: String,
    /// Of which proposal; without it, of the case.
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
    post, path = "/v1/cases/{case}/outcome", tag = "reviews",
    params(("case" = String, Path, description = "The case's id, or the beginning of it")),
    request_body = SaidOutcome,
    responses(
        (status = 200, description = "The case as it is now", body = Object),
        (status = "4XX", description = "It is not recorded", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn became(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Named(case): Named<String>,
    Sent(said): Sent<SaidOutcome>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let by = Witness::Person(caller.person()?);
    let what = match said.what.as_str() {
        "merged" => Became::Merged,
        "rejected" => Became::Rejected,
        "wrong-culprit" => Became::WrongCulprit,
        "not-a-regression" => Became::NotARegression,
        other => {
            return Err(Problem::bad_input("what", format!("{other:?} is no outcome"))
                .at("/what")
                .help("merged, rejected, not-a-regression or wrong-culprit"));
        }
    };
    blocking(move || {
        let mut log = app.book.resume(&app.book.find(&case)?)?;
        let SaidOutcome { proposal, culprit, text, .. } = said;
        let told = Outcome { proposal, what, by, at: None, culprit, text };
        let done = outcome(&app.loaded().config, &mut log, told);
        let case = log.case().clone();
        log.release()?;
        done?;
        post(&app, &case);
        Ok((StatusCode::OK, Json(app.program.case(&case, &app.book))))
    })
    .await
}
