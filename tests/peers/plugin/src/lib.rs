//! The same work as a plug-in of extism: a case as JSON, one question to the host with a kilobyte, findings as JSON.

use extism_pdk::*;
use serde_json::{Value, json};

#[host_fn]
extern "ExtismHost" {
    fn query(question: String) -> String;
}

#[plugin_fn]
pub fn investigate(case: String) -> FnResult<String> {
    let case: Value = serde_json::from_str(&case)?;
    let question = json!({ "name": case["metric"], "value": "x".repeat(960), "window": case["window"] });
    // SAFETY: the host offers this function with these types.
    let answer: Value = serde_json::from_str(&unsafe { query(question.to_string())? })?;
    let samples = answer["values"].as_array().map_or(0, Vec::len);
    Ok(json!([{ "kind": "note", "text": samples.to_string(), "confidence": 1.0 }]).to_string())
}
