//! `negawatt plan`: the steps that a case would take if every skill found what it looks for, without taking any.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use negawatt_casebook::Casebook;
use negawatt_host::model::Incident;
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Digest, Kind};
use negawatt_planner::{Catalog, Entry, experience, outline, put_aside};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, read_incident, write_out};
use crate::look::{Look, Tone};
use crate::page::Page;
use crate::printed::{items, word};
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

impl Form {
    /// As the command line says.
    pub fn of(json: bool, dot: bool) -> Form {
        match (json, dot) {
            (true, _) => Form::Json,
            (_, true) => Form::Dot,
            _ => Form::Text,
        }
    }
}

/// Prints the plan of an incident.
pub fn plan(incident: &Path, config: Option<PathBuf>, form: Form) -> Result<(), CliError> {
    let file = read_incident(incident)?;
    let setup = Setup::new(config.as_deref())?;
    // A plan can be made without a casebook; nothing is learned then, and nothing is put aside.
    let book = setup.casebook().ok();
    print(&file.incident, &of(&file.incident, &setup.runtime.catalog, book.as_ref()), form);
    Ok(())
}

/// The plan of an incident, as programs read it.
pub fn of(incident: &Incident, all: &Catalog, book: Option<&Casebook>) -> Value {
    let learned = |book: &Casebook| experience(book, all, negawatt_host::time::now()).ok();
    let knowledge = book.and_then(learned).unwrap_or_default();
    let aside = book.and_then(|book| put_aside(book, all).ok()).unwrap_or_default();
    let is_aside = |digest: &Digest| aside.iter().any(|aside| aside.digest == digest.to_string());
    let catalog =
        all.restricted(all.entries().iter().map(|entry| entry.skill.digest).filter(|digest| !is_aside(digest)));
    let entries = catalog.entries();
    let waves = outline(incident, &catalog, &knowledge);
    let waves = waves.iter().map(|(question, steps)| {
        json!({ "question": question, "steps": steps.iter().map(|n| described(&entries[*n])).collect::<Vec<_>>() })
    });
    json!({
        "waves": waves.collect::<Vec<_>>(),
        "put_aside": aside.iter().map(|aside| &aside.skill).collect::<Vec<_>>(),
    })
}

fn described(entry: &Entry) -> Value {
    let manifest = &entry.skill.manifest;
    json!({
        "skill": entry.skill.id(),
        "consumes": names(&manifest.consumes),
        "reads": names(&manifest.reads),
        "produces": names(&manifest.produces),
        "denied": entry.rights.as_ref().err().map(ToString::to_string),
    })
}

/// Prints a plan that programs read.
pub fn print(incident: &Incident, plan: &Value, form: Form) {
    let waves: Vec<Wave<'_>> = items(&plan["waves"]).map(Wave::of).collect();
    write_out(&match form {
        Form::Text => text(incident, &waves, &texts(&plan["put_aside"]), &Look::of_stdout()),
        Form::Json => json_text(plan),
        Form::Dot => dot(incident, &waves),
    });
}

/// A question of the case, and the steps of one wave towards its answer.
struct Wave<'a> {
    question: &'a str,
    steps: Vec<Step<'a>>,
}

/// A step that would be taken.
struct Step<'a> {
    skill: &'a str,
    consumes: Vec<&'a str>,
    reads: Vec<&'a str>,
    produces: Vec<&'a str>,
    denied: Option<&'a str>,
}

impl Wave<'_> {
    fn of(wave: &Value) -> Wave<'_> {
        Wave { question: word(&wave["question"]), steps: items(&wave["steps"]).map(Step::of).collect() }
    }
}

impl Step<'_> {
    fn of(step: &Value) -> Step<'_> {
        Step {
            skill: word(&step["skill"]),
            consumes: texts(&step["consumes"]),
            reads: texts(&step["reads"]),
            produces: texts(&step["produces"]),
            denied: step["denied"].as_str(),
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    items(list).filter_map(Value::as_str).collect()
}

fn names(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(ToString::to_string).collect()
}

fn text(incident: &Incident, waves: &[Wave<'_>], aside: &[&str], look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(page.line().strong(shorten(&incident.title, 120)));
    let said = "The steps if every skill finds what it looks for; those of one wave run at the same time.";
    page.heading(page.line().faint(said));
    if waves.is_empty() {
        let line = page.line().plain("No skill of this configuration can begin. ");
        page.heading(line.add(Tone::Accent, "negawatt skill list").plain(" shows those that there are."));
    }
    let longest = waves.iter().flat_map(|wave| &wave.steps).map(|step| step.skill.chars().count()).max();
    let wide = longest.unwrap_or(0).min(40);
    let mut asked = "";
    for (n, wave) in waves.iter().enumerate() {
        if asked != wave.question {
            page.gap();
            page.heading(page.line().strong(wave.question));
            asked = wave.question;
        }
        page.relabel(&format!("  wave {}", n + 1));
        for step in &wave.steps {
            let shown = [&*step.consumes, &step.reads].concat();
            let from = if shown.is_empty() { "the incident".to_owned() } else { shown.join(", ") };
            let line = page.line().cell(Tone::Accent, step.skill, wide).faint(format!("  {from} → "));
            page.write(line.plain(step.produces.join(", ")), wide + 2);
            for line in step.denied.unwrap_or_default().lines() {
                page.write(page.line().plain("  ").add(Tone::Unsure, line), 2);
            }
        }
    }
    if !aside.is_empty() {
        page.gap();
        let line = page.line().add(Tone::Unsure, "put aside, and not planned: ").plain(aside.join(", "));
        page.heading(line.plain("; ").add(Tone::Accent, "negawatt skill list").plain(" says why"));
    }
    page.text()
}

/// The plan as a graph: skills by waves, an arrow for each kind from who may produce it; dashed where it is only read.
fn dot(incident: &Incident, waves: &[Wave<'_>]) -> String {
    let steps: Vec<&Step<'_>> = waves.iter().flat_map(|wave| &wave.steps).collect();
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
        for step in &wave.steps {
            let denied = if step.denied.is_some() { ", style=\"rounded,dashed\", color=red" } else { "" };
            let _ = writeln!(out, "    s{n} [label={}{denied}];", quoted(step.skill));
            n += 1;
        }
        out += "  }\n";
    }
    for (to, step) in steps.iter().enumerate() {
        if step.consumes.is_empty() {
            let _ = writeln!(out, "  incident -> s{to};");
        }
        for (kinds, style) in [(&step.consumes, "solid"), (&step.reads, "dashed")] {
            for kind in kinds {
                let from = |from: &usize| *from != to && steps[*from].produces.contains(kind);
                for from in (0..steps.len()).filter(from) {
                    let label = quoted(kind);
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
