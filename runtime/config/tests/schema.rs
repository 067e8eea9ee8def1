//! The JSON Schema says what the reader says: both take the examples, and both refuse whatever is put wrong into them.

use std::path::Path;

use jsonschema::Validator;
use negawatt_config::{Config, schema};
use serde_json::{Map, Value, json};

/// A file with every key of the schema, except those that exclude each other: see [`wholes`].
const WHOLE: &str = include_str!("whole.toml");

fn validator() -> Validator {
    jsonschema::options().build(&schema()).unwrap()
}

fn reads(text: &str) -> bool {
    Config::parse(text, Path::new("negawatt.toml")).is_ok()
}

/// [`WHOLE`], and once more with the other kinds of what has several.
fn wholes() -> [Value; 2] {
    let whole = value(WHOLE);
    let files = json!({ "kind": "files", "path": "metrics" });
    let github = json!({
        "kind": "github", "repository": "acme/shop", "url": "https://api.github.com", "token": { "file": "token" },
        "email": "negawatt@example.com", "labels": ["performance"],
    });
    let mut other = with(&with(&whole, "/sources/metrics", files), "/sources/changes/forge", github);
    other = with(&other, "/telemetry/headers/authorization", json!({ "file": "secret" }));
    for of in ["webhooks/alertmanager", "webhooks/grafana", "webhooks/generic/pager", "notify/0"] {
        other = with(&other, &format!("/serve/{of}/secret"), json!({ "file": "secret" }));
    }
    [whole, other]
}

/// Every place of a value that has a description, of each of the [`wholes`].
fn all_places() -> Vec<(Value, String, Value)> {
    let schema = schema();
    let of = |whole: Value| {
        let mut found = Vec::new();
        places(&schema, &whole, "", &mut found);
        found.into_iter().map(move |(at, schema)| (whole.clone(), at, schema)).collect::<Vec<_>>()
    };
    wholes().into_iter().flat_map(of).collect()
}

fn value(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    toml::to_string(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// The README and all pages of the documentation.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain([root.join("README.md")]).map(|page| std::fs::read_to_string(page).unwrap()).collect()
}

/// The configurations in a page.
fn examples(page: &str) -> impl Iterator<Item = &str> {
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

#[test]
fn examples_are_valid() {
    let validator = validator();
    let pages = pages();
    let examples: Vec<&str> = pages.iter().flat_map(|page| examples(page)).chain([WHOLE, ""]).collect();
    assert!(examples.len() >= 4, "{}", examples.len());
    for example in examples {
        assert!(reads(example), "{:?}", Config::parse(example, Path::new("negawatt.toml")));
        let errors: Vec<_> = validator.iter_errors(&value(example)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{example}\n{errors:?}");
    }
}

/// Every place of a value that its schema describes, as a JSON pointer.
fn places(schema: &Value, instance: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    // Of several the one of the value's kind.
    let is_of_kind = |one: &&Value| one["properties"]["kind"]["enum"][0] == instance["kind"];
    let kinds = schema["oneOf"].as_array().unwrap_or(const { &Vec::new() });
    let schema = kinds.iter().find(is_of_kind).unwrap_or(schema);
    found.push((at.to_owned(), schema.clone()));
    match instance {
        Value::Object(fields) => {
            for (name, field) in fields {
                let below = match &schema["properties"][name] {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                places(below, field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                places(&schema["items"], item, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_whole_file_has_every_key() {
    fn keys(schema: &Value, at: &str, found: &mut Vec<String>) {
        for (name, below) in schema["properties"].as_object().unwrap_or(&Map::new()) {
            found.push(format!("{at}/{name}"));
            keys(below, &format!("{at}/{name}"), found);
        }
        for one in schema["oneOf"].as_array().unwrap_or(&Vec::new()) {
            keys(one, at, found);
        }
        for below in ["items", "additionalProperties"] {
            if schema[below].is_object() {
                keys(&schema[below], &format!("{at}/*"), found);
            }
        }
    }
    fn has(value: &Value, path: &[&str]) -> bool {
        match (path, value) {
            ([], _) => true,
            (["*", rest @ ..], Value::Array(items)) => items.iter().any(|item| has(item, rest)),
            (["*", rest @ ..], Value::Object(fields)) => fields.values().any(|field| has(field, rest)),
            ([name, rest @ ..], value) => value.get(*name).is_some_and(|field| has(field, rest)),
        }
    }
    let mut all = Vec::new();
    keys(&schema(), "", &mut all);
    assert!(all.len() > 120, "{}", all.len());
    // Of the places of a secret the first whole file has the one, the other the other.
    // A secret is in one place or the other.
    let [first, second] = wholes();
    let wholes = [with(&second, "/sources/changes/forge/token", json!({ "env": "GITHUB_TOKEN" })), first, second];
    // `[sources.changes]` is short for one of `[repositories]`, and has all of its keys.
    for key in all.iter().filter(|key| !key.starts_with("/repositories")) {
        let path: Vec<_> = key.split('/').skip(1).collect();
        assert!(wholes.iter().any(|whole| has(whole, &path)), "whole.toml lacks {key}");
    }
}

#[test]
fn both_refuse_what_is_put_wrong() {
    let validator = validator();
    for whole in wholes() {
        assert!(validator.is_valid(&whole) && reads(&text(&whole)), "{}", text(&whole));
    }
    let mut tried = 0;
    for (whole, at, schema) in all_places() {
        let wrong: Vec<Value> = match schema["type"].as_str() {
            // A file is a table whatever is in it.
            Some("object") if at.is_empty() => Vec::new(),
            Some("object") => vec![json!(3), json!("text")],
            // Of a command and a pair of numbers alike these are none.
            Some("array") if schema["minItems"].is_u64() => {
                vec![json!(3), json!("text"), json!([3]), json!([]), json!([0.5]), json!([0.5, 0.5, 0.5])]
            }
            Some("array") => vec![json!(3), json!("text"), json!([3])],
            Some("string") => vec![json!(3), json!(true), json!([]), json!("")],
            Some("integer") => {
                let fewer = schema["minimum"].as_u64().unwrap() - 1;
                vec![json!("3"), json!(fewer), json!(-1), json!(1.5), more(&schema["maximum"])]
            }
            Some("number") if schema["maximum"] == json!(1) => vec![json!("3"), json!(-1), json!(1.01)],
            Some("number") => vec![json!("3"), json!(-1)],
            Some("boolean") => vec![json!("true"), json!(1)],
            _ => continue,
        };
        let mut broken: Vec<Value> = wrong.into_iter().map(|wrong| with(&whole, &at, wrong)).collect();
        if schema["additionalProperties"] == json!(false) {
            let mut table = whole.pointer(&at).unwrap().clone();
            table["unheard_of"] = json!("x");
            broken.push(with(&whole, &at, table));
        }
        for required in schema["required"].as_array().unwrap_or(&Vec::new()) {
            let mut table = whole.pointer(&at).unwrap().clone();
            table.as_object_mut().unwrap().remove(required.as_str().unwrap());
            broken.push(with(&whole, &at, table));
        }
        for broken in broken {
            tried += 1;
            assert!(!validator.is_valid(&broken), "the schema takes {at} in\n{}", text(&broken));
            assert!(!reads(&text(&broken)), "the reader takes {at} in\n{}", text(&broken));
        }
    }
    assert!(tried > 900, "{tried}");
}

#[test]
fn a_misspelt_key_is_refused_with_the_right_one() {
    let mut tried = 0;
    let all = all_places();
    for (whole, at, schema) in all.iter().filter(|(_, _, schema)| schema["additionalProperties"] == json!(false)) {
        for key in schema["properties"].as_object().unwrap().keys() {
            let mut table = whole.pointer(at).unwrap().clone();
            let fields = table.as_object_mut().unwrap();
            // The last but one letter is forgotten.
            let wrong = [&key[..key.len() - 2], &key[key.len() - 1..]].concat();
            let Some(field) = fields.remove(key) else { continue };
            fields.insert(wrong.clone(), field);
            let text = text(&with(whole, at, table));
            let error = Config::parse(&text, Path::new("negawatt.toml")).unwrap_err();
            // Of a source the kind comes first: what is a key there depends on it.
            let is_kind = key == "kind" && error.message == "`kind` is missing";
            let is_suggested = error.help.contains(&format!("did you mean `{key}`?"));
            assert!(is_kind || is_suggested, "{at}/{wrong}: {error}");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

/// A number above the greatest; TOML has none above 63 bits.
fn more(most: &Value) -> Value {
    match most.as_u64() {
        Some(most) if most < i64::MAX.cast_unsigned() => json!(most + 1),
        _ => json!(0),
    }
}

fn with(whole: &Value, at: &str, value: Value) -> Value {
    let mut changed = whole.clone();
    *changed.pointer_mut(at).unwrap() = value;
    changed
}
