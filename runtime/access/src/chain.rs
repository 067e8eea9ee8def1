//! The chain: every entry's hash is over the hash of the one before and over all that the entry says.

use std::fmt;
use std::str::FromStr;

use negawatt_host::model::Timestamp;
use negawatt_host::text::{hex, unhex};
use ring::digest::{Context, SHA256};
use rusqlite::types::ValueRef;
use rusqlite::{Row as SqlRow, Transaction};

use crate::error::Fault;

/// What the first hash of all is over, and what becomes another one when the bytes do: `canonical` in another way.
const VERSION: &[u8] = b"negawatt audit 1";

/// The end of a log: what stands there and before cannot be changed unseen by whoever noted it. Written as `17:<64 digits>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last one; zeros where there is none.
    pub hash: [u8; 32],
}

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log is not as it was written, at entry {entry}: {why}")]
pub struct Broken {
    /// The number of the entry.
    pub entry: u64,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entries, hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Head, String> {
        let read = |text: &str| {
            let (entries, hash) = text.split_once(':')?;
            Some(Head { entries: entries.parse().ok()?, hash: unhex(hash)?.try_into().ok()? })
        };
        read(text).ok_or_else(|| {
            "is no head of a log; write it as `audit verify` printed it: 17:<64 hexadecimal digits>".to_owned()
        })
    }
}

/// A row as it stands in the file.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: u64,
    pub time: Timestamp,
    pub role: Option<Vec<u8>>,
    pub address: Option<Vec<u8>>,
    /// Who, action, object, outcome, detail.
    pub texts: [Vec<u8>; 5],
    pub hash: Vec<u8>,
}

impl Head {
    /// The hash of a row that follows.
    pub fn after(&self, row: &Row) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        hash.update(VERSION);
        hash.update(&self.hash);
        hash.update(&row.number.to_le_bytes());
        hash.update(&row.time.to_le_bytes());
        let optional = [row.role.as_deref(), row.address.as_deref()];
        let all = optional.into_iter().chain(row.texts.iter().map(|text| Some(text.as_slice())));
        for text in all {
            // With its length, so that no letter can go from one to the next.
            hash.update(&[u8::from(text.is_some())]);
            let text = text.unwrap_or_default();
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        bytes
    }

    /// The head with one more row, where that is what must stand there.
    pub fn follow(&self, row: &Row) -> Result<Head, Broken> {
        let entries = self.entries + 1;
        let broken = |why: &str| Err(Broken { entry: entries, why: why.to_owned() });
        if row.number != entries {
            return broken("it is not there; it was removed, or has another number");
        }
        let hash = self.after(row);
        if row.hash != hash {
            return broken(
                "it does not follow from what is before it; it, or what its hash is over, was changed or put in",
            );
        }
        Ok(Head { entries, hash })
    }
}

/// Rows after a number, in their order.
pub fn rows(from: &Transaction, after: u64, limit: usize) -> Result<Vec<Row>, Fault> {
    let sql = "SELECT number, time, role, address, who, action, object, outcome, detail, hash \
               FROM entry WHERE number > ? ORDER BY number LIMIT ?";
    let mut statement = from.prepare_cached(sql)?;
    let mut rows = statement.query((clamped(after), clamped(limit as u64)))?;
    let mut read: Vec<Row> = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = read.last().map_or(after, |row| row.number) + 1;
        let unread = || Broken { entry, why: "it holds what is never written".to_owned() };
        read.push(Row::read(row).ok_or_else(unread)?);
    }
    Ok(read)
}

fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Row {
    /// `None` where a column has another type: somebody made the table anew.
    fn read(row: &SqlRow) -> Option<Row> {
        let value = |column: usize| row.get_ref(column).ok();
        let number = |column| match value(column)? {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        };
        let text = |column| match value(column)? {
            ValueRef::Text(bytes) => Some(bytes.to_owned()),
            _ => None,
        };
        let optional = |column| match value(column)? {
            ValueRef::Null => Some(None),
            _ => text(column).map(Some),
        };
        let hash = match value(9)? {
            ValueRef::Blob(bytes) => bytes.to_owned(),
            _ => return None,
        };
        Some(Row {
            number: u64::try_from(number(0)?).ok()?,
            time: number(1)?,
            role: optional(2)?,
            address: optional(3)?,
            texts: [text(4)?, text(5)?, text(6)?, text(7)?, text(8)?],
            hash,
        })
    }
}
