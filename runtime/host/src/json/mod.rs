//! The JSON that people and other programs read and write: the one mapping between it and the model.
//!
//! Every variant is written out, so that a new one does not compile until it has its JSON.

mod finding;
mod incident;
mod reader;
mod schema;

pub use finding::{evidence, finding, read_finding, read_findings};
pub use incident::{IncidentFile, fingerprint, incident, read_incident, severity};
pub use reader::{JsonError, duration};
pub use schema::{every_kind, evidence_schema, finding_schema, given_schema, incident_schema, terse};
