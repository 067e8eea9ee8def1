//! What most skills need: `use negawatt_skill::prelude::*;`.

pub use crate::format::{digits, percent};
pub use crate::time::rfc3339;
pub use crate::{
    Aggregate, Aggregation, Candidate, Case, ChangePoint, Direction, Dismissal, DismissalReason, Duration, Error,
    Evidence, EvidenceId, EvidenceKind, Finding, FindingBody, Fleet, Found, FunctionShift, Impact, Incident,
    IncidentKind, Label, Metric, Mitigation, Note, Opportunity, Other, Series, Setting, Severity, Shape, Suspect,
    Timestamp, Transform, Window,
};
pub use crate::{changes, code, configs, docs, experiments, log, metrics, precedents, profiles, topology};
pub use crate::{profile, series, services, stats, time, timing};
