//! The JSON Schema of what this module reads and writes. Types, words and comments come from the contract in `wit/`; what
//! people's JSON has otherwise than the contract is here, and tests hold both against what is written.
//!
//! Written for agents: everything stands where it is used, and the root of a schema is always an object.

use std::sync::LazyLock;

use negawatt_package::Kind;
use serde_json::{Map, Value, json};
use wit_parser::{Docs, Resolve, Type, TypeDefKind};

/// The types of the contract.
static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

struct Contract {
    resolve: Resolve,
}

/// Of findings of one of these kinds, as [`super::finding`] writes them: each key is there.
pub fn finding_schema(kinds: &[Kind]) -> Value {
    one_of(kinds, |kind| CONTRACT.finding(kind, &[]))
}

/// Of evidence of one of these kinds, as [`super::evidence`] writes it.
pub fn evidence_schema(kinds: &[Kind]) -> Value {
    let besides = [
        ("id", described(json!({ "type": "string" }), "Its id in this case.")),
        ("by", described(json!({ "type": "string" }), "The skill that found it, as name@version.")),
    ];
    one_of(kinds, |kind| CONTRACT.finding(kind, &besides))
}

/// Of findings of one of these kinds, as [`super::read_finding`] reads them: what may be absent may, and keys that are derived
/// or that evidence has besides may be there.
pub fn given_schema(kinds: &[Kind]) -> Value {
    let besides = [("id", json!({})), ("by", json!({})), ("from", json!({}))];
    one_of(kinds, |kind| {
        let mut schema = CONTRACT.finding(kind, &besides);
        schema["required"] = json!(["kind", "confidence"]);
        schema
    })
}

/// Of `incident.json`, as [`super::read_incident`] reads it and [`super::incident`] writes it.
pub fn incident_schema() -> Value {
    let mut schema = CONTRACT.record("incident", &["kind", "title", "service", "window"]);
    schema["properties"]["fingerprint"] =
        described(json!({ "type": ["string", "null"] }), "Equal for the same trouble; derived where it is absent.");
    schema["properties"]["severity"]["default"] = json!("medium");
    schema
}

/// A schema without its comments, for where they were read before.
pub fn terse(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            // A key of what is described may be called like that as well; its schema is no text.
            fields.retain(|key, value| {
                !(key == "description" && value.is_string() || key == "examples" && value.is_array())
            });
            fields.values_mut().for_each(|value| *value = terse(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = terse(item.take())),
        _ => {}
    }
    schema
}

/// Every kind that the contract has a word for, and `other` by any name.
pub fn every_kind() -> Vec<Kind> {
    let words = match CONTRACT.named("finding-body").map(|body| &body.kind) {
        Some(TypeDefKind::Variant(body)) => body.cases.iter().map(|case| case.name.as_str()).collect(),
        _ => Vec::new(),
    };
    words.into_iter().map(|word| word.parse().unwrap_or(Kind::Other(String::new()))).collect()
}

impl Contract {
    fn read() -> Contract {
        let mut resolve = Resolve::default();
        // The text is part of this program, and the host's types are made of it when that is built.
        let read = resolve.push_source("types.wit", include_str!("../../../../wit/types.wit"));
        if let Err(error) = read {
            unreachable!("the contract cannot be read: {error}");
        }
        Contract { resolve }
    }

    fn named(&self, name: &str) -> Option<&wit_parser::TypeDef> {
        self.resolve.types.iter().map(|(_, known)| known).find(|known| known.name.as_deref() == Some(name))
    }

    /// A flat object: what a kind of finding says, and what every finding has.
    fn finding(&self, kind: &Kind, besides: &[(&str, Value)]) -> Value {
        let mut keys = Map::new();
        let word = match kind {
            Kind::Other(_) => "other".to_owned(),
            kind => kind.to_string(),
        };
        keys.insert("kind".to_owned(), json!({ "const": word }));
        let of_kind = self.named("finding-body").and_then(|body| match &body.kind {
            TypeDefKind::Variant(body) => body.cases.iter().find(|case| case.name == word),
            _ => None,
        });
        match of_kind.and_then(|case| case.ty) {
            Some(Type::Id(id)) => self.keys(&self.resolve.types[id].kind, &mut keys),
            _ => drop(keys.insert("text".to_owned(), described(json!({ "type": "string" }), "The text."))),
        }
        match kind {
            Kind::ChangePoint => {
                let relative = described(
                    json!({ "type": ["number", "null"] }),
                    "(after - before) / |before|; null where that was 0.",
                );
                keys.insert("relative".to_owned(), relative);
            }
            Kind::Suspect => {
                // Both a suspect and its finding have room for later.
                if let Some(extra) = keys.remove("extra") {
                    keys.insert("suspect_extra".to_owned(), extra);
                }
                let own = described(json!({ "type": "string" }), "Names the candidate among its kind.");
                keys.insert("candidate_id".to_owned(), own);
            }
            Kind::Other(name) => {
                if !name.is_empty() {
                    keys.insert("name".to_owned(), json!({ "const": name }));
                }
                keys.insert("data".to_owned(), json!({ "description": "Any JSON." }));
            }
            _ => {}
        }
        if let Some(finding) = self.named("finding") {
            self.keys(&finding.kind, &mut keys);
        }
        // Its keys stand beside the others.
        keys.remove("body");
        keys.extend(besides.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())));
        let required: Vec<&String> = keys.keys().collect();
        let mut schema = json!({ "type": "object", "additionalProperties": false, "required": required });
        schema["properties"] = Value::Object(keys);
        schema
    }

    /// A record as an object; of its keys, only some have to be there.
    fn record(&self, name: &str, required: &[&str]) -> Value {
        let mut keys = Map::new();
        if let Some(record) = self.named(name) {
            self.keys(&record.kind, &mut keys);
        }
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": keys })
    }

    fn keys(&self, kind: &TypeDefKind, keys: &mut Map<String, Value>) {
        let TypeDefKind::Record(record) = kind else { return };
        for field in &record.fields {
            keys.insert(field.name.replace('-', "_"), described(self.schema(&field.ty), text(&field.docs)));
        }
    }

    fn schema(&self, of: &Type) -> Value {
        let id = match of {
            Type::Bool => return json!({ "type": "boolean" }),
            Type::F32 | Type::F64 => return json!({ "type": "number" }),
            Type::Char | Type::String | Type::ErrorContext => return json!({ "type": "string" }),
            Type::Id(id) => *id,
            _ => return json!({ "type": "integer" }),
        };
        let known = &self.resolve.types[id];
        match (known.name.as_deref(), &known.kind) {
            (Some("timestamp"), _) => {
                json!({ "type": "string", "pattern": TIME, "examples": ["2026-11-18T00:00:00Z"] })
            }
            (Some("duration"), _) => json!({ "type": "string", "pattern": DURATION }),
            (Some("transform"), _) => self.transform(),
            (Some("aggregate"), _) => self.aggregate(),
            (Some("metric"), _) => self.record("metric", &["name"]),
            (Some(name), TypeDefKind::Record(record)) => {
                let all: Vec<String> = record.fields.iter().map(|field| field.name.replace('-', "_")).collect();
                self.record(name, &all.iter().map(String::as_str).collect::<Vec<_>>())
            }
            (_, TypeDefKind::Enum(words)) => {
                json!({ "type": "string", "enum": words.cases.iter().map(|case| &case.name).collect::<Vec<_>>() })
            }
            (_, TypeDefKind::Type(of)) => self.schema(of),
            (_, TypeDefKind::Option(of)) => nullable(self.schema(of)),
            (_, TypeDefKind::Tuple(tuple)) => {
                let items: Vec<Value> = tuple.types.iter().map(|of| self.schema(of)).collect();
                json!({ "type": "array", "items": items.first(), "minItems": items.len(), "maxItems": items.len() })
            }
            (_, TypeDefKind::List(of)) => match self.name(of) {
                Some("label") => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
                _ => json!({ "type": "array", "items": self.schema(of) }),
            },
            _ => json!({}),
        }
    }

    fn name(&self, of: &Type) -> Option<&str> {
        match of {
            Type::Id(id) => self.resolve.types[*id].name.as_deref(),
            _ => None,
        }
    }

    /// `"none"`, `{"rate": "5m"}`, `{"increase": "1h"}` or `{"quantile": 0.99, "over": "5m"}`.
    fn transform(&self) -> Value {
        let over = json!({ "type": "string", "pattern": DURATION });
        let object = |keys: Value| {
            let required: Vec<String> = keys.as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default();
            json!({ "type": "object", "additionalProperties": false, "required": required, "properties": keys })
        };
        json!({ "anyOf": [
            { "type": "null" },
            { "const": "none" },
            object(json!({ "rate": over })),
            object(json!({ "increase": over })),
            object(json!({ "quantile": { "type": "number", "minimum": 0, "maximum": 1 }, "over": over })),
        ] })
    }

    /// `"sum"`, or `{"sum": ["zone"]}` to keep labels.
    fn aggregate(&self) -> Value {
        let words = match self.named("aggregation").map(|known| &known.kind) {
            Some(TypeDefKind::Enum(words)) => words.cases.iter().map(|case| case.name.clone()).collect(),
            _ => Vec::new(),
        };
        let by: Map<String, Value> = words.iter().map(|word| (word.clone(), texts())).collect();
        json!({ "anyOf": [
            { "enum": words },
            { "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": by },
        ] })
    }
}

/// RFC 3339, also for the years that it has no words for.
const TIME: &str = r"^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$";

/// A length of time as people write it.
const DURATION: &str = "^[0-9]+(us|ms|s|m|h|d|w)$";

fn one_of(kinds: &[Kind], of: impl Fn(&Kind) -> Value) -> Value {
    match kinds {
        [kind] => of(kind),
        kinds => json!({ "anyOf": kinds.iter().map(of).collect::<Vec<_>>() }),
    }
}

fn nullable(mut schema: Value) -> Value {
    match schema.get("type").and_then(Value::as_str).map(str::to_owned) {
        Some(kind) if schema.get("enum").is_none() => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

fn described(mut schema: Value, text: &str) -> Value {
    if !text.is_empty() && schema.is_object() {
        schema["description"] = json!(text);
    }
    schema
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn text(docs: &Docs) -> &str {
    docs.contents.as_deref().unwrap_or_default().trim()
}
