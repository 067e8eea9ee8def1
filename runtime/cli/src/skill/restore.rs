//! `negawatt skill restore`: puts a skill back that was put aside because it failed too often.

use std::path::Path;

use negawatt_casebook::Standing;
use negawatt_host::text::printable;
use serde_json::{Value, json};

use super::print;
use crate::error::CliError;
use crate::investigate::json_text;
use crate::printed::{items, word};
use crate::setup::casebook;

/// Puts back whatever bears this name, or has this digest.
pub fn restore(skill: &str, config: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config)?;
    let restored = book.put_back(skill)?;
    if restored.is_empty() {
        return Err(not_put_aside(skill, &book.standings()?));
    }
    let restored = restored.iter().map(|standing| {
        json!({ "skill": standing.skill, "digest": standing.digest.to_string(), "failures": standing.failures })
    });
    print_restored(&json!({ "restored": restored.collect::<Vec<_>>() }), as_json);
    Ok(())
}

/// Prints what was put back.
pub fn print_restored(restored: &Value, as_json: bool) {
    let line = |one: &Value| {
        let (skill, failures) = (printable(word(&one["skill"])), &one["failures"]);
        format!("{skill} is planned again in new cases; its {failures} failures are forgotten\n")
    };
    print(&if as_json { json_text(restored) } else { items(&restored["restored"]).map(line).collect() });
}

fn not_put_aside(skill: &str, standings: &[Standing]) -> CliError {
    let error = CliError::bad_input("not-put-aside", format!("no skill {skill:?} is put aside"));
    let aside = standings.iter().filter(|standing| standing.since.is_some());
    let names: Vec<_> = aside.map(|standing| printable(&standing.skill)).collect();
    match names.is_empty() {
        true => error.help("none is; `negawatt skill list` shows all"),
        false => error.help(format!("put aside are: {}", names.join(", "))),
    }
}
