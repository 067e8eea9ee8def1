//! An alert, in the words of all who send some, and what becomes of it.

use std::collections::BTreeMap;

use negawatt_host::json::IncidentFile;
use negawatt_host::model::Timestamp;

use crate::SignalError;
use crate::read::At;

/// Alerts of one payload that are looked at.
pub const MOST_ALERTS: usize = 500;

/// Whether an alert goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Firing,
    /// It does not any more.
    Resolved,
}

/// What somebody says of one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Names the alert: the same in every message about it, and another one for every sender. For `native`, the incident's.
    pub fingerprint: String,
    /// When it began, by the sender.
    pub starts_at: Timestamp,
    /// Whether it goes on.
    pub state: State,
    /// What a case is opened with; alerts of the same service and metric have the same fingerprint here.
    pub incident: IncidentFile,
    /// What there is to say of how it was read.
    pub notes: Vec<String>,
}

/// What was read of a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    /// What can be investigated.
    pub signals: Vec<Signal>,
    /// Alerts of which no incident can be made.
    pub refused: Vec<SignalError>,
    /// What there is to say of the whole.
    pub notes: Vec<String>,
}

/// An alert as it was sent.
pub struct Alert {
    /// Where it stands.
    pub pointer: String,
    /// The name of its rule.
    pub name: String,
    pub title: String,
    pub labels: BTreeMap<String, String>,
    /// The service, where it is said by other means than labels.
    pub service: Option<String>,
    /// What it says of its metric, and where.
    pub metric: Option<Located>,
    /// What it says of the direction that hurts, and where.
    pub worse: Option<Located>,
    /// The expression that raised it, where it is known.
    pub expression: Option<String>,
    pub severity: Option<String>,
    pub starts_at: Option<Timestamp>,
    pub state: State,
    /// What the sender names it by.
    pub fingerprint: Option<String>,
    pub notes: Vec<String>,
}

/// A text and its pointer.
pub struct Located {
    pub text: String,
    pub pointer: String,
}

impl Located {
    pub fn of(text: String, at: &At) -> Located {
        Located { text, pointer: at.pointer.clone() }
    }
}
