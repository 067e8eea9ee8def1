//! What is taken from a request; what cannot be is told as a problem.

use std::cmp::Reverse;

use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use negawatt_casebook::CaseId;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use crate::problem::Problem;
use crate::program::Form;

/// What stands behind `?`.
pub struct Asked<T>(pub T);

/// What stands in the path.
pub struct Named<T>(pub T);

/// A case, by its path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfCase {
    /// The case's id, or the beginning of it
    #[param(pattern = "^[0-9A-Za-z]{1,26}$")]
    pub case: String,
}

/// A proposal, by its path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfProposal {
    /// The case's id, or the beginning of it
    #[param(pattern = "^[0-9A-Za-z]{1,26}$")]
    pub case: String,
    /// The proposal's number
    #[param(maximum = 4_294_967_295_i64)]
    pub proposal: u32,
}

/// The most of a page, and how many it has unless it is said.
const MOST: usize = 500;
const USUAL: usize = 50;

/// How many a page may have.
pub fn limit(said: Option<usize>) -> Result<usize, Problem> {
    let limit = said.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::bad_input("limit", format!("{limit} is no limit")).at("limit").help("write 1 to 500"))
}

/// The case after which a page begins.
pub fn cursor(said: Option<&str>) -> Result<Option<CaseId>, Problem> {
    let wrong = |_| Problem::bad_input("cursor", "it is no cursor").at("cursor").help("take the `next` of a page");
    said.map(|cursor| cursor.parse::<CaseId>().map_err(wrong)).transpose()
}

/// A whole number as JSON has it: `1.0` is one.
pub fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(from)? else { return Ok(None) };
    // Every number of 32 bits is one of these.
    let whole = number as u32;
    match f64::from(whole) == number {
        true => Ok(Some(whole)),
        false => Err(D::Error::custom(format!("{number} is no whole number from 0 to {}", u32::MAX))),
    }
}

/// The same of a list of them.
pub fn all_whole<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(deserialize_with = "whole")] Option<u32>);
    let all = Vec::<One>::deserialize(from)?.into_iter();
    all.map(|One(one)| one.ok_or_else(|| D::Error::custom("null is no number"))).collect()
}

/// One such number at least and so many at most, as a schema has them.
pub fn whole_numbers(most: usize) -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(u32::MAX));
    ArrayBuilder::new().items(number).min_items(Some(1)).max_items(Some(most)).into()
}

/// One of some words, as a schema has it.
pub fn words(words: impl IntoIterator<Item = &'static str>) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}

/// The form in which an answer is wanted. Where several are wanted as much, it is the first of those that there are, and so it is for
/// whoever does not say.
pub fn wanted(headers: &HeaderMap, forms: &[Form]) -> Result<Form, Problem> {
    let said: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges = said.iter().flat_map(|said| said.split(',')).map(range).filter(|(range, _)| !range.is_empty());
    let ranges: Vec<(&str, u32)> = ranges.collect();
    // Of the ranges that hold a form, the narrowest says how much it is wanted.
    let wish = |form: &Form| {
        let media = media(*form);
        let kind = media.split('/').next().unwrap_or_default();
        let holding = ["*/*".to_owned(), format!("{kind}/*"), media.to_owned()];
        let narrow = |wanted: &str| holding.iter().position(|range| range.eq_ignore_ascii_case(wanted));
        let fitting = ranges.iter().filter_map(|(wanted, much)| Some((narrow(wanted)?, *much)));
        if ranges.is_empty() { 1 } else { fitting.max().map_or(0, |(_, much)| much) }
    };
    match forms.iter().min_by_key(|form| Reverse(wish(form))) {
        Some(form) if wish(form) > 0 => Ok(*form),
        _ => {
            let forms: Vec<_> = forms.iter().map(|form| media(*form)).collect();
            let why = format!("{:?} is no form of it", said.join(", "));
            Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "accept", why).help(format!("accept {}", forms.join(" or "))))
        }
    }
}

/// A form's media type, without what may stand behind it.
fn media(form: Form) -> &'static str {
    form.media().split(';').next().unwrap_or_default()
}

/// What is shown, in its form.
pub fn in_form(form: Form, text: String) -> Response {
    let mut response = ([(header::CONTENT_TYPE, form.media())], text).into_response();
    if form == Form::Page {
        // Within its own policy, and as a page of nobody.
        let policy = HeaderValue::from_static("sandbox allow-scripts; frame-ancestors 'none'");
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A range of media types, and how much it is wanted, in thousandths.
fn range(text: &str) -> (&str, u32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let much = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q="))?.parse::<f32>().ok());
    (range, (much.unwrap_or(1.0).clamp(0.0, 1.0) * 1e3) as u32)
}

/// JSON that was sent.
pub struct Sent<T>(pub T);

/// Text that was sent.
pub struct Text(pub String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "query", rejection.body_text()))?;
        Ok(Asked(asked))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(named) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "path", rejection.body_text()))?;
        Ok(Named(named))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(sent) = Json::<T>::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "body", rejection.body_text()))?;
        Ok(Sent(sent))
    }
}

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "body", rejection.body_text()))?;
        let text = String::from_utf8(bytes.into());
        Ok(Text(text.map_err(|_| Problem::bad_input("body", "the body is no text in UTF-8"))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_is_wanted_most() {
        const FORMS: [Form; 3] = [Form::Json, Form::Text, Form::Page];
        for (said, form) in [
            (&[][..], Some(Form::Json)),
            (&[""], Some(Form::Json)),
            (&["*/*"], Some(Form::Json)),
            (&["text/plain"], Some(Form::Text)),
            (&["TEXT/HTML; charset=utf-8"], Some(Form::Page)),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], Some(Form::Page)),
            (&["text/*", "text/plain;q=0"], Some(Form::Page)),
            (&["text/plain;q=0.5, text/html;q=0.7"], Some(Form::Page)),
            (&["application/xml"], None),
            (&["*/*;q=0"], None),
            (&["application/json;q=0"], None),
        ] {
            let mut headers = HeaderMap::new();
            for said in said {
                headers.append(header::ACCEPT, said.parse().unwrap());
            }
            let found = wanted(&headers, &FORMS);
            assert_eq!(found.as_ref().ok(), form.as_ref(), "{said:?}");
            assert!(found.is_ok() || found.unwrap_err().status == 406);
        }
    }

    #[test]
    fn whole_numbers() {
        let read = |json: &str| whole(&mut serde_json::Deserializer::from_str(json)).ok();
        for (json, number) in [("0", 0), ("1.0", 1), ("4294967295", u32::MAX), ("1e3", 1_000)] {
            assert_eq!(read(json), Some(Some(number)), "{json}");
        }
        assert_eq!(read("null"), Some(None));
        for json in ["-1", "1.5", "4294967296", "1e300", "\"1\"", "true"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
