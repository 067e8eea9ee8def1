//! The tools: a fixed few, and one for each granted skill.

use std::sync::Arc;

use negawatt_host::Kind;
use negawatt_host::json::{evidence_schema, given_schema, incident_schema, terse};
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Manifest, Origin};
use negawatt_planner::{Catalog, Entry, answer_schema};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use crate::tell::with_cut;

pub(crate) const INVESTIGATE: &str = "investigate";
pub(crate) const CASE_START: &str = "case_start";
pub(crate) const CASE_GET: &str = "case_get";
pub(crate) const CASE_SHOW: &str = "case_show";
pub(crate) const REVIEW_LIST: &str = "review_list";

/// The names that no skill's tool can have.
pub(crate) const OWN: [&str; 5] = [INVESTIGATE, CASE_START, CASE_GET, CASE_SHOW, REVIEW_LIST];

/// Whether a tool only looks.
pub(crate) fn only_looks(name: &str) -> bool {
    matches!(name, CASE_GET | CASE_SHOW | REVIEW_LIST)
}

/// Characters of a skill's description: as many as its format allows.
const MOST_DESCRIPTION: usize = 1_024;

/// The greatest time that `case_get` waits, in seconds: below what clients wait for an answer.
pub(crate) const MOST_WAIT: u64 = 50;

/// Proposals of one answer of `review_list`.
pub(crate) const MOST_PROPOSALS: usize = 50;

/// All tools, in the order in which they are listed.
pub(crate) fn all(catalog: &Catalog) -> Vec<Tool> {
    let mut tools: Vec<Tool> = OWN.iter().filter_map(|name| own(name)).collect();
    tools.extend(granted(catalog).map(of_skill));
    tools
}

/// The tool with this name.
pub(crate) fn named(catalog: &Catalog, name: &str) -> Option<Tool> {
    own(name).or_else(|| skill(catalog, name).map(of_skill))
}

/// The skill whose tool bears this name.
pub(crate) fn skill<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Entry> {
    catalog.named(name).filter(|entry| is_offered(entry))
}

/// The skills that have a tool.
pub(crate) fn granted(catalog: &Catalog) -> impl Iterator<Item = &Entry> {
    catalog.entries().iter().filter(|entry| is_offered(entry))
}

fn is_offered(entry: &Entry) -> bool {
    entry.rights.is_ok() && !OWN.contains(&entry.skill.manifest.name.as_str())
}

fn own(name: &str) -> Option<Tool> {
    let incident = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["incident"],
        "properties": { "incident": about(incident_schema(), INCIDENT) },
    });
    let state = json!({ "enum": ["running", "open", "ended"], "description": STATE });
    let case = json!({ "type": "string", "description": CASE });
    let (title, description, input, output) = match name {
        INVESTIGATE => (
            "Investigate an incident",
            "Investigates a performance incident to its verdict: whether the metric really changed, which functions and services, which \
             commit, setting or experiment caused it, what it costs, and what would help. Takes seconds to minutes. Clients with tasks get \
             one; others wait for the answer, or use case_start and case_get. The case is recorded. What it proposes waits for people.",
            incident,
            answer_schema(),
        ),
        CASE_START => (
            "Start an investigation",
            "Opens a case for an incident, as `investigate` does, and answers at once with its id. case_get tells how far it is.",
            incident,
            object(json!({ "case": case, "state": state }), &["case", "state"]),
        ),
        CASE_GET => (
            "See how far a case is",
            "Tells how far a case is, and its whole result once it has ended. Give wait_seconds instead of asking again and again.",
            json!({
                "type": "object", "additionalProperties": false, "required": ["case"],
                "properties": {
                    "case": case,
                    "wait_seconds": {
                        "type": "integer", "minimum": 0, "maximum": MOST_WAIT, "default": 0,
                        "description": "How long to wait for its end, where it is running.",
                    },
                },
            }),
            object(
                json!({
                    "case": case,
                    "state": state,
                    "now": { "type": ["string", "null"], "description": "What happened last, while it is running." },
                    "steps": { "type": "integer", "description": "Steps that were planned." },
                    "steps_over": { "type": "integer", "description": "Steps that are over." },
                    "result": { "type": ["object", "null"], "description": "What `investigate` answers; null until it has ended." },
                }),
                &["case", "state", "now", "steps", "steps_over", "result"],
            ),
        ),
        CASE_SHOW => (
            "Show a case",
            "Shows all that is recorded of a case: its verdict, evidence, suspects, proposals with their checks, and every step.",
            json!({
                "type": "object", "additionalProperties": false, "required": ["case"], "properties": { "case": case },
            }),
            terse(answer_schema()),
        ),
        REVIEW_LIST => (
            "List proposals",
            "Lists proposed changes that wait for a person's decision. Nothing here decides of them: a person does, with \
             `negawatt review`.",
            json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "all": {
                        "type": "boolean", "default": false,
                        "description": "Also those of which nothing is to be decided any more.",
                    },
                    "offset": {
                        "type": "integer", "minimum": 0, "default": 0,
                        "description": "How many to leave out, for the next page.",
                    },
                    "limit": {
                        "type": "integer", "minimum": 1, "maximum": MOST_PROPOSALS, "default": MOST_PROPOSALS,
                        "description": "How many at most.",
                    },
                },
            }),
            object(
                json!({
                    "proposals": {
                        "type": "array",
                        "items": {
                            "type": "object", "required": ["case", "proposal", "stage"],
                            "properties": {
                                "case": { "type": "string" },
                                "proposal": { "type": "integer", "description": "Its number in the case." },
                                "stage": { "type": "string", "description": "How far it is." },
                                "strategy": { "type": ["string", "null"] },
                                "target": { "type": ["string", "null"], "description": "The suspect that it mitigates." },
                                "patch": { "type": ["string", "null"], "description": "A unified diff." },
                                "needs_person": {
                                    "type": ["string", "null"], "description": "Why a person has to decide.",
                                },
                            },
                        },
                    },
                    "more": { "type": "boolean", "description": "Whether there are more." },
                }),
                &["proposals", "more"],
            ),
        ),
        _ => return None,
    };
    let hints = ToolAnnotations::with_title(title).destructive(false);
    let hints = match name {
        // What it opens is new each time, and sources are asked.
        INVESTIGATE | CASE_START => hints.read_only(false).idempotent(false).open_world(true),
        _ => hints.read_only(true).idempotent(true).open_world(false),
    };
    Some(tool(name.to_owned(), title.to_owned(), description.to_owned(), input, output, hints))
}

/// What an incident is, in one sentence.
const INCIDENT: &str = "What got worse or could be better, where and when: as incident.json.";
const CASE: &str = "A case's id, or the beginning of it.";
const STATE: &str = "`running` here now; `open` and not running here; `ended`.";

fn of_skill(entry: &Entry) -> Tool {
    let manifest = &entry.skill.manifest;
    let outward = entry.rights.as_ref().is_ok_and(|rights| rights.outward().next().is_some());
    let said = shorten(&printable(&manifest.description), MOST_DESCRIPTION);
    let description = match entry.skill.origin {
        Origin::Bundled => said,
        // Words of somebody else, and marked as that.
        Origin::Loaded => format!("A skill that the operator loaded. It says of itself: {said}"),
    };
    let hints = ToolAnnotations::with_title(manifest.name.clone())
        .read_only(!outward)
        .destructive(false)
        .idempotent(!outward)
        .open_world(outward);
    tool(manifest.name.clone(), manifest.id(), description, skill_input(manifest), skill_output(manifest), hints)
}

fn skill_input(manifest: &Manifest) -> Value {
    let mut properties = json!({
        "incident": about(terse(incident_schema()), "What it is about, as for `investigate`; or give `case`."),
        "case": {
            "type": "string",
            "description": "A case that has the incident, and the evidence to go on from: its id, or the beginning of it.",
        },
    });
    let kinds: Vec<Kind> = manifest.consumes.iter().chain(&manifest.reads).cloned().collect();
    if !kinds.is_empty() {
        let needs = match manifest.consumes.as_slice() {
            [] => "It needs none.".to_owned(),
            needed => {
                format!("It needs: {}.", needed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        };
        properties["evidence"] = json!({
            "type": "array",
            "description": format!("Findings to go on from, with `incident`. {needs}"),
            "items": terse(given_schema(&kinds)),
        });
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn skill_output(manifest: &Manifest) -> Value {
    let found = evidence_schema(&manifest.produces);
    object(
        json!({
            "case": { "type": "string", "description": "The case that records the step." },
            "step": { "type": "string", "description": "The step." },
            "skill": { "type": "string", "description": "The skill, as name@version." },
            "findings": { "type": "array", "description": "What it found; empty where it found nothing.", "items": found },
            "usage": { "type": "object", "additionalProperties": { "type": "integer" } },
            "log": { "type": "array", "items": { "type": "string" }, "description": "What it logged; untrusted." },
        }),
        &["case", "step", "skill", "findings", "usage", "log"],
    )
}

fn tool(name: String, title: String, description: String, input: Value, output: Value, hints: ToolAnnotations) -> Tool {
    Tool::new(name, description, map(input))
        .with_title(title)
        .with_raw_output_schema(map(with_cut(output)))
        .with_annotations(hints)
}

fn map(value: Value) -> Arc<JsonObject> {
    Arc::new(match value {
        Value::Object(map) => map,
        _ => JsonObject::new(),
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn about(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}
