//! `[serve.webhooks]`: what other systems may say, how it is known that it was they, and what an incident is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::grants::is_reserved_header;
use crate::limits::{self, HOUR, Limit, limit};
use crate::place::{ConfigError, Located};
use crate::reader::{Field, Section};
use crate::sections::optional;
use crate::serve::SECRET;
use crate::shape;
use crate::trust::{Secret, secret};
use crate::watch::{DIRECTIONS, SEVERITIES, WatchSeverity, Worse};

/// Labels whose value names the service, in this order, unless an operator says otherwise.
pub(crate) const SERVICE_LABELS: [&str; 4] = ["service", "service_name", "app", "job"];

/// Labels that an alert has of its series, and not of its rule, unless an operator says otherwise.
pub(crate) const SERIES_LABELS: [&str; 3] = ["service", "job", "instance"];

/// The label whose value is an alert's severity unless an operator says otherwise.
pub(crate) const SEVERITY_LABEL: &str = "severity";

const LOOK_BACK: Duration = HOUR.saturating_mul(24);
const MOST_LOOK_BACK: Duration = HOUR.saturating_mul(24 * 28);

/// `[serve.webhooks]`. What has no section is not heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// Prometheus's Alertmanager.
    pub alertmanager: Option<AlertWebhook>,
    /// Grafana's alerting.
    pub grafana: Option<AlertWebhook>,
    /// Whatever sends JSON, by the names that operators give.
    pub generic: BTreeMap<String, GenericWebhook>,
}

/// A system that sends alerts in a known format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertWebhook {
    /// How it is known that it was this system; absent: it has a token of the server, of a role that may start cases.
    pub sender: Option<Sender>,
    /// What an incident is made of.
    pub mapping: AlertMapping,
}

/// A system that sends JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericWebhook {
    /// How it is known that it was this system; absent: it has a token of the server, of a role that may start cases.
    pub sender: Option<Sender>,
    /// What an incident is made of.
    pub mapping: AlertMapping,
    /// Where that stands.
    pub fields: GenericFields,
}

/// How it is known who sent something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// What both know.
    pub secret: Located<Secret>,
    /// The header that proves it, in small letters.
    pub header: String,
    /// What stands in the header: the secret itself, after `Bearer ` in `authorization`; or an HMAC-SHA256 of the body with it.
    pub hmac: bool,
    /// The header with the time, which is then part of what is signed; in small letters.
    pub timestamp_header: Option<String>,
}

/// What an incident is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMapping {
    /// Labels whose value names the service; the first that an alert has.
    pub service_labels: Vec<String>,
    /// The service of alerts that have none of those.
    pub service: Option<String>,
    /// Labels that an alert has of its series, and not of its rule.
    pub series_labels: Vec<String>,
    /// The label whose value is the severity.
    pub severity_label: String,
    /// What its values mean, beside those that need no word.
    pub severities: BTreeMap<String, WatchSeverity>,
    /// The severity of alerts that say none.
    pub severity: WatchSeverity,
    /// The direction that hurts, where nothing says it.
    pub worse: Worse,
    /// How much of the time before an alert its incident holds.
    pub look_back: Duration,
    /// `metrics`: what alerts are about that do not say it themselves; the first that fits.
    pub metrics: Vec<AlertMetric>,
}

/// One of a webhook's `metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMetric {
    /// Names of alerts; `*` stands for any letters, also none.
    pub alert: String,
    /// A selector as in PromQL, perhaps in a rate, a quantile and an aggregation; whoever reads it says what is wrong with it.
    pub metric: Located<String>,
    /// The direction that hurts.
    pub worse: Option<Worse>,
}

/// Where in a system's JSON things stand: JSON pointers (RFC 6901), from an alert's own beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericFields {
    /// The list of alerts, from the beginning of the body; absent: the body is one.
    pub alerts: Option<String>,
    /// The title, by which `metrics` are found too.
    pub title: String,
    /// An object of labels, or what has them as its fields.
    pub labels: Option<String>,
    /// The service's name.
    pub service: Option<String>,
    /// The metric, as in `metrics`.
    pub metric: Option<String>,
    /// When it began: RFC 3339, or a number of seconds or milliseconds since 1970; absent: now.
    pub starts_at: Option<String>,
    /// The severity's word.
    pub severity: Option<String>,
    /// What names the alert among others.
    pub fingerprint: Option<String>,
    /// Whether it goes on.
    pub state: Option<String>,
    /// Values of `state` that say so.
    pub firing: Vec<String>,
    /// Values of `state` that say that it does not.
    pub resolved: Vec<String>,
}

impl Default for AlertMapping {
    fn default() -> Self {
        AlertMapping {
            service_labels: SERVICE_LABELS.map(str::to_owned).into(),
            service: None,
            series_labels: SERIES_LABELS.map(str::to_owned).into(),
            severity_label: SEVERITY_LABEL.to_owned(),
            severities: BTreeMap::new(),
            severity: WatchSeverity::Medium,
            worse: Worse::Up,
            look_back: LOOK_BACK,
            metrics: Vec::new(),
        }
    }
}

/// How far an incident looks back.
pub(crate) fn mapping_limits() -> Vec<Limit> {
    vec![limit("look_back", "How much of the time before an alert its incident holds.", LOOK_BACK, MOST_LOOK_BACK)]
}

/// Reads `[serve.webhooks]`.
pub(crate) fn webhooks(field: &Field<'_>) -> Result<Webhooks, ConfigError> {
    let section = field.section(&shape::webhooks())?;
    let generic = |field: Field<'_>| {
        let named = |(name, field): (&str, Field<'_>)| {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
                let help = "write [serve.webhooks.generic.pager]: at most 64 small letters, digits and `-`; it is part of an address";
                return Err(field.error(format!("{name:?} is no name of a webhook"), help));
            }
            Ok((name.to_owned(), generic(&field)?))
        };
        field.open_section()?.fields().map(named).collect()
    };
    Ok(Webhooks {
        alertmanager: optional(&section, "alertmanager", |field| alerts(&field))?,
        grafana: optional(&section, "grafana", |field| alerts(&field))?,
        generic: optional(&section, "generic", generic)?.unwrap_or_default(),
    })
}

fn alerts(field: &Field<'_>) -> Result<AlertWebhook, ConfigError> {
    let section = field.section(&shape::alert_webhook())?;
    Ok(AlertWebhook { sender: sender(&section)?, mapping: mapping(&section)? })
}

fn generic(field: &Field<'_>) -> Result<GenericWebhook, ConfigError> {
    let section = field.section(&shape::generic_webhook())?;
    let fields = section.required("fields", "fields = { title = \"/title\", service = \"/service\" }")?;
    Ok(GenericWebhook { sender: sender(&section)?, mapping: mapping(&section)?, fields: generic_fields(&fields)? })
}

fn sender(section: &Section<'_>) -> Result<Option<Sender>, ConfigError> {
    let hmac = optional(section, "hmac", |field| field.boolean())?.unwrap_or(false);
    let given = optional(section, "header", |field| header(&field, "header = \"x-hub-signature-256\""))?;
    let example = "timestamp_header = \"x-grafana-alerting-timestamp\"";
    let timestamp_header = optional(section, "timestamp_header", |field| header(&field, example))?;
    if let Some(field) = section.field("timestamp_header").filter(|_| !hmac) {
        return Err(field.error("is part of what is signed, and nothing is", "add hmac = true, or remove it"));
    }
    let Some(field) = section.field("secret") else {
        return match ["hmac", "header"].into_iter().find_map(|key| section.field(key)) {
            Some(field) => {
                Err(field.error("proves who sends something by a secret, and there is none", format!("add {SECRET}")))
            }
            None => Ok(None),
        };
    };
    let header = given.unwrap_or_else(|| if hmac { "x-hub-signature-256" } else { "authorization" }.to_owned());
    let secret = Located { value: secret(&field)?, place: field.place().clone() };
    Ok(Some(Sender { secret, header, hmac, timestamp_header }))
}

fn header(field: &Field<'_>, example: &str) -> Result<String, ConfigError> {
    let name = field.text(example)?;
    header_name(name)
        .ok_or_else(|| field.error(format!("{name:?} is no header that proves anything"), format!("write {example}")))
}

/// The name of a header that may hold a secret, in small letters.
pub(crate) fn header_name(name: &str) -> Option<String> {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name = name.to_ascii_lowercase();
    ((1..=100).contains(&name.len()) && name.chars().all(token) && !is_reserved_header(&name)).then_some(name)
}

fn mapping(section: &Section<'_>) -> Result<AlertMapping, ConfigError> {
    let usual = AlertMapping::default();
    let labels = |key| optional(section, key, |field| field.texts("[\"service\", \"app\"]"));
    let text = |key, example| optional(section, key, |field| field.text(example).map(str::to_owned));
    let severities = |field: Field<'_>| {
        let word = |(name, field): (&str, Field<'_>)| Ok((name.to_owned(), field.word(&SEVERITIES)?));
        field.open_section()?.fields().map(word).collect()
    };
    let metrics = |field: Field<'_>| {
        field.list("metrics = [{ alert = \"HighCpu*\", metric = \"…\" }]")?.iter().map(metric).collect()
    };
    Ok(AlertMapping {
        service_labels: labels("service_labels")?.unwrap_or(usual.service_labels),
        service: text("service", "service = \"checkout\"")?,
        series_labels: labels("series_labels")?.unwrap_or(usual.series_labels),
        severity_label: text("severity_label", "severity_label = \"severity\"")?.unwrap_or(usual.severity_label),
        severities: optional(section, "severities", severities)?.unwrap_or_default(),
        severity: optional(section, "severity", |field| field.word(&SEVERITIES))?.unwrap_or(usual.severity),
        worse: optional(section, "worse", |field| field.word(&DIRECTIONS))?.unwrap_or(usual.worse),
        look_back: limits::read(section, "look_back", MOST_LOOK_BACK)?.unwrap_or(usual.look_back),
        metrics: optional(section, "metrics", metrics)?.unwrap_or_default(),
    })
}

fn metric(field: &Field<'_>) -> Result<AlertMetric, ConfigError> {
    let section = field.section(&shape::alert_metric())?;
    let (alert, metric) = ("alert = \"HighCpu*\"", "metric = \"sum by (service) (rate(cpu_seconds_total[5m]))\"");
    Ok(AlertMetric {
        alert: section.required("alert", alert)?.text(alert)?.to_owned(),
        metric: section.required("metric", metric)?.located_text(metric)?,
        worse: optional(&section, "worse", |field| field.word(&DIRECTIONS))?,
    })
}

fn generic_fields(field: &Field<'_>) -> Result<GenericFields, ConfigError> {
    let section = field.section(&shape::generic_fields())?;
    let at = |key| optional(&section, key, |field| pointer(&field));
    let words = |key, usual: &[&str]| {
        let words = optional(&section, key, |field| field.texts("firing = [\"alerting\"]"))?;
        Ok(words.unwrap_or_else(|| usual.iter().map(|word| (*word).to_owned()).collect()))
    };
    Ok(GenericFields {
        alerts: at("alerts")?,
        title: pointer(&section.required("title", "title = \"/title\"")?)?,
        labels: at("labels")?,
        service: at("service")?,
        metric: at("metric")?,
        starts_at: at("starts_at")?,
        severity: at("severity")?,
        fingerprint: at("fingerprint")?,
        state: at("state")?,
        firing: words("firing", &shape::FIRING)?,
        resolved: words("resolved", &shape::RESOLVED)?,
    })
}

/// A JSON pointer; that of the whole is written `/`-less in RFC 6901, and nobody needs it here.
fn pointer(field: &Field<'_>) -> Result<String, ConfigError> {
    let example = "a JSON pointer, such as \"/alert/title\"";
    let text = field.text(example)?;
    let escapes = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !text.starts_with('/') || !escapes() {
        return Err(
            field.error(format!("{text:?} is no JSON pointer"), format!("write {example}; ~1 stands for /, ~0 for ~"))
        );
    }
    Ok(text.to_owned())
}
