//! Lets a server be killed for a while, and prints what was seen; fails where anything is wrong.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use negawatt_soak::{Program, Settings, Until, soak};

/// Kill `negawatt serve` again and again under load, reload it, give it hostile skills, and see that no case is lost
#[derive(Parser)]
struct Args {
    /// The program that is tried
    #[arg(long, value_name = "PATH")]
    program: PathBuf,
    /// How long
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// What moments and loads are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many post incidents at a time
    #[arg(long, default_value_t = 6)]
    clients: usize,
    /// Keep what servers left in this folder, which must not be there
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let folder = match &args.keep {
        Some(folder) => {
            std::fs::create_dir(folder)?;
            folder.canonicalize()?
        }
        None => temporary.path().to_owned(),
    };
    let settings = Settings {
        program: Program { path: args.program.canonicalize()?, cache: temporary.path().join("cache") },
        seed: args.seed,
        clients: args.clients,
        until: Until::Time(Duration::try_from_secs_f64(args.minutes * 60.0)?),
        upheaval: true,
    };
    let report = soak(&settings, &folder)?;
    print!("{report}");
    Ok(if report.checked.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
