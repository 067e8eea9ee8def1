//! `negawatt`: investigates performance incidents with sandboxed skills.

mod bundle;
mod case;
mod demo;
mod error;
mod investigate;
mod report;
mod setup;
mod skill;

use std::path::PathBuf;
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
  negawatt demo                        investigate a recorded regression of a real program
  negawatt investigate incident.json   investigate your own
  negawatt case show 01J               print a case again
  negawatt skill new gc-pause          write a new skill that builds and passes its test

Exit codes: 0 done (whatever the verdict), 1 failed, 2 asked wrongly.";

#[derive(Subcommand)]
enum Command {
    /// Investigate a recorded regression of a real program, from any folder
    Demo,
    /// Investigate an incident
    #[command(after_help = "\
Examples:
  negawatt investigate incident.json
  negawatt investigate incident.json --config negawatt.toml --json")]
    Investigate {
        /// What got worse, and when (JSON)
        incident: PathBuf,
        #[command(flatten)]
        config: Config,
    },
    /// Print the steps that a case would take, without taking any
    #[command(after_help = "Example:\n  negawatt plan incident.json")]
    Plan {
        /// What got worse, and when (JSON)
        incident: PathBuf,
        #[command(flatten)]
        config: Config,
    },
    /// List and show cases, and go on with one that was interrupted
    Case {
        #[command(subcommand)]
        command: CaseCommand,
    },
    /// Write, build, inspect, run and test skills
    Skill(skill::Args),
}

/// Where the configuration is.
#[derive(clap::Args)]
pub struct Config {
    /// The configuration [default: negawatt.toml in this folder, if there is one]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum CaseCommand {
    /// List cases, the newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        config: Config,
    },
    /// Show a case
    Show {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        config: Config,
    },
    /// Go on with a case that was interrupted
    Resume {
        /// Its id, or the beginning of it
        id: String,
        #[command(flatten)]
        config: Config,
    },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    start_log();
    match run(cli.command, cli.json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(cli.json),
    }
}

fn run(command: Command, json: bool) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failure("threads", format!("cannot start threads: {error}")))?;
    let done = match command {
        Command::Demo => runtime.block_on(demo::demo(json)),
        Command::Investigate { incident, config } => {
            runtime.block_on(investigate::investigate(&incident, config.file, json))
        }
        Command::Plan { incident, config } => investigate::plan(&incident, config.file, json),
        Command::Case { command: CaseCommand::List { limit, config } } => case::list(config.file, limit, json),
        Command::Case { command: CaseCommand::Show { id, config } } => case::show(&id, config.file, json),
        Command::Case { command: CaseCommand::Resume { id, config } } => {
            runtime.block_on(case::resume(&id, config.file, json))
        }
        Command::Skill(args) => runtime.block_on(skill::run(args, json)),
    };
    // A tool that does not return (a source that hangs) must not keep the program.
    runtime.shutdown_background();
    done
}

/// Warnings of the program itself go to standard error; `NEGAWATT_LOG` says otherwise.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("NEGAWATT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .init();
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
    let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let message = lines.join(" ");
    let message = message.trim_start_matches("error: ");
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
