//! Findings and evidence: flat objects with the key `kind`.

use serde_json::{Map, Value, json};

use super::reader::{Fields, JsonError, Read, parse};
use crate::model::{
    Candidate, ChangePoint, Dismissal, DismissalReason, Evidence, Finding, FindingBody, FunctionShift, Impact,
    Mitigation, Opportunity, Other, Setting, Shape, Suspect,
};
use crate::time;

const SHAPES: [(&str, Shape); 3] = [("step", Shape::Step), ("drift", Shape::Drift), ("variance", Shape::Variance)];
const REASONS: [(&str, DismissalReason); 6] = [
    ("noise", DismissalReason::Noise),
    ("went-away", DismissalReason::WentAway),
    ("seasonal", DismissalReason::Seasonal),
    ("cost-shift", DismissalReason::CostShift),
    ("planned", DismissalReason::Planned),
    ("other", DismissalReason::Other),
];
const CANDIDATES: [(&str, Candidate); 4] = [
    ("commit", Candidate::Commit),
    ("config", Candidate::Config),
    ("experiment", Candidate::Experiment),
    ("service", Candidate::Service),
];

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

impl DismissalReason {
    /// Its word.
    pub fn word(self) -> &'static str {
        word(&REASONS, &self)
    }

    /// The reason with this word.
    pub fn from_word(text: &str) -> Option<DismissalReason> {
        REASONS.into_iter().find(|(known, _)| *known == text).map(|(_, reason)| reason)
    }
}

impl Candidate {
    /// Its word.
    pub fn word(self) -> &'static str {
        word(&CANDIDATES, &self)
    }
}

/// A finding as JSON.
pub fn finding(finding: &Finding) -> Value {
    Value::Object(flat(finding))
}

/// A piece of evidence as JSON: its finding, with `id` and `by`.
pub fn evidence(evidence: &Evidence) -> Value {
    let mut map = flat(&evidence.finding);
    map.insert("id".into(), json!(evidence.id));
    map.insert("by".into(), json!(evidence.by));
    Value::Object(map)
}

fn flat(finding: &Finding) -> Map<String, Value> {
    let body = match &finding.body {
        FindingBody::ChangePoint(x) => json!({
            "time": time::rfc3339(x.time), "before": x.before, "after": x.after, "relative": x.relative(),
            "p_value": x.p_value, "method": x.method, "shape": word(&SHAPES, &x.shape),
        }),
        FindingBody::Dismissal(x) => json!({ "reason": x.reason.word(), "detail": x.detail, "of": x.of }),
        FindingBody::FunctionShift(x) => json!({
            "name": x.name, "before": x.before, "after": x.after, "self_before": x.self_before,
            "self_after": x.self_after, "p_value": x.p_value,
        }),
        FindingBody::Suspect(x) => json!({
            "candidate": x.candidate.word(), "id": x.id, "repository": x.repository, "author": x.author,
            "files": x.files, "reason": x.reason, "log_odds": x.log_odds, "suspect_extra": x.extra,
        }),
        FindingBody::Mitigation(x) => json!({
            "strategy": x.strategy, "target": x.target, "patch": x.patch, "validation": x.validation,
            "setting": x.setting.as_ref().map(|s| json!({ "service": s.service, "key": s.key, "value": s.value })),
        }),
        FindingBody::Opportunity(x) => json!({
            "name": x.name, "pattern": x.pattern, "files": x.files, "share": x.share, "saving_low": x.saving_low,
            "saving_high": x.saving_high,
        }),
        FindingBody::Impact(x) => json!({ "cores": x.cores, "watts": x.watts, "basis": x.basis }),
        FindingBody::Note(text) => json!({ "text": text }),
        FindingBody::Other(x) => json!({
            "name": x.name,
            "data": serde_json::from_str::<Value>(&x.data).unwrap_or_else(|_| json!(x.data)),
        }),
    };
    let mut map = match body {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let kind = match &finding.body {
        FindingBody::Other(_) => "other".to_owned(),
        body => body.kind().to_string(),
    };
    map.insert("kind".into(), json!(kind));
    map.insert("confidence".into(), json!(finding.confidence));
    map.insert("summary".into(), json!(finding.summary));
    map.insert("because".into(), json!(finding.because));
    map.insert("extra".into(), json!(finding.extra));
    // A suspect's id takes the place that evidence needs for its own.
    if let FindingBody::Suspect(suspect) = &finding.body {
        map.insert("candidate_id".into(), json!(suspect.id));
    }
    map
}

/// Reads a list of findings.
pub fn read_findings(text: &str) -> Result<Vec<Finding>, JsonError> {
    let Value::Array(values) = parse(text)? else {
        return Err(JsonError { place: "the whole text".into(), message: "must be a list of findings".into() });
    };
    values.into_iter().enumerate().map(|(n, value)| read_finding(&format!("[{n}]"), value)).collect()
}

/// Reads one finding, or the finding of a piece of evidence; `path` is for errors.
pub fn read_finding(path: &str, value: Value) -> Result<Finding, JsonError> {
    let mut fields = Fields::new(path, value)?;
    let kind = fields.text("kind")?;
    let body = match kind.as_str() {
        "change-point" => FindingBody::ChangePoint(ChangePoint {
            time: fields.time("time")?,
            before: fields.number("before")?,
            after: fields.number("after")?,
            p_value: fields.number("p_value")?,
            method: fields.optional_text("method")?.unwrap_or_default(),
            shape: fields.optional_word("shape", &SHAPES)?.unwrap_or(Shape::Step),
        }),
        "dismissal" => FindingBody::Dismissal(Dismissal {
            reason: fields.word("reason", &REASONS)?,
            detail: fields.optional_text("detail")?.unwrap_or_default(),
            of: fields.optional_text("of")?,
        }),
        "function-shift" => FindingBody::FunctionShift(FunctionShift {
            name: fields.text("name")?,
            before: fields.number("before")?,
            after: fields.number("after")?,
            self_before: fields.number("self_before")?,
            self_after: fields.number("self_after")?,
            p_value: fields.number("p_value")?,
        }),
        "suspect" => {
            let own = fields.optional_text("candidate_id")?;
            let id = fields.optional_text("id")?;
            FindingBody::Suspect(Suspect {
                candidate: fields.word("candidate", &CANDIDATES)?,
                id: own.or(id).ok_or_else(|| fields.error("id", "is missing"))?,
                repository: fields.optional_text("repository")?,
                author: fields.optional_text("author")?,
                files: fields.texts("files")?,
                reason: fields.optional_text("reason")?.unwrap_or_default(),
                log_odds: fields.number("log_odds")?,
                extra: fields.pairs("suspect_extra")?,
            })
        }
        "mitigation" => FindingBody::Mitigation(Mitigation {
            strategy: fields.text("strategy")?,
            target: fields.text("target")?,
            patch: fields.optional_text("patch")?,
            setting: match fields.take("setting") {
                None => None,
                Some(value) => Some(read_setting(Fields::new(&fields.child("setting"), value)?)?),
            },
            validation: fields.optional_text("validation")?.unwrap_or_default(),
        }),
        "opportunity" => FindingBody::Opportunity(Opportunity {
            name: fields.text("name")?,
            pattern: fields.text("pattern")?,
            files: fields.texts("files")?,
            share: fields.number("share")?,
            saving_low: fields.number("saving_low")?,
            saving_high: fields.number("saving_high")?,
        }),
        "impact" => FindingBody::Impact(Impact {
            cores: fields.number("cores")?,
            watts: fields.number("watts")?,
            basis: fields.optional_text("basis")?.unwrap_or_default(),
        }),
        "note" => FindingBody::Note(fields.text("text")?),
        "other" => FindingBody::Other(Other {
            name: fields.text("name")?,
            data: fields.take("data").unwrap_or(Value::Null).to_string(),
        }),
        unknown => {
            let known =
                "change-point, dismissal, function-shift, suspect, mitigation, opportunity, impact, note, other";
            return Err(fields.error("kind", format!("{unknown:?} is not known; it must be one of {known}")));
        }
    };
    let finding = Finding {
        body,
        confidence: fields.number("confidence")?,
        summary: fields.optional_text("summary")?.unwrap_or_default(),
        because: fields.texts("because")?,
        extra: fields.pairs("extra")?,
    };
    // What is derived, and what evidence has besides.
    for key in ["id", "by", "relative", "from"] {
        fields.take(key);
    }
    fields.end()?;
    Ok(finding)
}

fn read_setting(mut fields: Fields) -> Read<Setting> {
    let setting = Setting { service: fields.text("service")?, key: fields.text("key")?, value: fields.text("value")? };
    fields.end()?;
    Ok(setting)
}
