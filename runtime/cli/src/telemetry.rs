//! The log and the traces of a command: as the file says that it reads, and as the environment does.

use negawatt_config::Config as Configuration;
use negawatt_telemetry::{Log, Telemetry, TelemetryError, Trace};

use crate::case::CaseCommand;
use crate::command::{Command, Config};
use crate::error::CliError;
use crate::progress::LogWriter;

impl From<TelemetryError> for CliError {
    fn from(error: TelemetryError) -> CliError {
        match error {
            TelemetryError::Config(error) => error.into(),
            TelemetryError::Environment(what) => CliError::bad_input("environment", what),
        }
    }
}

/// Starts both; what a command asks a server to do is that server's.
pub fn start(command: &Command, is_remote: bool) -> Result<Telemetry, CliError> {
    let file = of_cases(command).filter(|_| !is_remote);
    // What is wrong with the file, the command itself tells.
    let said = file.and_then(|config| Configuration::find(config.file.as_deref()).ok());
    let log = Log {
        filter: match command {
            // Attacks are what the host warns of.
            Command::Doctor { sandbox: true, .. } => "error",
            // What a client asks wrongly, it is told.
            Command::Mcp { .. } => "warn,rmcp=error",
            Command::Serve(_) => negawatt_mcp::LOG,
            _ => "warn",
        },
        timed: matches!(command, Command::Serve(_)),
        writer: || LogWriter,
    };
    Ok(negawatt_telemetry::start(&said.map(|said| said.telemetry).unwrap_or_default(), log)?)
}

/// The trace that whoever started the program is in, as pipelines say it.
pub fn around() -> Trace {
    let of = |name: &str| std::env::var(name).ok();
    Trace::of(of("TRACEPARENT").as_deref(), of("TRACESTATE").as_deref())
}

/// Where the configuration is of a command that runs cases, or carries them on.
fn of_cases(command: &Command) -> Option<&Config> {
    match command {
        Command::Investigate { config, .. }
        | Command::Mcp { config }
        | Command::Case { command: CaseCommand::Resume { config, .. } | CaseCommand::Split { config, .. } } => {
            Some(config)
        }
        Command::Watch(args) => Some(&args.config),
        Command::Serve(args) => Some(&args.config),
        Command::Review { command } => Some(command.config()),
        _ => None,
    }
}
