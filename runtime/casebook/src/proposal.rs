//! What is recorded of proposals: what a case proposes to do, how that was examined, what people said of it, what was submitted, and what
//! became of it. All of that comes after the verdict.

use negawatt_host::model::{EvidenceId, Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::id::CaseId;
use crate::learned::Said;

/// One way to mitigate what a case is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// Its number in the case, from 1; the first one ranks first.
    pub number: u32,
    /// The mitigation that it proposes.
    pub mitigation: EvidenceId,
    /// Why it has this rank.
    pub rank: Rank,
}

/// What a proposal is ranked by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// The part of what can be saved that it is expected to save: `helps` times the weight of precedents, times `saving` as a part of the largest
    /// in the case, less the risk.
    pub score: f64,
    /// How probable it is that it mitigates the cause: that its target is the cause, and that the skill is right.
    pub helps: f64,
    /// The part of the cost that it puts at risk, by what it touches.
    pub risk: f64,
    /// How often its strategy was taken in cases like this one, from 0 to 1.
    pub precedent: f64,
    /// What is saved in cores and watts where it works: of what its target costs the share of what it touches, or what its opportunity
    /// promises; absent where that is not known.
    pub saving: Option<Cost>,
    /// Each of these in a sentence with its number.
    pub reasons: Vec<String>,
    /// The cases that made `precedent`, and others in which something was said of the strategy, the most alike first.
    pub precedents: Vec<Cited>,
}

/// A precedent that shaped a rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cited {
    /// The case.
    pub case: CaseId,
    /// How alike, from 0 to 1.
    pub similarity: f64,
    /// What became of the same strategy there, in one word.
    pub outcome: String,
    /// What was said against the same strategy there, or against what the case found.
    pub said: Vec<Said>,
}

/// What something takes, or saves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// CPU cores.
    pub cores: f64,
    /// Watts.
    pub watts: f64,
}

/// What the guard found out about a proposal. A later one takes an earlier one's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// The proposal's number.
    pub proposal: u32,
    /// What it was applied to; absent where it is a setting, or could not be applied to anything.
    pub base: Option<Base>,
    /// What was asked of it, in order.
    pub criteria: Vec<Criterion>,
    /// What the operator's validation measured.
    pub measured: Option<Measured>,
    /// Why a person has to decide; absent where the operator's thresholds let it be submitted by itself.
    pub person: Option<String>,
}

impl Examined {
    /// Whether every criterion holds.
    pub fn holds(&self) -> bool {
        self.criteria.iter().all(|criterion| criterion.result == Passed::Yes)
    }

    /// The first criterion that does not hold.
    pub fn failed(&self) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.result == Passed::No)
    }
}

/// The tip of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The repository's name in the configuration.
    pub repository: String,
    /// The branch, by its short name; empty where HEAD names none.
    pub branch: String,
    /// The full hash of its tip.
    pub commit: String,
}

/// One thing that was asked of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub result: Passed,
    /// One sentence.
    pub detail: String,
    /// What a command printed; untrusted.
    pub output: Option<String>,
}

/// How a criterion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Passed {
    /// It holds.
    Yes,
    /// It does not hold: the patch is withheld.
    No,
    /// It was not asked, since an earlier one does not hold.
    Skipped,
}

/// What a validation measured, in the operator's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Without the patch, in order.
    pub before: Vec<f64>,
    /// With it, in order.
    pub after: Vec<f64>,
    /// Whether lower numbers are better.
    pub lower_is_better: bool,
    /// How probable so large an improvement would be by chance.
    pub p_value: f64,
}

/// What somebody decided of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The proposal's number.
    pub proposal: u32,
    /// Who: a person's name; absent where the operator's thresholds decided.
    pub by: Option<String>,
    /// What.
    pub decision: Decision,
    /// Why, in their own words.
    pub text: String,
}

/// What may become of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// It is submitted.
    Approved,
    /// It is not.
    Rejected(Rejection),
}

/// Why a proposal is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rejection {
    /// Another change is the cause.
    WrongCulprit,
    /// There is nothing to mitigate.
    NotARegression,
    /// The cause is right, and this is no good way to mitigate it.
    WrongFix,
    /// It could break something.
    Risky,
    /// Somebody has mended it already.
    AlreadyFixed,
    /// Another reason, told in words.
    Other,
}

impl Rejection {
    /// All of them.
    pub const ALL: [Rejection; 6] = [
        Rejection::WrongCulprit,
        Rejection::NotARegression,
        Rejection::WrongFix,
        Rejection::Risky,
        Rejection::AlreadyFixed,
        Rejection::Other,
    ];

    /// Whether it says anything against the proposal: that it is mended already, or another reason, does not.
    pub fn is_against_it(self) -> bool {
        !matches!(self, Rejection::AlreadyFixed | Rejection::Other)
    }

    /// As people write it.
    pub fn word(self) -> &'static str {
        match self {
            Rejection::WrongCulprit => "wrong-culprit",
            Rejection::NotARegression => "not-a-regression",
            Rejection::WrongFix => "wrong-fix",
            Rejection::Risky => "risky",
            Rejection::AlreadyFixed => "already-fixed",
            Rejection::Other => "other",
        }
    }
}

/// Whoever the operator named was told of a proposal: that it waits for a person, or why it could not be submitted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The proposal's number.
    pub proposal: u32,
}

/// A step outside is about to be taken for a proposal. It is recorded before, so that what was interrupted is looked for and not done twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitting {
    /// The proposal's number.
    pub proposal: u32,
    /// What is about to be done, such as `push negawatt/01J…-1 to origin`.
    pub what: String,
    /// What is submitted, whole, as whoever submits wrote it down: a retry submits the same, to the byte. With the first step alone.
    pub submission: Option<String>,
}

/// A proposal is where its reader finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The proposal's number.
    pub proposal: u32,
    /// The kind of forge.
    pub forge: String,
    /// The branch.
    pub branch: String,
    /// The full hash of the commit on it.
    pub commit: String,
    /// Where it is read; absent for a forge without pages.
    pub url: Option<String>,
    /// The pull request's number.
    pub number: Option<u64>,
    /// What did not work and does not matter to whether it is there, such as a reviewer who cannot be asked.
    pub notes: Vec<String>,
}

/// What became of a case or a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The proposal's number; absent where it is about the case.
    pub proposal: Option<u32>,
    /// What.
    pub what: Became,
    /// Who says so.
    pub by: Witness,
    /// When it happened, where they know; otherwise it counts from when it was recorded.
    pub at: Option<Timestamp>,
    /// What was the cause instead, where somebody knows: the id of a suspect.
    pub culprit: Option<String>,
    /// In their own words.
    pub text: String,
}

/// What can become of a case or a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Became {
    /// It was merged.
    Merged,
    /// It was closed without.
    Rejected,
    /// There was nothing to mitigate.
    NotARegression,
    /// Another change was the cause.
    WrongCulprit,
    /// The series was looked at after a merge.
    Recovered(Recovery),
    /// The series cannot tell what a merge brought, and never will.
    Unmeasured,
}

impl Became {
    /// As people write it.
    pub fn word(&self) -> &'static str {
        match self {
            Became::Merged => "merged",
            Became::Rejected => "rejected",
            Became::NotARegression => "not-a-regression",
            Became::WrongCulprit => "wrong-culprit",
            Became::Recovered(_) => "recovered",
            Became::Unmeasured => "unmeasured",
        }
    }

    /// Whether it is what the series told after a merge, which ends nothing.
    pub(crate) fn is_measured(&self) -> bool {
        matches!(self, Became::Recovered(_) | Became::Unmeasured)
    }
}

/// The part of a regression that must be gone after a merge for its target to have been the cause, and below which it was not.
const CURED: f64 = 0.5;
const UNCHANGED: f64 = 0.2;

impl Recovery {
    /// Whether so much is gone that the target was the cause.
    pub fn has_cured(&self) -> bool {
        self.part >= CURED
    }

    /// Whether so little is gone that the target was not the cause.
    pub fn has_failed(&self) -> bool {
        self.part < UNCHANGED
    }
}

/// What the incident's series did after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The time after the merge that was looked at.
    pub window: Window,
    /// The level in it.
    pub level: f64,
    /// The part of the regression that is gone, or of an opportunity's expected saving that came: 1 for all of it, 0 for nothing, less where it
    /// got worse.
    pub part: f64,
    /// What is saved.
    pub saved: Option<Cost>,
}

/// Who says what became of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Witness {
    /// A person.
    Person(String),
    /// The forge that it was submitted to.
    Forge,
    /// The incident's own series.
    Metrics,
}

/// A threshold was moved by what was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// Which one.
    pub threshold: String,
    /// What it was.
    pub from: f64,
    /// What it is.
    pub to: f64,
    /// Why, with numbers.
    pub reason: String,
}
