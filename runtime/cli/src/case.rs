//! `negawatt case`: what can be asked of cases, and `case list`, `case show` and `case resume`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use negawatt_casebook::{Casebook, End, Summary, Verdict};
use negawatt_host::model::Incident;
use negawatt_host::text::{printable, shorten};
use negawatt_host::time;
use negawatt_planner::Ranked;
use negawatt_proposals::carry_on;
use negawatt_proposals::is_left;
use serde_json::{Value, json};

use crate::command::{Config, PageArgument};
use crate::error::CliError;
use crate::investigate::{self, json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::{NARROW, Page};
use crate::page_file::PageFile;
use crate::printed::word;
use crate::report::{minute_label, percent, short, verdict_tone};
use crate::review::desk;
use crate::setup::{self, Setup, casebook};

#[derive(Subcommand)]
pub enum CaseCommand {
    /// List cases, the newest first
    #[command(after_help = "\
Examples:
  negawatt case list
  negawatt case list --service checkout --verdict regression --limit 10")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        config: Config,
    },
    /// Show a case
    #[command(after_help = "\
Examples:
  negawatt case show 01J
  negawatt case show 01J --json
  negawatt case show 01J --report report.html")]
    Show {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        page: PageArgument,
    },
    /// Take symptoms out of a case that are of another change, and open a case for them
    #[command(after_help = "\
Example:
  negawatt case split 01J 2 3

What was split off is not put together again. The first symptom is what the case is about, and stays.")]
    Split {
        /// Its id, or the beginning of it
        id: String,
        /// Symptoms by their numbers, as `negawatt case show` lists them
        #[arg(required = true)]
        symptoms: Vec<u32>,
        #[command(flatten)]
        config: Config,
    },
    /// Run every step of a case again from the recorded answers, and say where findings or verdict differ
    #[command(after_help = "\
Examples:
  negawatt case replay 01J
  negawatt case replay 01J --json

It asks no source, does nothing outside and writes nothing. Steps that ran out of time or were cancelled are not run again: that is
taken from the record. The skills must be there with the bytes that they had.

Exit codes: 0 the same to every byte, 1 something differs or it cannot be replayed, 2 there is no such case.
With --json, what differs is printed also where the exit code is 1.")]
    Replay {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        config: Config,
    },
    /// Go on with a case that was interrupted
    #[command(after_help = "Example:\n  negawatt case resume 01J")]
    Resume {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        page: PageArgument,
    },
}

/// Which cases are listed.
#[derive(clap::Args)]
pub struct Filter {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    pub limit: usize,
    /// Only cases of this service
    #[arg(long)]
    service: Option<String>,
    /// Only cases that ended so: regression, opportunity, dismissed, inconclusive, cancelled; or open ones
    #[arg(long, value_parser = ["regression", "opportunity", "dismissed", "inconclusive", "cancelled", "open"])]
    verdict: Option<String>,
}

impl Filter {
    /// As a server is asked for a page of at most so many.
    pub fn query(&self, limit: usize) -> String {
        let mut query = format!("limit={limit}");
        for (key, value) in [("service", &self.service), ("state", &self.verdict)] {
            // Whatever is no plain letter is written as its bytes.
            if let Some(value) = value {
                query += &format!("&{key}=");
                value.bytes().for_each(|byte| query += &format!("%{byte:02X}"));
            }
        }
        query
    }

    /// Whether cases of all kinds are.
    pub fn is_any(&self) -> bool {
        self.service.is_none() && self.verdict.is_none()
    }

    fn admits(&self, case: &Summary) -> bool {
        let service = incident(case).map(|incident| &incident.service);
        self.service.as_ref().is_none_or(|wanted| service == Some(wanted))
            && self.verdict.as_ref().is_none_or(|wanted| state(case) == wanted)
    }
}

/// Characters of an id that are shown at least: those that tell the time to the millisecond.
const SHORTEST_ID: usize = 10;

/// What a case can come to.
const VERDICTS: [Verdict; 4] = [Verdict::Regression, Verdict::Opportunity, Verdict::Dismissed, Verdict::Inconclusive];

/// Columns of the likeliest suspect.
const SUSPECT: usize = 18;

/// Lists cases, the newest first.
pub fn list(config: Option<PathBuf>, filter: &Filter, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let mut cases = book.list(if filter.is_any() { filter.limit } else { usize::MAX })?;
    cases.retain(|case| filter.admits(case));
    cases.truncate(filter.limit);
    let cases: Vec<_> = cases.iter().map(|case| described(case, suspect(&book, case))).collect();
    print_list(&cases, filter.is_any(), as_json);
    Ok(())
}

/// Prints cases, each as it is described for programs; and whether they are of all kinds. Their ids are letters and digits.
pub fn print_list(cases: &[Value], any: bool, as_json: bool) {
    write_out(&match as_json {
        true => json_text(&json!({ "cases": cases })),
        false => table(cases, any, &Look::of_stdout()),
    });
}

/// The likeliest suspect of a case that has one.
fn suspect(book: &Casebook, case: &Summary) -> Option<Ranked> {
    case.end.as_ref()?;
    let case = book
        .load(&case.id)
        .inspect_err(|error| tracing::warn!("the case {}: {}", case.id, printable(&error.to_string())))
        .ok()?;
    negawatt_planner::suspects(&case).into_iter().next()
}

fn described(case: &Summary, suspect: Option<Ranked>) -> Value {
    let incident = incident(case);
    json!({
        "case": case.id.to_string(),
        "opened": time::rfc3339(case.opened_at),
        "ended": case.ended_at.map(time::rfc3339),
        "state": state(case),
        "confidence": confidence(case),
        "suspect": suspect.map(|suspect| json!({
            "kind": suspect.candidate.word(), "id": suspect.id, "author": suspect.author,
            "confidence": suspect.confidence,
        })),
        "service": incident.map(|incident| incident.service.clone()),
        "title": incident.map(|incident| incident.title.clone()),
    })
}

fn table(cases: &[Value], any: bool, look: &Look) -> String {
    let mut page = Page::new(look);
    if cases.is_empty() {
        let line = match any {
            true => page.line().plain("no cases yet; ").add(Tone::Accent, "negawatt investigate incident.json"),
            false => page.line().plain("no such cases; ").add(Tone::Accent, "negawatt case list"),
        };
        let does = if any { " opens one" } else { " shows all" };
        page.heading(line.plain(does));
        return page.text();
    }
    let ids: Vec<String> = cases.iter().map(|case| word(&case["case"]).to_owned()).collect();
    let id = unique(&ids);
    let services = cases.iter().map(|case| word(&case["service"]).chars().count());
    let service = services.max().unwrap_or(0).clamp(7, 20);
    // What is left is for the title, and for the suspect if there is room for both.
    let opened = if look.width < NARROW { 0 } else { 18 };
    let fixed = id + 2 + opened + 20 + service + 2;
    let left = look.width.saturating_sub(fixed);
    let suspected = left >= 2 * SUSPECT;
    let title = if suspected { left - SUSPECT } else { left };
    let head = page.line().cell(Tone::Faint, "case", id + 2).cell(Tone::Faint, "opened (UTC)", opened);
    let head = head.cell(Tone::Faint, "verdict", 20).cell(Tone::Faint, "service", service + 2);
    page.whole_row(head.cell(Tone::Faint, "title", title).faint(if suspected { "likeliest suspect" } else { "" }));
    for (case, whole) in cases.iter().zip(&ids) {
        let state = word(&case["state"]);
        let tone = VERDICTS.into_iter().find(|verdict| verdict.name() == state).map_or(Tone::Faint, verdict_tone);
        let sure =
            case["confidence"].as_f64().map_or(String::new(), |confidence| format!(" {:>5}", percent(confidence)));
        let when = time::parse_rfc3339(word(&case["opened"])).map_or(String::new(), minute_label);
        let text = |key: &str| shorten(word(&case[key]), 200);
        let line = page.line().cell(Tone::Accent, &whole[..id], id + 2).cell(Tone::Plain, when, opened);
        let line = line.cell(tone, format!("{state:<12}{sure}"), 20);
        let line = line.cell(Tone::Plain, text("service"), service).plain("  ");
        let line = line.cell(Tone::Plain, text("title"), title.saturating_sub(2)).plain("  ");
        let suspect = &case["suspect"];
        let sure = suspect["confidence"].as_f64().filter(|_| suspected);
        let suspect = sure.map_or(String::new(), |sure| {
            format!("{:>4} {}", percent(sure), short(word(&suspect["kind"]), word(&suspect["id"])))
        });
        page.whole_row(line.faint(suspect));
    }
    page.text()
}

/// How many characters tell all these ids apart.
fn unique(ids: &[String]) -> usize {
    let longest = ids.iter().map(String::len).min().unwrap_or(0);
    let distinct = |length: &usize| {
        let beginnings: std::collections::BTreeSet<_> = ids.iter().map(|id| &id[..*length]).collect();
        beginnings.len() == ids.len()
    };
    (SHORTEST_ID.min(longest)..longest).find(distinct).unwrap_or(longest)
}

fn incident(case: &Summary) -> Option<&Incident> {
    case.opened.as_ref().map(|opened| &opened.incident)
}

fn state(case: &Summary) -> &'static str {
    match &case.end {
        None => "open",
        Some(End::Concluded(concluded)) => concluded.verdict.name(),
        Some(End::Cancelled(_)) => "cancelled",
    }
}

fn confidence(case: &Summary) -> Option<f64> {
    match &case.end {
        Some(End::Concluded(concluded)) => Some(concluded.confidence),
        _ => None,
    }
}

/// Shows one case.
pub fn show(id: &str, config: Option<PathBuf>, json: bool, page: Option<&Path>) -> Result<(), CliError> {
    let page = page.map(PageFile::at).transpose()?;
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    investigate::print(&case, &book, json, page.as_ref())
}

/// Takes up a case where it was left, with the configuration that it was opened with unless another is named.
pub async fn resume(id: &str, config: Option<PathBuf>, json: bool, page: Option<&Path>) -> Result<(), CliError> {
    let page = page.map(PageFile::at).transpose()?;
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let setup = Setup::new(config.or(opened_with).as_deref())?;
    if case.end.is_some() && !is_left(&desk(&setup.config), &book, &case)? {
        return Err(CliError::bad_input("ended", format!("the case {} has ended", case.id))
            .help(format!("negawatt case show {} prints it", case.id)));
    }
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = match case.end {
        None => investigate::resume(&setup, &book, &case.id.to_string(), json, &cancel).await?,
        Some(_) => case,
    };
    let case = carry_on(&desk(&setup.config), &book, case, &cancel).await?;
    investigate::print(&case, &book, json, page.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_short_as_they_can_be() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(unique(&ids(&["01M85CZ2EARPN0D8", "01M85CZ2EBRPN0D8"])), 10);
        assert_eq!(unique(&ids(&["01M85CZ2EARPN0D8", "01M85CZ2EARPX0D8"])), 13);
        assert_eq!(unique(&[]), 0);
    }
}
