//! Asks a server: what `negawatt --server` does.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, Url};
use serde::Deserialize;

/// How long a connection may take, and how long a server may say nothing.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(300);

/// The most bytes of an answer.
const MOST_BYTES: usize = 64 << 20;

/// Why a server gave no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is no address of a server.
    #[error("{0:?} is no address of a server: write http://HOST:PORT, or https://…")]
    Address(String),
    /// It cannot be reached, or breaks off.
    #[error("the server {address} does not answer: {why}")]
    Silent {
        /// Its address.
        address: String,
        /// Why.
        why: String,
    },
    /// It says no.
    #[error("the server says: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The word for it.
        kind: String,
        /// What happened.
        detail: String,
        /// What to do.
        help: Option<String>,
    },
}

/// Asks a server.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

/// The parts of a problem that are told; see [`crate::Problem`].
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
    help: Option<String>,
}

impl Client {
    /// Of an address, with a token where the server asks for one. No proxy is used and no redirect followed: a token goes to this server.
    pub fn of(address: &str, token: Option<String>) -> Result<Client, ClientError> {
        let wrong = || ClientError::Address(address.to_owned());
        let base = Url::parse(address).map_err(|_| wrong())?;
        let is_web = matches!(base.scheme(), "http" | "https") && base.has_host();
        if !is_web || !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(wrong());
        }
        // The first provider of the process stays; all are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .map_err(|error| ClientError::Silent { address: address.to_owned(), why: error.to_string() })?;
        Ok(Client { http, base, token })
    }

    /// Asks for what is at a path, in a media type.
    pub async fn get(&self, path: &str, accept: &str) -> Result<String, ClientError> {
        self.text(self.send(Method::GET, path, accept, None).await?).await
    }

    /// Sends JSON to a path.
    pub async fn post(&self, path: &str, accept: &str, json: String) -> Result<String, ClientError> {
        self.text(self.send(Method::POST, path, accept, Some(json)).await?).await
    }

    /// Writes what is at a path, whatever it is, and gives a header of the answer.
    pub async fn fetch(
        &self,
        path: &str,
        header: &str,
        to: &mut (impl std::io::Write + Send),
    ) -> Result<Result<String, std::io::Error>, ClientError> {
        let mut response = self.send(Method::GET, path, "*/*", None).await?;
        let said = response.headers().get(header).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        while let Some(bytes) = response.chunk().await.map_err(|error| self.silent(&error))? {
            if let Err(error) = to.write_all(&bytes) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(said))
    }

    /// Hears server-sent events, each with its name and its data, until one is the last or the server ends.
    pub async fn hear(&self, path: &str, mut event: impl FnMut(&str, &str) -> bool) -> Result<(), ClientError> {
        let mut response = self.send(Method::GET, path, "text/event-stream", None).await?;
        let (mut rest, mut name) = (Vec::new(), String::new());
        while let Some(bytes) = response.chunk().await.map_err(|error| self.silent(&error))? {
            rest.extend_from_slice(&bytes);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end();
                if let Some(said) = line.strip_prefix("event: ") {
                    said.clone_into(&mut name);
                } else if let Some(data) = line.strip_prefix("data: ")
                    && event(&name, data)
                {
                    return Ok(());
                }
            }
            if rest.len() > MOST_BYTES {
                return Err(self.silent(&"an event has no end"));
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        json: Option<String>,
    ) -> Result<Response, ClientError> {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        let mut request = self.http.request(method, url).header(ACCEPT, accept).headers(negawatt_telemetry::outgoing());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(json) = json {
            request = request.header(CONTENT_TYPE, "application/json").body(json);
        }
        let response = request.send().await.map_err(|error| self.silent(&error.without_url()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = self.text(response).await?;
        Err(match serde_json::from_str::<Told>(&text) {
            Ok(Told { kind, detail, help }) => {
                let kind = kind.strip_prefix("urn:negawatt:").unwrap_or("server").to_owned();
                ClientError::Refused { status, kind, detail, help }
            }
            Err(_) => {
                let (kind, detail) = ("server".to_owned(), format!("status {status}, without a reason"));
                ClientError::Refused { status, kind, detail, help: None }
            }
        })
    }

    async fn text(&self, mut response: Response) -> Result<String, ClientError> {
        let mut all = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|error| self.silent(&error))? {
            all.extend_from_slice(&bytes);
            if all.len() > MOST_BYTES {
                return Err(self.silent(&format!("its answer has more than {MOST_BYTES} bytes")));
            }
        }
        String::from_utf8(all).map_err(|_| self.silent(&"its answer is no text"))
    }

    fn silent(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Silent { address: self.base.to_string(), why: why.to_string() }
    }
}
