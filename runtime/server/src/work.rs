//! Workers: some run the next case to its verdict, others carry one that has a verdict on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use negawatt_casebook::{Case, CaseId, CasebookError, End, Verdict};
use negawatt_planner::Watcher;
use negawatt_proposals::{Desk, carry_on, is_left, is_unguarded};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::notice::Notice;
use crate::places::blocking;
use crate::problem::Problem;
use crate::tell::post;

/// How often it is looked for cases that somebody left behind.
const SWEEP: Duration = Duration::from_secs(60);

/// Runs cases, one after the other, until the server is to end.
pub async fn work(app: Arc<App>) {
    while let Some(case) = app.closing.run_until_cancelled(app.queue.next()).await {
        // It may have been stopped since, or wait twice.
        let Some((cancel, trace)) = app.here.begin(case, &app.parking) else { continue };
        let began = Instant::now();
        let running = app.clone();
        // A task of its own: a defect costs the case its turn, and no worker.
        let done = tokio::spawn(trace.around(async move { run(&running, case, cancel).await })).await;
        match done {
            Ok(Ok(verdict)) => {
                app.metrics.ended(verdict, began.elapsed());
                if verdict.is_some() {
                    // Whoever carries it on tells of its end.
                    continue;
                }
                app.tell(Notice::ended(case, None));
            }
            // Whoever works on it ends it; if that one dies, a sweep finds it.
            Ok(Err(CasebookError::Owned { .. } | CasebookError::TakenOver { .. })) => {}
            Ok(Err(error)) => {
                app.metrics.failed();
                app.tell(Notice::ended(case, None));
                tracing::error!("the case {case} rests: {error}");
            }
            Err(_) => {
                app.metrics.failed();
                tracing::error!("the host failed at the case {case}, which rests");
            }
        }
        // Last, so that nobody takes it for a case that somebody else runs.
        if app.here.forget(&case) {
            resumed(&app, case).await;
        }
    }
}

/// Carries cases that have a verdict on, one after the other, until the server is to end. That may take minutes, which no other case is to
/// wait for its verdict; what is not carried on by then is by the next start.
pub async fn carry(app: Arc<App>) {
    while let Some(case) = app.closing.run_until_cancelled(app.carrying.next()).await {
        let Some((cancel, trace)) = app.here.carry(case, &app.parking) else { continue };
        let (carrying, stopping) = (app.clone(), cancel.clone());
        let done = tokio::spawn(trace.around(async move {
            let looking = carrying.clone();
            let found = blocking(move || Ok(looking.book.load(&case)?)).await?;
            let verdict = found.concluded().map(|concluded| concluded.verdict);
            Ok::<_, Problem>((verdict, carried(&carrying, found, &stopping).await))
        }));
        let (verdict, found) = match done.await {
            Ok(Ok(done)) => done,
            Ok(Err(problem)) => {
                tracing::error!("the case {case} is not carried on: {}", problem.detail);
                (None, None)
            }
            Err(_) => {
                tracing::error!("the host failed at what the case {case} proposes");
                (None, None)
            }
        };
        app.tell(Notice::ended(case, verdict.map(Verdict::name)));
        // One that somebody stopped stays where it is until it is resumed.
        if app.here.forget(&case) || !cancel.is_cancelled() {
            try_again(&app, case, found).await;
        }
    }
}

/// Has the next sweep carry a case on of which the guard was not asked, such as one that somebody else owned, or for which the disk was full.
/// `found` is how the case stands, where that is known.
pub async fn try_again(app: &Arc<App>, case: CaseId, found: Option<Case>) {
    let looking = app.clone();
    let unguarded = blocking(move || {
        let found = found.map_or_else(|| looking.book.load(&case), Ok)?;
        Ok(is_unguarded(&looking.book, &found)?)
    });
    let unguarded = unguarded.await;
    // What cannot be read now may be then.
    if unguarded.unwrap_or(true) {
        app.leave(case);
    }
}

/// Has a case wait again that somebody resumed while it ran, if it is open.
async fn resumed(app: &Arc<App>, case: CaseId) {
    let looking = app.clone();
    let found = blocking(move || Ok(looking.book.load(&case)?)).await;
    match found {
        Ok(found) if found.end.is_none() => app.wait_again(&found),
        Ok(_) => {}
        // A sweep finds it.
        Err(problem) => tracing::warn!("the case {case} waits for the next sweep: {}", problem.detail),
    }
}

async fn run(app: &Arc<App>, case: CaseId, cancel: CancellationToken) -> Result<Option<Verdict>, CasebookError> {
    let loaded = app.loaded();
    let watcher: Watcher = {
        let app = app.clone();
        Arc::new(move |progress| app.tell(Notice::of(case, progress)))
    };
    let found = loaded.runtime.resume(&app.book, &case, watcher, cancel.clone()).await?;
    let verdict = found.concluded().map(|concluded| concluded.verdict);
    if let Some(verdict) = verdict {
        app.tell(Notice::verdict(case, verdict));
        // It is told whatever becomes of what it proposes.
        post(app, &found);
        app.carry_on(&found);
    }
    Ok(verdict)
}

/// Cases that are looked through at a time, at the start.
const PAGE: usize = 1_000;

/// Has all cases carried on that have a verdict, and were not carried on when an earlier run of the program ended.
pub async fn finish(app: Arc<App>) {
    let mut before = None;
    loop {
        let looking = app.clone();
        match blocking(move || look_through(&looking, before)).await {
            Ok(Some(last)) => before = Some(last),
            Ok(None) => return,
            Err(problem) => {
                tracing::error!("nobody looks for older cases that were not carried on: {}", problem.detail);
                return;
            }
        }
    }
}

/// Looks through the cases before one, or the newest; gives the last of them, and nothing where there are no more.
fn look_through(app: &App, before: Option<CaseId>) -> Result<Option<CaseId>, Problem> {
    let loaded = app.loaded();
    let cases = app.book.list_before(before.as_ref(), PAGE)?;
    for case in &cases {
        if app.closing.is_cancelled() {
            return Ok(None);
        }
        if let Err(error) = look_at(app, &loaded.desk, case, before.is_none()) {
            tracing::warn!("nobody knows whether the case {case} was carried on: {error}");
        }
    }
    Ok(cases.last().copied())
}

/// Has a case carried on of which something is left; of one of the newest, others are told what they were not. What came from another casebook
/// is for whoever asks for it.
fn look_at(app: &App, desk: &Desk, case: &CaseId, is_new: bool) -> Result<(), CasebookError> {
    let Some(End::Concluded(concluded)) = app.book.summary(case)?.end else { return Ok(()) };
    let proposes = matches!(concluded.verdict, Verdict::Regression | Verdict::Opportunity);
    if !(is_new || proposes) || app.book.imported(case)? > 0 {
        return Ok(());
    }
    let found = app.book.load(case)?;
    if is_new {
        post(app, &found);
    }
    if is_left(desk, &app.book, &found)? {
        app.carry_again(&found);
    }
    Ok(())
}

/// Carries a case that has a verdict on, and has others told what became of it. All of it may be done again. Gives how the case stands then,
/// where that is known.
async fn carried(app: &App, case: Case, cancel: &CancellationToken) -> Option<Case> {
    post(app, &case);
    let id = case.id;
    match carry_on(&app.loaded().desk, &app.book, case, cancel).await {
        Ok(case) => {
            post(app, &case);
            Some(case)
        }
        Err(why) => {
            tracing::warn!("the case {id} was not carried on: {why}");
            None
        }
    }
}

/// Puts cases that were left behind into the queue, at the start and then every minute.
pub async fn sweep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(SWEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while app.closing.run_until_cancelled(ticks.tick()).await.is_some() {
        let swept = app.clone();
        let taken = tokio::task::spawn_blocking(move || swept.take_up()).await;
        match taken {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(count)) => tracing::info!("{count} cases that were left behind wait again"),
            Ok(Err(error)) => tracing::error!("nobody looked for cases that were left behind: {error}"),
        }
    }
}
