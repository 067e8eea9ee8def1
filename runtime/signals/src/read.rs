//! Reading JSON of strangers: what is not known is passed over, what is known is bounded, and every error has its pointer.

use std::collections::BTreeMap;

use negawatt_host::time::parse_rfc3339;
use serde_json::Value;

use crate::SignalError;

/// The longest text that names or selects something, in bytes.
pub const LONGEST: usize = 1_024;

/// The longest text for people, and the longest expression or address.
pub const LONGEST_TEXT: usize = 16 << 10;

/// Labels or annotations of one alert.
const MOST_LABELS: usize = 64;

pub type Read<T> = Result<T, SignalError>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct At<'a> {
    pub value: &'a Value,
    pub pointer: String,
}

/// Parses a body.
pub fn parse(body: &[u8]) -> Read<Value> {
    serde_json::from_slice(body)
        .map_err(|error| SignalError::new("", format!("is no JSON: {error}"), "send JSON as the body, in UTF-8"))
}

impl<'a> At<'a> {
    pub fn whole(value: &'a Value) -> At<'a> {
        At { value, pointer: String::new() }
    }

    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> SignalError {
        SignalError::new(self.pointer.clone(), message, help)
    }

    /// Where a field would stand.
    pub fn child(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"))
    }

    /// A field that is there and not null.
    pub fn field(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(At { value, pointer: self.child(key) })
    }

    pub fn required(&self, key: &str, help: &str) -> Read<At<'a>> {
        self.field(key).ok_or_else(|| SignalError::new(self.child(key), "is missing", help))
    }

    /// What a pointer names, where it is there and not null.
    pub fn pointed(&self, pointer: &str) -> Option<At<'a>> {
        let value = self.value.pointer(pointer).filter(|value| !value.is_null())?;
        Some(At { value, pointer: format!("{}{pointer}", self.pointer) })
    }

    pub fn list(&self) -> Read<Vec<At<'a>>> {
        let list = self.value.as_array().ok_or_else(|| self.error("must be a list", "send a list of alerts"))?;
        Ok(list.iter().enumerate().map(|(n, value)| At { value, pointer: format!("{}/{n}", self.pointer) }).collect())
    }

    /// Text, or a number as text, of so many bytes at most.
    pub fn text(&self, longest: usize) -> Read<String> {
        let text = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(self.error("must be text", "send a string")),
        };
        if text.len() > longest {
            return Err(self.error(format!("has {} bytes", text.len()), format!("send at most {longest}")));
        }
        Ok(text)
    }

    /// Labels or annotations; what is no text among them is passed over.
    pub fn labels(&self, longest: usize) -> Read<BTreeMap<String, String>> {
        let object = self.value.as_object().ok_or_else(|| self.error("must be an object", "send names and values"))?;
        let is_text = |value: &&Value| value.is_string() || value.is_number();
        if object.len() > MOST_LABELS {
            return Err(self.error(format!("has {} entries", object.len()), format!("send at most {MOST_LABELS}")));
        }
        let label = |(name, value): (&String, &'a Value)| {
            let at = At { value, pointer: self.child(name) };
            if name.len() > LONGEST {
                return Err(self.error("has a name that is too long", format!("send names of at most {LONGEST} bytes")));
            }
            Ok((name.clone(), at.text(longest)?))
        };
        object.iter().filter(|(_, value)| is_text(value)).map(label).collect()
    }

    /// A time: RFC 3339, or a number of seconds or milliseconds since 1970. Times before that stand for none.
    pub fn time(&self) -> Read<Option<i64>> {
        /// In seconds the year 5138, in milliseconds 1973.
        const SECONDS: f64 = 1e11;

        let wrong = || self.error("is no time", "write it as 2026-11-18T00:00:00Z, or as seconds since 1970");
        let micros = match self.value {
            Value::String(text) => parse_rfc3339(text).ok_or_else(wrong)?,
            Value::Number(number) => {
                let number = number.as_f64().filter(|number| number.is_finite()).ok_or_else(wrong)?;
                let micros = number * if number.abs() < SECONDS { 1e6 } else { 1e3 };
                // Anything beyond is no time of an alert.
                if micros.abs() > 1e17 {
                    return Err(wrong());
                }
                micros as i64
            }
            _ => return Err(wrong()),
        };
        Ok(Some(micros).filter(|micros| *micros > 0))
    }
}
