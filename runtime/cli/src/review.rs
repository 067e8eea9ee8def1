//! `negawatt review` and `negawatt outcome`: what cases propose, what people decide of it, and what became of it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use negawatt_actions::forge::ForgeError;
use negawatt_actions::guard::{Launcher, Until};
use negawatt_casebook::{
    Became, Case, CaseId, CaseLog, Casebook, Cited, Decision, Passed, Proposal, Rejection, Stage, Witness,
};
use negawatt_config::{Config as Configuration, Review};
use negawatt_host::model::{FindingBody, Mitigation};
use negawatt_host::text::{printable, shorten};
use negawatt_host::time;
use negawatt_proposals::{Desk, ProposalError, Word, decide, outcome, propose, submit};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::report::{decided, submitted};
use crate::setup::{self, Setup, casebook};

#[derive(clap::Subcommand)]
pub enum ReviewCommand {
    /// List proposals that wait for a person, or all
    List {
        /// Also those of which nothing is to be decided
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        config: crate::Config,
    },
    /// Show a case's proposals: what each changes, why it has its rank, and what the guard says
    Show {
        /// The case's id, or the beginning of it
        case: String,
        /// Only this proposal
        proposal: Option<u32>,
        #[command(flatten)]
        config: crate::Config,
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
        config: crate::Config,
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
        config: crate::Config,
    },
    /// Submit an approved proposal, or go on with one whose submission was stopped
    Submit {
        /// The case's id, or the beginning of it
        case: String,
        /// The proposal's number
        #[arg(default_value_t = 1)]
        proposal: u32,
        #[command(flatten)]
        config: crate::Config,
    },
    /// Ask forges and series what became of submitted proposals
    Follow {
        /// Look as if it were this time (RFC 3339), for recorded data
        #[arg(long, value_name = "TIME", value_parser = crate::watch::instant)]
        now: Option<i64>,
        #[command(flatten)]
        config: crate::Config,
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
    by: Option<String>,
    #[command(flatten)]
    config: crate::Config,
}

impl From<ProposalError> for CliError {
    fn from(error: ProposalError) -> CliError {
        match error {
            ProposalError::Casebook(error) => error.into(),
            ProposalError::NoSuchProposal { .. } | ProposalError::Misplaced { .. } => {
                CliError::bad_input("proposal", error)
            }
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
    }
}

/// Carries a case that has a verdict on: its proposals, and what the operator lets be submitted without a person. Those that wait for one
/// are told to whom the operator named. What does not work here costs the case nothing. An interrupt ends what the guard runs: what it had
/// not looked at stays as it is.
pub async fn carry_on(
    config: &Arc<Configuration>,
    book: &Casebook,
    case: Case,
    cancel: &CancellationToken,
) -> Result<Case, CliError> {
    let is_mitigation =
        |posted: &negawatt_casebook::Posted| matches!(posted.evidence.finding.body, FindingBody::Mitigation(_));
    let is_carried = !case.proposals.all.is_empty() && !case.proposals.all.iter().any(is_unexamined);
    if case.concluded().is_none() || !case.board.iter().any(is_mitigation) || is_carried {
        return Ok(case);
    }
    let desk = desk(config);
    // Nothing of this costs the case what it found.
    let told = |error: &dyn std::fmt::Display| {
        tracing::warn!("the case {} was not carried on: {}", case.id, printable(&error.to_string()))
    };
    let (until, interrupted) = (desk.launcher.until.clone(), cancel.clone());
    let stopping = tokio::spawn(async move {
        interrupted.cancelled().await;
        until.stop();
    });
    let proposed = tokio::task::block_in_place(|| propose(&desk, book, &case.id));
    stopping.abort();
    let proposed = match proposed {
        Ok(proposed) if proposed.proposals.all.iter().any(is_unexamined) => {
            told(&format!("the guard was interrupted; negawatt case resume {} goes on with it", case.id));
            return Ok(proposed);
        }
        Ok(proposed) => proposed,
        Err(error) => {
            told(&error);
            return Ok(case);
        }
    };
    // Of several that could go by themselves the first goes; a setting goes nowhere by itself.
    let first = proposed.proposals.all.first().filter(|first| {
        let person = first.examined.as_ref().and_then(|examined| examined.person.as_ref());
        first.stage() == Stage::Waiting && person.is_none() && has_patch(&proposed, first)
    });
    if let Some(first) = first
        && let Err(error) = by_itself(&desk, book, &case.id, first.proposed.number).await
    {
        told(&error);
    }
    let case = book.load(&case.id)?;
    case.proposals
        .all
        .iter()
        .filter(|proposal| proposal.stage() == Stage::Waiting)
        .for_each(|one| notify(&config.review, &case, one));
    Ok(case)
}

/// Whether the guard was not asked of a proposal.
pub fn is_unexamined(proposal: &Proposal) -> bool {
    proposal.stage() == Stage::Proposed
}

/// Submits what the operator's thresholds let go.
async fn by_itself(desk: &Desk, book: &Casebook, id: &CaseId, number: u32) -> Result<(), ProposalError> {
    let text = "the operator's thresholds let it be submitted by itself".to_owned();
    tokio::task::block_in_place(|| decide(desk, book, id, number, Word::Approve, None, text))?;
    let mut log = book.resume(id)?;
    submit(desk, &mut log, number).await?;
    Ok(log.release()?)
}

fn has_patch(case: &Case, proposal: &Proposal) -> bool {
    mitigation(case, proposal).is_some_and(|mitigation| mitigation.patch.is_some())
}

/// How long the operator's command may take to hear of a proposal.
const HEARING: Duration = Duration::from_secs(10);

/// Tells the operator's command, on its standard input, of a proposal that waits, and waits for it a little. The patch and what commands
/// printed are left out.
fn notify(review: &Review, case: &Case, proposal: &Proposal) {
    let Some([program, arguments @ ..]) = review.notify.as_deref() else { return };
    let mut told = described(case, proposal);
    ["patch", "checks", "measured"].into_iter().for_each(|key| drop(told.as_object_mut().map(|all| all.remove(key))));
    let told = format!("{told}\n");
    let (program, arguments) = (program.clone(), arguments.to_vec());
    let (send, heard) = std::sync::mpsc::channel();
    let name = program.clone();
    std::thread::spawn(move || {
        let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let done = child.and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(told.as_bytes())?;
            }
            child.wait().map(drop)
        });
        // Whoever does not wait any more is not told.
        let _ = send.send(done);
    });
    match heard.recv_timeout(HEARING) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("nobody was told of a proposal that waits: {}: {error}", printable(&name)),
        Err(_) => tracing::warn!("{} takes more than {HEARING:?} to hear of a proposal that waits", printable(&name)),
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
    outcome(&setup.config, &mut log, args.proposal, what, by, args.culprit, args.text)?;
    let case = log.case().clone();
    log.release()?;
    show(&case, None, as_json)
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
    let case = log.case().clone();
    log.release()?;
    show(&case, Some(proposal), as_json)
}

fn list(config: Option<PathBuf>, all: bool, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let mut shown = Vec::new();
    for id in book.proposing(!all)? {
        let case = book.load(&id)?;
        let waits = |proposal: &&Proposal| all || matches!(proposal.stage(), Stage::Waiting | Stage::Approved);
        shown.extend(
            case.proposals.all.iter().filter(waits).map(|proposal| (described(&case, proposal), line(&case, proposal))),
        );
    }
    write_out(&if as_json {
        json_text(&json!({ "proposals": shown.iter().map(|(one, _)| one).collect::<Vec<_>>() }))
    } else if shown.is_empty() {
        if all { "no case has proposals\n" } else { "no proposal waits for a person; --all lists the others\n" }
            .to_owned()
    } else {
        shown.iter().map(|(_, line)| line.as_str()).collect()
    });
    Ok(())
}

fn show(case: &Case, number: Option<u32>, as_json: bool) -> Result<(), CliError> {
    let wanted = |proposal: &&Proposal| number.is_none_or(|number| proposal.proposed.number == number);
    let all: Vec<&Proposal> = case.proposals.all.iter().filter(wanted).collect();
    if let Some(number) = number.filter(|_| all.is_empty()) {
        return Err(ProposalError::NoSuchProposal { case: case.id, number }.into());
    }
    write_out(&if as_json {
        let all: Vec<Value> = all.into_iter().map(|proposal| described(case, proposal)).collect();
        let adjusted = case
            .proposals
            .adjusted
            .iter()
            .map(|one| json!({ "threshold": one.threshold, "from": one.from, "to": one.to, "reason": one.reason }));
        let outcomes = case.proposals.outcomes.iter().map(|(at, outcome)| {
            json!({ "time": time::rfc3339(*at), "what": outcome.what.word(), "culprit": outcome.culprit, "text": outcome.text })
        });
        json_text(&json!({
            "case": case.id.to_string(), "proposals": all,
            "outcomes": outcomes.collect::<Vec<_>>(), "adjusted": adjusted.collect::<Vec<_>>(),
        }))
    } else if all.is_empty() {
        format!("the case {} proposes nothing\n", case.id)
    } else {
        all.into_iter().map(|proposal| in_words(case, proposal)).collect()
    });
    Ok(())
}

fn mitigation<'a>(case: &'a Case, proposal: &Proposal) -> Option<&'a Mitigation> {
    case.mitigation(&proposal.proposed).map(|(_, mitigation)| mitigation)
}

fn line(case: &Case, proposal: &Proposal) -> String {
    let strategy = mitigation(case, proposal).map_or("", |mitigation| mitigation.strategy.as_str());
    let title = case.opened.as_ref().map_or("", |opened| opened.incident.title.as_str());
    let why = proposal.examined.as_ref().and_then(|examined| examined.person.clone());
    let why = why.unwrap_or_else(|| "another one ranks first, or it is a setting".to_owned());
    let stage = proposal.stage();
    let text = format!(
        "{} {}  {stage}  {}: {}  ({why})",
        case.id,
        proposal.proposed.number,
        shorten(strategy, 60),
        shorten(title, 80)
    );
    printable(&text) + "\n"
}

/// A proposal as programs read it.
pub fn described(case: &Case, proposal: &Proposal) -> Value {
    let mitigation = mitigation(case, proposal);
    let rank = &proposal.proposed.rank;
    let examined = proposal.examined.as_ref();
    json!({
        "case": case.id.to_string(),
        "proposal": proposal.proposed.number,
        "stage": proposal.stage().to_string(),
        "strategy": mitigation.map(|mitigation| &mitigation.strategy),
        "target": mitigation.map(|mitigation| &mitigation.target),
        "validation": mitigation.map(|mitigation| &mitigation.validation),
        "patch": mitigation.and_then(|mitigation| mitigation.patch.as_ref()),
        "rank": {
            "score": rank.score, "helps": rank.helps, "risk": rank.risk, "precedent": rank.precedent,
            "saving": rank.saving.map(|saving| json!({ "cores": saving.cores, "watts": saving.watts })),
            "reasons": rank.reasons,
            "precedents": rank.precedents.iter().map(precedent).collect::<Vec<_>>(),
        },
        "base": examined.and_then(|examined| examined.base.as_ref()).map(|base| json!({
            "repository": base.repository, "branch": base.branch, "commit": base.commit,
        })),
        "checks": checks(proposal),
        "measured": examined.and_then(|examined| examined.measured.as_ref()).map(|measured| json!({
            "before": measured.before, "after": measured.after, "p_value": measured.p_value,
            "lower_is_better": measured.lower_is_better,
        })),
        "needs_person": examined.and_then(|examined| examined.person.as_ref()),
        "reviews": proposal.reviews.iter().map(|(at, reviewed)| json!({
            "time": time::rfc3339(*at), "by": reviewed.by, "text": reviewed.text,
            "decision": match reviewed.decision {
                Decision::Approved => "approved",
                Decision::Rejected(_) => "rejected",
            },
            "reason": match reviewed.decision {
                Decision::Rejected(reason) => Some(reason.word()),
                Decision::Approved => None,
            },
        })).collect::<Vec<_>>(),
        "effects": proposal.intents,
        "submitted": proposal.submitted.as_ref().map(|submitted| json!({
            "forge": submitted.forge, "branch": submitted.branch, "commit": submitted.commit, "url": submitted.url,
            "number": submitted.number, "notes": submitted.notes,
        })),
        "outcomes": proposal.outcomes.iter().map(|(at, outcome)| json!({
            "time": time::rfc3339(*at), "what": outcome.what.word(), "text": outcome.text,
            "recovered": match outcome.what {
                Became::Recovered(recovery) => json!({
                    "part": recovery.part, "level": recovery.level,
                    "cores": recovery.saved.map(|saved| saved.cores), "watts": recovery.saved.map(|saved| saved.watts),
                }),
                _ => Value::Null,
            },
        })).collect::<Vec<_>>(),
    })
}

/// A case that shaped a rank.
fn precedent(cited: &Cited) -> Value {
    let said = cited.said.iter().map(|said| json!({ "by": said.by, "reason": said.reason, "text": said.text }));
    json!({
        "case": cited.case.to_string(), "similarity": cited.similarity, "outcome": cited.outcome,
        "said": said.collect::<Vec<_>>(),
    })
}

/// What was asked of a proposal, as the fixed output has it.
pub fn checks(proposal: &Proposal) -> Vec<Value> {
    let criteria = proposal.examined.iter().flat_map(|examined| &examined.criteria);
    let asked = criteria.map(|criterion| {
        let passed = match criterion.result {
            Passed::Yes => Value::Bool(true),
            Passed::No => Value::Bool(false),
            Passed::Skipped => Value::Null,
        };
        json!({ "name": criterion.name, "passed": passed, "detail": criterion.detail, "output": criterion.output })
    });
    asked.collect()
}

fn in_words(case: &Case, proposal: &Proposal) -> String {
    let mut text = String::new();
    let mut say = |line: &str| text += &format!("{}\n", printable(line));
    say(line(case, proposal).trim_end());
    let mitigation = mitigation(case, proposal);
    if let Some(mitigation) = mitigation {
        say(&format!("  mitigates {}", shorten(&mitigation.target, 80)));
        say(&format!("  to see that it helps: {}", shorten(&mitigation.validation, 400)));
    }
    for reason in &proposal.proposed.rank.reasons {
        say(&format!("  · {reason}"));
    }
    for criterion in proposal.examined.iter().flat_map(|examined| &examined.criteria) {
        let mark = match criterion.result {
            Passed::Yes => "holds",
            Passed::No => "FAILS",
            Passed::Skipped => "not asked",
        };
        say(&format!("  {}: {mark}: {}", criterion.name, criterion.detail));
        if let Some(output) = criterion.output.as_ref().filter(|_| criterion.result == Passed::No) {
            output.lines().for_each(|line| say(&format!("    | {line}")));
        }
    }
    for (_, reviewed) in &proposal.reviews {
        say(&format!("  {}", decided(reviewed)));
    }
    if let Some(place) = &proposal.submitted {
        say(&format!("  {}", submitted(place)));
        place.notes.iter().for_each(|note| say(&format!("    {note}")));
    }
    for (_, outcome) in &proposal.outcomes {
        say(&format!("  became {}: {}", outcome.what.word(), outcome.text));
    }
    if let Some(patch) = mitigation.and_then(|mitigation| mitigation.patch.as_ref()) {
        say("");
        patch.lines().for_each(&mut say);
    }
    text.push('\n');
    text
}

/// Adds what proposals went through to what a case prints for programs: mitigations in the order of their rank, each with its checks.
pub fn with_checks(mut answer: Value, case: &Case) -> Value {
    let one = |proposal: &Proposal| {
        let mitigation = mitigation(case, proposal)?;
        Some(json!({
            "strategy": mitigation.strategy, "target": mitigation.target, "patch": mitigation.patch,
            "setting": mitigation.setting.as_ref().map(|setting| json!({
                "service": setting.service, "key": setting.key, "value": setting.value,
            })),
            "validation": mitigation.validation,
            "checks": checks(proposal),
            "proposal": proposal.proposed.number,
            "stage": proposal.stage().to_string(),
        }))
    };
    let ranked: Vec<Value> = case.proposals.all.iter().filter_map(one).collect();
    if !ranked.is_empty() {
        answer["mitigations"] = Value::Array(ranked);
    }
    answer
}
