//! `negawatt review follow`, and the same between the passes of `negawatt watch`: what became of submitted proposals.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::Casebook;
use negawatt_host::text::{printable, printable_json};
use negawatt_host::{Metrics, time};
use negawatt_proposals::{Desk, Followed, Observed, follow, take_up};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::printed::{items, word};
use crate::review::desk;
use crate::setup::Setup;

/// Asks forges and series what became of proposals, whenever it is told to.
pub struct Follower {
    desk: Desk,
    book: Casebook,
    metrics: Option<Arc<dyn Metrics>>,
    every: Duration,
    cancel: CancellationToken,
}

impl Follower {
    /// Of a configuration, until it is cancelled.
    pub fn new(setup: &Setup, cancel: CancellationToken) -> Result<Follower, CliError> {
        let (desk, book) = (desk(&setup.config), setup.casebook()?);
        Ok(Follower {
            desk,
            book,
            metrics: setup.runtime.tools.metrics.clone(),
            every: setup.config.review.follow_every,
            cancel,
        })
    }

    /// What became of proposals, after those that need nobody were taken up where they had been left.
    async fn ask(&self, now: i64) -> Result<Vec<Followed>, CliError> {
        take_up(&self.desk, &self.book, &self.cancel).await?;
        Ok(follow(&self.desk, &self.book, self.metrics.as_deref(), now).await?)
    }

    /// What became of proposals since somebody asked last. What cannot be found out is told to the log: it is asked again.
    pub async fn news(&self, now: i64) -> Vec<Followed> {
        let all = self.ask(now).await.unwrap_or_else(|error| {
            tracing::warn!("nobody knows what became of proposals: {}", printable(&error.to_string()));
            Vec::new()
        });
        for Followed { case, proposal, what } in &all {
            if let Err(error) = what {
                tracing::warn!("nobody knows what became of the proposal {proposal} of {case}: {}", printable(error));
            }
        }
        all.into_iter().filter(|one| matches!(one.what, Ok(Observed::Became(_)))).collect()
    }

    /// Asks again and again, and prints what became of proposals: a line for each, or of JSON one for all.
    pub async fn keep_asking(self, as_json: bool) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let asking = async {
            loop {
                ticks.tick().await;
                let news = self.news(time::now()).await;
                if !news.is_empty() {
                    write_out(&if as_json {
                        printable_json(&format!("{}\n", json!({ "followed": described(&news) })))
                    } else {
                        in_words(&news)
                    });
                }
            }
        };
        self.cancel.run_until_cancelled(asking).await;
    }
}

/// Asks once, and prints all that is known.
pub async fn once(config: Option<PathBuf>, now: Option<i64>, as_json: bool) -> Result<(), CliError> {
    let setup = Setup::new(config.as_deref())?;
    let all = Follower::new(&setup, CancellationToken::new())?.ask(now.unwrap_or_else(time::now)).await?;
    print(&json!({ "proposals": described(&all) }), as_json);
    Ok(())
}

/// Prints what is known.
pub fn print(known: &Value, as_json: bool) {
    write_out(&if as_json { json_text(known) } else { items(&known["proposals"]).map(line).collect() });
}

/// What is known, as programs read it.
pub fn described(all: &[Followed]) -> Vec<Value> {
    let one = |one: &Followed| {
        let (state, error) = state(one);
        json!({ "case": one.case.to_string(), "proposal": one.proposal, "state": state, "error": error })
    };
    all.iter().map(one).collect()
}

/// What is known, a line for each proposal.
pub fn in_words(all: &[Followed]) -> String {
    described(all).iter().map(line).collect()
}

fn line(one: &Value) -> String {
    let error = one["error"].as_str().map_or(String::new(), |error| format!(": {error}"));
    printable(&format!("{} {}  {}{error}", word(&one["case"]), one["proposal"], word(&one["state"]))) + "\n"
}

fn state(one: &Followed) -> (&'static str, Option<&str>) {
    match &one.what {
        Ok(Observed::Open) => ("open", None),
        Ok(Observed::TooEarly) => ("merged", None),
        Ok(Observed::Became(what)) => (what.word(), None),
        Err(error) => ("unknown", Some(error)),
    }
}
