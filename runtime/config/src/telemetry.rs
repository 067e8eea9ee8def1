//! `[telemetry]`: where traces go, and how the log is written.

use std::collections::BTreeMap;

use crate::place::{ConfigError, Located};
use crate::reader::Field;
use crate::sections::optional;
use crate::trust::{Secret, secret};
use crate::webhooks::header_name;
use crate::{shape, url};

/// `[telemetry]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telemetry {
    /// The address of a collector that takes OTLP over HTTP, without `/v1/traces` and without credentials; absent: nothing is sent, unless
    /// the environment names one.
    pub traces: Option<Located<String>>,
    /// Headers that the collector asks for, by their names in small letters; each value is a secret.
    pub headers: BTreeMap<String, Located<Secret>>,
    /// Which part of the traces that begin here is sent, from 0 to 1; absent: all, unless the environment says otherwise.
    pub sample: Option<f64>,
    /// How a line of the log is written.
    pub log: LogForm,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogForm {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

impl LogForm {
    /// As the file has them.
    pub(crate) const WORDS: [(&str, LogForm); 2] = [("text", LogForm::Text), ("json", LogForm::Json)];
}

/// Reads `[telemetry]`.
pub fn telemetry(field: &Field<'_>) -> Result<Telemetry, ConfigError> {
    let section = field.section(&shape::telemetry())?;
    let example = "traces = \"http://127.0.0.1:4318\"";
    Ok(Telemetry {
        traces: optional(&section, "traces", |field| url::read(&field, example, "put them into headers"))?,
        headers: optional(&section, "headers", |field| headers(&field))?.unwrap_or_default(),
        sample: optional(&section, "sample", |field| field.part())?,
        log: optional(&section, "log", |field| field.word(&LogForm::WORDS))?.unwrap_or_default(),
    })
}

fn headers(field: &Field<'_>) -> Result<BTreeMap<String, Located<Secret>>, ConfigError> {
    let example = "authorization = { env = \"NEGAWATT_OTLP_AUTHORIZATION\" }";
    let mut headers = BTreeMap::new();
    for (name, field) in field.open_section()?.fields() {
        let known = header_name(name).filter(|name| !matches!(name.as_str(), "content-type" | "content-encoding"));
        let Some(known) = known else {
            return Err(field.error(format!("{name:?} is no header for a secret"), format!("write {example}")));
        };
        let value = Located { value: secret(&field)?, place: field.place().clone() };
        if headers.insert(known, value).is_some() {
            return Err(field.error(format!("{name:?} is there twice"), "remove one of them"));
        }
    }
    Ok(headers)
}
