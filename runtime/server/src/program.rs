//! What the server is told by the program that starts it: how to read configuration and skills, what follows a verdict, and how
//! things are shown. So a case is the same, and looks the same, wherever it is asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use negawatt_casebook::{Case, Casebook, Proposal};
use negawatt_config::Config;
use negawatt_host::model::Incident;
use negawatt_planner::Runtime;
use negawatt_proposals::Desk;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;

/// A configuration with its sources and skills, as of one moment.
pub struct Loaded {
    /// What cases share.
    pub runtime: Arc<Runtime>,
    /// What the operator said.
    pub config: Arc<Config>,
    /// What proposals are carried on, decided of and submitted with.
    pub desk: Desk,
    /// Skill files that are not used, each with the reason. Where an earlier one was good, that one still is.
    pub refused: Vec<(PathBuf, String)>,
    /// Of all files that it was read from: what they were then, so that a change is seen.
    pub seen: Vec<(PathBuf, Option<Stamp>)>,
}

/// By what a file that changed is told from what it was: its time of change in nanoseconds, its length and its number.
pub type Stamp = (i128, u64, u64);

/// What is shown. All of it is for programs; the rest of the forms stand beside.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// A case; as text and as a page.
    Case(&'a Case),
    /// A case's proposals, or one of them, and what became of it; as text.
    Proposals(&'a Case, Option<u32>),
    /// What became of a case, and where its proposals stand; as text.
    Outcomes(&'a Case),
    /// What all cases came to; as text, as a page and for Prometheus.
    Stats,
    /// The skills, with how often the word of each stood where that is wanted; as text.
    Skills(bool),
    /// What the skill of a name may do, and why; as text.
    Grants(&'a str),
    /// The steps that a case of an incident would take.
    Plan(&'a Incident),
    /// What comes of running a case again from its record.
    Replay(&'a Case, &'a CancellationToken),
    /// What is wrong with the configuration and its sources, each of which may take so long to answer; as text.
    Diagnosis(Duration),
    /// Whether the casebook is as it was written.
    Check,
}

/// A form in which something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Json,
    /// For people, without colours.
    Text,
    /// One page in HTML that loads nothing.
    Page,
    /// In Prometheus's text format.
    Prometheus,
}

impl Form {
    /// Its media type.
    pub fn media(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Text => "text/plain; charset=utf-8",
            Form::Page => "text/html; charset=utf-8",
            Form::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The program around the server.
#[async_trait]
pub trait Program: Send + Sync {
    /// Reads configuration and skills. Of a skill file that is broken now, what was loaded `before` stays in use.
    fn load(&self, before: Option<&Loaded>) -> Result<Loaded, String>;

    /// Whether a file that it was read from changed since.
    fn has_changed(&self, loaded: &Loaded) -> bool;

    /// A case as programs read it.
    fn case(&self, case: &Case) -> Value;

    /// One of its proposals as programs read it.
    fn proposal(&self, case: &Case, proposal: &Proposal) -> Value;

    /// Shows something in one of its forms. It may take long, and blocks no thread that others wait for.
    async fn show(&self, loaded: &Loaded, book: &Casebook, what: Shown<'_>, form: Form) -> Result<String, Problem>;
}
