//! `negawatt grants explain`: what a skill may do, and why.

use std::path::Path;

use clap::Subcommand;
use negawatt_config::{Config, Grant, Injection, Place, SecretGrant};
use negawatt_host::Skill;
use negawatt_host::grants::{Condition, Considered, Explanation, Grants, LimitSource, Rule};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};
use crate::setup;
use crate::skill::inspect::signed;
use crate::skill::run::{find, origin};

#[derive(Subcommand)]
pub enum GrantsCommand {
    /// Show what a skill imports, what it gets by which grant, and what it lacks
    #[command(after_help = "\
Examples:
  negawatt grants explain gc-pause
  negawatt grants explain skills/gc-pause.wasm --config negawatt.toml
  negawatt grants explain gc-pause --json

It runs nothing of the skill, and shows no secret.")]
    Explain {
        /// Its name, or its .wasm file
        skill: String,
        #[command(flatten)]
        config: crate::command::Config,
    },
}

/// Explains the rights of a skill of the catalog, or in a file.
pub fn explain(skill: &str, config: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let config = Config::find(config)?;
    let grants = Grants::of(&config);
    let catalog = setup::catalog(&config, &grants, &mut Vec::new(), None)?;
    let entry = find(skill, &catalog, &config)?;
    write_out(&shown(&entry.skill, &config, as_json, &Look::of_stdout()));
    Ok(())
}

/// What a skill may do, and why.
pub fn shown(skill: &Skill, config: &Config, as_json: bool, look: &Look) -> String {
    let grants = Grants::of(config);
    let explanation = grants.explain(skill);
    match as_json {
        true => json_text(&described(skill, &explanation)),
        false => page(skill, &explanation, look),
    }
}

fn page(skill: &Skill, explanation: &Explanation<'_>, look: &Look) -> String {
    let mut page = Page::new(look);
    let head = page.line().strong(skill.id());
    page.heading(match explanation.lacks {
        None => head.add(Tone::Good, " may run"),
        Some(_) => head.add(Tone::Bad, " may not run"),
    });
    let file = skill.file.as_ref().map(|file| format!(" from {}", file.display())).unwrap_or_default();
    page.heading(page.line().faint(format!("{}{file}, signed by {}", origin(skill.origin), signed(skill))));
    imports(&mut page, skill, explanation);
    page.section("Grants");
    for Considered { grant, conditions } in &explanation.fitting {
        let line = page.line().add(Tone::Accent, at(&grant.place)).plain(" means it by ");
        page.write(line.plain(listed(conditions.iter().map(wanted))), 2);
    }
    http(&mut page, explanation);
    page.section("Export");
    let export = page.line();
    page.write(
        match explanation.may_export {
            Some(grant) => export
                .plain("may send out what derives from confidential tools, by ")
                .add(Tone::Accent, at(&grant.place)),
            None => export.plain("may not send out what derives from confidential tools"),
        },
        2,
    );
    limits(&mut page, explanation);
    page.section("Nearly");
    for considered in &explanation.near {
        near(&mut page, considered);
    }
    page.section("Lacks");
    if let Some(lack) = &explanation.lacks {
        for why in lack.why() {
            page.write(page.line().add(Tone::Bad, why), 2);
        }
        page.write(page.line().plain("this would allow it, in negawatt.toml:"), 2);
        for line in lack.grant().lines() {
            page.write(page.line().add(Tone::Accent, format!("  {line}")), 4);
        }
    }
    page.text()
}

fn imports(page: &mut Page<'_>, skill: &Skill, explanation: &Explanation<'_>) {
    page.section("Imports");
    if explanation.tools.is_empty() {
        page.row(page.line().plain("no tools"));
    }
    for (tool, rules) in &explanation.tools {
        let line = page.line().cell(Tone::Accent, tool.name(), 13);
        let line = match rules.as_slice() {
            [] => line.add(Tone::Bad, "lacking"),
            rules => line.plain(listed(rules.iter().map(|rule| match rule {
                Rule::Bundled => "bundled skills have it by default".to_owned(),
                Rule::Grant(grant) => format!("granted at {}", at(&grant.place)),
            }))),
        };
        page.write(line, 13);
    }
    let base = skill.imports.base.iter().cloned();
    page.write(page.line().cell(Tone::Plain, "base", 13).faint(listed(base)), 13);
}

fn http(page: &mut Page<'_>, explanation: &Explanation<'_>) {
    page.section("HTTP");
    for Considered { grant, .. } in explanation.fitting.iter().filter(|fitting| !fitting.grant.origins.is_empty()) {
        let methods = listed(grant.methods.iter().cloned());
        for origin in &grant.origins {
            page.write(page.line().add(Tone::Accent, origin.to_string()).plain(format!("  {methods}")), 2);
        }
        if !grant.addresses.is_empty() {
            let ranges = listed(grant.addresses.iter().map(ToString::to_string));
            page.write(page.line().plain(format!("also at addresses that are not public: {ranges}")), 2);
        }
        for secret in &grant.secrets {
            page.write(credential(page.line(), secret), 2);
        }
    }
}

/// A secret by its name: who gets it, and where. What it is, this program does not read here.
fn credential(line: Line, secret: &SecretGrant) -> Line {
    let line = line.plain("the secret ").add(Tone::Accent, &secret.name).plain(format!(" for {}", secret.audience));
    match &secret.injection {
        Injection::Header { name, prefix } if prefix.is_empty() => line.plain(format!(" in the header {name}")),
        Injection::Header { name, prefix } => line.plain(format!(" in the header {name} after {prefix:?}")),
        Injection::Query(name) => line.plain(format!(" in the query as {name}")),
    }
}

fn limits(page: &mut Page<'_>, explanation: &Explanation<'_>) {
    page.section("Limits");
    for limit in &explanation.limits {
        let (tone, from) = match limit.from {
            LimitSource::Default => (Tone::Faint, "by default".to_owned()),
            LimitSource::Common => (Tone::Plain, "by [limits]".to_owned()),
            LimitSource::Grant(grant) => (Tone::Plain, format!("by {}", at(&grant.place))),
        };
        let value = limit.value.as_deref().unwrap_or("not counted");
        let line = page.line().cell(Tone::Plain, limit.name, 21).cell(Tone::Plain, value, 14);
        page.row(line.add(tone, from));
    }
}

fn near(page: &mut Page<'_>, considered: &Considered<'_>) {
    let (met, unmet): (Vec<_>, Vec<_>) = considered.conditions.iter().partition(|condition| condition.is_met);
    let line = page.line().add(Tone::Accent, at(&considered.grant.place));
    page.write(line.plain(format!(" would mean it by {}", listed(met.into_iter().map(wanted)))), 2);
    for condition in unmet {
        let has = match (&condition.has, condition.key) {
            (Some(has), _) => format!("it is {has:?}"),
            (None, "publisher") => "no publisher of the configuration signed it".to_owned(),
            (None, _) => "it has none".to_owned(),
        };
        page.write(page.line().add(Tone::Unsure, format!("but not by {}: {has}", wanted(condition))), 4);
    }
}

/// A condition as it is written.
fn wanted(condition: &Condition) -> String {
    format!("{} = {:?}", condition.key, condition.wants)
}

/// The file and line of a grant.
fn at(place: &Place) -> String {
    format!("{}:{}", place.file.display(), place.line)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn described(skill: &Skill, explanation: &Explanation<'_>) -> Value {
    let tools = explanation.tools.iter().map(|(tool, rules)| {
        let by = rules.iter().map(|rule| match rule {
            Rule::Bundled => json!({ "rule": "bundled", "where": null }),
            Rule::Grant(grant) => json!({ "rule": "grant", "where": at(&grant.place) }),
        });
        json!({ "tool": tool.name(), "by": by.collect::<Vec<_>>() })
    });
    let limits = explanation.limits.iter().map(|limit| {
        let (rule, place) = match limit.from {
            LimitSource::Default => ("default", None),
            LimitSource::Common => ("limits", None),
            LimitSource::Grant(grant) => ("grant", Some(at(&grant.place))),
        };
        json!({ "limit": limit.name, "value": limit.value, "rule": rule, "where": place })
    });
    let considered = |all: &[Considered<'_>]| all.iter().map(grant_described).collect::<Vec<_>>();
    json!({
        "skill": skill.id(),
        "origin": origin(skill.origin),
        "file": skill.file.as_ref().map(|file| file.display().to_string()),
        "digest": skill.digest.to_string(),
        "signer": skill.signer.map(|key| key.to_string()),
        "publisher": skill.publisher,
        "may_run": explanation.lacks.is_none(),
        "tools": tools.collect::<Vec<_>>(),
        "base": skill.imports.base,
        "grants": considered(&explanation.fitting),
        "nearly": considered(&explanation.near),
        "may_export": explanation.may_export.map(|grant| at(&grant.place)),
        "limits": limits.collect::<Vec<_>>(),
        "lacks": explanation.lacks.as_ref().map(|lack| json!({ "why": lack.why(), "grant": lack.grant() })),
    })
}

fn grant_described(considered: &Considered<'_>) -> Value {
    let Considered { grant, conditions } = considered;
    let conditions = conditions.iter().map(|condition| {
        let Condition { key, wants, has, is_met } = condition;
        json!({ "key": key, "wants": wants, "has": has, "met": is_met })
    });
    json!({ "where": at(&grant.place), "means": conditions.collect::<Vec<_>>(), "http": requests(grant) })
}

fn requests(grant: &Grant) -> Value {
    if grant.origins.is_empty() {
        return Value::Null;
    }
    let secrets = grant.secrets.iter().map(|secret| {
        let (header, prefix, query) = match &secret.injection {
            Injection::Header { name, prefix } => (Some(name), Some(prefix), None),
            Injection::Query(name) => (None, None, Some(name)),
        };
        let audience = secret.audience.to_string();
        json!({ "name": secret.name, "audience": audience, "header": header, "prefix": prefix, "query": query })
    });
    json!({
        "origins": grant.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "methods": grant.methods,
        "addresses": grant.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
    })
}
