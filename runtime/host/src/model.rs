//! The model: the types that the contract generates, under short names. Nothing re-declares them.

use negawatt_config::{WatchSeverity, Worse};
use negawatt_package::Kind;

use crate::text::shorten;

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
    pub use crate::bindings::negawatt::skill::code::{
        CodeMatch, Definition, DefinitionKind, FileOutline, LineRange, SyntaxTree,
    };
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

impl From<WatchSeverity> for Severity {
    fn from(severity: WatchSeverity) -> Severity {
        match severity {
            WatchSeverity::Low => Severity::Low,
            WatchSeverity::Medium => Severity::Medium,
            WatchSeverity::High => Severity::High,
            WatchSeverity::Critical => Severity::Critical,
        }
    }
}

impl From<Worse> for Direction {
    fn from(worse: Worse) -> Direction {
        match worse {
            Worse::Up => Direction::Up,
            Worse::Down => Direction::Down,
        }
    }
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

impl Metric {
    /// What asks for it: its labels must be equal.
    pub fn selector(&self) -> metrics::Selector {
        let matchers = self.labels.iter().map(|label| metrics::Matcher {
            name: label.name.clone(),
            operation: metrics::MatchOperation::Equal,
            value: label.value.clone(),
        });
        metrics::Selector {
            name: self.name.clone(),
            matchers: matchers.collect(),
            transform: self.transform,
            aggregate: self.aggregate.clone(),
        }
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

    /// The same with a text of so many characters at most.
    pub(crate) fn shortened(mut self, characters: usize) -> Error {
        let (Error::Denied(text)
        | Error::NotFound(text)
        | Error::Unavailable(text)
        | Error::OverBudget(text)
        | Error::Invalid(text)
        | Error::Cancelled(text)
        | Error::Internal(text)) = &mut self;
        *text = shorten(text, characters);
        self
    }

    /// As it is recorded and told: its case and what it says.
    pub fn told(&self) -> String {
        format!("{}: {}", self.code(), self.message())
    }

    /// What a denial says, of an error as it is recorded; `None` where that is another one.
    pub fn denial(told: &str) -> Option<&str> {
        told.strip_prefix("denied: ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_part_of_what_was_before() {
        let relative = |before, after| {
            let (time, p_value, method, shape) = (0, 0.0, String::new(), Shape::Step);
            ChangePoint { time, before, after, p_value, method, shape }.relative()
        };
        assert_eq!([relative(4.0, 5.0), relative(-4.0, -6.0)], [Some(0.25), Some(-0.5)]);
        assert_eq!([relative(0.0, 1.0), relative(0.0, 0.0)], [None, None]);
    }

    #[test]
    fn errors_are_told_by_their_case() {
        type Case = fn(String) -> Error;
        let cases: [(Case, _); 7] = [
            (Error::Denied, "denied"),
            (Error::NotFound, "not-found"),
            (Error::Unavailable, "unavailable"),
            (Error::OverBudget, "over-budget"),
            (Error::Invalid, "invalid"),
            (Error::Cancelled, "cancelled"),
            (Error::Internal, "internal"),
        ];
        for (error, code) in cases.map(|(error, code)| (error("why".to_owned()), code)) {
            assert_eq!((error.code(), error.message(), error.told()), (code, "why", format!("{code}: why")));
            assert_eq!(Error::denial(&error.told()), (code == "denied").then_some("why"));
        }
    }

    #[test]
    fn a_window_has_its_start_and_not_its_end() {
        let window = |start, end| Window { start, end };
        let of = window(2, 5);
        assert_eq!([1, 2, 4, 5].map(|time| of.contains(time)), [false, true, true, false]);
        let others = [window(2, 5), window(3, 4), window(1, 5), window(2, 6), window(0, 2), window(5, 6)];
        assert_eq!(others.map(|other| of.covers(&other)), [true, true, false, false, false, false]);
        assert_eq!(others.map(|other| of.overlaps(&other)), [true, true, true, true, false, false]);
    }
}
