//! `negawatt plan`: the steps that a case would take if every skill found what it looks for, without taking any.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use negawatt_casebook::Casebook;
use negawatt_host::model::Incident;
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Digest, Kind};
use negawatt_planner::{Entry, PutAside, experience, outline, put_aside};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, read_incident, write_out};
use crate::look::{Look, Tone};
use crate::page::Page;
use crate::setup::Setup;

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// A graph in Graphviz's language.
    Dot,
}

/// A question of the case, and the steps of one wave towards its answer.
struct Wave<'a> {
    question: String,
    steps: Vec<&'a Entry>,
}

/// Prints the plan of an incident.
pub fn plan(incident: &Path, config: Option<PathBuf>, form: Form) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let setup = Setup::new(config.as_deref())?;
    let all = &setup.runtime.catalog;
    // A plan can be made without a casebook; nothing is learned then, and nothing is put aside.
    let book = setup.casebook().ok();
    let learned = |book: &Casebook| experience(book, all, negawatt_host::time::now()).ok();
    let knowledge = book.as_ref().and_then(learned).unwrap_or_default();
    let aside = book.as_ref().and_then(|book| put_aside(book, all).ok()).unwrap_or_default();
    let is_aside = |digest: &Digest| aside.iter().any(|aside| aside.digest == digest.to_string());
    let catalog =
        all.restricted(all.entries().iter().map(|entry| entry.skill.digest).filter(|digest| !is_aside(digest)));
    let entries = catalog.entries();
    let waves = outline(&file.incident, &catalog, &knowledge);
    let waves: Vec<_> = waves
        .into_iter()
        .map(|(question, steps)| Wave { question, steps: steps.into_iter().map(|n| &entries[n]).collect() })
        .collect();
    write_out(&match form {
        Form::Text => text(&file.incident, &waves, &aside, &Look::of_stdout()),
        Form::Json => json_text(&json!({
            "waves": waves.iter().map(described).collect::<Vec<_>>(),
            "put_aside": aside.iter().map(|aside| &aside.skill).collect::<Vec<_>>(),
        })),
        Form::Dot => dot(&file.incident, &waves),
    });
    Ok(())
}

fn described(wave: &Wave<'_>) -> Value {
    let steps = wave.steps.iter().map(|entry| {
        let manifest = &entry.skill.manifest;
        json!({
            "skill": entry.skill.id(),
            "consumes": names(&manifest.consumes),
            "reads": names(&manifest.reads),
            "produces": names(&manifest.produces),
            "denied": entry.rights.as_ref().err().map(ToString::to_string),
        })
    });
    json!({ "question": wave.question, "steps": steps.collect::<Vec<_>>() })
}

fn names(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(ToString::to_string).collect()
}

fn text(incident: &Incident, waves: &[Wave<'_>], aside: &[PutAside], look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(page.line().strong(shorten(&incident.title, 120)));
    let said = "The steps if every skill finds what it looks for; those of one wave run at the same time.";
    page.heading(page.line().faint(said));
    if waves.is_empty() {
        let line = page.line().plain("No skill of this configuration can begin. ");
        page.heading(line.add(Tone::Accent, "negawatt skill list").plain(" shows those that there are."));
    }
    let longest = waves.iter().flat_map(|wave| &wave.steps).map(|entry| entry.skill.id().chars().count()).max();
    let wide = longest.unwrap_or(0).min(40);
    let mut asked = "";
    for (n, wave) in waves.iter().enumerate() {
        if asked != wave.question {
            page.gap();
            page.heading(page.line().strong(&wave.question));
            asked = &wave.question;
        }
        page.relabel(&format!("  wave {}", n + 1));
        for entry in &wave.steps {
            let manifest = &entry.skill.manifest;
            let shown = [names(&manifest.consumes), names(&manifest.reads)].concat();
            let from = if shown.is_empty() { "the incident".to_owned() } else { shown.join(", ") };
            let line = page.line().cell(Tone::Accent, entry.skill.id(), wide).faint(format!("  {from} → "));
            page.write(line.plain(names(&manifest.produces).join(", ")), wide + 2);
            if let Err(denial) = &entry.rights {
                for line in denial.to_string().lines() {
                    page.write(page.line().plain("  ").add(Tone::Unsure, line), 2);
                }
            }
        }
    }
    if !aside.is_empty() {
        let names: Vec<_> = aside.iter().map(|aside| aside.skill.as_str()).collect();
        page.gap();
        let line = page.line().add(Tone::Unsure, "put aside, and not planned: ").plain(names.join(", "));
        page.heading(line.plain("; ").add(Tone::Accent, "negawatt skill list").plain(" says why"));
    }
    page.text()
}

/// The plan as a graph: skills by waves, an arrow for each kind from who may produce it; dashed where it is only read.
fn dot(incident: &Incident, waves: &[Wave<'_>]) -> String {
    let steps: Vec<&Entry> = waves.iter().flat_map(|wave| wave.steps.iter().copied()).collect();
    let mut out =
        String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  incident [shape=oval, label={}];", quoted(&shorten(&incident.title, 60)));
    let mut n = 0;
    for (number, wave) in waves.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{number} {{");
        let _ = writeln!(
            out,
            "    label={}; color=gray; fontname=\"sans-serif\";",
            quoted(&format!("wave {}: {}", number + 1, wave.question))
        );
        for entry in &wave.steps {
            let denied = if entry.rights.is_err() { ", style=\"rounded,dashed\", color=red" } else { "" };
            let _ = writeln!(out, "    s{n} [label={}{denied}];", quoted(&entry.skill.id()));
            n += 1;
        }
        out += "  }\n";
    }
    for (to, entry) in steps.iter().enumerate() {
        let manifest = &entry.skill.manifest;
        if manifest.consumes.is_empty() {
            let _ = writeln!(out, "  incident -> s{to};");
        }
        for (kinds, style) in [(&manifest.consumes, "solid"), (&manifest.reads, "dashed")] {
            for kind in kinds {
                let from = |from: &usize| *from != to && steps[*from].skill.manifest.produces.contains(kind);
                for from in (0..steps.len()).filter(from) {
                    let label = quoted(&kind.to_string());
                    let _ = writeln!(out, "  s{from} -> s{to} [label={label}, style={style}];");
                }
            }
        }
    }
    out + "}\n"
}

/// A quoted string of the language: only `"` and `\` mean something in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_quotes() {
        assert_eq!(quoted("a\"];evil[\\"), "\"a\\\"];evil[\\\\\"");
        assert_eq!(quoted("a\nb\u{1b}"), "\"a b\u{fffd}\"");
    }
}
