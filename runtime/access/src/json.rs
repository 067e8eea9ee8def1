//! Tokens and entries as people and programs read them.

use negawatt_host::text::hex;
use negawatt_host::time::rfc3339;
use serde_json::{Value, json};

use crate::{Recorded, Right, Token};

/// A token, without its secret, and what may be done with it.
pub fn token(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "role": token.role.word(),
        "rights": token.role.rights().iter().map(|right| Right::word(*right)).collect::<Vec<_>>(),
        "created": rfc3339(token.created),
        "expires": token.expires.map(rfc3339),
        "revoked": token.revoked.map(rfc3339),
        "used": token.used.map(rfc3339),
    })
}

/// An entry of the log.
pub fn recorded(recorded: &Recorded) -> Value {
    let entry = &recorded.entry;
    json!({
        "number": recorded.number,
        "time": rfc3339(entry.time),
        "who": entry.who,
        "role": entry.role.map(|role| role.word()),
        "address": entry.address,
        "action": entry.action,
        "object": entry.object,
        "outcome": entry.outcome.word(),
        "detail": entry.detail,
        "hash": hex(&recorded.hash),
    })
}
