//! Tasks: a task is a case, under the case's id. What a client polls is read from the casebook, so that it is still there when the
//! program was started anew.

use negawatt_casebook::{Case, CaseId, End};
use negawatt_host::time;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, DetailedTask, JsonObject, Task, TaskPayload, TaskStatus};
use serde_json::Value;

use crate::cases;
use crate::program::Program;
use crate::running::{Running, end, is_of_agent};

/// How long clients are asked to wait between two questions, in milliseconds.
const POLL_MS: u64 = 1_000;

/// The task of a case that was just opened.
pub(crate) fn opened(program: &Program, running: &Running, id: &CaseId) -> Result<Task, ErrorData> {
    Ok(detailed(program, running, &case(program, &id.to_string())?)?.task)
}

/// How far a task is.
pub(crate) fn get(program: &Program, running: &Running, id: &str) -> Result<DetailedTask, ErrorData> {
    detailed(program, running, &case(program, id)?)
}

/// Stops a task. One that is over stays as it is.
pub(crate) fn cancel(program: &Program, running: &Running, id: &str) -> Result<(), ErrorData> {
    let case = case(program, id)?;
    if running.cancel(&case.id) || case.end.is_some() {
        return Ok(());
    }
    if !is_of_agent(&case) {
        let why = "no agent opened this case, so none ends it; `negawatt case` is for people";
        return Err(ErrorData::invalid_params(why, None));
    }
    // It was left open by an earlier run of the program; where somebody else runs it, that is for them to end.
    end(&program.book, &case.id).map(drop).map_err(|error| ErrorData::invalid_params(error.to_string(), None))
}

/// The whole id is asked for: the beginning of one is for people.
fn case(program: &Program, id: &str) -> Result<Case, ErrorData> {
    let unknown = || ErrorData::invalid_params("there is no such task", None);
    let id: CaseId = id.parse().map_err(|_| unknown())?;
    program.book.load(&id).map_err(|_| unknown())
}

fn detailed(program: &Program, running: &Running, case: &Case) -> Result<DetailedTask, ErrorData> {
    let runs = running.get(&case.id);
    let payload = match (&case.end, &runs) {
        (Some(End::Cancelled(_)), None) => TaskPayload::Cancelled,
        (Some(End::Concluded(_)), None) => TaskPayload::Completed { result: result(program, case) },
        // What becomes of a verdict is part of the result.
        (_, Some(_)) | (None, None) => TaskPayload::Working,
    };
    let events = program.book.events(&case.id).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let last = events.last().map_or(case.opened_at, |event| event.time);
    let (created, updated) = (time::rfc3339(case.opened_at), time::rfc3339(last));
    let said = match (&case.end, runs) {
        (_, Some(one)) => one.now,
        (None, None) => format!("it is open and does not run here; `negawatt case resume {}` goes on with it", case.id),
        (Some(End::Cancelled(cancelled)), None) => cancelled.reason.clone(),
        (Some(End::Concluded(concluded)), None) => concluded.verdict.to_string(),
    };
    let task = Task::new(case.id.to_string(), TaskStatus::Working, created, updated);
    Ok(DetailedTask::new(task.with_status_message(said).with_poll_interval_ms(POLL_MS), payload))
}

/// What the call would have answered.
fn result(program: &Program, case: &Case) -> JsonObject {
    let result = cases::result(program, case).unwrap_or_else(CallToolResult::from);
    match serde_json::to_value(result) {
        Ok(Value::Object(result)) => result,
        _ => JsonObject::new(),
    }
}
