//! Questions to servers over HTTP: bounded in time and size, without redirects, and without the proxies of the environment.

use std::error::Error as _;
use std::time::Duration;

use negawatt_config::{ConfigError, Located};
use negawatt_host::{time_left, time_limit};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

/// How long a connection may take to open.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long one answer may take at most, connection and body included.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// In less than that, nobody can be held to say anything.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// The largest answer that is read.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A server that an operator named.
#[derive(Debug, Clone)]
pub struct Server {
    client: Client,
    /// Without credentials, and without a slash at its end.
    url: String,
}

/// What a server answered, whatever its status.
#[derive(Debug)]
pub struct Reply {
    /// The status of the answer.
    pub status: StatusCode,
    /// The content type; empty where the server does not say.
    pub content_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody listens there, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody says anything in a time in which anybody who works would have.
    #[error("no answer within {:.1} s", .0.as_secs_f64())]
    Silent(Duration),
    /// So little of the call's time was left that no answer in it says nothing of who was asked.
    #[error("no answer within the {:.1} s that were left of the call's time", .0.as_secs_f64())]
    Spent(Duration),
    /// The answer has begun and does not end.
    #[error("the answer did not end within {:.1} s", .0.as_secs_f64())]
    Slow(Duration),
    /// The body does not end.
    #[error("the answer has more than {} MiB", MAX_ANSWER_BYTES >> 20)]
    TooLarge,
}

impl Server {
    /// A client for the server at an address; nothing is asked yet.
    pub fn configure(url: &Located<String>) -> Result<Server, ConfigError> {
        let help = "write an address such as http://127.0.0.1:9090";
        let parsed = Url::parse(&url.value).map_err(|error| url.error(format!("is not an address: {error}"), help))?;
        // The first provider of the process stays; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("negawatt/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME);
        // Reading the system's certificates takes time, and fails on systems without any: only where they are needed.
        let builder = if parsed.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let client = builder.build().map_err(|error| {
            url.error(
                format!("no client can be made for it: {}", cause(&error)),
                "an https address needs the system's certificates; install the package ca-certificates",
            )
        })?;
        Ok(Server { client, url: url.value.trim_end_matches('/').to_owned() })
    }

    /// Scheme, host and port, for messages.
    pub fn address(&self) -> String {
        address(&self.url)
    }

    /// Asks with GET.
    pub async fn get(&self, path: &str) -> Result<Reply, HttpError> {
        self.send(Method::GET, path, &[]).await
    }

    /// Asks with a form, which may be long: with POST, or with GET where a proxy allows no other method.
    pub async fn ask(&self, path: &str, form: &[(&str, &str)]) -> Result<Reply, HttpError> {
        let reply = self.send(Method::POST, path, form).await?;
        match reply.status {
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => self.send(Method::GET, path, form).await,
            _ => Ok(reply),
        }
    }

    async fn send(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Result<Reply, HttpError> {
        let unreachable = |error: &dyn std::fmt::Display| HttpError::Unreachable(error.to_string());
        let mut url = Url::parse(&format!("{}{path}", self.url)).map_err(|error| unreachable(&error))?;
        if !form.is_empty() {
            url.query_pairs_mut().extend_pairs(form);
        }
        let time = answer_time();
        let request = if method == Method::POST {
            let body = url.query().unwrap_or_default().to_owned();
            url.set_query(None);
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            self.client.post(url).header(CONTENT_TYPE, kind).body(body)
        } else {
            self.client.request(method, url)
        };
        let failed = |error: reqwest::Error, late: fn(Duration) -> HttpError, least: Duration| match error.is_timeout()
        {
            true if error.is_connect() => HttpError::Unreachable(cause(&error)),
            true if time < least => HttpError::Spent(time),
            true => late(time),
            false => HttpError::Unreachable(cause(&error)),
        };
        let sent = request.headers(negawatt_telemetry::outgoing()).timeout(time).send().await;
        let mut response = sent.map_err(|error| failed(error, HttpError::Silent, telling_time()))?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let (status, content_type) = (response.status(), content_type.unwrap_or_default().to_owned());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, HttpError::Slow, LEAST_TIME))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, content_type, body })
    }
}

/// How long one answer may take that is asked for now: of a call the most, but not all that is left of it. A skill that is told
/// in time what is away can go on without; one whose own time ends first is lost.
pub fn answer_time() -> Duration {
    time_left().map_or(ANSWER_TIME, |left| ANSWER_TIME.min(left / 4 * 3))
}

/// Who says nothing in that time is away; in less, whoever works may only be busy. As long as a connection may take, but no
/// more than half of a call: a short one can still tell.
fn telling_time() -> Duration {
    time_limit().map_or(CONNECT_TIME, |limit| (limit / 2).clamp(LEAST_TIME, CONNECT_TIME))
}

/// Whether so little of the call is left that not even a smaller question would be answered.
pub fn is_spent() -> bool {
    answer_time() < LEAST_TIME
}

/// Scheme, host and port of an address. What else may stand in one (a user's name, a path, a query) can be a secret.
pub fn address(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "the address".to_owned(), |url| url.origin().ascii_serialization())
}

/// The innermost reason of an error; the outer ones only say that a request failed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // Its own text names the whole address, with the form in it.
    if error.source().is_none() { "the request failed".to_owned() } else { printable(&cause.to_string()) }
}

/// Text of a stranger as it may stand in a message: one line, not long.
pub fn printable(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // What steers without being a control character, such as a change of direction, goes too.
    negawatt_host::text::shorten(&negawatt_host::text::printable(&line), 300)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use negawatt_config::Place;
    use negawatt_test_servers::{HttpServer, Response};

    use super::*;

    fn get(url: &str) -> Result<Reply, HttpError> {
        let place = Place::whole(Path::new("negawatt.toml"));
        let server = Server::configure(&Located { value: url.to_owned(), place }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(server.get("/x"))
    }

    #[test]
    fn a_reply_whatever_its_status() {
        let server = HttpServer::start(|request| Response { status: 418, ..Response::text(request.target.clone()) });
        let reply = get(&server.url()).unwrap();
        assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (418, &b"/x"[..]));
        assert!(reply.content_type.starts_with("text/plain"));
    }

    #[test]
    fn of_an_address_no_more_is_told_than_who_is_asked() {
        for (url, told) in [
            ("http://127.0.0.1:9090/prometheus/secret", "http://127.0.0.1:9090"),
            ("https://user:secret@metrics.example/?token=secret#secret", "https://metrics.example"),
            ("http://[::1]:9090", "http://[::1]:9090"),
            ("secret", "the address"),
        ] {
            assert_eq!(address(url), told);
        }
    }

    #[test]
    fn a_server_without_tls_is_no_https() {
        let server = HttpServer::start(|_| Response::text("ok"));
        // Systems without certificates can have no client for https at all.
        if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
            let error = get(&server.url().replace("http:", "https:")).unwrap_err();
            assert!(matches!(&error, HttpError::Unreachable(reason) if !reason.is_empty()), "{error:?}");
        }
    }

    #[test]
    fn text_of_strangers_is_one_short_line() {
        assert_eq!(printable(" a\n\u{1b}[31mb\r\n"), "a  [31mb");
        assert!(!printable("a\u{202e}b").contains('\u{202e}'));
        assert_eq!(printable(&"é".repeat(1_000)).chars().count(), 300);
    }
}
