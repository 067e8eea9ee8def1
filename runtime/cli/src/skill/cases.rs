//! `negawatt skill test`: runs a project's cases in the real sandbox, with tools served from files.
//!
//! A case is a folder `cases/<name>` with `incident.json`, `negawatt.toml` (where the data is, which file the skill is, and what
//! it may use), `expected.json` (see [`super::expected`]) and, where something is on the board already, `evidence.json`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use negawatt_host::json::{finding, read_findings, read_incident};
use negawatt_host::model::{Finding, Incident};
use negawatt_host::text::printable;
use negawatt_host::{Outcome, Skill, Status};
use serde_json::{Value, json};

use super::build::{self, Cargo};
use super::expected::Expected;
use super::print;
use crate::error::CliError;
use crate::investigate::json_text;
use crate::setup::Setup;

/// Builds the skill in a folder, or takes it as it was built before, runs its cases, and compares what it finds with what they
/// expect. With `only`, those cases whose names hold it.
///
/// A case that failed fails the command for people. A program reads it in the object, which a command that fails cannot print.
pub async fn test(folder: &Path, only: Option<&str>, cargo: Option<Cargo>, as_json: bool) -> Result<(), CliError> {
    let skill = match cargo {
        Some(cargo) => {
            let (built, skill) = build::compile(folder, cargo)?;
            build::write(&build::place(folder, &built.manifest.name), &built.wasm)?;
            skill
        }
        None => build::built(folder)?,
    };
    let cases = find(folder, only.unwrap_or_default())?;
    let mut results = Vec::new();
    for case in &cases {
        let outcome = case.run(&skill).await?;
        results.push(Tested { name: &case.name, differences: case.differences(&outcome), outcome });
    }
    let failed = results.iter().filter(|tested| !tested.differences.is_empty()).count();
    if as_json {
        let cases: Vec<_> = results.iter().map(Tested::json).collect();
        let object = json!({ "ok": failed == 0, "failures": failed, "skill": skill.id(), "cases": cases });
        print(&json_text(&object));
        return Ok(());
    }
    print(&results.iter().map(Tested::text).collect::<String>());
    if failed > 0 {
        let summary = format!("{failed} of {} failed", count(results.len()));
        return Err(CliError::failure("test", summary).at(folder.display()));
    }
    print(&format!("{} passed\n", count(results.len())));
    Ok(())
}

fn count(cases: usize) -> String {
    if cases == 1 { "1 case".into() } else { format!("{cases} cases") }
}

/// A case of a project.
struct TestCase {
    name: String,
    config: PathBuf,
    incident: Incident,
    given: Vec<Finding>,
    expected: Expected,
}

/// The cases of a project, in order of names.
fn find(folder: &Path, only: &str) -> Result<Vec<TestCase>, CliError> {
    let folder = folder.join("cases");
    let help = "a case is a folder cases/<name> with incident.json, negawatt.toml and expected.json";
    let unreadable = |error: std::io::Error| {
        CliError::bad_input("cases", format!("cannot be read: {error}")).at(folder.display()).help(help)
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.retain(|name| name.contains(only));
    names.sort();
    if names.is_empty() {
        let message = if only.is_empty() {
            "there is no case".into()
        } else {
            format!("there is no case with `{only}` in its name")
        };
        return Err(CliError::bad_input("cases", message).at(folder.display()).help(help));
    }
    names.into_iter().map(|name| TestCase::read(&folder.join(&name), name)).collect()
}

impl TestCase {
    fn read(folder: &Path, name: String) -> Result<TestCase, CliError> {
        let text = |file: &str| {
            let path = folder.join(file);
            std::fs::read_to_string(&path)
                .map_err(|error| CliError::bad_input("cases", format!("cannot be read: {error}")).at(path.display()))
        };
        let wrong = |file: &str, place: &str, message: &str| {
            CliError::bad_input("cases", message).at(format!("{}, {place}", folder.join(file).display()))
        };
        let incident = read_incident(&text("incident.json")?)
            .map_err(|error| wrong("incident.json", &error.place, &error.message))?
            .incident;
        let given = match folder.join("evidence.json").exists() {
            true => read_findings(&text("evidence.json")?)
                .map_err(|error| wrong("evidence.json", &error.place, &error.message))?,
            false => Vec::new(),
        };
        let expected =
            Expected::read(&text("expected.json")?).map_err(|error| wrong("expected.json", "the list", &error))?;
        Ok(TestCase { name, config: folder.join("negawatt.toml"), incident, given, expected })
    }

    /// Calls the skill as an investigation would.
    async fn run(&self, skill: &Skill) -> Result<Outcome, CliError> {
        let setup = Setup::new(Some(&self.config))?;
        let loaded = setup.runtime.catalog.named(&skill.manifest.name);
        let entry = loaded.filter(|entry| entry.skill.digest == skill.digest).ok_or_else(|| {
            CliError::bad_input("cases", "the case does not load the skill that was built")
                .at(self.config.display())
                .help(format!("[skills]\npaths = [\"../../{}.wasm\"]\nbundled = false", skill.manifest.name))
        })?;
        Ok(setup.runtime.call_alone(entry, &self.incident, self.given.clone()).await)
    }

    fn differences(&self, outcome: &Outcome) -> Vec<String> {
        match (&outcome.status, &outcome.message) {
            (Status::Ok, _) => self.expected.differences(&outcome.findings.iter().map(finding).collect::<Vec<_>>()),
            (_, Some(message)) => self.expected.differences_from_error(message),
            (status, None) => self.expected.differences_from_error(&format!("{status:?}")),
        }
    }
}

/// A case that was run.
struct Tested<'a> {
    name: &'a str,
    outcome: Outcome,
    differences: Vec<String>,
}

impl Tested<'_> {
    fn text(&self) -> String {
        let word = if self.differences.is_empty() { "ok  " } else { "FAIL" };
        let millis = self.outcome.usage.wall_us as f64 / 1e3;
        let mut out = format!("{word}  {}  {millis:.1} ms\n", printable(self.name));
        if self.differences.is_empty() {
            return out;
        }
        // Writing to a string cannot fail.
        for line in &self.differences {
            let _ = writeln!(out, "      {}", line.replace('\n', "\n      "));
        }
        for line in &self.outcome.log {
            let _ = writeln!(out, "      it said: {}", printable(line));
        }
        out
    }

    fn json(&self) -> Value {
        let usage = &self.outcome.usage;
        json!({
            "name": self.name,
            "differences": self.differences,
            "log": self.outcome.log,
            "findings": self.outcome.findings.iter().map(finding).collect::<Vec<_>>(),
            "usage": {
                "wall_us": usage.wall_us,
                "guest_us": usage.guest_us,
                "tools_us": usage.tools_us,
                "tool_calls": usage.tool_calls,
                "read_bytes": usage.read_bytes,
                "peak_memory_bytes": usage.peak_memory_bytes,
            },
        })
    }
}
