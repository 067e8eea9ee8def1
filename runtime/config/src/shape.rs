//! The shape of the file as data: the reader takes the names of its keys from here, and the JSON Schema is made of it.

mod actions;
mod serve;

use negawatt_package::Tool;
use serde_json::{Map, Value, json};

use crate::grants::{DEFAULT_METHODS, METHODS};
use crate::limits::{CaseLimits, HostLimits, Limit, Limits, Unit};
use crate::telemetry::LogForm;
use crate::watch::{LEAST, SEVERITIES, WatchOperation};

pub use actions::{check, git_forge, github_forge, learn, review, review_rule, validation};
pub use serve::{
    FIRING, RESOLVED, alert_metric, alert_webhook, generic_fields, generic_webhook, notify, serve, webhooks,
};

/// A key of a section.
pub struct Key {
    /// Its name.
    pub name: &'static str,
    about: String,
    shape: Shape,
    required: bool,
    default: Option<Value>,
}

/// What may be written as a value.
enum Shape {
    Text,
    Boolean,
    /// A whole number; without `most`, of 32 bits.
    Count {
        least: u32,
        most: Option<u64>,
    },
    Amount,
    /// A number from 0 to 1.
    Part,
    Size,
    Time,
    Pattern(&'static str),
    OneOf(Vec<&'static str>),
    List(Box<Shape>),
    /// A list of two.
    Pair(Box<Shape>),
    /// A program and its arguments.
    Command,
    Table(Vec<Key>),
    /// A table whose keys are names that the operator chooses.
    Named(Box<Shape>),
    Either(Vec<Shape>),
}

fn key(name: &'static str, shape: Shape, about: &str) -> Key {
    Key { name, about: about.to_owned(), shape, required: false, default: None }
}

impl Key {
    fn required(self) -> Key {
        Key { required: true, ..self }
    }

    fn or(self, default: impl Into<Value>) -> Key {
        Key { default: Some(default.into()), ..self }
    }
}

/// The names of keys.
pub fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

fn texts() -> Shape {
    Shape::List(Box::new(Shape::Text))
}

fn limits(limits: Vec<Limit>) -> Vec<Key> {
    let of = |limit: Limit| {
        let shape = match limit.unit {
            Unit::Size => Shape::Size,
            Unit::Time => Shape::Time,
            Unit::Count => Shape::Count { least: 1, most: limit.most.parse().ok() },
        };
        let default = limit.default.map(|text| match limit.unit {
            Unit::Count => text.parse::<u64>().map_or(Value::Null, Value::from),
            Unit::Size | Unit::Time => Value::from(text),
        });
        let about = format!("{} At most {}.", limit.about, limit.most);
        Key { name: limit.name, about, shape, required: false, default }
    };
    limits.into_iter().map(of).collect()
}

/// The whole file.
pub fn root() -> Vec<Key> {
    vec![
        key(
            "sources",
            Shape::Table(sources()),
            "What stands behind the tools; a tool without a source is unavailable.",
        ),
        key(
            "repositories",
            Shape::Named(Box::new(Shape::Table(repository()))),
            "Local git repositories by name, behind the tools changes and code.",
        ),
        key("casebook", Shape::Table(casebook()), "The store of all cases."),
        key("skills", Shape::Table(skills()), "Which skills are loaded."),
        key(
            "publishers",
            Shape::Named(Box::new(Shape::Table(publisher()))),
            "Publishers by name: whose signature on a component a grant can ask for.",
        ),
        key(
            "secrets",
            Shape::Named(Box::new(Shape::Table(secret()))),
            "Secrets by name: where the host finds them. No skill sees them.",
        ),
        key("grants", Shape::List(Box::new(Shape::Table(grant()))), "Which skills may use what."),
        key(
            "limits",
            Shape::Table(limits(Limits::all())),
            "What one call of a skill may spend, unless a grant says otherwise.",
        ),
        key("host", Shape::Table(host()), "What all skills together may use, and what is accepted as a skill."),
        key("case", Shape::Table(case()), "What a case may spend, and how far its skills may look."),
        key("watch", Shape::Table(watch()), "Which series are watched for regressions, by `negawatt watch`."),
        key("review", Shape::Table(review()), "Which proposals a person decides of."),
        key(
            "learn",
            Shape::Table(learn()),
            "How far outcomes may move what is said here, and what cases take by hand.",
        ),
        key("serve", Shape::Table(serve()), "Where a server listens, what it hears, and whom it tells."),
        key("telemetry", Shape::Table(telemetry()), "Where traces go, and how the log is written."),
        key("fleet", Shape::Table(fleet()), "What services are worth."),
    ]
}

/// `[sources]`.
pub fn sources() -> Vec<Key> {
    let files = || Shape::Table(files_source());
    vec![
        key("metrics", Shape::Either(vec![files(), Shape::Table(prometheus_source())]), "Time series."),
        key("profiles", files(), "CPU profiles: <service>/<start>.folded and .pb.gz."),
        key("changes", Shape::Table(changes_source()), "One git repository, named default."),
        key("configs", files(), "JSON lines, one change of a setting each."),
        key("experiments", files(), "JSON lines, one experiment each."),
        key("topology", files(), "CSV with the columns caller and callee."),
        key("docs", files(), "A folder of Markdown."),
    ]
}

/// A source of kind `files`.
pub fn files_source() -> Vec<Key> {
    vec![
        key("kind", Shape::OneOf(vec!["files"]), "Files on this machine.").required(),
        key("path", Shape::Text, "The file or folder, relative to this file.").required(),
    ]
}

/// Metrics from a Prometheus.
pub fn prometheus_source() -> Vec<Key> {
    vec![
        key("kind", Shape::OneOf(vec!["prometheus"]), "A Prometheus, over its HTTP API.").required(),
        key("url", Shape::Text, "Its address, without credentials, such as http://127.0.0.1:9090.").required(),
    ]
}

/// `[sources.changes]`.
pub fn changes_source() -> Vec<Key> {
    let kind = key("kind", Shape::OneOf(vec!["git"]), "A local git repository.").required();
    [kind].into_iter().chain(repository()).collect()
}

/// `[repositories.<name>]`.
pub fn repository() -> Vec<Key> {
    let own = [
        key("path", Shape::Text, "Its folder, bare or not, relative to this file.").required(),
        key("branch", Shape::Text, "The branch that counts; HEAD where it is absent."),
        key("services", texts(), "The services whose code is in it; of every service where it is empty."),
    ];
    own.into_iter().chain(actions::repository()).collect()
}

/// `[casebook]`.
pub fn casebook() -> Vec<Key> {
    vec![key("path", Shape::Text, "Its folder, relative to this file.").required()]
}

/// `[skills]`.
pub fn skills() -> Vec<Key> {
    vec![
        key("paths", texts(), "Folders of skills, and .wasm files, relative to this file."),
        key("bundled", Shape::Boolean, "Whether the bundled skills are there too.").or(true),
        key("replace", texts(), "Names of bundled skills that a file may take; it has no rights by default then."),
    ]
}

/// `[publishers.<name>]`.
pub fn publisher() -> Vec<Key> {
    let shape = Shape::Pattern("^ed25519:[0-9a-fA-F]{64}$");
    vec![key("key", shape, "The Ed25519 public key that its signatures are checked with.").required()]
}

/// `[secrets.<name>]`.
pub fn secret() -> Vec<Key> {
    vec![
        key("env", Shape::Text, "The variable of the host's environment that holds it."),
        key("file", Shape::Text, "The file that holds it, relative to this file."),
    ]
}

/// `[[grants]]`.
pub fn grant() -> Vec<Key> {
    let own = [
        key("skill", Shape::Text, "Names of skills; * stands for any letters, also none."),
        key("path", Shape::Text, "Only for the component in this file, relative to this one."),
        key(
            "digest",
            Shape::Pattern("^blake3:[0-9a-fA-F]{64}$"),
            "Only for the component with this digest, as `negawatt skill inspect` prints it.",
        ),
        key("publisher", Shape::Text, "Only for components that this publisher signed."),
        key(
            "tools",
            Shape::List(Box::new(Shape::OneOf(Tool::ALL.map(Tool::name).into()))),
            "The tools that they may use.",
        ),
        key("http", texts(), "Origins that they may ask over HTTP: scheme, host and port."),
        key("methods", Shape::List(Box::new(Shape::OneOf(METHODS.into()))), "Methods of those requests.")
            .or(DEFAULT_METHODS.to_vec()),
        key("addresses", texts(), "Ranges of addresses that are not public, and may be dialled all the same."),
        key("secrets", Shape::List(Box::new(Shape::Table(secret_grant()))), "Credentials that the host adds."),
        key(
            "may_export",
            Shape::Boolean,
            "Whether they may send out what derives from code, changes, configs or profiles.",
        )
        .or(false),
    ];
    // A limit that a grant leaves out stays as [limits] says: there is no default here.
    let limits = limits(Limits::all()).into_iter().map(|key| Key { default: None, ..key });
    own.into_iter().chain(limits).collect()
}

/// One of a grant's `secrets`.
pub fn secret_grant() -> Vec<Key> {
    vec![
        key("name", Shape::Text, "Its name in [secrets].").required(),
        key("audience", Shape::Text, "The origin whose requests get it.").required(),
        key("header", Shape::Text, "The header that holds it."),
        key("prefix", Shape::Text, "What stands before it in the header."),
        key("query", Shape::Text, "The parameter of the query that holds it."),
    ]
}

/// `[host]`.
pub fn host() -> Vec<Key> {
    limits(HostLimits::all())
}

/// `[limits]`.
pub fn call() -> Vec<Key> {
    limits(Limits::all())
}

/// `[case]`.
pub fn case() -> Vec<Key> {
    let own = [
        key(
            "distance",
            Shape::Count { least: 1, most: None },
            "Calls between services that the scope reaches from the incident's service; all reachable ones where it is absent.",
        ),
        key(
            "look_back",
            Shape::Time,
            "How far before the window skills may look. Where it is absent: as long again as the window, and 28 days for \
             bundled skills.",
        ),
    ];
    limits(CaseLimits::all()).into_iter().chain(own).collect()
}

/// `[watch]`.
pub fn watch() -> Vec<Key> {
    let own = [
        key("interval", Shape::Time, "From the beginning of one pass to that of the next.").or("5min"),
        key("window", Shape::Time, "How much of each series a pass looks at.").or("24h"),
        key("step", Shape::Time, "From one observation to the next.").or("1min"),
        key("series", Shape::List(Box::new(Shape::Table(watched_series()))), "What is watched."),
    ];
    let usual = watch_usual(true);
    own.into_iter().chain(usual).collect()
}

/// What holds for the whole section, and may be said otherwise of an entry.
fn watch_usual(whole: bool) -> Vec<Key> {
    let keys = [
        (key("worse", Shape::OneOf(vec!["up", "down"]), "The direction that hurts."), Value::from("up")),
        (
            key(
                "least",
                Shape::Amount,
                "The least change that matters, as a part of the level before; it must also be a tenth of the series' range.",
            ),
            LEAST.into(),
        ),
        (
            key("severity", Shape::OneOf(SEVERITIES.map(|(word, _)| word).into()), "How urgent a regression is."),
            "medium".into(),
        ),
    ];
    // What an entry leaves out stays as [watch] says: there is no default there.
    keys.into_iter().map(|(key, default)| if whole { key.or(default) } else { key }).collect()
}

/// `[[watch.series]]`.
pub fn watched_series() -> Vec<Key> {
    let own = [
        key("metric", Shape::Text, "The metric's name.").required(),
        key(
            "match",
            Shape::List(Box::new(Shape::Pattern("^[a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)"))),
            "Which of its series: label=value, !=, =~ or !~ with a pattern (RE2, anchored).",
        ),
        key("transform", Shape::Table(watch_transform()), "How samples become the quantity that is watched."),
        key("aggregate", Shape::Table(watch_aggregate()), "How series are joined; without it each is watched."),
        key("service", Shape::Text, "The service of series that have no label of that name."),
    ];
    own.into_iter().chain(watch_usual(false)).collect()
}

/// An entry's `transform`.
pub fn watch_transform() -> Vec<Key> {
    vec![
        key("rate", Shape::Time, "Increase of a counter per second, over so long."),
        key("increase", Shape::Time, "Increase of a counter over so long."),
        key("quantile", Shape::Part, "A quantile of a histogram, from 0 to 1."),
        key("over", Shape::Time, "Over how long the histogram increased."),
    ]
}

/// An entry's `aggregate`.
pub fn watch_aggregate() -> Vec<Key> {
    WatchOperation::ALL.into_iter().map(|of| key(of.word(), texts(), "The labels that stay.")).collect()
}

/// `[telemetry]`.
pub fn telemetry() -> Vec<Key> {
    vec![
        key(
            "traces",
            Shape::Text,
            "The address of a collector that takes OTLP over HTTP, without credentials, such as http://127.0.0.1:4318.",
        ),
        key(
            "headers",
            Shape::Named(Box::new(Shape::Table(secret()))),
            "Headers that the collector asks for, by their names; each value is a secret.",
        ),
        key("sample", Shape::Part, "Which part of the traces that begin here is sent; all where it is absent."),
        key("log", Shape::OneOf(LogForm::WORDS.map(|(word, _)| word).into()), "How a line of the log is written.")
            .or("text"),
    ]
}

/// `[fleet]`.
pub fn fleet() -> Vec<Key> {
    vec![key("services", Shape::Named(Box::new(Shape::Table(fleet_service()))), "Services by name.")]
}

/// `[fleet.services.<name>]`.
pub fn fleet_service() -> Vec<Key> {
    vec![
        key("servers", Shape::Amount, "Servers that run it.").required(),
        key("cores_per_server", Shape::Amount, "Cores of one server.").required(),
        key("watts_per_core", Shape::Amount, "Watts that a busy core draws.").required(),
    ]
}

const SIZE: &str = r"^[0-9]+(\.[0-9]{1,9})? ?(B|kB|MB|GB|KiB|MiB|GiB)$";
const TIME: &str = r"^[0-9]+(\.[0-9]{1,9})? ?(µs|us|ms|s|min|h|d)$";

/// The JSON Schema (draft 2020-12) of the file.
pub fn schema() -> Value {
    let mut schema = table(&root());
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), crate::FILE_NAME.into());
    schema.insert("description".to_owned(), "What an operator says to negawatt. Everything is optional.".into());
    Value::Object(schema)
}

fn table(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut table = Map::new();
    table.insert("type".to_owned(), "object".into());
    table.insert("properties".to_owned(), properties.into());
    table.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        table.insert("required".to_owned(), required.into());
    }
    table
}

fn described(key: &Key) -> Value {
    let mut schema = of(&key.shape);
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), key.about.clone().into());
        if let Some(default) = &key.default {
            fields.insert("default".to_owned(), default.clone());
        }
    }
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string", "minLength": 1 }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Count { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most.unwrap_or(u32::MAX.into()) })
        }
        Shape::Amount => json!({ "type": "number", "minimum": 0 }),
        Shape::Part => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Size => json!({ "type": "string", "pattern": SIZE }),
        Shape::Time => json!({ "type": "string", "pattern": TIME }),
        Shape::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::OneOf(words) => json!({ "type": "string", "enum": words }),
        Shape::List(item) => json!({ "type": "array", "items": of(item) }),
        Shape::Pair(item) => json!({ "type": "array", "items": of(item), "minItems": 2, "maxItems": 2 }),
        Shape::Command => json!({ "type": "array", "items": of(&Shape::Text), "minItems": 1 }),
        Shape::Table(keys) => Value::Object(table(keys)),
        Shape::Named(value) => json!({ "type": "object", "additionalProperties": of(value) }),
        Shape::Either(shapes) => json!({ "oneOf": shapes.iter().map(of).collect::<Vec<_>>() }),
    }
}
