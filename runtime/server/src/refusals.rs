//! How the description says what requests may be refused with: one answer, [`Problem`], that each route names by its statuses.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToResponse};

use crate::problem::Problem;

/// What whoever asks may be answered with, whatever is asked.
pub struct Refusals;

/// What is answered with a status besides.
pub struct Also<const STATUS: u16>;

/// The statuses of [`Refusals`], each with what it says.
const COMMON: [(u16, &str); 9] = [
    (400, "It was asked wrongly"),
    (401, "It takes a token, or a webhook's signature, and this is none"),
    (
        403,
        "The token's role may not, or pages of that origin may not, or a decision takes a person and nobody knows who asks",
    ),
    (408, "The body did not arrive in time"),
    (413, "The body is too large (serve.body)"),
    (421, "The host is no name of this server (serve.hosts)"),
    (
        429,
        "Too many requests in a short time (serve.rate), too many cases wait (serve.queue), or too much is asked that takes long",
    ),
    (500, "The server failed; its log has more"),
    (503, "The casebook or the log cannot be read or written, or the server ends"),
];

/// What other statuses say.
const OTHERS: [(u16, &str); 6] = [
    (404, "There is none of that name"),
    (406, "It is there, and not in a form that was asked for"),
    (409, "As it stands now, that cannot be done"),
    (415, "The body has to be `application/json`"),
    (422, "The body can be read, and what it says cannot be done"),
    (502, "Another system does not answer, or refuses"),
];

impl<'r> ToResponse<'r> for Problem {
    fn response() -> (&'r str, RefOr<Response>) {
        let content = Content::new(Some(Ref::from_schema_name(NAME)));
        let response = ResponseBuilder::new().description("What went wrong, and what to do (RFC 9457)");
        (NAME, response.content("application/problem+json", content).into())
    }
}

/// The name of its schema, and of the answer.
const NAME: &str = "Problem";

fn told(status: u16, words: &str) -> (String, RefOr<Response>) {
    let mut told = Ref::from_response_name(NAME);
    told.description = words.to_owned();
    (status.to_string(), told.into())
}

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        COMMON.into_iter().map(|(status, words)| told(status, words)).collect()
    }
}

impl<const STATUS: u16> IntoResponses for Also<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let known = OTHERS.into_iter().find(|(status, _)| *status == STATUS);
        let words =
            || StatusCode::from_u16(STATUS).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        [told(STATUS, known.map_or_else(words, |(_, words)| words))].into()
    }
}
