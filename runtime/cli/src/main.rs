//! `negawatt`: investigates performance incidents with sandboxed skills.

mod access;
mod at_rest;
mod bundle;
mod case;
mod casebook;
mod command;
mod demo;
mod doctor;
mod error;
mod eval;
mod follow;
mod grants;
mod investigate;
mod look;
mod mcp;
mod notify;
mod page;
mod page_file;
mod plan;
mod printed;
mod progress;
mod remote;
mod replay;
mod report;
mod review;
mod serve;
mod setup;
mod skill;
mod stats;
mod telemetry;
mod watch;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::case::CaseCommand;
use crate::command::{Cli, Command, ConfigCommand};
use crate::error::CliError;
use crate::grants::GrantsCommand;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    let for_parent = |word: &str| first.as_ref().is_some_and(|first| first == word);
    let rest = || arguments.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
    if for_parent(setup::COMPILE) {
        return negawatt_host::compile_for_parent(&rest());
    }
    if for_parent(setup::PARSE) {
        return negawatt_sources::parse_for_parent(&rest());
    }
    if for_parent(setup::GUARD) {
        return negawatt_actions::guard::run_for_parent(&rest());
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    let telemetry = match telemetry::start(&cli.command, cli.server.is_some()) {
        Ok(telemetry) => telemetry,
        Err(error) => return error.report(cli.json),
    };
    let done = telemetry::around().within(|| run(cli.command, cli.server.as_deref(), cli.json));
    // Before an error is told, which ends what is said.
    telemetry.end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(cli.json),
    }
}

fn run(command: Command, server: Option<&str>, json: bool) -> Result<(), CliError> {
    let runtime = negawatt_host::runtime()
        .build()
        .map_err(|error| CliError::failure("threads", format!("cannot start threads: {error}")))?;
    if let Some(server) = server {
        return runtime.block_on(remote::run(command, server, json));
    }
    let done = match command {
        Command::Demo { keep, page } => runtime.block_on(demo::demo(keep.as_deref(), json, page.report.as_deref())),
        Command::Investigate { incident, config, page } => {
            runtime.block_on(investigate::investigate(&incident, config.file, json, page.report.as_deref()))
        }
        Command::Mcp { config } => runtime.block_on(mcp::serve(config.file.as_deref())),
        Command::Plan { incident, config, dot } => plan::plan(&incident, config.file, plan::Form::of(json, dot)),
        Command::Case { command: CaseCommand::List { filter, config } } => case::list(config.file, &filter, json),
        Command::Case { command: CaseCommand::Show { id, config, page } } => {
            case::show(&id, config.file, json, page.report.as_deref())
        }
        Command::Case { command: CaseCommand::Replay { id, config } } => {
            runtime.block_on(replay::replay(&id, config.file, json))
        }
        Command::Case { command: CaseCommand::Resume { id, config, page } } => {
            runtime.block_on(case::resume(&id, config.file, json, page.report.as_deref()))
        }
        Command::Eval { folder, jobs } => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            runtime.block_on(eval::eval(&folder, jobs.map_or(cores, usize::from), json))
        }
        Command::Casebook { command } => casebook::run(command, json),
        Command::Review { command } => runtime.block_on(review::review(command, json)),
        Command::Outcome(args) => review::became(args, json),
        Command::Stats(args) => stats::print(args, json),
        Command::Serve(args) => runtime.block_on(serve::serve(args, json)),
        Command::Watch(args) => runtime.block_on(watch::watch(args, json)),
        Command::Case { command: CaseCommand::Split { id, symptoms, config } } => {
            runtime.block_on(watch::split(&id, &symptoms, config.file, json))
        }
        Command::Doctor { sandbox: true, keep, .. } => runtime.block_on(doctor::sandbox(keep.as_deref(), json)),
        Command::Doctor { wait, config, .. } => runtime.block_on(doctor::doctor(config.file.as_deref(), wait, json)),
        Command::Grants { command: GrantsCommand::Explain { skill, config } } => {
            grants::explain(&skill, config.file.as_deref(), json)
        }
        Command::Config { command: ConfigCommand::Schema } => {
            investigate::write_out(&investigate::json_text(&negawatt_config::schema()));
            Ok(())
        }
        Command::Token { command } => access::token(command, json),
        Command::Audit { command } => access::audit(command, json),
        Command::Skill(args) => runtime.block_on(skill::run(args, json)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "negawatt", &mut script);
            investigate::write_out(&String::from_utf8_lossy(&script));
            Ok(())
        }
    };
    // A tool that does not return (a source that hangs) must not keep the program.
    runtime.shutdown_background();
    done
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
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
