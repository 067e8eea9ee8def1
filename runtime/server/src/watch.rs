//! The watch inside the server: passes over what the configuration watches, whose cases are carried on like all others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use negawatt_casebook::{CaseId, CasebookError, Summary};
use negawatt_host::time;
use negawatt_planner::{Progress, Watcher};
use negawatt_watch::{OpenedCase, Settings, Watch};
use tokio::task::block_in_place;

use crate::app::App;
use crate::metrics::From;
use crate::notice::Notice;
use crate::program::Loaded;
use crate::tell::post;

/// How often it is looked whether there is something to watch by now.
const IDLE: Duration = Duration::from_secs(5);

/// Watches as configured, and as it is configured anew, until the server is to end.
pub async fn watch(app: Arc<App>) {
    while !app.closing.is_cancelled() {
        let loaded = app.loaded();
        match loaded.config.watch.as_ref().filter(|watch| !watch.series.is_empty()) {
            Some(said) => passes(&app, &loaded, Settings::of(said)).await,
            None => drop(app.closing.run_until_cancelled(tokio::time::sleep(IDLE)).await),
        }
    }
}

/// Passes with one configuration.
async fn passes(app: &Arc<App>, loaded: &Arc<Loaded>, settings: Settings) {
    let mut ticks = tokio::time::interval(settings.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watch = Watch::new(loaded.runtime.clone(), app.book.clone(), settings);
    while app.closing.run_until_cancelled(ticks.tick()).await.is_some() && Arc::ptr_eq(&app.loaded(), loaded) {
        match watch.pass(time::now(), &progress(app), &app.parking).await {
            Ok(pass) => {
                for trouble in &pass.troubles {
                    tracing::warn!("the watch: {}: {}", trouble.who, trouble.message);
                }
                pass.opened.iter().for_each(|_| app.metrics.accepted(From::Watch));
                for opened in pass.opened.iter().chain(&pass.resumed) {
                    if let Err(error) = block_in_place(|| carried(app, opened)) {
                        tracing::error!("the case {} of the watch was not carried on: {error}", opened.id);
                    }
                }
            }
            Err(error) => tracing::error!("a pass of the watch failed: {error}"),
        }
    }
}

/// Has a case that a pass took as far as it goes carried on, apart from the watch: the next pass does not wait for it.
fn carried(app: &App, opened: &OpenedCase) -> Result<(), CasebookError> {
    let case = app.book.load(&opened.id)?;
    match case.concluded() {
        Some(concluded) => {
            app.metrics.ended(Some(concluded.verdict), Duration::from_millis(concluded.wall_ms));
            app.tell(Notice::verdict(case.id, concluded.verdict));
            // It is told whatever becomes of what it proposes.
            post(app, &case);
            app.carry_again(&case);
        }
        None => {
            app.metrics.ended(None, Duration::ZERO);
            app.tell(Notice::ended(case.id, None));
        }
    }
    Ok(())
}

/// Tells what happens in the cases that a pass opens, one after the other.
fn progress(app: &Arc<App>) -> Watcher {
    let (app, current) = (app.clone(), Mutex::<Option<CaseId>>::default());
    Arc::new(move |progress| {
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Progress::Opened(case) = progress {
            *current = Some(*case);
            accepted(&app, case);
        }
        // Of one that it takes up, which comes before all that it opens, what it came to is told.
        if let Some(case) = *current {
            app.tell(Notice::of(case, progress));
        }
    })
}

fn accepted(app: &App, case: &CaseId) {
    match block_in_place(|| app.book.summary(case)) {
        Ok(Summary { opened: Some(opened), .. }) => {
            app.tell(Notice::accepted(*case, &opened.incident.service, &opened.incident.title));
        }
        Ok(_) => {}
        Err(error) => tracing::warn!("nobody is told that the case {case} was opened: {error}"),
    }
}
