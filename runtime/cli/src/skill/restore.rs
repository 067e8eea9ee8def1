//! `negawatt skill restore`: puts a skill back that was put aside because it failed too often.

use std::path::Path;

use negawatt_casebook::{Casebook, Standing};
use negawatt_host::text::printable;
use serde_json::json;

use super::print;
use crate::error::CliError;
use crate::investigate::json_text;
use crate::setup::casebook;

/// Puts back whatever bears this name, or has this digest.
pub fn restore(skill: &str, config: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config)?;
    let restored = put_back(skill, &book)?;
    print(&if as_json {
        let skills: Vec<_> = restored
            .iter()
            .map(|standing| {
                let (skill, digest) = (&standing.skill, standing.digest.to_string());
                json!({ "skill": skill, "digest": digest, "failures": standing.failures })
            })
            .collect();
        json_text(&json!({ "restored": skills }))
    } else {
        let line = |standing: &Standing| {
            let (skill, failures) = (printable(&standing.skill), standing.failures);
            format!("{skill} is planned again in new cases; its {failures} failures are forgotten\n")
        };
        restored.iter().map(line).collect()
    });
    Ok(())
}

fn put_back(skill: &str, book: &Casebook) -> Result<Vec<Standing>, CliError> {
    let standings = book.standings()?;
    let bears = |standing: &&Standing| {
        let name = standing.skill.split_once('@').map_or(standing.skill.as_str(), |(name, _)| name);
        [name, &standing.skill, &standing.digest.to_string()].contains(&skill)
    };
    let aside: Vec<_> = standings.iter().filter(|standing| standing.since.is_some()).collect();
    let named: Vec<_> = aside.iter().copied().filter(bears).cloned().collect();
    if named.is_empty() {
        let error = CliError::bad_input("not-put-aside", format!("no skill {skill:?} is put aside"));
        let names: Vec<_> = aside.iter().map(|standing| printable(&standing.skill)).collect();
        return Err(match names.is_empty() {
            true => error.help("none is; `negawatt skill list` shows all"),
            false => error.help(format!("put aside are: {}", names.join(", "))),
        });
    }
    for standing in &named {
        book.restore(&standing.digest)?;
    }
    Ok(named)
}
