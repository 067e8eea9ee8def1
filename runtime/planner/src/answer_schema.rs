//! The JSON Schema of what a case prints for machines; see [`crate::answer`].

use negawatt_host::Kind;
use negawatt_host::json::every_kind;
use serde_json::{Value, json};

/// Of [`crate::answer`]. Its keys are all there; later versions may add some, so that others may be there as well.
pub fn answer_schema() -> Value {
    let word = |kind: Kind| match kind {
        Kind::Other(_) => "other".to_owned(),
        kind => kind.to_string(),
    };
    let words: Vec<String> = every_kind().into_iter().map(word).collect();
    let mut schema = json!({
        "type": "object",
        "properties": {
            "case": { "type": "string", "description": "The case's id." },
            "verdict": {
                "enum": ["regression", "opportunity", "dismissed", "inconclusive", null],
                "description": "Null while the case has none. `inconclusive` is an answer: nobody can say.",
            },
            "confidence": { "type": ["number", "null"], "description": "Of the verdict, from 0 to 1." },
            "dismissal": {
                "type": ["object", "null"],
                "description": "Why it is no regression, where the verdict is `dismissed`.",
                "properties": { "reason": { "type": "string" }, "detail": { "type": "string" } },
            },
            "change_point": {
                "type": ["object", "null"],
                "description": "The change that explains the incident, or that was dismissed.",
                "properties": {
                    "time": { "type": "string" }, "before": { "type": "number" }, "after": { "type": "number" },
                    "relative": { "type": ["number", "null"] }, "p_value": { "type": "number" },
                },
            },
            "functions": objects("Functions by falling growth of their share of samples.", json!({
                "name": { "type": "string" }, "before": { "type": "number" }, "after": { "type": "number" },
            })),
            "suspects": objects("Candidate causes, the most probable first.", json!({
                "kind": { "enum": ["commit", "config", "experiment", "service"] },
                "id": { "type": "string" },
                "author": { "type": ["string", "null"] },
                "confidence": { "type": "number", "description": "The probability that it is the cause." },
                "files": { "type": "array", "items": { "type": "string" } },
                "factors": { "type": "array", "items": { "type": "object" } },
            })),
            "mitigations": objects("Proposals. Only a person decides of them.", json!({
                "strategy": { "type": "string" }, "target": { "type": "string" },
                "patch": { "type": ["string", "null"] }, "checks": { "type": "array", "items": { "type": "object" } },
            })),
            "impact": {
                "type": ["object", "null"],
                "description": "What it costs.",
                "properties": { "cores": { "type": "number" }, "watts": { "type": "number" } },
            },
            // What else it has, by its kind, the skill that finds it says.
            "evidence": objects("What skills found. What it has besides is by its kind.", json!({
                "id": { "type": "string" }, "by": { "type": "string", "description": "The skill, as name@version." },
                "kind": { "enum": words },
                "confidence": { "type": "number" }, "summary": { "type": "string" },
                "because": { "type": "array", "items": { "type": "string" } },
                "from": { "type": "array", "items": { "type": "string" } },
            })),
            "plan": objects("The steps, in order.", json!({
                "step": { "type": "string" }, "skill": { "type": "string" }, "digest": { "type": "string" }, "status": { "type": "string" },
                "evidence": { "type": "array", "items": { "type": "string" } },
                "message": { "type": ["string", "null"] },
            })),
            "usage": { "type": "object", "additionalProperties": { "type": "integer" } },
            "would_settle": { "type": ["string", "null"], "description": "What one would have to know to be surer." },
            "incident": { "type": ["object", "null"], "description": "What came in, as incident.json." },
        },
    });
    schema["required"] = json!(schema["properties"].as_object().map(|keys| keys.keys().collect::<Vec<_>>()));
    schema
}

fn objects(description: &str, properties: Value) -> Value {
    let required: Vec<String> = properties.as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default();
    let items = json!({ "type": "object", "required": required, "properties": properties });
    json!({ "type": "array", "description": description, "items": items })
}
