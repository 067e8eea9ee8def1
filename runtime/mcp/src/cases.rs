//! The tools that open cases and show them.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Case, CaseId, Proposal, Stage};
use negawatt_planner::Watcher;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::arguments;
use crate::program::Program;
use crate::running::Running;
use crate::tell::{ToolError, blocking, structured};
use crate::tools::{MOST_PROPOSALS, MOST_WAIT};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incident {
    incident: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCase {
    case: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Get {
    case: String,
    #[serde(default)]
    wait_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Review {
    all: bool,
    offset: usize,
    limit: usize,
}

impl Default for Review {
    fn default() -> Review {
        Review { all: false, offset: 0, limit: MOST_PROPOSALS }
    }
}

/// Opens a case that runs by itself.
pub(crate) async fn start(
    program: &Arc<Program>,
    running: &Running,
    asked: Option<JsonObject>,
) -> Result<CaseId, ToolError> {
    let Incident { incident } = arguments::read(asked)?;
    let quiet: Watcher = Arc::new(|_| {});
    let (id, _) = running.start(program, arguments::incident(&incident)?, quiet).await?;
    Ok(id)
}

/// Runs a case to its end, or until the client cancels it.
pub(crate) async fn investigate(
    program: &Arc<Program>,
    running: &Running,
    asked: Option<JsonObject>,
    watcher: Watcher,
    cancelled: &CancellationToken,
) -> Result<CallToolResult, ToolError> {
    let Incident { incident } = arguments::read(asked)?;
    let (id, mut runs) = running.start(program, arguments::incident(&incident)?, watcher).await?;
    let done = tokio::select! {
        done = &mut runs => done,
        () = cancelled.cancelled() => {
            running.cancel(&id);
            runs.await
        }
    };
    let case = done.unwrap_or_else(|_| Err(ToolError::new("the host failed in this case")));
    result(program, &case.map_err(|error| error.help(format!("the case {id} is kept: case_show tells of it")))?)
}

/// What an investigation came to.
pub(crate) fn result(program: &Program, case: &Case) -> Result<CallToolResult, ToolError> {
    if case.concluded().is_none() {
        let error = ToolError::new(format!("the case {} was stopped before it had a verdict", case.id));
        return Err(match case.end {
            Some(_) => error.help("ask again for another one"),
            None => error.help(format!("`negawatt case resume {}` goes on with it", case.id)),
        });
    }
    Ok(structured((program.describe)(case)))
}

/// How far a case is.
pub(crate) async fn get(
    program: &Arc<Program>,
    running: &Running,
    asked: Option<JsonObject>,
    cancelled: &CancellationToken,
) -> Result<CallToolResult, ToolError> {
    let Get { case, wait_seconds } = arguments::read(asked)?;
    if wait_seconds > MOST_WAIT {
        return Err(ToolError::new(format!("it waits for {MOST_WAIT} seconds at most")).at("wait_seconds"));
    }
    let book = program.book.clone();
    let id = blocking(move || Ok(arguments::case(&book, &case)?.id)).await?;
    if let Some(one) = running.get(&id) {
        tokio::select! {
            () = one.wait(Duration::from_secs(wait_seconds)) => {}
            () = cancelled.cancelled() => {}
        }
    }
    let (program, running) = (program.clone(), running.clone());
    blocking(move || {
        let case = program.book.load(&id)?;
        let runs = running.get(&id);
        Ok(structured(json!({
            "case": id.to_string(),
            "state": state(&case, runs.is_some()),
            "now": runs.map(|one| one.now),
            "steps": case.steps.len(),
            "steps_over": case.steps.iter().filter(|step| !step.calls.is_empty()).count(),
            "result": case.end.is_some().then(|| (program.describe)(&case)),
        })))
    })
    .await
}

fn state(case: &Case, is_running: bool) -> &'static str {
    match (&case.end, is_running) {
        (_, true) => "running",
        (None, _) => "open",
        (Some(_), _) => "ended",
    }
}

/// What `case_start` answers.
pub(crate) fn started(id: &CaseId) -> CallToolResult {
    structured(json!({ "case": id.to_string(), "state": "running" }))
}

/// All that is recorded of a case.
pub(crate) fn show(program: &Program, asked: Option<JsonObject>) -> Result<CallToolResult, ToolError> {
    let OfCase { case } = arguments::read(asked)?;
    Ok(structured((program.describe)(&arguments::case(&program.book, &case)?)))
}

/// Proposals that wait, or all.
pub(crate) fn review(program: &Program, asked: Option<JsonObject>) -> Result<CallToolResult, ToolError> {
    let Review { all, offset, limit } = arguments::read(asked)?;
    if !(1..=MOST_PROPOSALS).contains(&limit) {
        return Err(ToolError::new(format!("it must be from 1 to {MOST_PROPOSALS}")).at("limit"));
    }
    let waits = |proposal: &&Proposal| all || matches!(proposal.stage(), Stage::Waiting | Stage::Approved);
    let (mut listed, mut seen, mut more) = (Vec::new(), 0, false);
    'cases: for id in program.book.proposing(!all)? {
        let case = program.book.load(&id)?;
        for proposal in case.proposals.all.iter().filter(waits) {
            seen += 1;
            if listed.len() == limit {
                more = true;
                break 'cases;
            }
            if seen > offset {
                listed.push((program.proposal)(&case, proposal));
            }
        }
    }
    Ok(structured(json!({ "proposals": listed, "more": more })))
}
