//! `negawatt`: investigates performance incidents with sandboxed skills.

mod bundle;
mod error;
mod skill;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::error::CliError;

/// Investigates performance incidents with sandboxed skills, from a signal to the change that caused it.
#[derive(Parser)]
#[command(name = "negawatt", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    /// Print one JSON object for programs; on failure nothing, and a JSON error as the last line of standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  negawatt skill new gc-pause      write a new skill that builds and passes its test
  negawatt skill build gc-pause    make gc-pause/gc-pause.wasm of it

Exit codes: 0 done, 1 failed, 2 asked wrongly.";

#[derive(Subcommand)]
enum Command {
    /// Write, build, inspect and test skills
    Skill(skill::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    let done = match cli.command {
        Command::Skill(args) => skill::run(args, cli.json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(cli.json),
    }
}

/// What there is to say of a command line that could not be read; the help that was asked for is no error.
fn unparsed(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked_for || !std::env::args_os().any(|argument| argument == "--json") {
        // A reader that went away is no error.
        let _ = error.print();
        return ExitCode::from(if asked_for { 0 } else { 2 });
    }
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    CliError::bad_input("usage", message).help("negawatt --help").report(true)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
