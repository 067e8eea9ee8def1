//! What tools are asked with. A model writes it: it is read strictly, and errors say what would be right.

use negawatt_casebook::{Case, Casebook};
use negawatt_host::check_given;
use negawatt_host::json::{self, IncidentFile};
use negawatt_host::model::{Finding, Incident};
use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::tell::ToolError;

/// Bytes of the arguments of one call.
const MOST_BYTES: usize = 1024 * 1024;

/// Findings that may be given with one call.
const MOST_FINDINGS: usize = 1_000;

/// Reads the arguments of a tool.
pub(crate) fn read<T: DeserializeOwned>(arguments: Option<JsonObject>) -> Result<T, ToolError> {
    let arguments = Value::Object(arguments.unwrap_or_default());
    let bytes = arguments.to_string().len();
    if bytes > MOST_BYTES {
        return Err(ToolError::new(format!("the arguments have {bytes} bytes, and at most {MOST_BYTES} are read"))
            .help("give less: an incident and the evidence that matters, or the id of a case"));
    }
    serde_json::from_value(arguments).map_err(|error| ToolError::new(error).at("the arguments"))
}

/// Reads an incident.
pub(crate) fn incident(value: &Value) -> Result<IncidentFile, ToolError> {
    json::read_incident(&value.to_string()).map_err(|error| ToolError::of_json("incident", error))
}

/// Reads findings that are given of an incident.
pub(crate) fn evidence(value: &Value, incident: &Incident) -> Result<Vec<Finding>, ToolError> {
    let findings = json::read_findings(&value.to_string()).map_err(|error| ToolError::of_json("evidence", error))?;
    if findings.len() > MOST_FINDINGS {
        let has = findings.len();
        return Err(
            ToolError::new(format!("there are {has} findings, and at most {MOST_FINDINGS} are read")).at("evidence")
        );
    }
    let wrong = findings.iter().enumerate().find_map(|(n, one)| Some((n, check_given(one, incident).err()?)));
    match wrong {
        Some((n, what)) => Err(ToolError::new(what).at(format!("evidence, [{n}]"))),
        None => Ok(findings),
    }
}

/// The case with this id, or whose id begins so.
pub(crate) fn case(book: &Casebook, id: &str) -> Result<Case, ToolError> {
    book.find(id).and_then(|id| book.load(&id)).map_err(|error| ToolError::from(error).at("case"))
}
