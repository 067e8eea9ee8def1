//! The tools `configs` and `experiments` from files of JSON lines: one object a line, in any order; empty lines are skipped.
//!
//! Whoever may change a setting writes a line: neither a wrong line nor a huge value may keep the others from being read.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::configs::ConfigChange;
use negawatt_host::model::experiments::Experiment;
use negawatt_host::model::{Answer, Error, Timestamp, Window};
use negawatt_host::text::printable;
use negawatt_host::{Configs, Digest, Experiments, Scope};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;

use crate::MAX_NAMES;
use crate::blocking::{Shared, Stop, blocking};
use crate::describe::{Described, Trouble, between, counted};
use crate::files::{DataError, DataFile, parse_time};

/// The longest id, key, service, name or author, in bytes: skills repeat them in what they find.
const MAX_NAME_BYTES: usize = 1_024;

/// The most bytes of names and values in one answer: a skill has room for several.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// The longest value that is given as it is, in bytes.
const MAX_VALUE_BYTES: usize = 20_000;

/// How much of a longer one is shown, in characters.
const SHOWN_CHARS: usize = 200;

/// The most services that a description names.
const MAX_SERVICES: usize = 100_000;

/// The lines that are left out of which it is told why.
const MAX_TOLD: usize = 5;

/// How often, in lines, it is looked whether anybody still waits.
const STOP_EVERY: u64 = 4_096;

/// A file of JSON lines of one shape. It is read again for each answer, so that new lines are seen.
pub struct Records<T> {
    file: DataFile,
    /// The lines that were warned of.
    warned: Mutex<Wrong>,
    shape: PhantomData<fn() -> T>,
}

/// Lines that are left out because they are no records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wrong {
    /// How many there are.
    pub count: usize,
    /// What is wrong with the first few.
    pub first: Vec<DataError>,
}

/// One line.
pub trait Record: DeserializeOwned {
    /// What a line is one of.
    const WHAT: &str;

    /// The service that it is about, and when it began.
    fn key(&self) -> (&str, Timestamp);

    /// Bytes of its names and values.
    fn bytes(&self) -> usize;

    /// Cuts what is longer than an answer has room for.
    fn cut(&mut self) {}

    /// What is wrong with it although every field has the right type.
    fn check(&self) -> Result<(), String>;
}

impl<T: Record> Records<T> {
    /// Opens the file.
    pub fn open(path: &Located<PathBuf>) -> Result<Records<T>, ConfigError> {
        Ok(Records { file: DataFile::open(path)?, warned: Mutex::default(), shape: PhantomData })
    }

    /// Opens and reads the file; one that has lines, and none that is right, is a mistake at start.
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<Records<T>>, ConfigError> {
        let records = Records::open(path)?;
        let wrong = records.read(&Stop::default(), |_| {}).map_err(|trouble| {
            let what = match trouble {
                Trouble::Data(error) => error.to_string(),
                Trouble::Told(error) => error.message().to_owned(),
            };
            path.error(what, "correct the line")
        })?;
        records.warn(wrong);
        Ok(Shared::new(records))
    }

    /// Warns once of lines that are left out.
    fn warn(&self, wrong: Wrong) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = wrong.first.first().filter(|_| *warned != wrong) {
            let first = printable(&first.to_string());
            match wrong.count {
                1 => tracing::warn!("a line is left out: {first}"),
                count => tracing::warn!("{count} lines are left out, the first: {first}"),
            }
            *warned = wrong;
        }
    }

    /// Calls `each` with every record, and says which lines are none.
    fn read(&self, stop: &Stop, mut each: impl FnMut(T)) -> Result<Wrong, Trouble> {
        let bytes = self.file.read()?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut wrong = Wrong::default();
        let mut has_any = false;
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
            if number.is_multiple_of(STOP_EVERY) {
                stop.check()?;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record = serde_json::from_slice(line).map_err(|error| shown(&error));
            match record.and_then(|record: T| record.check().map(|()| record)) {
                Ok(record) => {
                    has_any = true;
                    each(record);
                }
                Err(message) => {
                    wrong.count += 1;
                    if wrong.first.len() < MAX_TOLD {
                        wrong.first.push(self.file.error(number, message));
                    }
                }
            }
        }
        match wrong.first.first() {
            Some(first) if !has_any => Err(Trouble::Data(first.clone())),
            _ => Ok(wrong),
        }
    }

    /// The records that an answer is of.
    fn read_those(&self, stop: &Stop, wanted: impl Fn(&T) -> bool) -> Answer<Vec<T>> {
        let (mut records, mut count, mut bytes) = (Vec::new(), 0, 0_usize);
        let wrong = self.read(stop, |mut record| {
            if !wanted(&record) {
                return;
            }
            record.cut();
            count += 1;
            bytes += record.bytes();
            if bytes <= MAX_ANSWER_BYTES {
                records.push(record);
            }
        })?;
        self.warn(wrong);
        if bytes > MAX_ANSWER_BYTES {
            return Err(Error::OverBudget(format!(
                "{} of the window have {bytes} bytes, at most {MAX_ANSWER_BYTES} are served at once; take a shorter window",
                counted(count, T::WHAT)
            )));
        }
        Ok(records)
    }

    /// How many there are, of which services, and from when; and which lines are left out.
    pub fn describe(&self, stop: &Stop) -> Result<(Described, Wrong), Trouble> {
        let (mut count, mut services, mut times) = (0, BTreeSet::new(), None);
        let wrong = self.read(stop, |record| {
            let (service, time) = record.key();
            count += 1;
            if services.len() < MAX_SERVICES && !services.contains(service) {
                services.insert(service.to_owned());
            }
            let (first, last) = times.unwrap_or((time, time));
            times = Some((time.min(first), time.max(last)));
        })?;
        let mut text = counted(count, T::WHAT);
        if let Some((first, last)) = times {
            text += &format!(" of {}, {}", counted(services.len(), "service"), between(first, last));
        }
        Ok((Described { text, services }, wrong))
    }
}

/// JSON text in the place of a value that is too long: how it begins, how long it is, and what tells it from others.
fn in_place_of(value: &RawValue) -> Option<Box<RawValue>> {
    let text = value.get();
    let beginning: String = text.chars().take(SHOWN_CHARS).collect();
    let short = format!("{beginning}… ({} bytes, {})", text.len(), Digest::of(text.as_bytes()));
    serde_json::value::to_raw_value(&short).ok()
}

/// A mistake in a line; the line's number is that of the file, and not said again.
fn shown(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    match message.strip_suffix(&place) {
        Some(message) if error.column() > 0 => format!("{message}, in column {}", error.column()),
        Some(message) => message.to_owned(),
        None => message,
    }
}

/// A line of `configs`. Fields that are not named here are ignored.
#[derive(Deserialize)]
pub struct ConfigLine {
    id: String,
    #[serde(deserialize_with = "time")]
    time: Timestamp,
    service: String,
    key: String,
    // Kept as text: a number must not lose digits on its way to a skill.
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
    author: Option<String>,
}

impl Record for ConfigLine {
    const WHAT: &str = "change";

    fn key(&self) -> (&str, Timestamp) {
        (&self.service, self.time)
    }

    fn bytes(&self) -> usize {
        let values = [&self.before, &self.after].into_iter().flatten().map(|value| value.get().len()).sum::<usize>();
        self.id.len() + self.service.len() + self.key.len() + self.author.as_ref().map_or(0, String::len) + values
    }

    fn cut(&mut self) {
        for value in [&mut self.before, &mut self.after] {
            if let Some(long) = value.as_ref().filter(|value| value.get().len() > MAX_VALUE_BYTES) {
                *value = in_place_of(long);
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        let author = self.author.as_deref().unwrap_or_default();
        short([("id", &*self.id), ("service", &self.service), ("key", &self.key), ("author", author)])
    }
}

/// A line of `experiments`. Fields that are not named here are ignored.
#[derive(Deserialize)]
pub struct ExperimentLine {
    id: String,
    service: String,
    name: String,
    #[serde(deserialize_with = "time")]
    start: Timestamp,
    #[serde(default, deserialize_with = "optional_time")]
    end: Option<Timestamp>,
    author: Option<String>,
}

impl Record for ExperimentLine {
    const WHAT: &str = "experiment";

    fn key(&self) -> (&str, Timestamp) {
        (&self.service, self.start)
    }

    fn bytes(&self) -> usize {
        self.id.len() + self.service.len() + self.name.len() + self.author.as_ref().map_or(0, String::len)
    }

    fn check(&self) -> Result<(), String> {
        let author = self.author.as_deref().unwrap_or_default();
        short([("id", &*self.id), ("service", &self.service), ("name", &self.name), ("author", author)])?;
        match self.end {
            Some(end) if end < self.start => Err(format!("the experiment {:?} ends before it begins", self.id)),
            _ => Ok(()),
        }
    }
}

fn short<const N: usize>(fields: [(&str, &str); N]) -> Result<(), String> {
    match fields.iter().find(|(_, text)| text.len() > MAX_NAME_BYTES) {
        Some((field, text)) => Err(format!("the {field} has {} bytes; write at most {MAX_NAME_BYTES}", text.len())),
        None => Ok(()),
    }
}

/// RFC 3339 text, or Unix seconds as a number.
fn time<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    parse_time(&text).map_err(D::Error::custom)
}

fn optional_time<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<serde_json::Value>::deserialize(from)? {
        None => Ok(None),
        Some(value) => time(value).map(Some).map_err(D::Error::custom),
    }
}

#[async_trait]
impl Configs for Shared<Records<ConfigLine>> {
    async fn history(&self, scope: &Scope, window: Window, keys: Vec<String>) -> Answer<Vec<ConfigChange>> {
        if keys.len() > MAX_NAMES {
            return Err(Error::Invalid(format!("{} keys, at most {MAX_NAMES} are served", keys.len())));
        }
        crate::answers("files");
        let (records, scope) = (self.clone(), scope.clone());
        blocking(move |stop| {
            let mut lines = records.read_those(stop, |line| {
                window.contains(line.time)
                    && scope.admits_service(&line.service)
                    && (keys.is_empty() || keys.contains(&line.key))
            })?;
            lines.sort_by(|a, b| (a.time, &a.id, &a.key).cmp(&(b.time, &b.id, &b.key)));
            let json = |value: Option<Box<RawValue>>| value.map(|value| value.get().to_owned());
            Ok(lines
                .into_iter()
                .map(|line| ConfigChange {
                    id: line.id,
                    time: line.time,
                    service: line.service,
                    key: line.key,
                    before: json(line.before),
                    after: json(line.after),
                    author: line.author,
                })
                .collect())
        })
        .await
    }
}

#[async_trait]
impl Experiments for Shared<Records<ExperimentLine>> {
    async fn list(&self, scope: &Scope, window: Window, service: Option<String>) -> Answer<Vec<Experiment>> {
        crate::answers("files");
        let (records, scope) = (self.clone(), scope.clone());
        blocking(move |stop| {
            let mut lines = records.read_those(stop, |line| {
                let moved = window.contains(line.start) || line.end.is_some_and(|end| window.contains(end));
                moved
                    && scope.admits_service(&line.service)
                    && service.as_ref().is_none_or(|service| *service == line.service)
            })?;
            lines.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
            Ok(lines
                .into_iter()
                .map(|line| Experiment {
                    id: line.id,
                    service: line.service,
                    name: line.name,
                    start: line.start,
                    // What ends after the window is still running in it, as far as the case can know.
                    end: line.end.filter(|end| *end < scope.window.end),
                    author: line.author,
                })
                .collect())
        })
        .await
    }
}
