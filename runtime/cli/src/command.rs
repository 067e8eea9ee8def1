//! The command line: what can be asked, and how each is explained.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::case::CaseCommand;
use crate::grants::GrantsCommand;
use crate::{access, casebook, review, serve, skill, stats, watch};

/// Investigates performance incidents with sandboxed skills, from a signal to the change that caused it.
#[derive(Parser)]
#[command(name = "negawatt", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// Print one JSON object for programs; on failure nothing, and a JSON error as the last line of standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Have a server do it: what it does and what not is in docs/service.md. A token is taken from NEGAWATT_TOKEN
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  negawatt demo                        investigate a recorded regression of a small program, and fix it
  negawatt investigate incident.json   investigate your own
  negawatt plan incident.json          see the steps first, without taking any
  negawatt watch                       open a case for each regression of the series in [watch]
  negawatt eval cases                  score the answers to labelled cases
  negawatt mcp                         serve agents over the Model Context Protocol
  negawatt case show 01J               print a case again
  negawatt review list                 see what cases propose, and decide
  negawatt skill new gc-pause          write a new skill that builds and passes its test

Environment:
  NEGAWATT_LOG      what the program logs to standard error: warn (default), info, debug, negawatt_planner=debug
  OTEL_EXPORTER_OTLP_ENDPOINT    a collector that traces are sent to, unless telemetry.traces names one
  NO_COLOR          no colours; CLICOLOR_FORCE=1 gives them to a pipe too
  COLUMNS           the width of a report [default: the terminal's, 100 for a pipe]
  XDG_STATE_HOME    where the casebook is kept, in negawatt/ [default: ~/.local/state]
  XDG_CACHE_HOME    where compiled skills are kept, in negawatt/ [default: ~/.cache]

Exit codes: 0 done (whatever the verdict), 1 failed, 2 asked wrongly.";

#[derive(Subcommand)]
pub enum Command {
    /// Investigate a recorded regression of a small program, written for this and really run, and fix it in a clone; from any folder
    #[command(after_help = "\
Examples:
  negawatt demo
  negawatt demo --keep shop    leaves the recording in ./shop, with its repository in ./shop/repo and the fix in ./shop/scratch
  negawatt demo --json")]
    Demo {
        /// Leave the recording in this folder, which must not be there yet
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
        #[command(flatten)]
        page: PageArgument,
    },
    /// Investigate an incident
    #[command(after_help = "\
Examples:
  negawatt investigate incident.json
  negawatt investigate incident.json --config negawatt.toml --json
  negawatt investigate incident.json --report report.html    one page to look at and to forward

incident.json says what got worse, and when:
  { \"kind\": \"regression\", \"title\": \"checkout CPU up\", \"service\": \"checkout\",
    \"metric\": { \"name\": \"cpu_seconds_per_request\", \"labels\": {\"service\": \"checkout\"} },
    \"window\": { \"start\": \"2026-11-18T00:00:00Z\", \"end\": \"2026-11-20T00:00:00Z\" } }")]
    Investigate {
        /// What got worse, and when (JSON)
        incident: PathBuf,
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        page: PageArgument,
    },
    /// Serve agents over the Model Context Protocol, on standard input and output
    #[command(after_help = "\
Examples:
  claude mcp add negawatt -- negawatt mcp --config /etc/negawatt/negawatt.toml
  negawatt mcp --config negawatt.toml    what a client starts; it says nothing until it is asked

Agents get a tool for each granted skill, and others that open cases and show them. None approves, rejects or submits a proposal:
that is for people, with `negawatt review`. docs/mcp.md says how to add it to agents.")]
    Mcp {
        #[command(flatten)]
        config: Config,
    },
    /// Print the steps that a case would take, without taking any
    #[command(after_help = "\
Examples:
  negawatt plan incident.json
  negawatt plan incident.json --dot | dot -Tsvg > plan.svg")]
    Plan {
        /// What got worse, and when (JSON)
        incident: PathBuf,
        #[command(flatten)]
        config: Config,
        /// Print a graph in Graphviz's language
        #[arg(long, conflicts_with = "json")]
        dot: bool,
    },
    /// Watch series for regressions, and open a case for each
    #[command(after_help = "\
Examples:
  negawatt watch
  negawatt watch --once --json
  negawatt watch --once --now 2026-11-20T00:00:00Z    for recorded data

negawatt.toml says what is watched:
  [watch]
  interval = \"5min\"
  [[watch.series]]
  metric = \"cpu_seconds_per_request\"
  match = [\"service=~shop-.*\"]

With --json, one object a pass: on one line, unless --once. It goes on until it is interrupted; a pass that is half done is
completed by the next one, and so is a case.")]
    Watch(watch::Args),
    /// Take incidents over HTTP, work on them side by side, and lose none
    #[command(after_help = "\
Examples:
  negawatt serve
  negawatt serve --config negawatt.toml --listen 127.0.0.1:7676
  curl --data @incident.json http://127.0.0.1:7676/v1/incidents

Without tokens only this machine may ask: `negawatt token create` makes one. An interrupt, or SIGTERM, parks what cannot be finished
in time (serve.shutdown), and the next start goes on with it.")]
    Serve(serve::Args),
    /// List and show cases, go on with one that was interrupted, and run one again from its record
    #[command(after_help = "\
Examples:
  negawatt case list --verdict regression
  negawatt case show 01J
  negawatt case resume 01J
  negawatt case replay 01J
  negawatt case split 01J 2 3")]
    Case {
        #[command(subcommand)]
        command: CaseCommand,
    },
    /// Look after the casebook: check it, make it smaller, copy cases from one to another
    #[command(after_help = "\
Examples:
  negawatt casebook check
  negawatt casebook compact --answers-older-than 90d
  negawatt casebook export cases.ngw
  negawatt casebook import cases.ngw")]
    Casebook {
        #[command(subcommand)]
        command: casebook::CasebookCommand,
    },
    /// Decide of what cases propose, and submit it
    #[command(after_help = "\
Examples:
  negawatt review list
  negawatt review show 01J
  negawatt review approve 01J 1
  negawatt review reject 01J 1 --reason wrong-culprit --text \"the cache was cold\"
  negawatt review follow            asks forges and series what became of it

Nothing is ever merged by Negawatt: approving makes a branch, and on GitHub a pull request.")]
    Review {
        #[command(subcommand)]
        command: review::ReviewCommand,
    },
    /// Say what became of a case, so that later cases are better
    #[command(after_help = "\
Examples:
  negawatt outcome 01J merged --proposal 1
  negawatt outcome 01J wrong-culprit --culprit 4f1c2d3 --text \"it was the library\"
  negawatt outcome 01J not-a-regression")]
    Outcome(review::OutcomeArgs),
    /// Say what all cases came to: verdicts, times, hours, cores and megawatts
    #[command(after_help = "\
Examples:
  negawatt stats
  negawatt stats --json
  negawatt stats --report stats.html
  negawatt stats --prometheus > /var/lib/node_exporter/negawatt.prom")]
    Stats(stats::Args),
    /// Investigate labelled cases, and say how right the answers are and whether confidence means what it says
    #[command(after_help = "\
Examples:
  negawatt eval cases
  negawatt eval cases --jobs 4 --json

A case is a folder with incident.json, negawatt.toml and truth.json, at any depth of the named one. truth.json has what is known of:
  { \"scenario\": \"commit\", \"verdict\": \"regression\", \"reason\": null, \"change_time\": \"2026-11-19T07:10:00Z\",
    \"suspect\": { \"kind\": \"commit\", \"id\": \"4f1c…\", \"author\": \"Ada <ada@example.com>\" } }
A suspect may be the name of a service alone, or null where nobody is at fault. No case sees another one's casebook.")]
    Eval {
        /// A folder of labelled cases
        folder: PathBuf,
        /// Cases that are investigated at the same time [default: one for each core]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        jobs: Option<u16>,
    },
    /// Check the configuration, reach every source, and say what each can answer
    #[command(after_help = "\
Examples:
  negawatt doctor
  negawatt doctor --config negawatt.toml --json
  negawatt doctor --sandbox

Exit codes: 0 all that is configured works, 1 something does not, 2 the configuration cannot be read.
With --sandbox, 0 every attack ended as it must, 1 one did not; with --json the scoreboard is printed in either case.
Otherwise with --json, 0 also where something does not work: the object has `ok` and the number of `failures`.")]
    Doctor {
        /// How long a source may take to answer
        #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
        wait: u64,
        /// Let a corpus of hostile skills loose on this machine's sandbox, and say how each ended
        #[arg(long, conflicts_with_all = ["wait", "file"])]
        sandbox: bool,
        /// Leave the hostile corpus in this folder, which must not be there yet, and run none of it
        #[arg(long, value_name = "DIR", requires = "sandbox")]
        keep: Option<PathBuf>,
        #[command(flatten)]
        config: Config,
    },
    /// Say what skills may do, and why
    #[command(after_help = "\
Examples:
  negawatt grants explain gc-pause
  negawatt grants explain skills/gc-pause.wasm --json")]
    Grants {
        #[command(subcommand)]
        command: GrantsCommand,
    },
    /// Say what can be written in negawatt.toml
    #[command(after_help = "Example:\n  negawatt config schema > negawatt.schema.json")]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Write, build, inspect, run and test skills
    #[command(after_help = "\
Examples:
  negawatt skill list
  negawatt skill new gc-pause && negawatt skill test gc-pause
  negawatt skill run change-point --incident incident.json")]
    Skill(skill::Args),
    /// Make and end the tokens by which a server knows who asks
    #[command(after_help = "\
Examples:
  negawatt token create --name ci --role operator --expires 90d
  negawatt token list
  negawatt token revoke 0c2f6a1b9d3e

Roles: viewer looks; operator works on cases; reviewer also decides of proposals; publisher looks, and adds skills; admin does
everything. A token is shown once: only a digest of it is kept, in access.db beside the casebook.")]
    Token {
        #[command(subcommand)]
        command: access::TokenCommand,
    },
    /// Look whether the log of what was done is whole, and list it
    #[command(after_help = "\
Examples:
  negawatt audit verify
  negawatt audit verify --expect 17:4f1c…
  negawatt audit list --limit 20")]
    Audit {
        #[command(subcommand)]
        command: access::AuditCommand,
    },
    /// Print a script with which a shell completes this command line
    #[command(after_help = "\
Examples:
  negawatt completions bash > ~/.local/share/bash-completion/completions/negawatt
  negawatt completions zsh > \"${fpath[1]}/_negawatt\"
  negawatt completions fish > ~/.config/fish/completions/negawatt.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON Schema of negawatt.toml
    #[command(after_help = "\
Examples:
  negawatt config schema > negawatt.schema.json
  negawatt config schema | jq .properties.limits

Editors check a file against it that begins with:
  #:schema ./negawatt.schema.json")]
    Schema,
}

/// Where the configuration is.
#[derive(clap::Args)]
pub struct Config {
    /// The configuration [default: negawatt.toml in this folder, if there is one]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Where a page is wanted.
#[derive(clap::Args)]
pub struct PageArgument {
    /// Also write one self-contained HTML page, to look at and to forward; it replaces a file that is there
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}
