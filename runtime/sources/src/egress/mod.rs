//! The tool `http`: requests of skills to the origins that an operator named.
//!
//! The host has held origin, method and headers against the grants; here are the address, the credentials and the connection.
//! One connection for each request, to an address that was checked; no pool, no proxy, no redirect.

mod address;
mod dial;
mod secrets;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use negawatt_config::{Config, ConfigError};
use negawatt_host::grants::HttpRule;
use negawatt_host::model::{Answer, Error};
use negawatt_host::{Http, HttpRequest, HttpResponse, header_bytes};

use dial::{Stream, System, Tls};
use secrets::Secrets;

pub use dial::Resolve;

/// How it calls itself where a skill says nothing.
const USER_AGENT: &str = concat!("negawatt/", env!("CARGO_PKG_VERSION"));

/// Bytes of the head of an answer that are read at most, whatever the limits say.
const MAX_HEAD: usize = 64 << 10;

/// What stands behind the tool `http`.
pub struct Egress {
    resolver: Arc<dyn Resolve>,
    /// Absent where no origin is `https`.
    tls: Option<Tls>,
    secrets: Secrets,
}

impl Egress {
    /// Reads the secrets, and is ready for the origins that grants name; absent where there are none.
    pub fn configure(config: &Config) -> Result<Option<Egress>, ConfigError> {
        let secrets = Secrets::read(&config.secrets, |variable| std::env::var(variable).ok())?;
        if config.grants.iter().all(|grant| grant.origins.is_empty()) {
            return Ok(None);
        }
        let https = config.grants.iter().find(|grant| grant.origins.iter().any(|origin| origin.is_https));
        // The system's certificates take time to read, and some systems have none: only where they are needed.
        let tls = https.map(|grant| {
            Tls::of_system().map_err(|error| {
                ConfigError::new(
                    &grant.place,
                    format!("nothing can be asked over https: {error}"),
                    "https needs the system's certificates; install the package ca-certificates",
                )
            })
        });
        Ok(Some(Egress { resolver: Arc::new(System::new()), tls: tls.transpose()?, secrets }))
    }

    /// Looks names up elsewhere than the machine does.
    pub fn resolving(self, resolver: Arc<dyn Resolve>) -> Egress {
        Egress { resolver, ..self }
    }
}

#[async_trait]
impl Http for Egress {
    async fn send(&self, request: HttpRequest, rules: &[HttpRule], most: u64) -> Answer<HttpResponse> {
        let origin = request.origin.clone();
        let (addresses, allowing) = dial::addresses(&*self.resolver, &origin, rules).await?;
        // After the last check, and not before.
        let secrets = allowing.into_iter().flat_map(|rule| &rule.secrets).filter(|secret| secret.audience == origin);
        let secrets: Vec<_> = secrets.collect();
        let (mut target, mut headers) = (request.target, head(&request.headers, &origin)?);
        if !secrets.is_empty() {
            // A server that repeats a credential repeats it whole and in plain text, where it is found.
            headers.remove(header::RANGE);
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        self.secrets.inject(&secrets, &mut target, &mut headers)?;
        let invalid = |error: http::Error| Error::Invalid(format!("the request cannot be sent: {error}"));
        let mut sent = http::Request::builder()
            .method(request.method.as_str())
            .uri(target.as_str())
            .body(Full::new(Bytes::from(request.body)))
            .map_err(invalid)?;
        *sent.headers_mut() = headers;
        let stream = dial::dial(&addresses, &origin, self.tls.as_ref()).await?;
        let mut response = exchange(stream, sent, most).await?;
        self.secrets.redact(&secrets, &mut response);
        Ok(response)
    }
}

/// The headers that are sent.
fn head(own: &[(String, Vec<u8>)], origin: &negawatt_config::HttpOrigin) -> Answer<HeaderMap> {
    let invalid = |name: &str| Error::Invalid(format!("the header {:?} cannot be sent", crate::http::printable(name)));
    let authority = origin.to_string();
    let authority = authority.split_once("://").map_or("", |(_, authority)| authority);
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, authority.parse().map_err(|_| invalid("host"))?);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in own {
        let header: HeaderName = name.parse().map_err(|_| invalid(name))?;
        headers.append(header, HeaderValue::from_bytes(value).map_err(|_| invalid(name))?);
    }
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    Ok(headers)
}

/// Sends a request and reads the whole answer. Nothing of it goes on where this is dropped.
async fn exchange(stream: Box<dyn Stream>, sent: http::Request<Full<Bytes>>, most: u64) -> Answer<HttpResponse> {
    let (mut sender, connection) =
        http1::Builder::new().max_header_size(MAX_HEAD).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let answer = async move { read(sender.send_request(sent).await.map_err(broken)?, most).await };
    let (mut answer, connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        // What was read before its end is still to be taken; why it ended is told there too.
        _ = connection => {}
    }
    answer.await
}

async fn read(response: http::Response<Incoming>, most: u64) -> Answer<HttpResponse> {
    let too_large = || Error::OverBudget(format!("the answer has more than {most} bytes, headers included"));
    let (parts, mut incoming) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::Unavailable("the server speaks another protocol than was asked for".to_owned()));
    }
    let own = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_owned());
    let headers: Vec<_> = parts.headers.iter().map(own).collect();
    let room = most.checked_sub(header_bytes(&headers)).ok_or_else(too_large)?;
    if incoming.size_hint().lower() > room {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if (body.len() + data.len()) as u64 > room {
            return Err(too_large());
        }
        body.extend_from_slice(&data);
    }
    Ok(HttpResponse { status: parts.status.as_u16(), headers, body })
}

fn broken(error: hyper::Error) -> Error {
    Error::Unavailable(format!("the connection broke: {}", crate::http::printable(&error.to_string())))
}
