//! Tokens: `ngw_<id>_<secret>`, of which only the digest of the secret is kept.

use std::fmt;

use negawatt_host::model::Timestamp;
use negawatt_host::text::{hex, is_invisible, unhex};
use negawatt_host::time::rfc3339;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest as sha, hmac};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::audit::{self, Actor, Entry, Outcome};
use crate::error::Fault;
use crate::{Access, AccessError, Right, Role};

/// What every token begins with, so that whoever finds one knows what it is.
pub(crate) const PREFIX: &str = "ngw_";

/// Bytes of an id, which is no secret.
const ID: usize = 6;

/// Bytes of a secret: nobody guesses it, so a plain digest of it is enough.
const SECRET: usize = 32;

const LONGEST_NAME: usize = 64;

/// How often it is noted at most that a token was used, in microseconds.
const NOTED: Timestamp = 60_000_000;

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Who will have it: 1 to 64 characters.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// From when on it is of no use; absent: it is until it is revoked.
    pub expires: Option<Timestamp>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id: 12 hexadecimal digits.
    pub id: String,
    /// Who has it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is of no use.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was used last, give or take a minute.
    pub used: Option<Timestamp>,
}

/// The whole token with its secret, which is shown once: `Display` writes it, `Debug` does not.
pub struct Secret(String);

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's id.
    pub id: String,
    /// The token's name.
    pub name: String,
    /// What it is for.
    pub role: Role,
}

impl Principal {
    /// Whether it may do that.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// As the log names it: two tokens may have one name.
    pub fn who(&self) -> String {
        format!("{} ({PREFIX}{})", self.name, self.id)
    }
}

impl Token {
    /// Whether it can still be used.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    fn read(row: &Row) -> Result<Token, Fault> {
        let role: String = row.get("role")?;
        Ok(Token {
            id: row.get("id")?,
            name: row.get("name")?,
            role: role.parse().map_err(|error| {
                Fault::Store(negawatt_store::Problem::Damaged(format!("a token has a role that is none: {error}")))
            })?,
            created: row.get("created")?,
            expires: row.get("expires")?,
            revoked: row.get("revoked")?,
            used: row.get("used")?,
        })
    }
}

impl Access {
    /// Makes a token. The secret is not kept: this is the one time to see it.
    pub fn create(&self, new: &NewToken, by: &Actor, now: Timestamp) -> Result<(Token, Secret), AccessError> {
        let is_shown = |c: char| !c.is_control() && !is_invisible(c);
        let name = new.name.trim();
        if !(1..=LONGEST_NAME).contains(&name.chars().count()) || !name.chars().all(is_shown) {
            return Err(AccessError::Name);
        }
        if new.expires.is_some_and(|expires| expires <= now) {
            return Err(AccessError::Expired);
        }
        let mut random = [0; ID + SECRET];
        SystemRandom::new().fill(&mut random).map_err(|_| AccessError::Random)?;
        let (id, secret) = random.split_at(ID);
        let token = Token {
            id: hex(id),
            name: name.to_owned(),
            role: new.role,
            created: now,
            expires: new.expires,
            revoked: None,
            used: None,
        };
        self.write(|to| {
            let sql = "INSERT INTO token (id, name, role, digest, created, expires) VALUES (?, ?, ?, ?, ?, ?)";
            let role = token.role.word();
            to.execute(sql, (&token.id, &token.name, role, digest(secret), token.created, token.expires))?;
            audit::append(to, about(&token, "token.create", by, now))?;
            Ok(())
        })?;
        let secret = Secret(format!("{PREFIX}{}_{}", token.id, hex(secret)));
        Ok((token, secret))
    }

    /// Ends a token.
    pub fn revoke(&self, id: &str, by: &Actor, now: Timestamp) -> Result<Token, AccessError> {
        // As the log and the lists have it, or as the token itself begins.
        let id = id.strip_prefix(PREFIX).unwrap_or(id);
        self.write(|to| {
            let mut token = find(to, id)?.ok_or_else(|| AccessError::NoSuchToken(id.chars().take(2 * ID).collect()))?.0;
            if token.revoked.is_some() {
                return Err(AccessError::Revoked(token.id).into());
            }
            token.revoked = Some(now);
            to.execute("UPDATE token SET revoked = ? WHERE id = ?", (now, &token.id))?;
            audit::append(to, about(&token, "token.revoke", by, now))?;
            Ok(token)
        })
    }

    /// All tokens, the oldest first.
    pub fn list(&self) -> Result<Vec<Token>, AccessError> {
        self.read(|from| {
            let mut all = from.prepare_cached("SELECT * FROM token ORDER BY created, id")?;
            all.query_and_then((), Token::read)?.collect()
        })
    }

    /// Whether the token with this id is there, and can still be used.
    pub fn is_valid(&self, id: &str, now: Timestamp) -> Result<bool, AccessError> {
        Ok(self.read(|from| find(from, id))?.is_some_and(|(token, _)| token.is_valid(now)))
    }

    /// Whose token this is; `None` where it is none, or of no use any more. `text` is the whole token, and nothing else.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Result<Option<Principal>, AccessError> {
        let Some((id, secret)) = parts(text) else { return Ok(None) };
        let Some((token, kept)) = self.read(|from| find(from, id))? else { return Ok(None) };
        if !is_same(&digest(&secret), &kept) || !token.is_valid(now) {
            return Ok(None);
        }
        if token.used.is_none_or(|used| now.saturating_sub(used) >= NOTED) {
            // Who comes in does not depend on whether there is room to note it.
            let _ = self.write(|to| Ok(to.execute("UPDATE token SET used = ? WHERE id = ?", (now, id))?));
        }
        Ok(Some(Principal { id: token.id, name: token.name, role: token.role }))
    }
}

/// The id and the secret of a token.
fn parts(text: &str) -> Option<(&str, Vec<u8>)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_right = id.len() == 2 * ID && secret.len() == 2 * SECRET;
    Some((id, unhex(secret).filter(|_| is_right)?))
}

fn find(from: &Transaction, id: &str) -> Result<Option<(Token, Vec<u8>)>, Fault> {
    let mut statement = from.prepare_cached("SELECT * FROM token WHERE id = ?")?;
    let found = statement.query_row([id], |row| Ok(Token::read(row).map(|token| (token, row.get("digest")))));
    let Some(found) = found.optional()? else { return Ok(None) };
    let (token, kept) = found?;
    Ok(Some((token, kept?)))
}

fn digest(secret: &[u8]) -> Vec<u8> {
    sha::digest(&sha::SHA256, secret).as_ref().to_owned()
}

/// Compares in a time that says nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, PREFIX.as_bytes());
    hmac::verify(&key, one, hmac::sign(&key, other).as_ref()).is_ok()
}

/// What the log says of a token.
fn about(token: &Token, action: &str, by: &Actor, now: Timestamp) -> Entry {
    let expires = token.expires.map_or(String::new(), |expires| format!(", until {}", rfc3339(expires)));
    Entry {
        object: format!("{PREFIX}{}", token.id),
        detail: format!("{} for {}{expires}", token.role, token.name),
        ..Entry::by(by, now, action, Outcome::Done)
    }
}
