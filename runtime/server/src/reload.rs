//! Reads configuration and skills anew when their files change.

use std::sync::Arc;
use std::time::Duration;

use negawatt_config::Serve;

use crate::app::App;

/// How often it is looked. Asking for the times of a few files takes microseconds.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until the server is to end. What cannot be read is told once, and what was there before stays.
pub async fn reload(app: Arc<App>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = None;
    while app.closing.run_until_cancelled(ticks.tick()).await.is_some() {
        let looking = app.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            let loaded = looking.loaded();
            looking.program.has_changed(&loaded).then(|| looking.reload())
        });
        match loaded.await {
            Ok(Some(Ok(loaded))) => {
                told = None;
                let skills = loaded.runtime.catalog.entries().len();
                tracing::info!("configuration and skills were read anew: {skills} skills");
                for (file, reason) in &loaded.refused {
                    tracing::warn!("the skill {} is not used: {reason}", file.display());
                }
            }
            Ok(Some(Err(why))) if told.as_ref() != Some(&why) => {
                tracing::error!("what was configured before stays, since the new configuration cannot be used: {why}");
                told = Some(why);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// What of `[serve]` is not as it was when the server started, and is read only then.
pub(crate) fn for_the_next_start(started: &Serve, now: &Serve) -> Vec<&'static str> {
    // Whoever adds a field says here which kind it is.
    let Serve {
        listen,
        workers,
        queue,
        shutdown,
        body,
        connections,
        streams,
        stall,
        rate,
        patience,
        hosts,
        origins,
        webhooks: _,
        notify: _,
    } = started;
    let all = [
        ("listen", listen.value == now.listen.value),
        ("workers", *workers == now.workers),
        ("queue", *queue == now.queue),
        ("shutdown", *shutdown == now.shutdown),
        ("body", *body == now.body),
        ("connections", *connections == now.connections),
        ("streams", *streams == now.streams),
        ("stall", *stall == now.stall),
        ("rate", *rate == now.rate),
        ("patience", *patience == now.patience),
        ("hosts", *hosts == now.hosts),
        ("origins", *origins == now.origins),
    ];
    all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}
