//! `negawatt case list`, `case show` and `case resume`.

use std::io::Write;
use std::path::PathBuf;

use negawatt_casebook::End;
use negawatt_host::text::{printable, shorten};
use negawatt_host::time;
use serde_json::json;

use crate::error::CliError;
use crate::investigate;
use crate::setup::{Setup, casebook};

/// Lists cases, the newest first.
pub fn list(config: Option<PathBuf>, limit: usize, as_json: bool) -> Result<(), CliError> {
    let cases = casebook(config.as_deref())?.list(limit)?;
    let verdict = |end: &Option<End>| match end {
        None => "open".to_owned(),
        Some(End::Concluded(concluded)) => concluded.verdict.to_string(),
        Some(End::Cancelled(_)) => "cancelled".to_owned(),
    };
    let mut out = String::new();
    if as_json {
        let cases: Vec<_> = cases
            .iter()
            .map(|case| {
                let incident = case.opened.as_ref().map(|opened| &opened.incident);
                json!({
                    "case": case.id.to_string(),
                    "opened": time::rfc3339(case.opened_at),
                    "ended": case.ended_at.map(time::rfc3339),
                    "state": verdict(&case.end),
                    "service": incident.map(|incident| incident.service.clone()),
                    "title": incident.map(|incident| incident.title.clone()),
                })
            })
            .collect();
        out = format!("{:#}\n", json!({ "cases": cases }));
    } else if cases.is_empty() {
        out += "no cases yet; `negawatt investigate incident.json` opens one\n";
    }
    if !as_json {
        for case in &cases {
            let incident = case.opened.as_ref().map(|opened| &opened.incident);
            let service = incident.map_or(String::new(), |incident| shorten(&printable(&incident.service), 24));
            let title = incident.map_or(String::new(), |incident| shorten(&printable(&incident.title), 60));
            let state = verdict(&case.end);
            let opened = time::rfc3339(case.opened_at - case.opened_at.rem_euclid(1_000_000));
            out += &format!("{}  {opened}  {state:<12}  {service:<24}  {title}\n", case.id);
        }
    }
    let _ = std::io::stdout().lock().write_all(out.as_bytes());
    Ok(())
}

/// Shows one case.
pub fn show(id: &str, config: Option<PathBuf>, json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    investigate::print(&case, json);
    Ok(())
}

/// Takes up a case where it was left, with the configuration that it was opened with unless another is named.
pub async fn resume(id: &str, config: Option<PathBuf>, json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    if case.end.is_some() {
        return Err(CliError::bad_input("ended", format!("the case {} has ended", case.id))
            .help(format!("negawatt case show {} prints it", case.id)));
    }
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let setup = Setup::new(config.or(opened_with).as_deref())?;
    let case = investigate::resume(&setup, &case.id.to_string(), json).await?;
    investigate::print(&case, json);
    Ok(())
}
