//! What can happen to a case: the events, and how they are encoded.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use negawatt_host::model::{DismissalReason, Evidence, EvidenceId, Finding, Fleet, Incident, Timestamp};
use negawatt_host::{Digest, Kind, Origin, Status, Tool, Usage};
use serde::{Deserialize, Serialize};

use crate::encoding::{DigestDef, OriginDef, os_path};
use crate::id::CaseId;
use crate::proposal::{Adjusted, Examined, Outcome, Proposed, Reviewed, Submitted, Submitting, Told};
use crate::symptom::Symptom;

/// One thing that happened to a case. Each type has a name and a version of its own; both are stored with it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The case began. Always the first event, and only the first. It is large, and shared by all states of the case, as calls are.
    Opened(Arc<Opened>),
    /// From here on the planner may choose from other skills.
    Equipped(Equipped),
    /// Steps were decided on.
    Planned(Planned),
    /// A step is about to have an effect outside.
    Intended(Intended),
    /// A step's skill was called, and the call is over.
    Called(Arc<Called>),
    /// Findings of a step became evidence.
    Accepted(Accepted),
    /// The case reached a verdict.
    Concluded(Concluded),
    /// Somebody ended the case before it reached one.
    Cancelled(Cancelled),
    /// Further series turned out to show the case's change. May come after its end.
    Joined(Joined),
    /// A person took symptoms out. May come after its end.
    Split(Split),
    /// It proposes something. This and what follows comes after its verdict.
    Proposed(Proposed),
    /// A proposal was examined.
    Examined(Examined),
    /// Somebody decided of a proposal.
    Reviewed(Reviewed),
    /// Somebody was told of a proposal.
    Told(Told),
    /// A step outside is about to be taken for a proposal.
    Submitting(Submitting),
    /// A proposal is where its reader finds it.
    Submitted(Submitted),
    /// Something became of the case, or of a proposal.
    Outcome(Outcome),
    /// What became of it moved a threshold.
    Adjusted(Adjusted),
    /// An event that this version does not know: kept and shown, never written.
    Unknown(Unknown),
}

/// All that a case starts from. Together with the recorded answers it is what a replay needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// What came in.
    pub incident: Incident,
    /// Says which incidents are about the same thing.
    pub fingerprint: String,
    /// The case's time: what its skills are told is now.
    pub now: Timestamp,
    /// What the seeds of its steps are derived from.
    pub seed: u64,
    /// The services that the topology ties to the incident's, which is not among them.
    pub neighbours: BTreeSet<String>,
    /// The skills that the planner may choose from, in its order.
    pub catalog: Vec<CatalogEntry>,
    /// What the operator says of the incident's service.
    pub fleet: Option<Fleet>,
    /// The version of the host.
    pub host_version: String,
    /// The case before of the same fingerprint.
    pub earlier: Option<CaseId>,
    /// What the operator configured.
    pub config: Config,
    /// Names and values of whatever else the planner starts from, such as its budget or what it learned elsewhere.
    pub extra: Vec<(String, String)>,
}

/// A skill that the planner may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogEntry {
    /// `name@version`.
    pub id: String,
    /// Of the component.
    #[serde(with = "DigestDef")]
    pub digest: Digest,
    /// Where it came from.
    #[serde(with = "OriginDef")]
    pub origin: Origin,
    /// How far before the incident's window it may look, in microseconds.
    pub look_back: u64,
    /// The kinds of evidence that it may return.
    pub produces: Vec<Kind>,
}

/// Skills were loaded anew while the case was open, or it was taken up where others are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equipped {
    /// The skills that the planner may choose from now, in its order.
    pub catalog: Vec<CatalogEntry>,
    /// Names and values of whatever else of [`Opened::extra`] is not as it was.
    pub extra: Vec<(String, String)>,
}

/// What the operator configured: enough to find it again, and to see whether it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The absolute path of the configuration file; `None` when there was none.
    #[serde(with = "os_path")]
    pub path: Option<PathBuf>,
    /// Of what was configured, grants and limits included.
    #[serde(with = "DigestDef")]
    pub digest: Digest,
}

/// Steps that were decided on together, in plan order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// A step that was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its id in this case: `s1`, `s2` …
    pub step: String,
    /// The skill, as `name@version`.
    pub skill: String,
    /// Of the skill's component.
    #[serde(with = "DigestDef")]
    pub digest: Digest,
    /// The evidence that the skill is shown, in order of acceptance.
    pub inputs: Vec<EvidenceId>,
    /// Evidence of kinds that the skill sees, and that is kept from it because it could send it out.
    pub withheld: Vec<EvidenceId>,
    /// Why the step was chosen, and what is withheld from it and why.
    pub reason: String,
}

impl PlannedStep {
    /// The skill's name, without its version.
    pub fn name(&self) -> &str {
        name_of(&self.skill)
    }
}

/// The name of a skill that is written as `name@version`. In one case it is the same skill, whichever of its versions did something.
pub fn name_of(skill: &str) -> &str {
    skill.split_once('@').map_or(skill, |(name, _)| name)
}

/// A step is about to have an effect outside. It is recorded before the effect, so that a case that was stopped between the two
/// does not repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// The step.
    pub step: String,
    /// What it is about to do, such as `POST https://example.com/`.
    pub what: String,
}

/// A call that is over, however it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// The step.
    pub step: String,
    /// Which call of the step it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub status: Status,
    /// What went wrong, and what to do about it.
    pub message: Option<String>,
    /// What it spent.
    pub usage: Usage,
    /// What it logged and wrote; untrusted.
    pub log: Vec<String>,
    /// What it asked of tools, in order.
    pub answers: Vec<AnswerRef>,
    /// What it returned, not yet accepted.
    pub findings: Vec<Finding>,
    /// Names and values of whatever else it was given that a replay needs, such as its limits.
    pub extra: Vec<(String, String)>,
}

/// An answer of a tool. Question and answer are blobs of the casebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRef {
    /// Which tool.
    pub tool: Tool,
    /// Which of its functions.
    pub function: String,
    /// Of the arguments as the host encoded them.
    #[serde(with = "DigestDef")]
    pub request: Digest,
    /// Of the answer as the host encoded it.
    #[serde(with = "DigestDef")]
    pub response: Digest,
    /// The error's message, if the answer was one.
    pub error: Option<String>,
    /// Wall time in microseconds.
    pub wall_us: u64,
}

/// Findings of one step that became evidence, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The step.
    pub step: String,
    /// The evidence; empty when the step found nothing.
    pub evidence: Vec<Evidence>,
    /// The tools that all of it derives from: those that the step called, and those of the evidence that the step saw.
    pub tools: BTreeSet<Tool>,
}

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It got worse.
    Regression,
    /// It could be better.
    Opportunity,
    /// There is nothing to do about it.
    Dismissed,
    /// Nobody can say.
    Inconclusive,
}

impl Verdict {
    /// Its word in the fixed output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Regression => "regression",
            Verdict::Opportunity => "opportunity",
            Verdict::Dismissed => "dismissed",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why no further step was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// The verdict stands, and nothing later could change what is done about it.
    GoalReached,
    /// No step was left that could add anything.
    NothingLeft,
    /// The case's budget of steps, calls or bytes was spent.
    BudgetSpent,
    /// The case's wall time was over.
    TimeOver,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::GoalReached => "the goal was reached",
            Ending::NothingLeft => "no step was left that could add anything",
            Ending::BudgetSpent => "the budget of the case was spent",
            Ending::TimeOver => "the time of the case was over",
        })
    }
}

/// A case's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concluded {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict's, from 0 to 1.
    pub confidence: f64,
    /// Why it was dismissed, if it was.
    pub dismissal: Option<Dismissed>,
    /// The change point that explains the incident, or that was dismissed.
    pub change_point: Option<EvidenceId>,
    /// What one would have to know to be surer.
    pub would_settle: Option<String>,
    /// Wall time of the case in milliseconds, without the time between a stop and a resume.
    pub wall_ms: u64,
    /// Why no further step was taken.
    pub ending: Ending,
}

/// Why a case was dismissed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The reason.
    pub reason: DismissalReason,
    /// One sentence with numbers.
    pub detail: String,
}

/// A case that somebody ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Who or what ended it, in one sentence.
    pub reason: String,
    /// Wall time of the case in milliseconds, as in [`Concluded::wall_ms`].
    pub wall_ms: u64,
}

/// Symptoms that were seen after the case was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The symptoms, each with the reason why it is of this case. They are numbered on.
    pub symptoms: Vec<Symptom>,
}

/// Symptoms that are of another case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Their numbers in this case.
    pub symptoms: Vec<u32>,
    /// The case that was opened for them.
    pub into: CaseId,
}

/// An event that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The type's name.
    pub name: String,
    /// The version of the type.
    pub version: u8,
    /// As it is stored.
    pub body: Vec<u8>,
}

/// An event with its place in the log of its case.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its number in the log, from 1 and without gaps.
    pub seq: u64,
    /// When it was recorded, by the clock of the machine.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Event {
    /// Whether it is about what the case proposes, or what became of it.
    pub(crate) fn is_of_proposals(&self) -> bool {
        matches!(
            self,
            Event::Proposed(_)
                | Event::Examined(_)
                | Event::Reviewed(_)
                | Event::Told(_)
                | Event::Submitting(_)
                | Event::Submitted(_)
                | Event::Outcome(_)
                | Event::Adjusted(_)
        )
    }

    /// The names of all types that this version knows.
    pub const NAMES: [&str; 18] = [
        OPENED, EQUIPPED, PLANNED, INTENDED, CALLED, ACCEPTED, CONCLUDED, CANCELLED, JOINED, SPLIT, PROPOSED, EXAMINED,
        REVIEWED, TOLD, SUBMITTING, SUBMITTED, OUTCOME, ADJUSTED,
    ];

    /// The type's name, as it is stored.
    pub fn name(&self) -> &str {
        match self {
            Event::Opened(_) => OPENED,
            Event::Equipped(_) => EQUIPPED,
            Event::Planned(_) => PLANNED,
            Event::Intended(_) => INTENDED,
            Event::Called(_) => CALLED,
            Event::Accepted(_) => ACCEPTED,
            Event::Concluded(_) => CONCLUDED,
            Event::Cancelled(_) => CANCELLED,
            Event::Joined(_) => JOINED,
            Event::Split(_) => SPLIT,
            Event::Proposed(_) => PROPOSED,
            Event::Examined(_) => EXAMINED,
            Event::Reviewed(_) => REVIEWED,
            Event::Told(_) => TOLD,
            Event::Submitting(_) => SUBMITTING,
            Event::Submitted(_) => SUBMITTED,
            Event::Outcome(_) => OUTCOME,
            Event::Adjusted(_) => ADJUSTED,
            Event::Unknown(unknown) => &unknown.name,
        }
    }
}

pub(crate) const OPENED: &str = "opened";
pub(crate) const EQUIPPED: &str = "equipped";
pub(crate) const PLANNED: &str = "planned";
pub(crate) const INTENDED: &str = "intended";
pub(crate) const CALLED: &str = "called";
pub(crate) const ACCEPTED: &str = "accepted";
pub(crate) const CONCLUDED: &str = "concluded";
pub(crate) const CANCELLED: &str = "cancelled";
pub(crate) const JOINED: &str = "joined";
pub(crate) const SPLIT: &str = "split";
pub(crate) const PROPOSED: &str = "proposed";
pub(crate) const EXAMINED: &str = "examined";
pub(crate) const REVIEWED: &str = "reviewed";
pub(crate) const TOLD: &str = "told";
pub(crate) const SUBMITTING: &str = "submitting";
pub(crate) const SUBMITTED: &str = "submitted";
pub(crate) const OUTCOME: &str = "outcome";
pub(crate) const ADJUSTED: &str = "adjusted";
