//! The kinds of case that can be made.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;

/// What happened in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// A commit makes a function slower.
    Commit,
    /// A commit changes a callee in another file; much of its cost shows in the caller.
    Callee,
    /// Stationary noise and nothing else.
    Noise,
    /// As `Commit`, with hostile text in every place that holds text.
    Hostile,
    /// The metric rose and came back by itself.
    Spike,
    /// A daily season; the window ends at its top.
    Season,
    /// Cost moved between two functions or two services; the sum stays.
    CostShift,
    /// A configuration change is the cause.
    Config,
    /// An experiment is the cause.
    Experiment,
    /// A slow drift that begins with a commit.
    Drift,
    /// As `Commit`, with at least 15 other commits in the same hour.
    Distractors,
    /// The metric changed in the good direction only.
    Improvement,
    /// The series begins only after the change.
    Late,
    /// Too few points to say anything.
    Short,
    /// As `Commit`, on a metric where down hurts.
    WorseDown,
    /// As `Commit`, but hard: a small change in much noise, few samples or none, and others at work on the same functions. The
    /// right answer is known and often cannot be; what is said of it must be as sure as it is right.
    Unclear,
}

impl Scenario {
    /// Every scenario that has only one right answer: all but [`Scenario::Unclear`].
    pub const ALL: [Scenario; 15] = [
        Scenario::Commit,
        Scenario::Callee,
        Scenario::Noise,
        Scenario::Hostile,
        Scenario::Spike,
        Scenario::Season,
        Scenario::CostShift,
        Scenario::Config,
        Scenario::Experiment,
        Scenario::Drift,
        Scenario::Distractors,
        Scenario::Improvement,
        Scenario::Late,
        Scenario::Short,
        Scenario::WorseDown,
    ];

    /// The name, as on the command line and in `truth.json`.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Commit => "commit",
            Scenario::Callee => "callee",
            Scenario::Noise => "noise",
            Scenario::Hostile => "hostile",
            Scenario::Spike => "spike",
            Scenario::Season => "season",
            Scenario::CostShift => "cost-shift",
            Scenario::Config => "config",
            Scenario::Experiment => "experiment",
            Scenario::Drift => "drift",
            Scenario::Distractors => "distractors",
            Scenario::Improvement => "improvement",
            Scenario::Late => "late",
            Scenario::Short => "short",
            Scenario::WorseDown => "worse-down",
            Scenario::Unclear => "unclear",
        }
    }

    /// The right verdict.
    pub fn verdict(self) -> &'static str {
        match self {
            Scenario::Late | Scenario::Short => "inconclusive",
            _ if self.reason().is_some() => "dismissed",
            _ => "regression",
        }
    }

    /// The right reason of a dismissal.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Scenario::Noise => Some("noise"),
            Scenario::Spike => Some("went-away"),
            Scenario::Season => Some("seasonal"),
            Scenario::CostShift => Some("cost-shift"),
            Scenario::Improvement => Some("other"),
            _ => None,
        }
    }

    /// Whether a commit is the cause of a regression that has to be found.
    pub(crate) fn blames_commit(self) -> bool {
        self.verdict() == "regression" && !matches!(self, Scenario::Config | Scenario::Experiment)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .chain([Scenario::Unclear])
            .find(|s| s.name() == name)
            .ok_or_else(|| Error::Scenario(name.to_owned()))
    }
}
