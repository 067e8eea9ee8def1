//! Findings, as they are written.

use crate::{
    ChangePoint, Dismissal, EvidenceKind, Finding, FindingBody, FunctionShift, Impact, Mitigation, Opportunity, Other,
    Suspect,
};

/// A finding that is text for people and models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(
    /// The text.
    pub String,
);

/// Links to evidence that a finding may have: what hosts allow by default.
pub const MOST_LINKS: usize = 64;

impl Finding {
    /// What was found, how probable it is that it is true (from 0 to 1), and one line for people.
    ///
    /// The host refuses a call with a confidence out of range, so it is brought into range here; NaN becomes 0.
    pub fn new(body: impl Into<FindingBody>, confidence: f64, summary: impl Into<String>) -> Finding {
        let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        Finding { body: body.into(), confidence, summary: summary.into(), because: Vec::new(), extra: Vec::new() }
    }

    /// Names the evidence that it rests on: the first [`MOST_LINKS`], since a host refuses findings with too many.
    pub fn because<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Finding {
        let room = MOST_LINKS.saturating_sub(self.because.len());
        self.because.extend(ids.into_iter().take(room).map(Into::into));
        self
    }

    /// Its kind.
    pub fn kind(&self) -> EvidenceKind {
        match self.body {
            FindingBody::ChangePoint(_) => EvidenceKind::ChangePoint,
            FindingBody::Dismissal(_) => EvidenceKind::Dismissal,
            FindingBody::FunctionShift(_) => EvidenceKind::FunctionShift,
            FindingBody::Suspect(_) => EvidenceKind::Suspect,
            FindingBody::Mitigation(_) => EvidenceKind::Mitigation,
            FindingBody::Opportunity(_) => EvidenceKind::Opportunity,
            FindingBody::Impact(_) => EvidenceKind::Impact,
            FindingBody::Note(_) => EvidenceKind::Note,
            FindingBody::Other(_) => EvidenceKind::Other,
        }
    }
}

macro_rules! into_body {
    ($($name:ident),*) => {$(
        impl From<$name> for FindingBody {
            fn from(body: $name) -> FindingBody {
                FindingBody::$name(body)
            }
        }
    )*};
}

into_body!(ChangePoint, Dismissal, FunctionShift, Suspect, Mitigation, Opportunity, Impact, Other);

impl From<Note> for FindingBody {
    fn from(Note(text): Note) -> FindingBody {
        FindingBody::Note(text)
    }
}

impl ChangePoint {
    /// (after − before) / |before|; infinite, or NaN where nothing changed, if the level before is 0.
    pub fn relative(&self) -> f64 {
        (self.after - self.before) / self.before.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_always_in_range() {
        for (given, kept) in [(0.3, 0.3), (1.5, 1.0), (-0.1, 0.0), (f64::NAN, 0.0), (f64::INFINITY, 1.0)] {
            assert_eq!(Finding::new(Note("text".into()), given, "summary").confidence, kept);
        }
    }

    #[test]
    fn because_adds_ids() {
        let finding =
            Finding::new(Note("text".into()), 1.0, "summary").because(["e1"]).because(vec![String::from("e2")]);
        assert_eq!(finding.because, ["e1", "e2"]);
        assert_eq!(finding.kind(), EvidenceKind::Note);
        let many = finding.because((0..100).map(|n| n.to_string()));
        assert_eq!((many.because.len(), many.because[1].as_str()), (MOST_LINKS, "e2"));
    }
}
