//! `negawatt skill`: for those who write skills.

mod backtest;
mod build;
mod cases;
mod expected;
pub mod inspect;
mod new;
pub mod restore;
pub mod run;
mod sign;

use std::path::PathBuf;

use clap::Subcommand;

use crate::command::Config;
use crate::error::CliError;
use crate::investigate::write_out as print;

/// What to do with a skill.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// `negawatt skill …`
#[derive(Subcommand)]
pub enum Command {
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
        #[command(flatten)]
        cargo: build::Cargo,
    },
    /// Build a skill and run its cases in the real sandbox
    #[command(after_help = "\
Examples:
  negawatt skill test                      all cases of the skill in this folder
  negawatt skill test gc-pause --case long
  negawatt skill test gc-pause --no-build  gc-pause/gc-pause.wasm, whatever built it

A case is a folder cases/<name> with incident.json, negawatt.toml, expected.json and perhaps evidence.json. Its negawatt.toml is
followed as any other: read the grants and secrets of a project that is not yours before you test it.

Exit codes: 0 every case found what it expects, 1 one did not, 2 the cases cannot be read.
With --json, 0 also where a case failed: the object has `ok`, the number of `failures`, and the `differences` of each case.")]
    Test {
        /// The skill's folder
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// Run only cases whose names hold this
        #[arg(long, value_name = "TEXT")]
        case: Option<String>,
        /// Test DIR/<name>.wasm as it is
        #[arg(long, conflicts_with_all = ["profile", "target_dir"])]
        no_build: bool,
        #[command(flatten)]
        cargo: build::Cargo,
    },
    /// Run past cases again with a new version of a skill, and say what would have come of them
    #[command(after_help = "\
Examples:
  negawatt skill backtest gc-pause.wasm --last 50
  negawatt skill backtest gc-pause.wasm --last 50 --live --json

The new version stands in the place of the skill with its name, or beside the others where there is none. Tools answer from the record of
each case. What that has no answer to is named, or with --live asked of today's sources, where it has the rights to. Nothing is written and
nothing is done outside.

Exit codes: 0 cases were run again, whatever came of them, 1 none could be, 2 the file is no skill.")]
    Backtest {
        /// The new version
        #[arg(value_name = "NEW.wasm")]
        skill: PathBuf,
        /// So many concluded cases, from the newest on
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        last: u32,
        /// Ask today's sources what the record has no answer to
        #[arg(long)]
        live: bool,
        #[command(flatten)]
        config: Config,
    },
    /// Show what a skill says of itself, what it imports, and what it needs; runs nothing of it
    #[command(after_help = "\
Examples:
  negawatt skill inspect gc-pause.wasm
  negawatt skill inspect gc-pause.wasm --config negawatt.toml --json")]
    Inspect {
        /// The file
        #[arg(value_name = "FILE")]
        skill: PathBuf,
        #[command(flatten)]
        config: Config,
    },
    /// Make a new private key to sign skills with, and print the public key that goes with it
    #[command(after_help = "\
Examples:
  negawatt skill key acme.key

The file can be read by you alone; keep it so. What is printed is for operators, who write it into negawatt.toml:
  [publishers.acme]
  key = \"ed25519:…\"")]
    Key {
        /// The file to write, which must not be there yet
        file: PathBuf,
    },
    /// Sign a built skill, so that a grant can name its publisher
    #[command(after_help = "\
Examples:
  negawatt skill sign gc-pause.wasm --key acme.key

The signature is put at the end of the file, in place of the one that is there. Whatever changes the file after that breaks it.")]
    Sign {
        /// The file
        #[arg(value_name = "FILE")]
        skill: PathBuf,
        /// The private key, as `negawatt skill key` makes it
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
        #[command(flatten)]
        config: Config,
    },
    /// List the skills of a configuration, bundled and loaded, with the tools that they use, what they may not do, and which are put aside
    #[command(
        after_help = "Examples:\n  negawatt skill list\n  negawatt skill list --stats\n  negawatt skill list --config negawatt.toml --json"
    )]
    List {
        /// Also how often the word of each stood in cases of which it is known what became, and what it counts
        #[arg(long)]
        stats: bool,
        #[command(flatten)]
        config: Config,
    },
    /// Put a skill back that was put aside because it failed too often in a row
    #[command(after_help = "\
Examples:
  negawatt skill restore gc-pause
  negawatt skill restore blake3:5f1c… --config negawatt.toml")]
    Restore {
        /// Its name, or its digest
        skill: String,
        #[command(flatten)]
        config: Config,
    },
    /// Run one skill alone
    #[command(after_help = "\
Examples:
  negawatt skill run change-point --incident incident.json --config negawatt.toml
  negawatt skill run gc-pause.wasm --incident incident.json --evidence evidence.json --json")]
    Run {
        /// Its name, or its .wasm file
        skill: String,
        /// What got worse, and when (JSON)
        #[arg(long)]
        incident: PathBuf,
        /// Findings that are on the board already (a JSON list)
        #[arg(long)]
        evidence: Option<PathBuf>,
        #[command(flatten)]
        config: Config,
    },
}

/// Does it.
pub async fn run(args: Args, json: bool) -> Result<(), CliError> {
    match args.command {
        Command::New { name, path } => new::new(&name, &path, json),
        Command::Build { folder, out, cargo } => build::build(&folder, out, cargo, json),
        Command::Test { folder, case, no_build, cargo } => {
            cases::test(&folder, case.as_deref(), (!no_build).then_some(cargo), json).await
        }
        Command::Backtest { skill, last, live, config } => {
            backtest::backtest(&skill, last as usize, live, config.file.as_deref(), json).await
        }
        Command::Inspect { skill, config } => inspect::inspect(&skill, config.file.as_deref(), json),
        Command::Key { file } => sign::key(&file, json),
        Command::Sign { skill, key, config } => sign::sign(&skill, &key, config.file.as_deref(), json),
        Command::List { stats, config } => run::list(config.file, stats, json),
        Command::Restore { skill, config } => restore::restore(&skill, config.file.as_deref(), json),
        Command::Run { skill, incident, evidence, config } => {
            run::run(&skill, &incident, evidence.as_deref(), config.file.as_deref(), json).await
        }
    }
}
