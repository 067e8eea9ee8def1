//! `negawatt review` and `negawatt outcome`: what cases propose, what people decide of it, and what became of it.

mod show;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use negawatt_actions::forge::ForgeError;
use negawatt_actions::guard::{Launcher, Until};
use negawatt_casebook::{Became, CaseId, CaseLog, Casebook, Outcome, Rejection, Witness};
use negawatt_config::Config as Configuration;
use negawatt_proposals::{Desk, Examinations, ProposalError, Word, decide, outcome, submit};

pub use self::show::{described, outcome_in_words, print_list, shown, with_checks};
use self::show::{list, recorded, show};
use crate::error::CliError;
use crate::notify;
use crate::setup::{self, Setup, casebook};

#[derive(clap::Subcommand)]
pub enum ReviewCommand {
    /// List proposals that wait for a person, or all
    List {
        /// Also those of which nothing is to be decided
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// Show a case's proposals: what each changes, why it has its rank, and what the guard says
    Show {
        /// The case's id, or the beginning of it
        case: String,
        /// Only this proposal
        proposal: Option<u32>,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// Approve a proposal, and submit it to the forge of its repository
    Approve {
        /// The case's id, or the beginning of it
        case: String,
        /// The proposal's number
        #[arg(default_value_t = 1)]
        proposal: u32,
        /// Who approves it [default: what git calls you]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Why
        #[arg(long, default_value = "")]
        text: String,
        /// Do not submit it yet; `review submit` does
        #[arg(long)]
        no_submit: bool,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// Reject a proposal
    Reject {
        /// The case's id, or the beginning of it
        case: String,
        /// The proposal's number
        #[arg(default_value_t = 1)]
        proposal: u32,
        /// Why, in one of these words
        #[arg(long, value_parser = Rejection::ALL.map(Rejection::word))]
        reason: String,
        /// Why, in your own words
        #[arg(long, default_value = "")]
        text: String,
        /// Who rejects it [default: what git calls you]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// Submit an approved proposal, or go on with one whose submission was stopped
    Submit {
        /// The case's id, or the beginning of it
        case: String,
        /// The proposal's number
        #[arg(default_value_t = 1)]
        proposal: u32,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// Ask forges and series what became of submitted proposals
    Follow {
        /// Look as if it were this time (RFC 3339), for recorded data
        #[arg(long, value_name = "TIME", value_parser = crate::watch::instant)]
        now: Option<i64>,
        #[command(flatten)]
        config: crate::command::Config,
    },
}

/// What a person says became of something.
#[derive(clap::Args)]
pub struct OutcomeArgs {
    /// The case's id, or the beginning of it
    pub case: String,
    /// What became of it
    #[arg(value_parser = ["merged", "rejected", "not-a-regression", "wrong-culprit"])]
    pub what: String,
    /// Of which of its proposals; without it, of the case
    #[arg(long, value_name = "N")]
    pub proposal: Option<u32>,
    /// What was the cause instead: the id of a suspect
    #[arg(long, value_name = "ID")]
    pub culprit: Option<String>,
    /// In your own words
    #[arg(long, default_value = "")]
    pub text: String,
    /// Who says so [default: what git calls you]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    #[command(flatten)]
    config: crate::command::Config,
}

impl From<ProposalError> for CliError {
    fn from(error: ProposalError) -> CliError {
        match error {
            ProposalError::Casebook(error) => error.into(),
            ProposalError::NoSuchProposal { .. }
            | ProposalError::Misplaced { .. }
            | ProposalError::Overtaken { .. } => CliError::bad_input("proposal", error),
            ProposalError::Withheld { case, .. } => {
                let help = format!("negawatt review show {case} has what was asked of it, and what commands printed");
                CliError::failure("withheld", error).help(help)
            }
            ProposalError::NoForge { .. } => CliError::bad_input("forge", error),
            ProposalError::Unmeasured { .. } => CliError::failure("unmeasured", error),
            ProposalError::Forge(error @ ForgeError::Moved { .. }) => CliError::failure("forge", error).help(
                "get your clone to where the forge is, and approve the proposal again: the guard looks at it there",
            ),
            ProposalError::Forge(error) => CliError::failure("forge", error)
                .help("negawatt review submit goes on where it was; nothing is done twice"),
        }
    }
}

/// What proposals of a configuration are handled with.
pub fn desk(config: &Arc<Configuration>) -> Desk {
    let guard = setup::guard();
    Desk {
        config: config.clone(),
        launcher: Launcher { program: guard.program, arguments: guard.arguments, until: Until::default() },
        parses: Arc::new(|path, before, after| negawatt_sources::parses(&setup::parser(), path, before, after)),
        scratch: std::env::temp_dir(),
        examinations: Examinations::default(),
        tell: config.review.notify.clone().and_then(notify::by),
    }
}

impl ReviewCommand {
    /// Where the configuration is.
    pub fn config(&self) -> &crate::command::Config {
        match self {
            ReviewCommand::List { config, .. }
            | ReviewCommand::Show { config, .. }
            | ReviewCommand::Approve { config, .. }
            | ReviewCommand::Reject { config, .. }
            | ReviewCommand::Submit { config, .. }
            | ReviewCommand::Follow { config, .. } => config,
        }
    }
}

/// Runs a subcommand.
pub async fn review(command: ReviewCommand, as_json: bool) -> Result<(), CliError> {
    match command {
        ReviewCommand::List { all, config } => list(config.file, all, as_json),
        ReviewCommand::Show { case, proposal, config } => {
            let book = casebook(config.file.as_deref())?;
            show(&book.load(&book.find(&case)?)?, proposal, as_json)
        }
        ReviewCommand::Approve { case, proposal, by, text, no_submit, config } => {
            let (setup, book, id) = found(config.file, &case)?;
            let (desk, by) = (desk(&setup.config), named(by)?);
            tokio::task::block_in_place(|| decide(&desk, &book, &id, proposal, Word::Approve, Some(by), text))?;
            let mut log = book.resume(&id)?;
            if !no_submit {
                submit(&desk, &mut log, proposal).await?;
            }
            ended(log, proposal, as_json)
        }
        ReviewCommand::Reject { case, proposal, reason, text, by, config } => {
            let (setup, book, id) = found(config.file, &case)?;
            let reason = Rejection::ALL.into_iter().find(|known| known.word() == reason).unwrap_or(Rejection::Other);
            decide(&desk(&setup.config), &book, &id, proposal, Word::Reject(reason), Some(named(by)?), text)?;
            show(&book.load(&id)?, Some(proposal), as_json)
        }
        ReviewCommand::Submit { case, proposal, config } => {
            let (setup, book, id) = found(config.file, &case)?;
            let mut log = book.resume(&id)?;
            submit(&desk(&setup.config), &mut log, proposal).await?;
            ended(log, proposal, as_json)
        }
        ReviewCommand::Follow { now, config } => crate::follow::once(config.file, now, as_json).await,
    }
}

/// Records what a person says became of a case or a proposal.
pub fn became(args: OutcomeArgs, as_json: bool) -> Result<(), CliError> {
    let (setup, book, id) = found(args.config.file, &args.case)?;
    let mut log = book.resume(&id)?;
    let what = match args.what.as_str() {
        "merged" => Became::Merged,
        "rejected" => Became::Rejected,
        "wrong-culprit" => Became::WrongCulprit,
        _ => Became::NotARegression,
    };
    let by = Witness::Person(named(args.by)?);
    let OutcomeArgs { proposal, culprit, text, .. } = args;
    outcome(&setup.config, &mut log, Outcome { proposal, what, by, at: None, culprit, text })?;
    let case = log.release()?;
    recorded(&case, as_json);
    Ok(())
}

/// A case by its id, with the configuration that it was opened with unless another is named.
fn found(config: Option<PathBuf>, id: &str) -> Result<(Setup, Casebook, CaseId), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let setup = Setup::new(config.or(opened_with).as_deref())?;
    let book = setup.casebook()?;
    Ok((setup, book, case.id))
}

/// Who decides: as said, or as git calls them.
fn named(by: Option<String>) -> Result<String, CliError> {
    let git = || {
        let output = Command::new("git").args(["config", "user.name"]).stdin(Stdio::null()).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|name| !name.is_empty())
    };
    by.filter(|name| !name.trim().is_empty()).or_else(git).ok_or_else(|| {
        CliError::bad_input("by", "nobody knows who decides")
            .help("name them with --by, or tell git: git config --global user.name")
    })
}

fn ended(log: CaseLog, proposal: u32, as_json: bool) -> Result<(), CliError> {
    let case = log.release()?;
    show(&case, Some(proposal), as_json)
}
