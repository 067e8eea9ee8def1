//! `incident.json`.

use serde_json::{Map, Value, json};

use super::reader::{Fields, JsonError, Read, duration, duration_text, parse};
use crate::model::{
    Aggregate, Aggregation, Direction, Incident, IncidentKind, Label, Metric, QuantileTransform, Severity, Transform,
    Window,
};
use crate::time;

/// An incident as somebody wrote it, with what names it among others.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentFile {
    /// What came in.
    pub incident: Incident,
    /// Equal for the same trouble; derived where the file does not say.
    pub fingerprint: String,
}

const KINDS: [(&str, IncidentKind); 2] =
    [("regression", IncidentKind::Regression), ("opportunity", IncidentKind::Opportunity)];
const DIRECTIONS: [(&str, Direction); 2] = [("up", Direction::Up), ("down", Direction::Down)];
const SEVERITIES: [(&str, Severity); 4] =
    [("low", Severity::Low), ("medium", Severity::Medium), ("high", Severity::High), ("critical", Severity::Critical)];
const AGGREGATIONS: [(&str, Aggregation); 4] =
    [("sum", Aggregation::Sum), ("avg", Aggregation::Avg), ("max", Aggregation::Max), ("min", Aggregation::Min)];

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// Reads `incident.json`.
pub fn read_incident(text: &str) -> Result<IncidentFile, JsonError> {
    let mut fields = Fields::new("", parse(text)?)?;
    let kind = fields.word("kind", &KINDS)?;
    let title = fields.text("title")?;
    let service = fields.text("service")?;
    if service.is_empty() {
        return Err(fields.error("service", "is empty; name the service as in the label `service`"));
    }
    let metric = match fields.take("metric") {
        Some(value) => Some(read_metric(Fields::new("metric", value)?)?),
        None if kind == IncidentKind::Regression => {
            return Err(fields.error("metric", "is missing; a regression needs the metric that shows it"));
        }
        None => None,
    };
    let window = read_window(fields.object("window")?)?;
    let severity = fields.optional_word("severity", &SEVERITIES)?.unwrap_or(Severity::Medium);
    let given = fields.optional_text("fingerprint")?;
    fields.end()?;
    let incident = Incident { kind, title, service, metric, window, severity };
    let fingerprint = given.unwrap_or_else(|| fingerprint(&incident));
    Ok(IncidentFile { incident, fingerprint })
}

fn read_window(mut fields: Fields) -> Read<Window> {
    let window = Window { start: fields.time("start")?, end: fields.time("end")? };
    if window.start >= window.end {
        return Err(fields.error("end", "must be later than window.start"));
    }
    fields.end()?;
    Ok(window)
}

fn read_metric(mut fields: Fields) -> Read<Metric> {
    let name = fields.text("name")?;
    if name.is_empty() {
        return Err(fields.error("name", "is empty"));
    }
    let mut labels = Vec::new();
    if let Some(value) = fields.take("labels") {
        for (name, value) in Fields::new(&fields.child("labels"), value)?.rest() {
            let Value::String(value) = value else {
                return Err(fields.error(&format!("labels.{name}"), "must be a string"));
            };
            labels.push(Label { name, value });
        }
    }
    let worse = fields.optional_word("worse", &DIRECTIONS)?.unwrap_or(Direction::Up);
    let transform = read_transform(&mut fields)?;
    let aggregate = read_aggregate(&mut fields)?;
    fields.end()?;
    Ok(Metric { name, labels, worse, transform, aggregate })
}

/// `"none"`, `{"rate": "5m"}`, `{"increase": "1h"}` or `{"quantile": 0.99, "over": "5m"}`.
fn read_transform(fields: &mut Fields) -> Read<Transform> {
    let value = match fields.take("transform") {
        None => return Ok(Transform::None),
        Some(Value::String(text)) if text == "none" => return Ok(Transform::None),
        Some(value @ Value::Object(_)) => value,
        Some(_) => {
            let help = r#"must be "none", {"rate": "5m"}, {"increase": "5m"} or {"quantile": 0.99, "over": "5m"}"#;
            return Err(fields.error("transform", help));
        }
    };
    let mut inner = Fields::new(&fields.child("transform"), value)?;
    let mut length = |key: &'static str| -> Read<Option<u64>> {
        let Some(text) = inner.optional_text(key)? else { return Ok(None) };
        let length = duration(&text).filter(|length| *length > 0);
        length.map(Some).ok_or_else(|| inner.error(key, format!("{text:?} is not a length of time; write it as 5m")))
    };
    let (rate, increase, over) = (length("rate")?, length("increase")?, length("over")?);
    let quantile = match inner.take("quantile") {
        None => None,
        Some(value) => match value.as_f64().filter(|quantile| (0.0..=1.0).contains(quantile)) {
            Some(quantile) => Some(quantile),
            None => return Err(inner.error("quantile", "must be a number from 0 to 1")),
        },
    };
    let transform = match (rate, increase, quantile, over) {
        (Some(over), None, None, None) => Transform::Rate(over),
        (None, Some(over), None, None) => Transform::Increase(over),
        (None, None, Some(quantile), Some(over)) => Transform::Quantile(QuantileTransform { quantile, over }),
        _ => return Err(fields.error("transform", "must have `rate`, or `increase`, or `quantile` with `over`")),
    };
    inner.end()?;
    Ok(transform)
}

/// `"sum"`, or `{"sum": ["zone"]}` to keep labels.
fn read_aggregate(fields: &mut Fields) -> Read<Option<Aggregate>> {
    let (operation, by) = match fields.take("aggregate") {
        None => return Ok(None),
        Some(Value::String(operation)) => (operation, Value::Array(Vec::new())),
        Some(Value::Object(map)) if map.len() == 1 => map.into_iter().next().unwrap_or_default(),
        Some(_) => return Err(fields.error("aggregate", r#"must be such as "sum" or {"sum": ["zone"]}"#)),
    };
    let known = AGGREGATIONS.into_iter().find(|(word, _)| *word == operation);
    let (_, operation) = known.ok_or_else(|| {
        fields.error("aggregate", format!("{operation:?} is not known; it must be sum, avg, max or min"))
    })?;
    let by =
        serde_json::from_value(by).map_err(|_| fields.error("aggregate", "the labels must be a list of strings"))?;
    Ok(Some(Aggregate { operation, by }))
}

/// An incident as JSON, without its fingerprint.
pub fn incident(incident: &Incident) -> Value {
    json!({
        "kind": word(&KINDS, incident.kind),
        "title": incident.title,
        "service": incident.service,
        "metric": incident.metric.as_ref().map(metric),
        "window": { "start": time::rfc3339(incident.window.start), "end": time::rfc3339(incident.window.end) },
        "severity": severity(incident.severity),
    })
}

fn metric(metric: &Metric) -> Value {
    let labels: Map<_, _> = metric.labels.iter().map(|label| (label.name.clone(), json!(label.value))).collect();
    let transform = match &metric.transform {
        Transform::None => json!("none"),
        Transform::Rate(over) => json!({ "rate": duration_text(*over) }),
        Transform::Increase(over) => json!({ "increase": duration_text(*over) }),
        Transform::Quantile(transform) => {
            json!({ "quantile": transform.quantile, "over": duration_text(transform.over) })
        }
    };
    let aggregate =
        metric.aggregate.as_ref().map(|aggregate| json!({ word(&AGGREGATIONS, aggregate.operation): aggregate.by }));
    json!({
        "name": metric.name,
        "labels": labels,
        "worse": word(&DIRECTIONS, metric.worse),
        "transform": transform,
        "aggregate": aggregate,
    })
}

/// A hash of kind, service and metric.
pub fn fingerprint(of: &Incident) -> String {
    let whole = json!([word(&KINDS, of.kind), of.service, of.metric.as_ref().map(metric)]);
    blake3::hash(whole.to_string().as_bytes()).to_hex()[..32].to_owned()
}

/// A severity as it is written.
pub fn severity(severity: Severity) -> &'static str {
    word(&SEVERITIES, severity)
}
