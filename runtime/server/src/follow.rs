//! Asks forges and series what became of proposals, as often as is configured, and takes up what went by itself and was left.

use std::collections::BTreeSet;
use std::sync::Arc;

use negawatt_casebook::{CaseId, CasebookError};
use negawatt_host::time;
use negawatt_proposals::{Followed, Observed, take_up};

use crate::app::App;
use crate::places::apart;
use crate::tell::post;

/// Asks until the server is to end.
pub async fn follow(app: Arc<App>) {
    loop {
        let every = app.loaded().config.review.follow_every;
        if app.closing.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
            return;
        }
        let asking = app.clone();
        let turn = app.following.clone().lock_owned().await;
        let asked = apart(async move {
            let _turn = turn;
            Ok(ask(&asking).await?)
        });
        match asked.await {
            Ok(all) => {
                for Followed { case, proposal, what } in all {
                    if let Err(error) = what {
                        tracing::warn!("nobody knows what became of the proposal {proposal} of {case}: {error}");
                    }
                }
            }
            Err(problem) => tracing::warn!("nobody knows what became of proposals: {}", problem.detail),
        }
    }
}

/// What is known of every proposal of which something may still become. Others are told what is new.
pub async fn ask(app: &App) -> Result<Vec<Followed>, CasebookError> {
    let loaded = app.loaded();
    for case in take_up(&loaded.desk, &app.book, &app.parking).await? {
        tell_of(app, &case);
    }
    let metrics = loaded.runtime.tools.metrics.clone();
    let all = negawatt_proposals::follow(&loaded.desk, &app.book, metrics.as_deref(), time::now()).await?;
    let news = all.iter().filter(|one| matches!(one.what, Ok(Observed::Became(_)))).map(|one| one.case);
    for case in news.collect::<BTreeSet<_>>() {
        tell_of(app, &case);
    }
    Ok(all)
}

/// Tells others what is new of a case.
fn tell_of(app: &App, case: &CaseId) {
    match app.book.load(case) {
        Ok(case) => post(app, &case),
        Err(error) => tracing::warn!("nobody is told what became of the case {case}: {error}"),
    }
}
