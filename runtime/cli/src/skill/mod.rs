//! `negawatt skill`: for those who write skills.

mod build;
mod expected;
mod inspect;
mod new;

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use crate::error::CliError;

/// What to do with a skill.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a complete project for a new skill in Rust
    #[command(after_help = "\
Examples:
  negawatt skill new gc-pause                    into ./gc-pause
  negawatt skill new gc-pause --path ~/skills    into ~/skills/gc-pause

The project builds and passes its test as it is. It carries the SDK, so that nothing has to be published.")]
    New {
        /// Its name: lower-case letters, digits and single hyphens
        name: String,
        /// The folder in which the project's folder is made
        #[arg(long, value_name = "DIR", default_value = ".")]
        path: PathBuf,
    },
    /// Compile a skill and put it into one file with its SKILL.md
    #[command(after_help = "\
Examples:
  negawatt skill build                             the skill in this folder
  negawatt skill build gc-pause                    gc-pause/gc-pause.wasm
  negawatt skill build gc-pause --out skills/gc-pause.wasm")]
    Build {
        /// The skill's folder
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// The file to write [default: DIR/<name>.wasm]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The profile of cargo
        #[arg(long, value_name = "NAME", default_value = "release")]
        profile: String,
        /// Where cargo keeps what it makes [default: as for the project]
        #[arg(long, value_name = "DIR")]
        target_dir: Option<PathBuf>,
    },
    /// Show what a skill says of itself, what it imports, and what it needs; runs nothing of it
    #[command(after_help = "\
Examples:
  negawatt skill inspect gc-pause.wasm
  negawatt skill inspect gc-pause.wasm --json")]
    Inspect {
        /// The file
        file: PathBuf,
    },
}

/// Does it.
pub fn run(args: Args, json: bool) -> Result<(), CliError> {
    match args.command {
        Command::New { name, path } => new::new(&name, &path, json),
        Command::Build { folder, out, profile, target_dir } => {
            let cargo = build::Cargo { profile, target_dir };
            build::build(&folder, out, cargo, json)
        }
        Command::Inspect { file } => inspect::inspect(&file, json),
    }
}

/// Writes to standard output. A reader that went away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
