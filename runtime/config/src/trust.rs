//! `[publishers]` and `[secrets]`: what grants name.

use std::path::PathBuf;

use crate::place::{ConfigError, Located};
use crate::reader::Field;
use crate::shape;

/// Where the host finds a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A variable of the host's environment.
    Environment(String),
    /// A file; white space at its end does not count.
    File(PathBuf),
}

/// Reads `[publishers.<name>]`.
pub fn publishers(field: &Field<'_>) -> Result<Vec<(String, [u8; 32])>, ConfigError> {
    let example = "key = \"ed25519:<64 hexadecimal digits>\", as `negawatt skill key` prints it";
    let mut publishers: Vec<(String, [u8; 32])> = Vec::new();
    for (name, field) in field.open_section()?.fields() {
        let field = field.section(&shape::publisher())?.required("key", example)?;
        let key = bytes32(&field, "ed25519:", "key", example)?;
        if let Some((other, _)) = publishers.iter().find(|(_, known)| *known == key) {
            return Err(field.error(format!("is the key of {other:?} too"), "give each publisher a key of its own"));
        }
        publishers.push((name.to_owned(), key));
    }
    Ok(publishers)
}

/// Reads `[secrets.<name>]`.
pub fn secrets(field: &Field<'_>) -> Result<Vec<(String, Located<Secret>)>, ConfigError> {
    let named = |(name, field): (&str, Field<'_>)| {
        Ok((name.to_owned(), Located { value: secret(&field)?, place: field.place().clone() }))
    };
    field.open_section()?.fields().map(named).collect()
}

/// Where one secret is.
pub(crate) fn secret(field: &Field<'_>) -> Result<Secret, ConfigError> {
    let section = field.section(&shape::secret())?;
    match (section.field("env"), section.field("file")) {
        (Some(field), None) => Ok(Secret::Environment(field.text("env = \"ACME_TOKEN\"")?.to_owned())),
        (None, Some(field)) => Ok(Secret::File(field.path("file = \"acme-token\"")?.value)),
        _ => {
            let help = "write env = \"ACME_TOKEN\", or file = \"acme-token\"; never the secret itself";
            Err(field.error("says not where the secret is, or two places", help))
        }
    }
}

/// 32 bytes as hexadecimal digits after a prefix.
pub(crate) fn bytes32(field: &Field<'_>, prefix: &str, what: &str, example: &str) -> Result<[u8; 32], ConfigError> {
    let text = field.text(example)?;
    let digits = text.strip_prefix(prefix).filter(|digits| digits.len() == 64 && digits.is_ascii());
    let byte = |at: usize, digits: &str| {
        let pair = &digits[2 * at..2 * at + 2];
        pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Option<Vec<u8>> = digits.and_then(|digits| (0..32).map(|at| byte(at, digits)).collect());
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| field.error(format!("{text:?} is not a {what}"), format!("write {example}")))
}
