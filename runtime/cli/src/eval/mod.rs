//! `negawatt eval`: investigates labelled cases, and says how right the answers are and whether their confidence means what it says.

mod score;
mod text;
mod truth;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use negawatt_casebook::Casebook;
use negawatt_host::text::printable;
use negawatt_planner::answer;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{json_text, read_incident, write_out};
use crate::progress;
use crate::setup::{self, Setup};
use score::{Answer, Judged, score};
use truth::Truth;

/// Investigates the cases of a folder, so many at a time, and prints how right the answers are.
pub async fn eval(folder: &Path, jobs: usize, json: bool) -> Result<(), CliError> {
    let cases = Arc::new(truth::cases(folder)?);
    // A label that cannot be read is told before an hour is spent on the others.
    let truths = cases.iter().map(|case| Truth::read(case)).collect::<Result<Vec<_>, _>>()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..jobs.min(cases.len()) {
        let (cases, next, done, cancel) = (cases.clone(), next.clone(), done.clone(), cancel.clone());
        workers.spawn(async move {
            let mut answers = Vec::new();
            while !cancel.is_cancelled() {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = cases.get(at) else { break };
                answers.push((at, investigate(case, &cancel).await));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(EVERY) && !json {
                    progress::above(format!("{done} of {} cases\n", cases.len()).as_bytes());
                }
            }
            answers
        });
    }
    let mut answers = workers.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    if cancel.is_cancelled() {
        return Err(CliError::failure("cancelled", "the evaluation was interrupted; it keeps nothing"));
    }
    answers.sort_by_key(|(at, _)| *at);
    let judged: Vec<Judged> = answers
        .into_iter()
        .zip(truths)
        .map(|((at, investigated), truth)| {
            let (answer, window) = match investigated {
                Ok((answer, window)) => (Ok(answer), window),
                Err(error) => (Err(told(&error)), 0),
            };
            Judged { name: name(folder, &cases[at]), truth, answer, window }
        })
        .collect();
    let scores = score(&judged);
    write_out(&if json {
        json_text(&serde_json::to_value(&scores).map_err(|error| CliError::failure("eval", error))?)
    } else {
        text::text(&scores)
    });
    Ok(())
}

/// Cases between two words of progress.
const EVERY: usize = 10;

/// A case's folder, as it is called below the one that was named.
fn name(folder: &Path, case: &Path) -> String {
    let below = case.strip_prefix(folder).ok().filter(|below| below.components().next().is_some());
    let shown: PathBuf = below.map_or_else(|| case.file_name().map(PathBuf::from).unwrap_or_default(), Path::to_owned);
    printable(&shown.display().to_string())
}

/// Investigates one case with the sources of its own configuration, in a casebook of its own: none can lean on another.
async fn investigate(case: &Path, cancel: &CancellationToken) -> Result<(Answer, u64), CliError> {
    let incident = read_incident(&case.join("incident.json"))?;
    let window = incident.incident.window.end.abs_diff(incident.incident.window.start);
    let setup = Setup::new(Some(&case.join("negawatt.toml")))?;
    let own = tempfile::Builder::new()
        .prefix("negawatt-eval-")
        .tempdir()
        .map_err(|error| CliError::failure("casebook", format!("cannot make a folder for a casebook: {error}")))?;
    let book = Casebook::open(own.path())?;
    let case = setup.runtime.investigate(&book, incident, Arc::new(|_| {}), cancel.clone()).await?;
    let answer = serde_json::from_value(answer(&case))
        .map_err(|error| CliError::failure("eval", format!("the answer has another form: {error}")))?;
    Ok((answer, window))
}

/// An error in one line.
fn told(error: &CliError) -> String {
    match &error.place {
        Some(place) => format!("{} ({place})", error.message),
        None => error.message.clone(),
    }
}
