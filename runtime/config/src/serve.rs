//! `[serve]`: where a server listens, what it takes, and whom it tells; what it hears is in `webhooks.rs`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::grants::origin;
use crate::limits::{self, HOUR, Limit, MIB, limit};
use crate::origin::HttpOrigin;
use crate::place::{ConfigError, Located};
use crate::reader::Field;
use crate::sections::optional;
use crate::trust::{Secret, secret};
use crate::webhooks::{Webhooks, webhooks};
use crate::{shape, url};

/// Where it listens unless an operator says otherwise.
const LISTEN: Listen = Listen { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 7676 };

const QUEUE: u32 = 10_000;
const SHUTDOWN: Duration = Duration::from_secs(20);
const BODY: u64 = MIB;
const CONNECTIONS: u32 = 1_024;
const STREAMS: u32 = 32;
const STALL: Duration = Duration::from_secs(30);
const RATE: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(20);

const MOST_WORKERS: u32 = 1_024;
const MOST_QUEUE: u32 = 1_000_000;
const MOST_BODY: u64 = 64 * MIB;
const MOST_CONNECTIONS: u32 = 65_536;
const MOST_RATE: u32 = 1_000_000;

/// `[serve]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// Where it listens.
    pub listen: Located<Listen>,
    /// Cases that are worked on at the same time; absent for one for each core.
    pub workers: Option<u32>,
    /// Cases that may wait.
    pub queue: u32,
    /// How long it waits for what it has begun when it is told to end.
    pub shutdown: Duration,
    /// The most bytes of a request's body.
    pub body: u64,
    /// Connections at a time, of which half may be streams; more wait.
    pub connections: u32,
    /// Streams (of events, and of agents) that one caller may have open.
    pub streams: u32,
    /// How long whoever asked may take nothing of an answer.
    pub stall: Duration,
    /// Requests a second of one token, or from one address without one, in the long run.
    pub rate: u32,
    /// How long a request's head may take to arrive, and then its body.
    pub patience: Duration,
    /// Names that requests may call it by beside addresses and `localhost`, in small letters and without a port.
    pub hosts: BTreeSet<String>,
    /// Origins of web pages that may ask it; a page of another one may not.
    pub origins: BTreeSet<HttpOrigin>,
    /// `[serve.webhooks]`: what it hears of other systems.
    pub webhooks: Webhooks,
    /// `[[serve.notify]]`: whom it tells.
    pub notify: Vec<Notify>,
}

/// An address and a port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// The address; an unspecified one stands for all of the machine's.
    pub address: IpAddr,
    /// The port; 0 for one that is free.
    pub port: u16,
}

/// One of `[[serve.notify]]`: a server that is told what becomes of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Its address: `http` or `https`, without credentials. No two sections have the same.
    pub url: Located<String>,
    /// What signs that it was us.
    pub secret: Located<Secret>,
    /// What it is told; everything unless an operator says otherwise.
    pub events: BTreeSet<NotifyEvent>,
}

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotifyEvent {
    /// A case has its verdict.
    Verdict,
    /// A proposal was submitted.
    Proposal,
    /// A proposal waits for a person.
    ReviewNeeded,
    /// It is known what became of a case.
    Outcome,
}

impl NotifyEvent {
    /// All of them.
    pub const ALL: [NotifyEvent; 4] =
        [NotifyEvent::Verdict, NotifyEvent::Proposal, NotifyEvent::ReviewNeeded, NotifyEvent::Outcome];

    /// As the file and what is sent have it.
    pub fn word(self) -> &'static str {
        match self {
            NotifyEvent::Verdict => "verdict",
            NotifyEvent::Proposal => "proposal",
            NotifyEvent::ReviewNeeded => "review_needed",
            NotifyEvent::Outcome => "outcome",
        }
    }
}

impl Listen {
    /// Reads `127.0.0.1:7676` or `[::1]:7676`.
    pub fn parse(text: &str) -> Option<Listen> {
        let (address, port) = text.rsplit_once(':')?;
        let address = match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => IpAddr::V6(address.parse().ok()?),
            None => IpAddr::V4(address.parse().ok()?),
        };
        let port = Some(port).filter(|port| port.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()?;
        Some(Listen { address, port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

impl Default for Serve {
    fn default() -> Self {
        let place = crate::Place { key: "serve.listen".to_owned(), ..crate::Place::whole(crate::FILE_NAME.as_ref()) };
        Serve {
            listen: Located { value: LISTEN, place },
            workers: None,
            queue: QUEUE,
            shutdown: SHUTDOWN,
            body: BODY,
            connections: CONNECTIONS,
            streams: STREAMS,
            stall: STALL,
            rate: RATE,
            patience: PATIENCE,
            hosts: BTreeSet::new(),
            origins: BTreeSet::new(),
            webhooks: Webhooks::default(),
            notify: Vec::new(),
        }
    }
}

/// What a server may take.
pub(crate) fn serve_limits() -> Vec<Limit> {
    vec![
        limit("queue", "Cases that may wait.", QUEUE, MOST_QUEUE),
        limit("shutdown", "How long it waits for what it has begun when it is told to end.", SHUTDOWN, HOUR),
        limit("body", "The most bytes of a request's body.", BODY, MOST_BODY),
        limit(
            "connections",
            "Connections at a time, of which half may be streams; more wait.",
            CONNECTIONS,
            MOST_CONNECTIONS,
        ),
        limit(
            "streams",
            "Streams (of events, and of agents) that one caller may have open.",
            STREAMS,
            MOST_CONNECTIONS,
        ),
        limit("stall", "How long whoever asked may take nothing of an answer.", STALL, HOUR),
        limit(
            "rate",
            "Requests a second of one token, or from one address without one, in the long run; five times as many at once.",
            RATE,
            MOST_RATE,
        ),
        limit("patience", "How long a request's head may take to arrive, and then its body.", PATIENCE, HOUR),
    ]
}

/// The most cases that are worked on at the same time; there is no number by default.
pub(crate) fn workers() -> Limit {
    let limit = limit(
        "workers",
        "Cases that are worked on at the same time; one for each core where it is absent.",
        1,
        MOST_WORKERS,
    );
    Limit { default: None, ..limit }
}

/// Where a server listens by default, as the file has it.
pub(crate) fn default_listen() -> String {
    LISTEN.to_string()
}

/// Reads `[serve]`.
pub fn serve(field: &Field<'_>) -> Result<Serve, ConfigError> {
    let section = field.section(&shape::serve())?;
    let usual = Serve::default();
    Ok(Serve {
        listen: optional(&section, "listen", |field| listen(&field))?.unwrap_or(usual.listen),
        workers: limits::read(&section, "workers", MOST_WORKERS)?,
        queue: limits::read(&section, "queue", MOST_QUEUE)?.unwrap_or(usual.queue),
        shutdown: limits::read(&section, "shutdown", HOUR)?.unwrap_or(usual.shutdown),
        body: limits::read(&section, "body", MOST_BODY)?.unwrap_or(usual.body),
        connections: limits::read(&section, "connections", MOST_CONNECTIONS)?.unwrap_or(usual.connections),
        streams: limits::read(&section, "streams", MOST_CONNECTIONS)?.unwrap_or(usual.streams),
        stall: limits::read(&section, "stall", HOUR)?.unwrap_or(usual.stall),
        rate: limits::read(&section, "rate", MOST_RATE)?.unwrap_or(usual.rate),
        patience: limits::read(&section, "patience", HOUR)?.unwrap_or(usual.patience),
        hosts: optional(&section, "hosts", |field| hosts(&field))?.unwrap_or_default(),
        origins: optional(&section, "origins", |field| origins(&field))?.unwrap_or_default(),
        webhooks: optional(&section, "webhooks", |field| webhooks(&field))?.unwrap_or_default(),
        notify: optional(&section, "notify", |field| notify(&field))?.unwrap_or_default(),
    })
}

fn listen(field: &Field<'_>) -> Result<Located<Listen>, ConfigError> {
    let example = format!("listen = \"{LISTEN}\"");
    let text = field.text(&example)?;
    let wrong =
        || field.error(format!("{text:?} is no address with a port"), format!("write {example}, or [::1]:7676"));
    Ok(Located { value: Listen::parse(text).ok_or_else(wrong)?, place: field.place().clone() })
}

fn hosts(field: &Field<'_>) -> Result<BTreeSet<String>, ConfigError> {
    let example = "hosts = [\"negawatt.example.com\"]";
    let host = |item: &Field<'_>| {
        let host = item.text(example)?.to_ascii_lowercase();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.len() <= 253 && host.chars().all(is_plain) {
            return Ok(host);
        }
        Err(item.error(format!("{host:?} is no name of a host"), format!("write {example}: a name, without a port")))
    };
    field.list(example)?.iter().map(host).collect()
}

fn origins(field: &Field<'_>) -> Result<BTreeSet<HttpOrigin>, ConfigError> {
    let example = "origins = [\"https://console.example.com\"]";
    field.list(example)?.iter().map(|item| origin(item, example)).collect()
}

fn notify(field: &Field<'_>) -> Result<Vec<Notify>, ConfigError> {
    let mut all: Vec<Notify> = Vec::new();
    for field in field.list("[[serve.notify]] sections")? {
        let section = field.section(&shape::notify())?;
        let example = "url = \"https://hooks.example.com/negawatt\"";
        let place = section.required("url", example)?;
        let url = url::read(&place, example, "sign with secret")?;
        if all.iter().any(|other| other.url.value == url.value) {
            return Err(place.error("is the address of two sections", "write all events into one of them"));
        }
        let place = section.required("secret", SECRET)?;
        let secret = Located { value: secret(&place)?, place: place.place().clone() };
        let events = optional(&section, "events", |field| events(&field))?.unwrap_or(NotifyEvent::ALL.into());
        all.push(Notify { url, secret, events });
    }
    Ok(all)
}

/// What says where a secret is.
pub(crate) const SECRET: &str = "secret = { env = \"NEGAWATT_WEBHOOK_SECRET\" }";

fn events(field: &Field<'_>) -> Result<BTreeSet<NotifyEvent>, ConfigError> {
    let words = NotifyEvent::ALL.map(|event| (event.word(), event));
    field.list("events = [\"verdict\", \"proposal\"]")?.iter().map(|item| item.word(&words)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on() {
        for text in ["127.0.0.1:7676", "0.0.0.0:0", "[::1]:7676", "[::]:65535"] {
            assert_eq!(Listen::parse(text).map(|listen| listen.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "7676",
            ":7676",
            "localhost:7676",
            "::1:7676",
            "[::1]",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:+1",
            "[127.0.0.1]:1",
        ] {
            assert_eq!(Listen::parse(text), None, "{text}");
        }
    }
}
