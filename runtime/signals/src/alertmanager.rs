//! Alertmanager's webhook (version 4 of its payload), and that of Grafana's alerting, which is made after it.
//!
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>,
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>

use negawatt_host::model::Timestamp;
use negawatt_host::text::shorten;
use reqwest::Url;

use crate::alert::{Alert, Located, MOST_ALERTS, Received, State};
use crate::mapping::{METRIC, Mapping, WORSE, given};
use crate::read::{At, LONGEST, LONGEST_TEXT, Read, parse};

/// The version of Alertmanager's payload that is read.
const VERSION: &str = "4";

/// Reads what Alertmanager sends. The caller bounds the body; `now` ends the windows of incidents.
pub fn alertmanager(body: &[u8], mapping: &Mapping, now: Timestamp) -> Result<Received, crate::SignalError> {
    let value = parse(body)?;
    let whole = At::whole(&value);
    let help = "send what the webhook_config of an Alertmanager of version 0.7 or later sends";
    let version = whole.required("version", help)?;
    if version.text(LONGEST)? != VERSION {
        return Err(version.error("is another version of the payload", format!("this program reads version {VERSION}")));
    }
    whole.required("groupKey", help)?;
    received("alertmanager", &whole, mapping, now)
}

/// Reads what a contact point of Grafana's alerting sends. The caller bounds the body; `now` ends the windows of incidents.
pub fn grafana(body: &[u8], mapping: &Mapping, now: Timestamp) -> Result<Received, crate::SignalError> {
    let value = parse(body)?;
    let whole = At::whole(&value);
    if whole.field("alerts").is_none() && whole.field("ruleName").is_some() {
        let help = "it has other fields: read it with [serve.webhooks.generic.<name>], as docs/signals.md shows";
        return Err(whole.error("is of Grafana's legacy alerting, before version 9", help));
    }
    received("grafana", &whole, mapping, now)
}

fn received(sender: &str, whole: &At, mapping: &Mapping, now: Timestamp) -> Read<Received> {
    let alerts = whole.required("alerts", "send a list of alerts")?.list()?;
    let mut received = Received::default();
    let left_out = whole.field("truncatedAlerts").and_then(|at| at.value.as_u64()).unwrap_or(0);
    if left_out > 0 {
        received.notes.push(format!("the sender left out {left_out} alerts; raise its max_alerts"));
    }
    bounded(&alerts, &mut received);
    for at in alerts.iter().take(MOST_ALERTS) {
        match alert(at).and_then(|alert| mapping.signal(sender, alert, now)) {
            Ok(signal) => received.signals.push(signal),
            Err(error) => received.refused.push(error),
        }
    }
    Ok(received)
}

/// Says how many alerts are not looked at.
pub fn bounded(alerts: &[At], received: &mut Received) {
    let more = alerts.len().saturating_sub(MOST_ALERTS);
    if more > 0 {
        received
            .notes
            .push(format!("{more} alerts after the first {MOST_ALERTS} were not looked at; send smaller groups"));
    }
}

fn alert(at: &At) -> Read<Alert> {
    let labels = at.required("labels", "send the alert's labels")?.labels(LONGEST)?;
    let annotations = at.field("annotations");
    let said = |key: &str, longest| match annotations.as_ref().and_then(|at| at.field(key)) {
        Some(at) => at.text(longest).map(|text| Some(Located::of(text, &at))),
        None => Ok(None),
    };
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let state = at.required("status", "send firing or resolved")?;
    let state = match state.text(LONGEST)?.as_str() {
        "firing" => State::Firing,
        "resolved" => State::Resolved,
        _ => return Err(state.error("is neither firing nor resolved", "send one of them")),
    };
    let starts_at = at.field("startsAt").map(|at| at.time()).transpose()?.flatten();
    let address = at.field("generatorURL").and_then(|at| at.text(LONGEST_TEXT).ok());
    let fingerprint = at.field("fingerprint").and_then(|at| at.text(LONGEST).ok()).and_then(given);
    let title = said("summary", LONGEST_TEXT)?.map_or_else(|| name.clone(), |summary| summary.text);
    Ok(Alert {
        pointer: at.pointer.clone(),
        service: None,
        metric: said(METRIC, LONGEST_TEXT)?,
        worse: said(WORSE, LONGEST)?,
        expression: address.and_then(|address| expression(&address)),
        severity: None,
        starts_at,
        state,
        fingerprint,
        notes: values(at),
        name,
        title,
        labels,
    })
}

/// The expression in an address of Prometheus's own pages, which an alert comes with: `/graph?g0.expr=…`.
fn expression(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.query_pairs().find(|(key, _)| key == "g0.expr").map(|(_, value)| value.into_owned())
}

/// What Grafana says of the values that raised an alert.
fn values(at: &At) -> Vec<String> {
    let told = at.field("values").and_then(|at| {
        let values = at.value.as_object()?;
        let told: Vec<_> =
            values.iter().take(10).map(|(name, value)| format!("{} = {value}", shorten(name, 50))).collect();
        Some(told.join(", "))
    });
    told.filter(|told| !told.is_empty()).map(|told| shorten(&format!("its values: {told}"), 500)).into_iter().collect()
}
