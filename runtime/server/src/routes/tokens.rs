//! Tokens, and the log of what was written: for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Extension, State};
use axum::http::StatusCode;
use negawatt_access::{Access, AccessError, Actor, Head, NewToken, Role, json as of};
use negawatt_host::time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::SocketAddr;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};

use crate::caller::Caller;
use crate::gate::Gate;
use crate::places::blocking;
use crate::problem::Problem;
use crate::refusals::{Also, Refusals};
use crate::routes::extract::{Asked, Named, Sent, limit, words};
use crate::shown;

/// Tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    /// All of them, the oldest first, without their secrets.
    #[schema(value_type = Vec<shown::Token>)]
    pub tokens: Vec<Value>,
}

/// List tokens, without their secrets
#[utoipa::path(
    get, path = "/v1/tokens", operation_id = "list_tokens", tag = "tokens",
    responses((status = 200, description = "The tokens", body = TokenList), Refusals)
)]
pub async fn list(State(gate): State<Arc<Gate>>) -> Result<Json<TokenList>, Problem> {
    on(&gate, |access| Ok(TokenList { tokens: access.list()?.iter().map(of::token).collect() })).await
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedToken {
    /// Who will have it.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What it is for.
    #[schema(schema_with = roles)]
    role: String,
    /// When it ends (RFC 3339); never where it is absent.
    #[schema(format = "date-time")]
    expires: Option<String>,
}

fn roles() -> Schema {
    words(Role::ALL.map(Role::word))
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeToken {
    /// The token.
    #[schema(value_type = shown::Token)]
    pub token: Value,
    /// Its secret, which is shown this once.
    pub secret: String,
}

/// Make a token, and show it this once
#[utoipa::path(
    post, path = "/v1/tokens", operation_id = "make_token", tag = "tokens", request_body = WantedToken,
    responses((status = 201, description = "It can be used", body = MadeToken), Refusals, Also<415>, Also<422>)
)]
pub async fn create(
    State(gate): State<Arc<Gate>>,
    Extension(caller): Extension<Caller>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Sent(wanted): Sent<WantedToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let by = actor(&caller, address)?;
    let role = wanted
        .role
        .parse::<Role>()
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "role", error).at("/role"))?;
    let wrong = || {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "expires", "it is no time")
            .at("/expires")
            .help("write it as 2027-01-31T00:00:00Z")
    };
    let expires = wanted.expires.map(|text| time::parse_rfc3339(&text).ok_or_else(wrong)).transpose()?;
    let new = NewToken { name: wanted.name, role, expires };
    let made = on(&gate, move |access| {
        let (token, secret) = access.create(&new, &by, time::now())?;
        Ok(MadeToken { token: of::token(&token), secret: secret.to_string() })
    });
    Ok((StatusCode::CREATED, made.await?))
}

/// A token, by its path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfToken {
    /// Its id, as lists have it
    token: String,
}

/// A token that was ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndedToken {
    /// The token.
    #[schema(value_type = shown::Token)]
    pub token: Value,
}

/// End a token at once
#[utoipa::path(
    post, path = "/v1/tokens/{token}/revoke", operation_id = "revoke_token", tag = "tokens", params(OfToken),
    responses(
        (status = 200, description = "It is of no use any more", body = EndedToken),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn revoke(
    State(gate): State<Arc<Gate>>,
    Extension(caller): Extension<Caller>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Named(OfToken { token }): Named<OfToken>,
) -> Result<Json<EndedToken>, Problem> {
    let by = actor(&caller, address)?;
    on(&gate, move |access| Ok(EndedToken { token: of::token(&access.revoke(&token, &by, time::now())?) })).await
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichEntries {
    /// At most so many
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next` of the page before: only entries before that number
    #[param(maximum = 4_294_967_295_i64)]
    cursor: Option<u32>,
}

/// Entries of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryList {
    /// The newest of those that are asked for, in their order.
    #[schema(value_type = Vec<shown::AuditEntry>)]
    pub entries: Vec<Value>,
    /// The `cursor` of the page before them; null where there is none.
    pub next: Option<u64>,
}

/// List what was written and what was refused, the newest last
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit", tag = "tokens", params(WhichEntries),
    responses((status = 200, description = "Entries", body = EntryList), Refusals)
)]
pub async fn entries(
    State(gate): State<Arc<Gate>>,
    Asked(which): Asked<WhichEntries>,
) -> Result<Json<EntryList>, Problem> {
    let limit = limit(which.limit)?;
    on(&gate, move |access| {
        let entries = match which.cursor {
            None => access.newest(limit)?,
            Some(before) => {
                let most = usize::try_from(before).unwrap_or(usize::MAX).saturating_sub(1).min(limit);
                access.entries(u64::from(before).saturating_sub(1 + most as u64), most)?
            }
        };
        let next = entries.first().map(|first| first.number).filter(|number| *number > 1);
        Ok(EntryList { entries: entries.iter().map(of::recorded).collect(), next })
    })
    .await
}

/// What the log has to begin with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// A head that was noted before
    #[param(pattern = "^[1-9][0-9]{0,8}:[0-9a-f]{64}$")]
    expect: Option<String>,
}

/// A log that is as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// Its head, to be noted elsewhere.
    pub head: String,
}

/// Look whether the log is as it was written
#[utoipa::path(
    get, path = "/v1/audit/verify", operation_id = "verify_audit", tag = "tokens", params(Expected),
    responses((status = 200, description = "It is", body = Verified), Refusals, Also<409>)
)]
pub async fn verify(
    State(gate): State<Arc<Gate>>,
    Asked(expected): Asked<Expected>,
) -> Result<Json<Verified>, Problem> {
    let wrong = |error| Problem::bad_input("expect", error).at("expect").help("take what `verify` printed before");
    let expect = expected.expect.map(|head| head.parse::<Head>().map_err(wrong)).transpose()?;
    on(&gate, move |access| {
        let head = access.verify(expect.as_ref())?;
        Ok(Verified { entries: head.entries, head: head.to_string() })
    })
    .await
}

/// Who makes and ends tokens: a person whom a token names. What can reach a server without tokens, a model for instance, could give itself
/// one, and decide in a person's name.
fn actor(caller: &Caller, address: SocketAddr) -> Result<Actor, Problem> {
    caller.person()?;
    Ok(Actor { who: caller.who(), role: caller.role(), address: Some(address.ip().to_string()) })
}

async fn on<T: Send + 'static>(
    gate: &Gate,
    work: impl FnOnce(&Access) -> Result<T, AccessError> + Send + 'static,
) -> Result<Json<T>, Problem> {
    let access = gate.access.clone();
    blocking(move || Ok(Json(work(&access)?))).await
}
