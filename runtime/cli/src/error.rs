//! What the program says when it cannot do what it was asked for.

use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

use negawatt_casebook::{CasebookError, Problem};
use negawatt_config::ConfigError;
use negawatt_host::HostError;
use negawatt_host::text::{printable_json, printable_lines};
use serde_json::json;

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// Whether it was asked wrongly.
    pub bad_input: bool,
    /// A word for programs; it stays the same when the message changes.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// Where: a file, a line, a key.
    pub place: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl CliError {
    /// The command was asked wrongly, or given a file that is wrong.
    pub fn bad_input(code: &'static str, message: impl Display) -> CliError {
        CliError { bad_input: true, code, message: message.to_string(), place: None, help: None }
    }

    /// The command was asked rightly and failed.
    pub fn failure(code: &'static str, message: impl Display) -> CliError {
        CliError { bad_input: false, ..CliError::bad_input(code, message) }
    }

    /// Says where.
    pub fn at(self, place: impl Display) -> CliError {
        CliError { place: Some(place.to_string()), ..self }
    }

    /// Says what to do.
    pub fn help(self, help: impl Display) -> CliError {
        CliError { help: Some(help.to_string()), ..self }
    }

    /// Writes it to standard error, for people or as one line of JSON, and gives the code to exit with.
    pub fn report(&self, as_json: bool) -> ExitCode {
        let text = if as_json { printable_json(&format!("{}\n", self.json())) } else { self.to_string() };
        // A reader that went away is no error of its own.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(if self.bad_input { 2 } else { 1 })
    }

    /// The object that programs are told.
    pub fn json(&self) -> serde_json::Value {
        let clean = |text: &String| printable_lines(text);
        json!({
            "code": self.code,
            "message": clean(&self.message),
            "where": self.place.as_ref().map(clean),
            "help": self.help.as_ref().map(clean),
        })
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> CliError {
        CliError::bad_input("config", &error.message).at(error.place()).help(&error.help)
    }
}

impl From<CasebookError> for CliError {
    fn from(error: CasebookError) -> CliError {
        match error {
            CasebookError::NoSuchCase(_) | CasebookError::Ambiguous { .. } | CasebookError::NotACaseId(_) => {
                CliError::bad_input("case", error)
            }
            CasebookError::Store { problem: Problem::Full | Problem::Disk(_), .. } => {
                CliError::failure("casebook", error)
                    .help("then go on: `negawatt case list --verdict open` shows open cases, `negawatt case resume ID` continues one")
            }
            _ => CliError::failure("casebook", error),
        }
    }
}

impl From<HostError> for CliError {
    fn from(error: HostError) -> CliError {
        CliError::failure("sandbox", error)
    }
}

impl Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Messages quote what is in files: nothing of it may steer a terminal.
        let indented = |text: &str| printable_lines(text.trim_end()).replace('\n', "\n         ");
        writeln!(f, "error: {}", indented(&self.message))?;
        if let Some(place) = &self.place {
            writeln!(f, "  where: {}", indented(place))?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "  help:  {}", indented(help))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error =
            CliError::bad_input("skill", "the name is wrong\u{1b}[2J").at("SKILL.md, line 2").help("rename it\nor not");
        let shown = error.to_string();
        assert_eq!(
            shown,
            "error: the name is wrong\u{fffd}[2J\n  where: SKILL.md, line 2\n  help:  rename it\n         or not\n"
        );
        let json = error.json();
        assert_eq!(json["code"], "skill");
        assert_eq!(json["where"], "SKILL.md, line 2");
        assert_eq!(json["message"], "the name is wrong\u{fffd}[2J");
        assert!(CliError::failure("x", "y").json()["help"].is_null());
    }
}
