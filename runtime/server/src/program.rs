//! What the server is told by the program that starts it: how to read configuration and skills, what follows a verdict, and how
//! things are shown. So a case is the same, and looks the same, wherever it is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_casebook::{Case, Casebook, Proposal};
use negawatt_config::Config;
use negawatt_planner::Runtime;
use negawatt_proposals::Desk;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A configuration with its sources and skills, as of one moment.
pub struct Loaded {
    /// What cases share.
    pub runtime: Arc<Runtime>,
    /// What the operator said.
    pub config: Arc<Config>,
    /// Skill files that are not used, each with the reason. Where an earlier one was good, that one still is.
    pub refused: Vec<(PathBuf, String)>,
    /// Of all files that it was read from: what they were then, so that a change is seen.
    pub seen: Vec<(PathBuf, Option<Stamp>)>,
}

/// By what a file that changed is told from what it was: its time of change in nanoseconds, its length and its number.
pub type Stamp = (i128, u64, u64);

/// A form in which something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Json,
    /// For people, without colours.
    Text,
    /// One page in HTML that loads nothing.
    Page,
}

/// The program around the server.
#[async_trait]
pub trait Program: Send + Sync {
    /// Reads configuration and skills. Of a skill file that is broken now, what was loaded `before` stays in use.
    fn load(&self, before: Option<&Loaded>) -> Result<Loaded, String>;

    /// Whether a file that it was read from changed since.
    fn has_changed(&self, loaded: &Loaded) -> bool;

    /// Carries a case that has a verdict on: to its proposals, and what the operator lets go by itself.
    async fn carry_on(
        &self,
        loaded: &Loaded,
        book: &Casebook,
        case: Case,
        cancel: &CancellationToken,
    ) -> Result<Case, String>;

    /// A case as programs read it.
    fn case(&self, case: &Case, book: &Casebook) -> Value;

    /// One of its proposals as programs read it.
    fn proposal(&self, case: &Case, proposal: &Proposal) -> Value;

    /// What all cases came to, as programs read it.
    fn stats(&self, loaded: &Loaded, book: &Casebook) -> Result<Value, String>;

    /// The skills, their rights and how they fared, as programs read them.
    fn skills(&self, loaded: &Loaded, book: &Casebook) -> Result<Value, String>;

    /// What proposals are decided of and submitted with.
    fn desk(&self, loaded: &Loaded) -> Desk;

    /// A case as people read it, without colours.
    fn text(&self, case: &Case, book: &Casebook) -> String;

    /// A case as a page of its own.
    fn page(&self, case: &Case, book: &Casebook) -> Result<String, String>;
}
