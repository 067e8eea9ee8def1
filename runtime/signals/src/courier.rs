//! Tells others what is in the outbox: signed, bounded, and patient.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::fmt::rfc2822;
use negawatt_config::{ConfigError, FILE_NAME, Located, Notify, NotifyEvent, Place, Secret};
use negawatt_host::model::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tokio::task::{JoinSet, spawn_blocking};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use crate::Notice;
use crate::outbox::{Due, Outbox, OutboxError, Settled};
use crate::secret::SigningSecret;

/// How long a connection may take to open, and an answer to come.
const CONNECT_TIME: Duration = Duration::from_secs(5);
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// Notices that one call sends to a target.
const AT_ONCE: usize = 20;

/// How long a row that was taken is left to who took it: longer than sending it takes. So late one comes whose sender was killed.
const TAKEN: Timestamp = 30 * SECOND;

/// After the first failure, and at most, it is waited about so long.
const FIRST_WAIT: f64 = 5.0;
const LONGEST_WAIT: f64 = 3_600.0;

/// What a server asks for is believed up to so long.
const LONGEST_ASKED: Timestamp = 86_400 * SECOND;

/// How long it is tried.
const PATIENCE: Timestamp = 3 * 86_400 * SECOND;

const SECOND: Timestamp = 1_000_000;

/// Tells those whom an operator named. Clones share everything.
#[derive(Debug, Clone)]
pub struct Courier {
    outbox: Outbox,
    client: Client,
    targets: Arc<BTreeMap<String, Target>>,
    answer_time: Duration,
}

#[derive(Debug)]
struct Target {
    url: Url,
    secret: Located<Secret>,
    events: BTreeSet<NotifyEvent>,
}

/// What one call did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Notices that were taken by who they are for.
    pub sent: usize,
    /// Notices that failed and are tried again later.
    pub put_off: usize,
    /// Notices that are not tried again.
    pub given_up: Vec<GivenUp>,
}

/// A notice that is not tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Scheme, host and port of who it was for; a path may be a secret.
    pub target: String,
    /// The notice's id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// Why a notice was not taken.
enum Failure {
    /// A later try may be better; after so many microseconds where the server says so.
    Again(String, Option<Timestamp>),
    Final(String),
}

impl Courier {
    /// Checks whom an operator named, and that the secrets are there; a mistake is at its place.
    pub fn new(outbox: Outbox, notify: &[Notify]) -> Result<Courier, ConfigError> {
        let mut targets = BTreeMap::new();
        for one in notify {
            let wrong =
                |what: String| one.url.error(what, "write an address such as https://hooks.example.com/negawatt");
            let url = Url::parse(&one.url.value).map_err(|error| wrong(format!("is not an address: {error}")))?;
            SigningSecret::check(&one.secret)?;
            let target = Target { url, secret: one.secret.clone(), events: one.events.clone() };
            targets.insert(one.url.value.clone(), target);
        }
        // The first provider of the process stays; both are ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("negawatt/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME);
        // Reading the system's certificates takes time, and fails on systems without any: only where they are needed.
        let is_plain = targets.values().all(|target| target.url.scheme() == "http");
        let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| {
            let place = notify.first().map_or_else(|| Place::whole(FILE_NAME.as_ref()), |one| one.url.place.clone());
            let help = "an https address needs the system's certificates; install the package ca-certificates";
            ConfigError::new(&place, format!("no client can be made for it: {error}"), help)
        })?;
        Ok(Courier { outbox, client, targets: Arc::new(targets), answer_time: ANSWER_TIME })
    }

    /// Waits so long for each answer, instead of 15 seconds.
    pub fn waiting(self, answer_time: Duration) -> Courier {
        Courier { answer_time: answer_time.min(ANSWER_TIME), ..self }
    }

    /// Whether anybody is to be told anything.
    pub fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The origins of addresses that another one tells and this one does not.
    pub fn left_out(&self, before: &Courier) -> BTreeSet<String> {
        before.targets.keys().filter(|url| !self.targets.contains_key(*url)).map(|url| origin(url)).collect()
    }

    /// Notes what is to be told to each target that wants it; says how many are new. It is on the disk when this returns; what was
    /// posted before is not posted again. Blocks.
    pub fn post(&self, notice: &Notice, now: Timestamp) -> Result<usize, OutboxError> {
        let event = notice.data.event();
        let wanted = self.targets.iter().filter(|(_, target)| target.events.contains(&event));
        let wanted: Vec<_> = wanted.map(|(url, _)| url.as_str()).collect();
        if wanted.is_empty() {
            return Ok(0);
        }
        self.outbox.post(&wanted, &notice.id, &notice.payload(), now)
    }

    /// When [`Courier::deliver`] has something to do next; `None` where nothing waits. Blocks.
    pub fn next(&self) -> Result<Option<Timestamp>, OutboxError> {
        self.outbox.next()
    }

    /// Sends some of what is due, once: to each target in order, to several at the same time. Where it is dropped, what was under
    /// way comes again after half a minute.
    pub async fn deliver(&self, now: Timestamp) -> Result<Delivered, OutboxError> {
        let mut all = JoinSet::new();
        for target in self.outbox(move |outbox| outbox.due(now)).await? {
            let courier = self.clone();
            all.spawn(async move { courier.deliver_to(target, now).await });
        }
        let mut delivered = Delivered::default();
        while let Some(done) = all.join_next().await {
            let one = done.map_err(|_| OutboxError::Ends)??;
            delivered.sent += one.sent;
            delivered.put_off += one.put_off;
            delivered.given_up.extend(one.given_up);
        }
        Ok(delivered)
    }

    async fn deliver_to(&self, target: String, now: Timestamp) -> Result<Delivered, OutboxError> {
        let mut delivered = Delivered::default();
        let began = Instant::now();
        for _ in 0..AT_ONCE {
            // Others before it may have taken long.
            let passed = Timestamp::try_from(began.elapsed().as_micros()).unwrap_or(Timestamp::MAX);
            let (of, until) = (target.clone(), now.saturating_add(passed).saturating_add(TAKEN));
            let Some(row) = self.outbox(move |outbox| outbox.take(&of, now, until)).await? else { break };
            let sent = match self.targets.get(&row.target) {
                // It is named again one day, where it was left out by mistake.
                None => Err(Failure::Again("its address is not in negawatt.toml".to_owned(), None)),
                Some(target) => self.send(target, &row, now).instrument(span(&row)).await,
            };
            let settled = match sent {
                Ok(()) => Settled::Sent,
                Err(Failure::Final(why)) => Settled::GivenUp(why),
                Err(Failure::Again(why, _)) if now.saturating_sub(row.created) >= PATIENCE => {
                    Settled::GivenUp(format!("{why}, and so for three days"))
                }
                Err(Failure::Again(why, asked)) => {
                    let wait = wait(row.attempts, rand::random()).max(asked.unwrap_or(0).min(LONGEST_ASKED));
                    Settled::PutOff(now.saturating_add(wait), why)
                }
            };
            let (of, what) = (row.clone(), settled.clone());
            self.outbox(move |outbox| outbox.settle(&of, &what)).await?;
            match settled {
                Settled::Sent => delivered.sent += 1,
                Settled::PutOff(..) => {
                    // The rest was put off with it.
                    delivered.put_off += 1;
                    break;
                }
                Settled::GivenUp(why) => {
                    delivered.given_up.push(GivenUp { target: origin(&row.target), id: row.key, why });
                }
            }
        }
        Ok(delivered)
    }

    async fn send(&self, target: &Target, row: &Due, now: Timestamp) -> Result<(), Failure> {
        let from = target.secret.value.clone();
        let secret = spawn_blocking(move || SigningSecret::read(&from)).await;
        let secret = match secret {
            Ok(Ok(secret)) => secret,
            // It is put there again one day, or is renewed this very moment.
            Ok(Err(what)) => return Err(Failure::Again(what, None)),
            Err(_) => return Err(Failure::Again("the program ends".to_owned(), None)),
        };
        let seconds = now.div_euclid(SECOND);
        let sent = self
            .client
            .post(target.url.clone())
            .timeout(self.answer_time)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &row.key)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", secret.sign(&row.key, seconds, &row.payload))
            .headers(negawatt_telemetry::outgoing())
            .body(row.payload.clone())
            .send()
            .await;
        // The head is enough; the body is not read.
        let answer = sent.map_err(|error| {
            let why = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "no answer in time",
                (_, true) => "no connection",
                _ => "the connection broke",
            };
            Failure::Again(why.to_owned(), None)
        })?;
        let status = answer.status();
        Span::current().record("http.response.status_code", status.as_u16());
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failure::Again(format!("it answers {}", status.as_u16()), asked(answer.headers(), now)))
            }
            _ if status.is_server_error() => {
                Err(Failure::Again(format!("it answers {}", status.as_u16()), asked(answer.headers(), now)))
            }
            _ if status.is_redirection() => Err(Failure::Final(format!(
                "it answers with a redirect ({}), which is not followed; name the address of now in negawatt.toml",
                status.as_u16()
            ))),
            _ => Err(Failure::Final(format!("it answers {}", status.as_u16()))),
        }
    }

    /// Asks the outbox, which blocks, beside what does not.
    async fn outbox<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Outbox) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let outbox = self.outbox.clone();
        spawn_blocking(move || ask(&outbox)).await.unwrap_or(Err(OutboxError::Ends))
    }
}

/// The span in which a notice is sent. It is a trace of its own: the one of its case may have ended long ago.
fn span(row: &Due) -> Span {
    debug_span!(
        "notify",
        notice = row.key,
        target = origin(&row.target),
        attempt = row.attempts,
        otel.kind = "client",
        http.response.status_code = Empty,
    )
}

/// How long to wait after so many failures before this one: twice as long each time, and between a half of that and all of it, so
/// that not all come back at once. `chance` is from 0 to 1.
fn wait(attempts: u32, chance: f64) -> Timestamp {
    let whole = (FIRST_WAIT * 2_f64.powi(i32::try_from(attempts.min(30)).unwrap_or(30))).min(LONGEST_WAIT);
    (whole * (0.5 + 0.5 * chance) * SECOND as f64) as Timestamp
}

/// For how long a server asks to be left alone: in seconds, or until a time.
fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Timestamp::from(seconds) * SECOND);
    }
    let until = rfc2822::parse(text).ok()?.timestamp().as_microsecond();
    Some(until.saturating_sub(now).max(0))
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let seconds = |attempts, chance| wait(attempts, chance) as f64 / SECOND as f64;
        assert_eq!([0, 1, 2, 3].map(|attempts| seconds(attempts, 1.0)), [5.0, 10.0, 20.0, 40.0]);
        assert_eq!([seconds(0, 0.0), seconds(3, 0.0)], [2.5, 20.0]);
        assert_eq!([seconds(10, 1.0), seconds(u32::MAX, 1.0)], [3_600.0, 3_600.0]);
    }

    #[test]
    fn servers_ask_in_seconds_or_until_a_time() {
        let now = 1_795_072_200_000_000;
        let of = |text: &str| asked(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]), now);
        assert_eq!([of("120"), of(" 0 ")], [Some(120 * SECOND), Some(0)]);
        assert_eq!(
            [of("Thu, 19 Nov 2026 07:11:00 GMT"), of("Thu, 19 Nov 2026 07:00:00 GMT")],
            [Some(60 * SECOND), Some(0)]
        );
        assert_eq!([of("-5"), of("soon"), of("")], [None, None, None]);
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_is_told_of_an_address_is_no_secret() {
        assert_eq!(origin("https://hooks.example.com/s3cret/x"), "https://hooks.example.com");
    }
}
