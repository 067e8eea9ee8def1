//! The file that cases are exported to: lines of JSON, in one frame of zstd.
//!
//! The first line says what it is and in which format; the last one how many cases there are, and the digest of all lines before. What
//! a case refers to comes before it, each blob once. Events are kept as the casebook has them, byte for byte, so that the same
//! cases always give the same file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::learned::Learned;

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u32 = 1;

/// Bytes of one line. The longest are answers of tools in base64: a call may ask and read 64 MiB unless its grant says otherwise. Whoever reads a
/// file holds a few times as much.
pub(crate) const MOST_LINE: u64 = 96 << 20;

/// Bytes of all events of one case.
pub(crate) const MOST_EVENTS: u64 = 256 << 20;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Line {
    /// The first one.
    Casebook(Header),
    /// What was asked or answered: its bytes.
    Blob(String),
    /// What was asked or answered and is purged since: its digest.
    Purged(Hex),
    /// A case begins.
    Case(CaseLine),
    /// What happened to it.
    Event(EventLine),
    /// What was learned of it; after its events, if anything was.
    Learned(Box<Learned>),
    /// The last one.
    End(Footer),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// See [`FORMAT`].
    pub(crate) format: u32,
    /// The version of the program that wrote it.
    pub(crate) by: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseLine {
    pub(crate) id: String,
    /// How many events follow.
    pub(crate) events: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLine {
    pub(crate) seq: u64,
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) time: Timestamp,
    pub(crate) body: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Footer {
    pub(crate) cases: u64,
    pub(crate) digest: Hex,
}

/// A digest in hexadecimal digits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hex(String);

impl Hex {
    pub(crate) fn of(digest: &Digest) -> Hex {
        Hex(blake3::Hash::from_bytes(digest.0).to_hex().to_string())
    }

    pub(crate) fn digest(&self) -> Result<Digest, String> {
        let hash = blake3::Hash::from_hex(&self.0).map_err(|_| format!("{:?} is no digest", self.0))?;
        Ok(Digest(*hash.as_bytes()))
    }
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of a text.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("its bytes are no base64: {error}"))
}
