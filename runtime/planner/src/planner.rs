//! What a planner is: it looks at the board and the catalog, and says what to do next.

use std::collections::HashMap;

use negawatt_casebook::Ending;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::Incident;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::catalog::Catalog;

/// What a planner looks at.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// What came in.
    pub incident: &'a Incident,
    /// The evidence and the steps so far.
    pub board: &'a Board,
    /// The skills.
    pub catalog: &'a Catalog,
    /// What was learned from past cases, as the case recorded it when it was opened.
    pub knowledge: &'a Knowledge,
    /// What the budget of the case still allows.
    pub left: &'a CaseLimits,
}

/// One step to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The skill's place in [`Catalog::entries`].
    pub entry: usize,
    /// Why, for people.
    pub reason: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Take these steps at the same time; what they find is accepted in this order.
    Run(Vec<Choice>),
    /// Nothing more, and why.
    Conclude(Ending),
}

/// Chooses steps. It is asked again after every wave.
pub trait Planner: Send + Sync {
    /// What to do next.
    fn next(&self, situation: &Situation<'_>) -> Decision;
}

/// What past cases taught about skills, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Knowledge(pub HashMap<String, Experience>);

/// What past cases taught about one skill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    /// How often it ran.
    pub runs: u64,
    /// How often it found something.
    pub useful: u64,
    /// Wall time of all its runs, in microseconds.
    pub wall_us: u64,
    /// How much its word counts, from 0 to 1: see [`crate::Reliability`].
    #[serde(default = "whole")]
    pub weight: f64,
}

/// What a word counts of whose nothing is known.
fn whole() -> f64 {
    1.0
}

impl Default for Experience {
    fn default() -> Experience {
        Experience { runs: 0, useful: 0, wall_us: 0, weight: whole() }
    }
}

/// What a skill is expected to cost before anybody ran it, in microseconds.
const EXPECTED_WALL_US: f64 = 20_000.0;

impl Experience {
    /// The chance that the skill finds something (Laplace's rule of succession), by what its word counts, by its mean wall time in seconds.
    pub fn progress_per_cost(&self) -> f64 {
        let useful = (self.useful as f64 + 1.0) / (self.runs as f64 + 2.0);
        let cost = (self.wall_us as f64 + EXPECTED_WALL_US) / (self.runs as f64 + 1.0);
        self.weight * useful / (cost / 1e6)
    }
}
