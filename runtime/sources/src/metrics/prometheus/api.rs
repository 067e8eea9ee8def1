//! The HTTP API of Prometheus: one function for each question, and what its errors mean.

use negawatt_config::{ConfigError, Located};
use negawatt_host::model::{Answer, Error};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::{Envelope, NAME, ResponseError, series};
use crate::blocking::blocking;
use crate::http::{HttpError, Reply, Server, answer_time, printable};
use crate::metrics::Samples;

/// A Prometheus that an operator named.
#[derive(Debug, Clone)]
pub struct Api {
    server: Server,
}

/// Why a question has no answer.
#[derive(Debug)]
pub enum Failure {
    /// It is too much at once; half of it may be answered.
    TooMuch(String),
    /// It has none.
    Final(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::TooMuch(reason) => {
                Error::OverBudget(format!("{reason}; match fewer series, or take a shorter window or range"))
            }
            Failure::Final(error) => error,
        }
    }
}

/// The points of a query with a step, in milliseconds; both ends belong to it.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub first: i64,
    pub last: i64,
    pub step: i64,
}

impl Api {
    pub fn configure(url: &Located<String>) -> Result<Api, ConfigError> {
        Ok(Api { server: Server::configure(url)? })
    }

    /// What an expression has at an instant, in milliseconds.
    pub async fn at(&self, expression: &str, time: i64) -> Result<Vec<Samples>, Failure> {
        let form = [("query", expression), ("time", &seconds(time)), ("timeout", &timeout())];
        self.series("/api/v1/query", &form).await
    }

    /// What an expression has at the points of a grid.
    pub async fn over(&self, expression: &str, grid: Grid) -> Result<Vec<Samples>, Failure> {
        let step = format!("{}ms", grid.step);
        let (first, last) = (seconds(grid.first), seconds(grid.last));
        let form = [("query", expression), ("start", &first), ("end", &last), ("step", &step), ("timeout", &timeout())];
        let series = self.series("/api/v1/query_range", &form).await?;
        let on_grid = |time: &i64| {
            let after = time / 1_000 - grid.first;
            after >= 0 && time / 1_000 <= grid.last && after % grid.step == 0
        };
        if series.iter().all(|series| series.times.iter().all(on_grid)) {
            return Ok(series);
        }
        Err(Failure::Final(self.unusable("values at instants that were not asked for")))
    }

    async fn series(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<Samples>, Failure> {
        let reply = self.server.ask(path, form).await.map_err(|error| self.unreachable(&error))?;
        let api = self.clone();
        // Megabytes of numbers are no work for the threads that serve skills.
        blocking(move |stop| Ok(api.data(&reply, |data| series(data, stop)))).await.map_err(Failure::Final)?
    }

    /// The value of an expression that is a text.
    #[cfg(test)]
    pub async fn echo(&self, expression: &str) -> String {
        let reply = self.server.ask("/api/v1/query", &[("query", expression)]).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        answer["data"]["result"][1].as_str().unwrap_or_else(|| panic!("{expression}: {answer}")).to_owned()
    }

    /// The version, as the server says it.
    pub async fn version(&self) -> Answer<String> {
        #[derive(Deserialize)]
        struct Build {
            version: String,
        }
        let build: Build = self.get("/api/v1/status/buildinfo").await?;
        Ok(printable(&build.version))
    }

    /// How many names of metrics there are.
    pub async fn metric_count(&self) -> Answer<usize> {
        let names: Vec<serde::de::IgnoredAny> = self.get(&format!("/api/v1/label/{NAME}/values")).await?;
        Ok(names.len())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Answer<T> {
        let reply = self.server.get(path).await.map_err(|error| Error::from(self.unreachable(&error)))?;
        let read = |data: &RawValue| {
            serde_json::from_str(data.get()).map_err(|error| ResponseError::Malformed(error.to_string()))
        };
        Ok(self.data(&reply, read)?)
    }

    /// What a reply holds.
    fn data<T>(&self, reply: &Reply, read: impl FnOnce(&RawValue) -> Result<T, ResponseError>) -> Result<T, Failure> {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&reply.body) else {
            return Err(Failure::Final(self.not_prometheus(reply)));
        };
        match (envelope.status.as_str(), envelope.data) {
            ("success", Some(data)) => read(data).map_err(|error| {
                Failure::Final(match error {
                    ResponseError::NativeHistogram => Error::Invalid(format!(
                        "the metric cannot be read: {error}; ask for a counter, a gauge or the buckets of a histogram"
                    )),
                    ResponseError::TooMany(what) => Error::OverBudget(format!(
                        "Prometheus at {} sent {what}; match fewer series, or take a shorter window or range",
                        self.server.address()
                    )),
                    ResponseError::Unwanted => Error::Cancelled(error.to_string()),
                    ResponseError::Malformed(what) => self.unusable(&printable(&what)),
                })
            }),
            ("error", _) => Err(self.refused(&envelope)),
            _ => Err(Failure::Final(self.not_prometheus(reply))),
        }
    }

    fn unreachable(&self, error: &HttpError) -> Failure {
        let address = self.server.address();
        match error {
            HttpError::TooLarge | HttpError::Slow(_) => Failure::TooMuch(format!("Prometheus at {address}: {error}")),
            HttpError::Spent(_) => Failure::Final(Error::OverBudget(format!(
                "the call's time is spent: Prometheus at {address} gives {error}; ask for less, or an operator can raise the limit `time`"
            ))),
            // It was told to give up earlier itself, and would have said so.
            HttpError::Silent(_) => Failure::Final(Error::Unavailable(format!(
                "Prometheus at {address} gives {error}: it hangs, or something drops the connection; an operator can restart it, or correct sources.metrics.url"
            ))),
            HttpError::Unreachable(_) => Failure::Final(Error::Unavailable(format!(
                "Prometheus at {address} cannot be reached: {error}; an operator can start it, or correct sources.metrics.url"
            ))),
        }
    }

    /// An error in Prometheus' own words.
    fn refused(&self, envelope: &Envelope<'_>) -> Failure {
        let address = self.server.address();
        let message = printable(&envelope.error);
        match envelope.error_type.as_str() {
            "bad_data" if message.contains("exceeded maximum resolution") => {
                Failure::TooMuch(format!("Prometheus at {address}: {message}"))
            }
            "bad_data" => Failure::Final(Error::Invalid(format!("Prometheus refuses the query: {message}"))),
            "timeout" => Failure::TooMuch(format!("Prometheus at {address} needs too long: {message}")),
            "execution" if message.contains("too many samples") || message.contains("timed out") => {
                Failure::TooMuch(format!("Prometheus at {address}: {message}"))
            }
            "execution" => Failure::Final(Error::Invalid(format!("Prometheus cannot evaluate the query: {message}"))),
            kind => Failure::Final(Error::Unavailable(format!(
                "Prometheus at {address} fails ({}): {message}; its log says more",
                printable(kind)
            ))),
        }
    }

    /// A reply that is not Prometheus' own.
    fn not_prometheus(&self, reply: &Reply) -> Error {
        let address = self.server.address();
        let what = match reply.status.as_u16() {
            status @ (401 | 403) => {
                format!("refuses access ({status}); no credentials are sent, a proxy beside this program can add them")
            }
            status @ 300..=399 => {
                format!("answers with a redirect ({status}), which is not followed; write the address that it leads to")
            }
            status @ 404 => {
                format!("has no Prometheus API ({status}); perhaps the address lacks a path, or is another server's")
            }
            status @ (429 | 502..=504) => format!("is overloaded, starting or away ({status}); try again later"),
            status => {
                let kind = if reply.content_type.is_empty() { "no content type" } else { &reply.content_type };
                format!(
                    "does not answer as Prometheus does ({status}, {}); is it another server's address?",
                    printable(kind)
                )
            }
        };
        Error::Unavailable(format!("{address} {what}"))
    }

    fn unusable(&self, what: &str) -> Error {
        let address = self.server.address();
        Error::Unavailable(format!("Prometheus at {address} sent an answer that cannot be used: {what}"))
    }
}

/// Milliseconds as the API takes times: seconds.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let milliseconds = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
}

/// How long Prometheus may evaluate: the answer needs time too. One that works says so when this time is over; so whoever says
/// nothing until [`answer_time`] hangs.
fn timeout() -> String {
    format!("{}ms", (answer_time() / 2).as_millis().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (milliseconds, text) in
            [(0, "0.000"), (1_700_000_000_007, "1700000000.007"), (-1_500, "-1.500"), (-7, "-0.007")]
        {
            assert_eq!(seconds(milliseconds), text);
        }
    }
}
