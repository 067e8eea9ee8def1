//! The model: the types that the contract generates, under short names. Nothing re-declares them.

use negawatt_package::Kind;

pub use crate::bindings::negawatt::skill::types::*;

/// What a tool or a skill answers.
pub type Answer<T> = Result<T, Error>;

/// Types of the tool `metrics`.
pub mod metrics {
    pub use crate::bindings::negawatt::skill::metrics::{MatchOperation, Matcher, Selector, Series};
}
/// Types of the tool `profiles`.
pub mod profiles {
    pub use crate::bindings::negawatt::skill::profiles::Profile;
}
/// Types of the tool `changes`.
pub mod changes {
    pub use crate::bindings::negawatt::skill::changes::{BlameLine, ChangeKind, Commit, FileDiff, Hunk, TouchedFile};
}
/// Types of the tool `configs`.
pub mod configs {
    pub use crate::bindings::negawatt::skill::configs::ConfigChange;
}
/// Types of the tool `experiments`.
pub mod experiments {
    pub use crate::bindings::negawatt::skill::experiments::Experiment;
}
/// Types of the tool `code`.
pub mod code {
    pub use crate::bindings::negawatt::skill::code::CodeMatch;
}
/// Types of the tool `docs`.
pub mod docs {
    pub use crate::bindings::negawatt::skill::docs::DocMatch;
}
/// Types of the tool `topology`.
pub mod topology {
    pub use crate::bindings::negawatt::skill::topology::Edge;
}
/// Types of the tool `precedents`.
pub mod precedents {
    pub use crate::bindings::negawatt::skill::precedents::Precedent;
}
/// Types of the tool `model`.
pub mod language_model {
    pub use crate::bindings::negawatt::skill::model::{Message, Role};
}
/// Types of the interface `log`.
pub mod log {
    pub use crate::bindings::negawatt::skill::log::Level;
}

impl FindingBody {
    /// The kind of evidence that it is.
    pub fn kind(&self) -> Kind {
        match self {
            FindingBody::ChangePoint(_) => Kind::ChangePoint,
            FindingBody::Dismissal(_) => Kind::Dismissal,
            FindingBody::FunctionShift(_) => Kind::FunctionShift,
            FindingBody::Suspect(_) => Kind::Suspect,
            FindingBody::Mitigation(_) => Kind::Mitigation,
            FindingBody::Opportunity(_) => Kind::Opportunity,
            FindingBody::Impact(_) => Kind::Impact,
            FindingBody::Note(_) => Kind::Note,
            FindingBody::Other(other) => Kind::Other(other.name.clone()),
        }
    }
}

impl ChangePoint {
    /// How much it changed, as a part of the level before: (after − before) / |before|. `None` where that was 0.
    pub fn relative(&self) -> Option<f64> {
        Some((self.after - self.before) / self.before.abs()).filter(|relative| relative.is_finite())
    }
}

impl Error {
    /// Which case it is, in the words of the contract.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Denied(_) => "denied",
            Error::NotFound(_) => "not-found",
            Error::Unavailable(_) => "unavailable",
            Error::OverBudget(_) => "over-budget",
            Error::Invalid(_) => "invalid",
            Error::Cancelled(_) => "cancelled",
            Error::Internal(_) => "internal",
        }
    }

    /// What it says.
    pub fn message(&self) -> &str {
        match self {
            Error::Denied(text)
            | Error::NotFound(text)
            | Error::Unavailable(text)
            | Error::OverBudget(text)
            | Error::Invalid(text)
            | Error::Cancelled(text)
            | Error::Internal(text) => text,
        }
    }
}

impl Window {
    /// Whether an instant is inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether all of another window is inside.
    pub fn covers(&self, other: &Window) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two have an instant in common.
    pub fn overlaps(&self, other: &Window) -> bool {
        self.start < other.end && other.start < self.end
    }
}
