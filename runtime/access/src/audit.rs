//! The log of all that was written: who did what, when, and what came of it.

use std::fmt;
use std::str::FromStr;

use negawatt_host::model::Timestamp;
use negawatt_host::text::shorten;
use rusqlite::{OptionalExtension, Transaction};

use crate::chain::{self, Broken, Head, Row};
use crate::error::Fault;
use crate::token::PREFIX;
use crate::{Access, AccessError, Principal, Role};

/// Characters of a text in an entry, and of its detail.
const LONGEST: usize = 300;
const LONGEST_DETAIL: usize = 2_000;

/// Entries that are read at a time: nobody who comes in waits for the whole log.
const PAGE: usize = 1_000;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who, in words.
    pub who: String,
    /// The role of the token; absent for the user of the machine, and for who has none.
    pub role: Option<Role>,
    /// Where from; absent for the machine itself.
    pub address: Option<String>,
}

impl Actor {
    /// Who has a token.
    pub fn of(principal: &Principal, address: Option<String>) -> Actor {
        Actor { who: principal.who(), role: Some(principal.role), address }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was tried and did not succeed.
    Failed,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Outcome, ()> {
        [Outcome::Done, Outcome::Refused, Outcome::Failed].into_iter().find(|one| one.word() == text).ok_or(())
    }
}

/// Something that was done. Texts are kept as they are, but cut to 300 characters (the detail to 2,000), and without the secrets of
/// tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub who: String,
    /// By which role.
    pub role: Option<Role>,
    /// Where from.
    pub address: Option<String>,
    /// What was done: `case.start`.
    pub action: String,
    /// To what: the id of a case.
    pub object: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What there is to say of it.
    pub detail: String,
}

impl Entry {
    /// That somebody did something; to what, and what there is to say, is to be added.
    pub fn by(actor: &Actor, time: Timestamp, action: &str, outcome: Outcome) -> Entry {
        let Actor { who, role, address } = actor.clone();
        Entry {
            time,
            who,
            role,
            address,
            action: action.to_owned(),
            object: String::new(),
            outcome,
            detail: String::new(),
        }
    }
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number, from 1.
    pub number: u64,
    /// What it says.
    pub entry: Entry,
    /// The hash of it and of all before.
    pub hash: [u8; 32],
}

impl Recorded {
    fn of(row: Row) -> Result<Recorded, Broken> {
        let broken = |what: &str| Broken { entry: row.number, why: format!("its {what} is none that is ever written") };
        let text = |bytes: &[u8], what| str::from_utf8(bytes).map(str::to_owned).map_err(|_| broken(what));
        let optional = |bytes: &Option<Vec<u8>>, what| bytes.as_ref().map(|bytes| text(bytes, what)).transpose();
        let [who, action, object, outcome, detail] = &row.texts;
        let role = optional(&row.role, "role")?.map(|role| role.parse().map_err(|_| broken("role"))).transpose()?;
        let entry = Entry {
            time: row.time,
            who: text(who, "actor")?,
            role,
            address: optional(&row.address, "address")?,
            action: text(action, "action")?,
            object: text(object, "object")?,
            outcome: text(outcome, "outcome")?.parse().map_err(|()| broken("outcome"))?,
            detail: text(detail, "detail")?,
        };
        let hash = row.hash.as_slice().try_into().map_err(|_| broken("hash"))?;
        Ok(Recorded { number: row.number, entry, hash })
    }
}

impl Access {
    /// Adds to the log.
    pub fn record(&self, entry: Entry) -> Result<Recorded, AccessError> {
        self.write(|to| append(to, entry))
    }

    /// Entries after this number, in their order, at most `limit` of them. It is not looked whether the log is whole.
    pub fn entries(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, AccessError> {
        self.read(|from| chain::rows(from, after, limit)?.into_iter().map(|row| Ok(Recorded::of(row)?)).collect())
    }

    /// The newest entries, in their order, at most `limit` of them.
    pub fn newest(&self, limit: usize) -> Result<Vec<Recorded>, AccessError> {
        let last: Option<i64> =
            self.read(|from| Ok(from.query_row("SELECT max(number) FROM entry", (), |row| row.get(0))?))?;
        let last = u64::try_from(last.unwrap_or(0)).unwrap_or(0);
        self.entries(last.saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX)), limit)
    }

    /// Looks whether the log is as it was written, and gives its head. With one that was noted before, also whether the log is the
    /// same up to there: that its end was cut off, and that all of it was written anew, is found by nothing else.
    pub fn verify(&self, expect: Option<&Head>) -> Result<Head, AccessError> {
        let mut head = Head::default();
        let check = |head: &Head| {
            match expect {
            Some(expect) if expect.entries == head.entries && expect.hash != head.hash => Err(Broken {
                entry: head.entries,
                why: "it is another entry than the one whose head was noted; this is another log, or all of it was written anew".to_owned(),
            }),
            _ => Ok(()),
        }
        };
        check(&head)?;
        loop {
            let rows = self.read(|from| chain::rows(from, head.entries, PAGE))?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                head = head.follow(&row)?;
                Recorded::of(row)?;
                check(&head)?;
            }
        }
        match expect {
            Some(expect) if head.entries < expect.entries => Err(Broken {
                entry: head.entries + 1,
                why: format!("the log ends before it, and had {} entries; its end was removed", expect.entries),
            }
            .into()),
            _ => Ok(head),
        }
    }
}

/// Adds to the log in a transaction of its own or of what it is about.
pub fn append(to: &Transaction, entry: Entry) -> Result<Recorded, Fault> {
    let last = to
        .prepare_cached("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1")?
        .query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let head = match last {
        None => Head::default(),
        Some((number, hash)) => {
            let entries = u64::try_from(number).unwrap_or(0);
            let whole = |_| Broken { entry: entries, why: "its hash is none that is ever written".to_owned() };
            Head { entries, hash: hash.try_into().map_err(whole)? }
        }
    };
    let clean = |text: &str, most| shorten(&without_secrets(text), most);
    let entry = Entry {
        time: entry.time,
        who: clean(&entry.who, LONGEST),
        role: entry.role,
        address: entry.address.map(|address| clean(&address, LONGEST)),
        action: clean(&entry.action, LONGEST),
        object: clean(&entry.object, LONGEST),
        outcome: entry.outcome,
        detail: clean(&entry.detail, LONGEST_DETAIL),
    };
    let bytes = |text: &str| text.as_bytes().to_owned();
    let mut row = Row {
        number: head.entries + 1,
        time: entry.time,
        role: entry.role.map(|role| bytes(role.word())),
        address: entry.address.as_deref().map(bytes),
        texts: [&entry.who, &entry.action, &entry.object, entry.outcome.word(), &entry.detail].map(bytes),
        hash: Vec::new(),
    };
    let hash = head.after(&row);
    row.hash = hash.into();
    let sql = "INSERT INTO entry (number, time, who, role, address, action, object, outcome, detail, hash) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let Entry { time, who, role, address, action, object, outcome, detail } = &entry;
    let number = i64::try_from(row.number).unwrap_or(i64::MAX);
    let role = role.map(Role::word);
    to.execute(sql, (number, time, who, role, address, action, object, outcome.word(), detail, row.hash))?;
    Ok(Recorded { number: row.number, entry, hash })
}

/// A text in which every token ends before its secret.
fn without_secrets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut parts = text.split(PREFIX);
    kept += parts.next().unwrap_or_default();
    for part in parts {
        kept += PREFIX;
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
        match part.split_at(digits(part)) {
            (id, rest) if rest.starts_with('_') => {
                kept += id;
                kept += "_***";
                kept += &rest[1 + digits(&rest[1..])..];
            }
            _ => kept += part,
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        let secret = "0f".repeat(32);
        for (text, left) in [
            ("nothing", "nothing"),
            (&format!("Bearer ngw_0123456789ab_{secret}, and more"), "Bearer ngw_0123456789ab_***, and more"),
            (&format!("ngw_00_{secret}ngw_{secret}"), "ngw_00_***ngw_"),
            ("ngw_0123456789ab revoked", "ngw_0123456789ab revoked"),
            ("ngw_ngw__", "ngw_ngw__***"),
        ] {
            assert!(without_secrets(text).starts_with(left), "{text}: {}", without_secrets(text));
        }
    }
}
