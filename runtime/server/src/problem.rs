//! Errors as programs read them: problem details (RFC 9457).

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use negawatt_access::AccessError;
use negawatt_casebook::CasebookError;
use negawatt_host::json::JsonError;
use negawatt_proposals::ProposalError;
use negawatt_text::{printable, shorten};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accept::Refusal;

/// The longest detail, in characters.
const MAX_DETAIL: usize = 2_000;

/// What went wrong, and what to do (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Which problem: `urn:negawatt:` and a word that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "urn:negawatt:no-such-case")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What happened, and where.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where in what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl Problem {
    /// Of a kind, with what happened.
    pub fn new(status: StatusCode, kind: &str, detail: impl ToString) -> Problem {
        Problem {
            kind: format!("urn:negawatt:{kind}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: shorten(&printable(&detail.to_string()), MAX_DETAIL),
            help: None,
            place: None,
            retry_after: None,
        }
    }

    /// What was sent is wrong.
    pub fn bad_input(kind: &str, detail: impl ToString) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, kind, detail)
    }

    /// There is nothing of that name.
    pub fn not_found(kind: &str, detail: impl ToString) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, kind, detail)
    }

    /// As things stand now, it cannot be done.
    pub fn conflict(kind: &str, detail: impl ToString) -> Problem {
        Problem::new(StatusCode::CONFLICT, kind, detail)
    }

    /// Something that the server needs cannot be used now.
    pub fn unavailable(kind: &str, detail: impl ToString) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail)
    }

    /// With what to do.
    pub fn help(self, help: impl ToString) -> Problem {
        Problem { help: Some(help.to_string()), ..self }
    }

    /// With where it is in what was sent.
    pub fn at(self, place: impl ToString) -> Problem {
        Problem { place: Some(printable(&place.to_string())), ..self }
    }

    /// To be tried again after so long.
    pub fn retry_after(self, after: Duration) -> Problem {
        Problem { retry_after: Some(after), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(after) = self.retry_after {
            // Rounded up: who comes at that time is not too early.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// When a client may come again that was turned away for what may pass: all places were taken, a disk was full, a file locked.
pub const AGAIN: Duration = Duration::from_secs(5);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let text = refusal.to_string();
        match refusal {
            Refusal::Full(_) => Problem::new(StatusCode::TOO_MANY_REQUESTS, "queue-full", text).retry_after(AGAIN),
            Refusal::Closing => Problem::unavailable("closing", text).retry_after(AGAIN),
            Refusal::Casebook(error) => error.into(),
        }
    }
}

impl From<CasebookError> for Problem {
    fn from(error: CasebookError) -> Problem {
        let text = error.to_string();
        match error {
            CasebookError::NoSuchCase(_) => Problem::not_found("no-such-case", text),
            CasebookError::NotACaseId(_) => Problem::bad_input("not-a-case-id", text),
            CasebookError::Ambiguous { .. } => Problem::conflict("ambiguous-case-id", text),
            CasebookError::Owned { .. } | CasebookError::TakenOver { .. } => {
                Problem::conflict("case-is-owned", text).retry_after(AGAIN)
            }
            CasebookError::Misplaced { .. } => Problem::conflict("misplaced", text),
            CasebookError::NewerCase { .. } => Problem::conflict("newer-case", text),
            // A full disk or a lock may pass; nothing was recorded.
            _ => Problem::unavailable("casebook", text).retry_after(AGAIN),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Problem {
        let (status, kind) = match &error {
            AccessError::Name | AccessError::Expired => (StatusCode::UNPROCESSABLE_ENTITY, "token"),
            AccessError::NoSuchToken(_) => (StatusCode::NOT_FOUND, "no-such-token"),
            AccessError::Revoked(_) => (StatusCode::CONFLICT, "revoked"),
            AccessError::Broken(_) => (StatusCode::CONFLICT, "audit"),
            _ => {
                let why = format!("nothing was done, since what is written must be recorded: {error}");
                return Problem::unavailable("access", why).retry_after(AGAIN);
            }
        };
        Problem::new(status, kind, error)
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Problem {
        Problem::bad_input("incident", error.message).at(error.place)
    }
}

impl From<ProposalError> for Problem {
    fn from(error: ProposalError) -> Problem {
        let text = error.to_string();
        match error {
            ProposalError::Casebook(error) => error.into(),
            ProposalError::NoSuchProposal { .. } => Problem::not_found("no-such-proposal", text),
            ProposalError::Misplaced { .. } | ProposalError::Overtaken { .. } => Problem::conflict("misplaced", text),
            ProposalError::Withheld { .. } => Problem::conflict("withheld", text)
                .help("the proposal has what was asked of it, and what commands printed"),
            ProposalError::NoForge { .. } => Problem::conflict("no-forge", text),
            ProposalError::Unmeasured { .. } => Problem::conflict("unmeasured", text),
            ProposalError::Forge(_) => Problem::new(StatusCode::BAD_GATEWAY, "forge", text)
                .help("POST …/submit goes on where it was; nothing is done twice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_standard_says() {
        let problem = Problem::bad_input("incident", "no\u{1b}[31m service").at("/service").help("name one");
        let response = problem.retry_after(Duration::from_millis(1_001)).into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let problem = Problem::bad_input("incident", "x\u{1b}y");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "urn:negawatt:incident");
        assert_eq!((&json["title"], &json["status"]), (&"Bad Request".into(), &400.into()));
        assert!(!json["detail"].as_str().unwrap().contains('\u{1b}'));
        assert!(json.get("help").is_none() && json.get("retry_after").is_none());
    }
}
