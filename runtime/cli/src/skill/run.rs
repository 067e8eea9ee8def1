//! `negawatt skill run` and `skill list`.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use negawatt_casebook::{Casebook, Standing};
use negawatt_config::Config;
use negawatt_host::grants::Grants;
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Origin, Outcome, Status, json, time};
use negawatt_planner::{Catalog, Entry, PutAside, Reliability, reliabilities};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, read_incident, write_out};
use crate::look::{Look, Tone};
use crate::page::{GAP, Page};
use crate::report::minute_label;
use crate::setup::{Setup, loaded, read_named};

/// One skill alone, on a board that holds only what is given.
pub async fn run(
    skill: &str,
    incident: &Path,
    evidence: Option<&Path>,
    config: Option<&Path>,
    as_json: bool,
) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let setup = Setup::new(config)?;
    let entry = find(skill, &setup.runtime.catalog, &setup.config)?;
    let given = match evidence {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                CliError::bad_input("evidence", format!("cannot read the evidence: {error}")).at(path.display())
            })?;
            json::read_findings(&text).map_err(|error| {
                CliError::bad_input("evidence", error.message).at(format!("{}, {}", path.display(), error.place))
            })?
        }
    };
    let outcome = setup.runtime.call_alone(&entry, &file.incident, given).await;
    print(&entry, &outcome, as_json)
}

/// The skill with this name in the catalog, or in this file.
pub fn find(skill: &str, catalog: &Catalog, config: &Config) -> Result<Entry, CliError> {
    if let Some(entry) = catalog.named(skill) {
        return Ok(entry.clone());
    }
    let path = Path::new(skill);
    if path.extension().is_none_or(|extension| extension != "wasm") {
        return Err(no_such(skill, catalog));
    }
    let skill = read_named(path, config)
        .and_then(|component| loaded(component, config))
        .map_err(|error| CliError::bad_input("not-a-skill", error).at(path.display()))?;
    Ok(Entry { rights: Grants::of(config).rights(&skill), skill: Arc::new(skill) })
}

/// That a catalog has no skill of a name.
pub fn no_such(skill: &str, catalog: &Catalog) -> CliError {
    let names: Vec<_> = catalog.entries().iter().map(|entry| entry.skill.manifest.name.clone()).collect();
    CliError::bad_input("no-such-skill", format!("there is no skill {skill:?}"))
        .help(format!("name a .wasm file, or one of: {}", names.join(", ")))
}

fn print(entry: &Entry, outcome: &Outcome, as_json: bool) -> Result<(), CliError> {
    if outcome.status != Status::Ok {
        let message = outcome.message.clone().unwrap_or_default();
        let failed = format!("the skill {} ended with `{}`: {message}", entry.skill.id(), outcome.status);
        let log: Vec<_> = outcome.log.iter().take(20).map(|line| printable(line)).collect();
        let error = CliError::failure("skill", failed);
        return Err(if log.is_empty() { error } else { error.help(format!("it said:\n{}", log.join("\n"))) });
    }
    let findings: Vec<Value> = outcome.findings.iter().map(json::finding).collect();
    let mut out = std::io::stdout().lock();
    // A reader that went away is no error.
    let _ = if as_json {
        let usage = serde_json::to_value(&outcome.usage).unwrap_or_default();
        out.write_all(json_text(&json!({ "findings": findings, "usage": usage, "log": outcome.log })).as_bytes())
    } else {
        let mut text = format!("{} found {}\n", entry.skill.id(), findings.len());
        for (n, finding) in outcome.findings.iter().enumerate() {
            let summary = printable(&finding.summary);
            text += &format!("{:>3}. {} ({:.2})  {summary}\n", n + 1, finding.body.kind(), finding.confidence);
        }
        for line in &outcome.log {
            text += &format!("     {}\n", printable(line));
        }
        let usage = &outcome.usage;
        let (wall, memory) = (usage.wall_us as f64 / 1e3, usage.peak_memory_bytes as f64 / 1048576.0);
        text += &format!("{wall:.1} ms, {} tool calls, {memory:.1} MiB\n", usage.tool_calls);
        write!(out, "{text}")
    };
    Ok(())
}

/// All skills of a configuration, and the files that are not used.
pub fn list(config: Option<PathBuf>, stats: bool, as_json: bool) -> Result<(), CliError> {
    let setup = Setup::new(config.as_deref())?;
    let entries = setup.runtime.catalog.entries();
    // What there is can be listed without a casebook.
    let standings = setup.casebook().and_then(|book| Ok(book.standings()?));
    let standings = standings.inspect_err(|error| tracing::warn!("{}", error.message)).unwrap_or_default();
    let known = if stats { reliabilities(&setup.casebook()?, time::now())? } else { HashMap::new() };
    let stood = |entry: &Entry| known.get(&entry.skill.digest).copied().filter(|_| stats);
    let stood = |entry: &Entry| stats.then(|| stood(entry).unwrap_or_default());
    let text = if as_json {
        json_text(&all_described(entries, &setup.refused, &standings, &stood))
    } else {
        table(entries, &setup.refused, &standings, &stood, &Look::of_stdout())
    };
    write_out(&text);
    Ok(())
}

/// All skills of a casebook's configuration, as a server shows them.
pub fn shown(
    (entries, refused): (&[Entry], &[(PathBuf, String)]),
    book: &Casebook,
    stats: bool,
    as_json: bool,
) -> Result<String, CliError> {
    let standings = book.standings()?;
    let known = if stats { reliabilities(book, time::now())? } else { HashMap::new() };
    let stood = |entry: &Entry| stats.then(|| known.get(&entry.skill.digest).copied().unwrap_or_default());
    Ok(match as_json {
        true => all_described(entries, refused, &standings, &stood).to_string(),
        false => table(entries, refused, &standings, &stood, &Look::PLAIN),
    })
}

/// Skills, and files that are not used, as programs read them.
fn all_described(
    entries: &[Entry],
    refused: &[(PathBuf, String)],
    standings: &[Standing],
    stood: &dyn Fn(&Entry) -> Option<Reliability>,
) -> Value {
    let with_stats = |entry: &Entry| {
        let mut skill = described(entry, standings);
        if let Some(known) = stood(entry) {
            skill["stats"] = json!({ "cases": known.cases, "stood": known.mean(), "weight": known.weight() });
        }
        skill
    };
    let skills: Vec<_> = entries.iter().map(with_stats).collect();
    let refused = refused.iter().map(|(file, reason)| json!({ "file": file.display().to_string(), "reason": reason }));
    json!({ "skills": skills, "refused": refused.collect::<Vec<_>>() })
}

/// Columns that a skill's description is worth; narrower pages go without it.
const LEAST_DESCRIPTION: usize = 24;

fn table(
    entries: &[Entry],
    refused: &[(PathBuf, String)],
    standings: &[Standing],
    stood: &dyn Fn(&Entry) -> Option<Reliability>,
    look: &Look,
) -> String {
    let mut page = Page::new(look);
    let tools = |entry: &Entry| {
        let names: Vec<_> = entry.skill.imports.tools.iter().map(|tool| tool.name()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    };
    let widest = |of: &dyn Fn(&Entry) -> usize, least: usize, most| {
        entries.iter().map(of).max().unwrap_or(0).max(least).min(most) + GAP
    };
    let name = widest(&|entry| entry.skill.id().chars().count(), 5, 32);
    let used = widest(&|entry| tools(entry).chars().count(), 5, 40);
    let head = page.line().column(Tone::Faint, "skill", name).column(Tone::Faint, "origin", 9);
    let head = head.column(Tone::Faint, "tools", used);
    let described = look.width >= head.width() + LEAST_DESCRIPTION;
    page.whole_row(head.faint(if described { "what it does" } else { "" }));
    for entry in entries {
        let line = page.line().column(Tone::Accent, entry.skill.id(), name);
        let line = line.column(Tone::Plain, origin(entry.skill.origin), 9).column(Tone::Plain, tools(entry), used);
        let about = entry.skill.manifest.description.lines().next().unwrap_or_default();
        page.whole_row(line.plain(if described { shorten(about, 200) } else { String::new() }));
        if let Some(known) = stood(entry) {
            let (cases, mean, weight) = (known.cases, known.mean(), known.weight());
            let line = format!(
                "    its word stood in {cases} cases of which it is known with {mean:.2}, and counts {weight:.2}"
            );
            page.heading(page.line().faint(line));
        }
        if let Err(denial) = &entry.rights {
            for (n, text) in denial.to_string().lines().enumerate() {
                let before = if n == 0 { "    may not run: " } else { "    " };
                page.heading(page.line().add(Tone::Unsure, before).plain(text));
            }
        }
        if let Some(aside) = standing(entry, standings).and_then(PutAside::of) {
            let line = page.line().add(Tone::Unsure, "    put aside: ");
            let line = line.plain(format!("at {} UTC, since ", minute_label(aside.since)));
            page.heading(line.plain(shorten(&aside.reason, 300)));
            let line = page.line().plain("    to put it back: ");
            page.heading(line.add(Tone::Accent, format!("negawatt skill restore {}", entry.skill.manifest.name)));
        }
    }
    for (file, reason) in refused {
        let file = page.line().add(Tone::Unsure, "not used: ").plain(format!("{}: ", file.display()));
        page.heading(file.plain(reason));
    }
    page.text()
}

/// How a skill's component failed, if it did.
fn standing<'a>(entry: &Entry, standings: &'a [Standing]) -> Option<&'a Standing> {
    standings.iter().find(|standing| standing.digest == entry.skill.digest)
}

/// Where it comes from, in a word.
pub fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Bundled => "bundled",
        Origin::Loaded => "loaded",
    }
}

fn described(entry: &Entry, standings: &[Standing]) -> Value {
    let standing = standing(entry, standings);
    let manifest = &entry.skill.manifest;
    let names = |kinds: &[negawatt_host::Kind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "name": manifest.name,
        "version": manifest.version.to_string(),
        "description": manifest.description,
        "origin": origin(entry.skill.origin),
        "digest": entry.skill.digest.to_string(),
        "consumes": names(&manifest.consumes),
        "reads": names(&manifest.reads),
        "produces": names(&manifest.produces),
        "tools": entry.skill.imports.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(),
        "denied": entry.rights.as_ref().err().map(ToString::to_string),
        "failures": standing.map_or(0, |standing| standing.failures),
        "put_aside": standing.and_then(PutAside::of).map(|aside| json!({
            "since": time::rfc3339(aside.since), "reason": aside.reason,
        })),
    })
}
