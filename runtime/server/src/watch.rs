//! The watch inside the server: passes over what the configuration watches, whose cases are carried on like all others.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{CasebookError, Verdict};
use negawatt_host::time;
use negawatt_planner::Watcher;
use negawatt_watch::{OpenedCase, Settings, Watch};

use crate::app::App;
use crate::metrics::From;
use crate::notice::Notice;
use crate::program::Loaded;

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
    // What happens in its cases is told when they rest: a case has no id before it is opened.
    let progress: Watcher = Arc::new(|_| {});
    while app.closing.run_until_cancelled(ticks.tick()).await.is_some() && Arc::ptr_eq(&app.loaded(), loaded) {
        match watch.pass(time::now(), &progress, &app.parking).await {
            Ok(pass) => {
                for trouble in &pass.troubles {
                    tracing::warn!("the watch: {}: {}", trouble.who, trouble.message);
                }
                pass.opened.iter().for_each(|_| app.metrics.accepted(From::Watch));
                for opened in pass.opened.iter().chain(&pass.resumed) {
                    if let Err(error) = carried(app, loaded, opened).await {
                        tracing::error!("the case {} of the watch was not carried on: {error}", opened.id);
                    }
                }
            }
            Err(error) => tracing::error!("a pass of the watch failed: {error}"),
        }
    }
}

async fn carried(app: &Arc<App>, loaded: &Loaded, opened: &OpenedCase) -> Result<(), CasebookError> {
    let id = opened.id;
    let case = tokio::task::block_in_place(|| app.book.load(&id))?;
    let took = case.concluded().map_or(Duration::ZERO, |concluded| Duration::from_millis(concluded.wall_ms));
    crate::work::carried(app, loaded, case, &app.parking).await;
    app.metrics.ended(opened.verdict, took);
    app.tell(Notice::ended(id, opened.verdict.map(Verdict::name)));
    Ok(())
}
