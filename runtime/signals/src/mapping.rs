//! How an incident is made of an alert.

use negawatt_config::{AlertMapping, ConfigError, GenericFields, GenericWebhook};
use negawatt_host::json::{IncidentFile, fingerprint};
use negawatt_host::model::{Direction, Incident, IncidentKind, Label, Metric, Severity, Timestamp, Window};
use negawatt_host::text::{fits, hex, shorten};
use ring::digest::{SHA256, digest};

use crate::SignalError;
use crate::alert::{Alert, Signal};
use crate::expression::Expression;
use crate::read::{LONGEST, Read};

/// Characters of a title.
const TITLE: usize = 200;

/// How much of the time after an alert began its incident holds at most, in microseconds: the change is near its beginning.
const AFTER: Timestamp = 28 * 86_400_000_000;

/// What the words of severities mean that need no word of an operator.
const SEVERITIES: [(&str, Severity); 13] = [
    ("critical", Severity::Critical),
    ("emergency", Severity::Critical),
    ("page", Severity::Critical),
    ("high", Severity::High),
    ("major", Severity::High),
    ("error", Severity::High),
    ("medium", Severity::Medium),
    ("moderate", Severity::Medium),
    ("warning", Severity::Medium),
    ("low", Severity::Low),
    ("minor", Severity::Low),
    ("info", Severity::Low),
    ("none", Severity::Low),
];

/// What says the metric of an alert.
pub const METRIC: &str = "negawatt_metric";

/// What says the direction that hurts.
pub const WORSE: &str = "negawatt_worse";

/// How incidents are made, checked.
#[derive(Debug, Clone)]
pub struct Mapping {
    said: AlertMapping,
    /// The `metrics`, in their order.
    metrics: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    alert: String,
    metric: Expression,
    worse: Option<Direction>,
}

/// How incidents are made of whatever JSON.
#[derive(Debug, Clone)]
pub struct GenericMapping {
    pub(crate) mapping: Mapping,
    pub(crate) fields: GenericFields,
}

impl GenericMapping {
    /// Checks what an operator says.
    pub fn of(webhook: &GenericWebhook) -> Result<GenericMapping, ConfigError> {
        Ok(GenericMapping { mapping: Mapping::of(&webhook.mapping)?, fields: webhook.fields.clone() })
    }
}

impl Mapping {
    /// Checks what an operator says: a metric that cannot be said is a mistake at its place.
    pub fn of(said: &AlertMapping) -> Result<Mapping, ConfigError> {
        let metrics = said.metrics.iter().map(|rule| {
            let metric = Expression::parse(&rule.metric.value).map_err(|why| {
                let help =
                    "write a selector such as cpu{zone=\"a\"}, perhaps in rate(…[5m]), and in sum by (service) (…)";
                rule.metric.error(format!("cannot be said by a metric: {why}"), help)
            })?;
            Ok(Rule { alert: rule.alert.clone(), metric, worse: rule.worse.map(Direction::from) })
        });
        Ok(Mapping { metrics: metrics.collect::<Result<_, _>>()?, said: said.clone() })
    }

    /// The incident of an alert. `sender` is a word for who sent it.
    pub(crate) fn signal(&self, sender: &str, mut alert: Alert, now: Timestamp) -> Read<Signal> {
        let (expression, worse) = self.expression(&mut alert)?;
        let service = self.service(&alert, &expression)?;
        let severity = self.severity(&mut alert);
        let starts_at = alert.starts_at.filter(|time| *time <= now).unwrap_or_else(|| {
            let says = if alert.starts_at.is_some() { "says a time to come" } else { "does not say" };
            alert.notes.push(format!("it {says} when it began; now is taken"));
            now
        });
        let look_back = i64::try_from(self.said.look_back.as_micros()).unwrap_or(i64::MAX);
        let end = now.min(starts_at.saturating_add(AFTER)).max(starts_at.saturating_add(1));
        let named =
            if alert.title.trim().is_empty() { format!("{} of {service}", alert.name) } else { alert.title.clone() };
        let incident = Incident {
            kind: IncidentKind::Regression,
            title: shorten(named.trim(), TITLE),
            service,
            metric: Some(Metric {
                labels: self.labels(&alert, &expression),
                name: expression.name,
                worse,
                transform: expression.transform,
                aggregate: expression.aggregate,
            }),
            window: Window { start: starts_at.saturating_sub(look_back), end },
            severity,
        };
        let incident = IncidentFile { fingerprint: fingerprint(&incident), incident };
        let named = alert.fingerprint.clone().unwrap_or_else(|| names(&alert));
        let fingerprint = format!("{sender}:{named}");
        Ok(Signal { fingerprint, starts_at, state: alert.state, incident, notes: alert.notes })
    }

    /// What an alert is about: what it says of that itself; else the expression that raised it, where a metric can say that; else
    /// what the operator says of alerts of its name.
    fn expression(&self, alert: &mut Alert) -> Read<(Expression, Direction)> {
        let said = alert.worse.as_ref().map(direction).transpose()?;
        let usual = self.said.worse.into();
        if let Some(metric) = &alert.metric {
            let expression = Expression::parse(&metric.text).map_err(|why| {
                let help =
                    "write a selector such as cpu{zone=\"a\"}, perhaps in rate(…[5m]), and in sum by (service) (…)";
                SignalError::new(&metric.pointer, format!("cannot be said by a metric: {why}"), help)
            })?;
            let worse = said.or(expression.worse).unwrap_or(usual);
            return Ok((expression, worse));
        }
        if let Some(text) = &alert.expression {
            match Expression::parse(text) {
                Ok(expression) => {
                    let worse = said.or(expression.worse).unwrap_or(usual);
                    return Ok((expression, worse));
                }
                Err(why) => alert.notes.push(format!("its expression cannot be said by a metric: {why}")),
            }
        }
        if let Some(rule) = self.metrics.iter().find(|rule| fits(&rule.alert, &alert.name)) {
            let worse = said.or(rule.worse).or(rule.metric.worse).unwrap_or(usual);
            return Ok((rule.metric.clone(), worse));
        }
        let why = alert.notes.last().map_or("does not say what metric it is about".to_owned(), |note| {
            format!("does not say what metric it is about: {note}")
        });
        let name = shorten(&alert.name, 100);
        let help = format!(
            "add the annotation {METRIC} to its rule, such as sum by (service) (rate(cpu_seconds_total[5m])), or an entry with \
             alert = {name:?} to the metrics of its webhook in negawatt.toml"
        );
        Err(SignalError::new(&alert.pointer, why, help))
    }

    /// The labels that select an alert's series: those of the expression, and those of the alert that its result has.
    fn labels(&self, alert: &Alert, expression: &Expression) -> Vec<Label> {
        let of_result = match &expression.aggregate {
            Some(aggregate) => &aggregate.by,
            None => &self.said.series_labels,
        };
        let mut labels = expression.labels.clone();
        for name in of_result {
            let is_known = labels.iter().any(|label| label.name == *name);
            if let Some(value) = alert.labels.get(name).filter(|_| !is_known) {
                labels.push(Label { name: name.clone(), value: value.clone() });
            }
        }
        // As they are read again from an incident that was written.
        labels.sort_by(|one, other| one.name.cmp(&other.name));
        labels
    }

    fn service(&self, alert: &Alert, expression: &Expression) -> Read<String> {
        let mut names = self.said.service_labels.iter();
        let of_alert = |name: &String| alert.labels.get(name).map(String::as_str);
        let of_metric = |name: &String| {
            expression.labels.iter().find(|label| label.name == *name).map(|label| label.value.as_str())
        };
        let labelled =
            names.find_map(|name| of_alert(name).or_else(|| of_metric(name)).filter(|value| !value.is_empty()));
        let found = alert.service.as_deref().or(labelled).or(self.said.service.as_deref());
        found.map(str::to_owned).ok_or_else(|| {
            let names = self.said.service_labels.join(", ");
            let help = "add one to its rule, or name the label with service_labels, or one service for all with service, in negawatt.toml";
            SignalError::new(format!("{}/labels", alert.pointer), format!("has no label that names the service: none of {names}"), help)
        })
    }

    fn severity(&self, alert: &mut Alert) -> Severity {
        let usual = self.said.severity.into();
        let word = alert.severity.clone().or_else(|| alert.labels.get(&self.said.severity_label).cloned());
        let Some(word) = word else { return usual };
        if let Some(severity) = self.said.severities.get(&word) {
            return (*severity).into();
        }
        let known = SEVERITIES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(&word));
        known.map_or_else(
            || {
                alert.notes.push(format!("its severity {:?} is not known; name it in severities", shorten(&word, 50)));
                usual
            },
            |(_, severity)| severity,
        )
    }
}

fn direction(said: &crate::alert::Located) -> Read<Direction> {
    match said.text.as_str() {
        "up" => Ok(Direction::Up),
        "down" => Ok(Direction::Down),
        _ => Err(SignalError::new(&said.pointer, "is no direction that hurts", "write up or down")),
    }
}

/// A name of an alert whose sender gives it none: of its rule and its labels.
fn names(alert: &Alert) -> String {
    let mut text = alert.name.clone();
    for (name, value) in &alert.labels {
        // With their lengths, so that no letter can go from one to the next.
        text += &format!("\n{}:{name}{}:{value}", name.len(), value.len());
    }
    hex(digest(&SHA256, text.as_bytes()).as_ref())[..32].to_owned()
}

/// What a sender names an alert by, if that is a name.
pub fn given(text: String) -> Option<String> {
    (!text.is_empty() && text.len() <= LONGEST / 8 && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}
