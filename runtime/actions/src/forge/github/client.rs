//! Requests to GitHub: bounded in time, size and number, patient where it asks for patience, and without redirects.
//!
//! Every request of the forge may be sent again: what it makes is either known by its content, or refused where it is there already.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::clock::Clock;
use super::token::Token;
use crate::forge::ForgeError;
use crate::forge::error::quoted;

/// How long a connection may take to open.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const MAX_ANSWER: usize = 8 << 20;

/// How often a request is sent that fails by no fault of its own; one second passes after the first time, then twice as much each.
const ATTEMPTS: u32 = 4;

/// How long to wait where a server says to slow down and not for how long, in seconds; what GitHub's documentation asks for.
const UNTOLD_WAIT: i64 = 60;

/// The version of the API that this speaks.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));

/// A client for one server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    clock: Arc<dyn Clock>,
    /// How long it waits in all, in one submission, where it is told to.
    patience: Duration,
}

/// Requests of one submission.
#[derive(Debug)]
pub struct Session<'a> {
    client: &'a Client,
    token: Token,
    /// Seconds that may still be waited.
    patience: i64,
}

/// What a server answered.
#[derive(Debug)]
pub enum Reply<T> {
    /// What was asked for.
    Is(T),
    /// Why not.
    Not {
        /// The status, 400 to 499.
        status: u16,
        /// What the server says, fit for a message.
        message: String,
    },
}

/// Why an answer is none.
enum Failure {
    /// Another one may be better, after so many seconds where the server says so.
    Again {
        what: ForgeError,
        after: Option<i64>,
    },
    /// The server takes no requests for so many seconds.
    Limited(i64),
    Final(ForgeError),
}

/// What GitHub says of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Complaint {
    message: String,
    errors: Value,
}

impl Client {
    /// A client for the API at an address. A token goes to nobody in plain text, but on this machine.
    pub fn configure(
        base: &str,
        answer_time: Duration,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, ForgeError> {
        let wrong = |what: String| ForgeError::Settings(what);
        let url = Url::parse(base).map_err(|error| wrong(format!("the address of its API is none: {error}")))?;
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if !(url.scheme() == "https" || url.scheme() == "http" && is_here) || !is_plain {
            return Err(wrong("the address of its API is not one such as https://github.example/api/v3".to_owned()));
        }
        // The first provider of the process stays; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("negawatt/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME.min(answer_time))
            .timeout(answer_time);
        // Reading the system's certificates takes time, and fails on systems without any: only where they are needed.
        let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let http = builder.build().map_err(|error| {
            wrong(format!("no client can be made for its API ({}); install the package ca-certificates", cause(&error)))
        })?;
        Ok(Client { http, base: url, clock, patience })
    }

    /// Scheme, host and port, for messages.
    pub fn address(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Begins a submission's requests.
    pub fn session(&self, token: Token) -> Session<'_> {
        Session { client: self, token, patience: i64::try_from(self.patience.as_secs()).unwrap_or(i64::MAX) }
    }
}

impl Session<'_> {
    /// Has it wait for nothing from now on, and send nothing twice.
    pub fn waits_for_nothing(&mut self) {
        self.patience = 0;
    }

    /// Asks. `path` has the parts of the path after the API's address, `query` what follows the question mark.
    pub async fn get<T: DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply<T>, ForgeError> {
        self.send(Method::GET, path, query, None).await
    }

    /// Has something made.
    pub async fn post<T: DeserializeOwned>(&mut self, path: &[&str], body: &Value) -> Result<Reply<T>, ForgeError> {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    async fn send<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Reply<T>, ForgeError> {
        let mut url = self.client.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut attempt = 1;
        loop {
            let failure = match self.once(method.clone(), url.clone(), body).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            match failure {
                Failure::Final(error) => return Err(error),
                Failure::Again { what, after } => {
                    if attempt >= ATTEMPTS || !self.wait(after.unwrap_or(1 << (attempt - 1))).await {
                        return Err(what);
                    }
                    attempt += 1;
                }
                Failure::Limited(time) => {
                    if !self.wait(time).await {
                        let until = self.client.clock.now().saturating_add(time);
                        return Err(ForgeError::RateLimited { forge: self.client.address(), until });
                    }
                }
            }
        }
    }

    /// Waits; `false` where that is longer than is worth it.
    async fn wait(&mut self, seconds: i64) -> bool {
        // So that patience ends, whatever a server says.
        let seconds = seconds.max(1);
        if seconds > self.patience {
            return false;
        }
        self.patience -= seconds;
        self.client.clock.sleep(Duration::from_secs(seconds.unsigned_abs())).await;
        true
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Reply<T>, Failure> {
        let forge = self.client.address();
        let again =
            |what: String| Failure::Again { what: ForgeError::Unavailable { forge: forge.clone(), what }, after: None };
        let Some(authorization) = self.token.header() else {
            return Err(Failure::Final(ForgeError::Settings("the token fits into no header".to_owned())));
        };
        let mut request = self.client.http.request(method, url);
        let accept = HeaderValue::from_static("application/json");
        request = request.header(AUTHORIZATION, authorization).header(ACCEPT, accept).header(VERSION.0, VERSION.1);
        request = request.headers(negawatt_telemetry::outgoing());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| again(cause(&error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| again(cause(&error)))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                let what = format!("it has more than {} MiB", MAX_ANSWER >> 20);
                return Err(Failure::Final(ForgeError::Unusable { forge, what }));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.token.redact(&mut bytes);
        if status.is_success() {
            return serde_json::from_slice(&bytes).map(Reply::Is).map_err(|error| {
                let what = quoted(&error.to_string());
                Failure::Again { what: ForgeError::Unusable { forge, what }, after: None }
            });
        }
        let said = said(&bytes);
        let refused = |what: String| Failure::Final(ForgeError::Refused { forge: forge.clone(), what });
        match status.as_u16() {
            403 | 429 if let Some(time) = limited(status.as_u16(), &headers, &said, self.client.clock.now()) => {
                Err(Failure::Limited(time))
            }
            401 => Err(refused(format!("the token is not valid (401: {said}); renew it"))),
            status @ 400..500 => Ok(Reply::Not { status, message: format!("{status}: {said}") }),
            status @ 300..400 => Err(refused(format!(
                "it answers with a redirect ({status}), which is not followed; the repository was renamed or moved: write its name of now"
            ))),
            status => Err(Failure::Again {
                what: ForgeError::Unavailable { forge, what: format!("it answers {status}: {said}") },
                after: number(&headers, &RETRY_AFTER),
            }),
        }
    }

    /// The error of an answer that nothing else is known of.
    pub fn refusal(&self, status: u16, message: &str) -> ForgeError {
        let what = match status {
            403 => format!(
                "{message}; the token needs the rights to write contents and pull requests, and some organisations have to approve it"
            ),
            404 => format!("{message}; the repository or what is asked for is not there, or the token may not see it"),
            _ => message.to_owned(),
        };
        ForgeError::Refused { forge: self.client.address(), what }
    }

    /// An answer that cannot be used.
    pub fn unusable(&self, what: impl Into<String>) -> ForgeError {
        ForgeError::Unusable { forge: self.client.address(), what: what.into() }
    }

    /// What was asked for, or the error.
    pub fn needed<T>(&self, reply: Reply<T>) -> Result<T, ForgeError> {
        match reply {
            Reply::Is(it) => Ok(it),
            Reply::Not { status, message } => Err(self.refusal(status, &message)),
        }
    }
}

/// For how many seconds a server takes no requests, where that is why it refused one.
fn limited(status: u16, headers: &HeaderMap, said: &str, now: i64) -> Option<i64> {
    let header = |name: &'static str| number(headers, &HeaderName::from_static(name));
    if let Some(time) = number(headers, &RETRY_AFTER) {
        return Some(time);
    }
    if header("x-ratelimit-remaining") == Some(0) {
        return Some(header("x-ratelimit-reset").map_or(UNTOLD_WAIT, |reset| reset.saturating_sub(now)));
    }
    (status == 429 || said.to_ascii_lowercase().contains("rate limit")).then_some(UNTOLD_WAIT)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// What an error says, in one line.
fn said(bytes: &[u8]) -> String {
    let complaint: Complaint = serde_json::from_slice(bytes).unwrap_or_default();
    let errors = complaint.errors.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |error: &Value| {
        let field = |name: &str| error[name].as_str().map(str::to_owned);
        error.as_str().map(str::to_owned).or(field("message")).or(field("code"))
    };
    let all: Vec<_> = [complaint.message].into_iter().chain(errors.iter().filter_map(text)).collect();
    let all = quoted(&all.join("; "));
    if all.is_empty() { "it does not say why".to_owned() } else { all }
}

/// The innermost reason of an error; the outer ones only say that a request failed, and name its address.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.source().is_none() { "the request failed".to_owned() } else { quoted(&cause.to_string()) }
}
