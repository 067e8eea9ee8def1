//! A skill's tool: one recorded step.

use std::sync::Arc;
use std::time::Instant;

use negawatt_casebook::Case;
use negawatt_host::Status;
use negawatt_host::json::{self, IncidentFile};
use negawatt_host::text::{printable, shorten};
use negawatt_planner::{Asked, Entry, Known, NotAsked};
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::arguments;
use crate::program::{Program, Seen};
use crate::progress::Notifier;
use crate::running::Running;
use crate::tell::{ToolError, blocking, structured};

/// What a skill's tool is asked with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    incident: Option<Value>,
    case: Option<String>,
    evidence: Option<Value>,
}

/// Takes the step that is asked for, until it is over or the client cancels it.
pub(crate) async fn take(
    program: &Arc<Program>,
    running: &Running,
    entry: Entry,
    asked: Option<JsonObject>,
    by: &str,
    notifier: &Notifier,
    cancelled: &CancellationToken,
) -> Result<CallToolResult, ToolError> {
    let (arguments, known) = (arguments::read(asked)?, program.clone());
    let (incident, known) = blocking(move || what(&known, arguments)).await?;
    let _place = running.place()?;
    let began = Instant::now();
    let cancel = running.token();
    let asked = Asked { entry, incident, known, reason: format!("asked for over MCP by {by}") };
    let runtime = (program.runtime)();
    let step = runtime.step(&program.book, asked, notifier.watcher(), cancel.clone());
    tokio::pin!(step);
    let case = tokio::select! {
        case = &mut step => case,
        () = cancelled.cancelled() => {
            cancel.cancel();
            step.await
        }
    };
    let case = case.map_err(refused)?;
    (program.observe)(&Seen::Opened(case.id));
    (program.observe)(&Seen::Ended(case.id, None, began.elapsed()));
    outcome(&case)
}

/// The incident, and what is known already.
fn what(program: &Program, arguments: Arguments) -> Result<(IncidentFile, Known), ToolError> {
    match arguments {
        Arguments { incident: Some(incident), case: None, evidence } => {
            let file = arguments::incident(&incident)?;
            let evidence = evidence.map_or(Ok(Vec::new()), |given| arguments::evidence(&given, &file.incident))?;
            Ok((file, Known::Given(evidence)))
        }
        Arguments { incident: None, case: Some(id), evidence: None } => {
            let case = arguments::case(&program.book, &id)?;
            let opened = case.opened.as_ref().ok_or_else(|| {
                ToolError::new(format!("a newer version opened the case {}, and this one cannot read it", case.id))
            })?;
            let incident =
                IncidentFile { incident: opened.incident.clone(), fingerprint: json::fingerprint(&opened.incident) };
            Ok((incident, Known::Of(Box::new(case))))
        }
        _ => Err(ToolError::new("it is not clear what to work on")
            .at("the arguments")
            .help("give `incident`, with `evidence` where the skill needs some; or `case` alone")),
    }
}

fn refused(error: NotAsked) -> ToolError {
    let help = match &error {
        NotAsked::Missing { .. } => "give it as `evidence`, or give a `case` that has it; `investigate` finds it first",
        NotAsked::PutAside { .. } => "an operator puts it back with `negawatt skill restore`",
        NotAsked::Casebook(_) => return ToolError::new(error),
    };
    ToolError::new(&error).help(help)
}

/// Lines of a skill's log that are told with its failure.
const LINES: usize = 20;

/// What the last step of a case found, or how it failed.
fn outcome(case: &Case) -> Result<CallToolResult, ToolError> {
    let step = case.steps.last().ok_or_else(|| ToolError::new("the case has no step"))?;
    let (id, skill) = (&step.planned.step, &step.planned.skill);
    let Some(call) = step.last_call() else {
        return Err(ToolError::new(format!("the call of {skill} was cancelled"))
            .at(format!("step {id} of the case {}", case.id)));
    };
    if call.status != Status::Ok {
        let message = call.message.as_deref().unwrap_or_default();
        let error = ToolError::new(format!("the skill {skill} ended with `{}`: {message}", call.status))
            .at(format!("step {id} of the case {}", case.id));
        let log: Vec<_> = call.log.iter().take(LINES).map(|line| shorten(&printable(line), 200)).collect();
        return Err(if log.is_empty() { error } else { error.help(format!("it said:\n{}", log.join("\n"))) });
    }
    let found = case.board.iter().filter(|posted| posted.step == *id);
    Ok(structured(json!({
        "case": case.id.to_string(),
        "step": id,
        "skill": skill,
        "findings": found.map(|posted| json::evidence(&posted.evidence)).collect::<Vec<_>>(),
        "usage": call.usage,
        "log": call.log,
    })))
}
