//! The shape of what is said of a server: `[serve]`, its webhooks, and whom it tells.

use super::{Key, Shape, key, limits, secret, texts};
use crate::serve::{NotifyEvent, default_listen, serve_limits, workers};
use crate::watch::{DIRECTIONS, SEVERITIES};
use crate::webhooks::{SERIES_LABELS, SERVICE_LABELS, SEVERITY_LABEL, mapping_limits};

/// Words of a state that goes on, and of one that does not, unless an operator says otherwise.
pub const FIRING: [&str; 3] = ["firing", "alerting", "open"];
pub const RESOLVED: [&str; 4] = ["resolved", "ok", "closed", "recovered"];

/// `[serve]`.
pub fn serve() -> Vec<Key> {
    let own = [
        key(
            "listen",
            Shape::Pattern(r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$"),
            "Where it listens: an address and a port; port 0 for one that is free.",
        )
        .or(default_listen()),
        key("hosts", texts(), "Names that requests may call it by, without a port, beside addresses and localhost."),
        key("origins", texts(), "Origins of web pages that may ask it: scheme, host and port."),
        key("webhooks", Shape::Table(webhooks()), "What it hears of other systems; what has no section is not heard."),
        key("notify", Shape::List(Box::new(Shape::Table(notify()))), "Whom it tells what becomes of cases."),
    ];
    let most = limits([workers()].into_iter().chain(serve_limits()).collect());
    own.into_iter().chain(most).collect()
}

/// `[serve.webhooks]`.
pub fn webhooks() -> Vec<Key> {
    vec![
        key("alertmanager", Shape::Table(alert_webhook()), "Prometheus's Alertmanager."),
        key("grafana", Shape::Table(alert_webhook()), "Grafana's alerting."),
        key(
            "generic",
            Shape::Named(Box::new(Shape::Table(generic_webhook()))),
            "Whatever sends JSON, by a name of small letters, digits and `-` that is part of the address.",
        ),
    ]
}

fn header(name: &'static str, about: &str) -> Key {
    key(name, Shape::Pattern("^[A-Za-z0-9_-]{1,100}$"), about)
}

/// A system that sends alerts in a known format.
pub fn alert_webhook() -> Vec<Key> {
    let severity = || Shape::OneOf(SEVERITIES.map(|(word, _)| word).into());
    let own = [
        key(
            "secret",
            Shape::Table(secret()),
            "Where the secret is that both know. Where it is absent, the sender has a token of a role that may start cases.",
        ),
        header(
            "header",
            "The header that proves who it is: with the secret itself, after `Bearer ` in `authorization`, which it is by \
             default; with hmac, by default `x-hub-signature-256`.",
        ),
        key("hmac", Shape::Boolean, "Whether the header has an HMAC-SHA256 of the body, in hexadecimal digits.")
            .or(false),
        header("timestamp_header", "The header with the time in seconds, where time, `:` and body are what is signed."),
        key("service_labels", texts(), "Labels whose value names the service; the first that an alert has.")
            .or(SERVICE_LABELS.to_vec()),
        key("service", Shape::Text, "The service of alerts that have none of those."),
        key("series_labels", texts(), "Labels that an alert has of its series, and not of its rule.")
            .or(SERIES_LABELS.to_vec()),
        key("severity_label", Shape::Text, "The label whose value is the severity.").or(SEVERITY_LABEL),
        key("severities", Shape::Named(Box::new(severity())), "What values of that label mean."),
        key("severity", severity(), "The severity of alerts that say none.").or("medium"),
        key("worse", direction(), "The direction that hurts, where nothing says it.").or("up"),
        key(
            "metrics",
            Shape::List(Box::new(Shape::Table(alert_metric()))),
            "What alerts are about that do not say it themselves; the first that fits.",
        ),
    ];
    own.into_iter().chain(limits(mapping_limits())).collect()
}

fn direction() -> Shape {
    Shape::OneOf(DIRECTIONS.map(|(word, _)| word).into())
}

/// One of a webhook's `metrics`.
pub fn alert_metric() -> Vec<Key> {
    vec![
        key("alert", Shape::Text, "Names of alerts; * stands for any letters, also none.").required(),
        key(
            "metric",
            Shape::Text,
            "A selector as in PromQL with labels compared by =, perhaps in rate(…[5m]), increase, histogram_quantile, and in \
             sum, avg, max or min by labels.",
        )
        .required(),
        key("worse", direction(), "The direction that hurts."),
    ]
}

/// `[serve.webhooks.generic.<name>]`.
pub fn generic_webhook() -> Vec<Key> {
    let fields = key("fields", Shape::Table(generic_fields()), "Where in the JSON things stand.").required();
    alert_webhook().into_iter().chain([fields]).collect()
}

/// The `fields` of a generic webhook.
pub fn generic_fields() -> Vec<Key> {
    let at = |name, about: &str| key(name, Shape::Pattern("^/([^~]|~[01])*$"), about);
    vec![
        at(
            "alerts",
            "The list of alerts; the body is one where it is absent. All others are from an alert's beginning.",
        ),
        at("title", "The title, by which `metrics` are found too.").required(),
        at("labels", "An object of labels."),
        at("service", "The service's name."),
        at("metric", "The metric, written as in `metrics`."),
        at("starts_at", "When it began: RFC 3339, or seconds or milliseconds since 1970; now where it is absent."),
        at("severity", "The severity's word."),
        at("fingerprint", "What names the alert among others."),
        at("state", "Whether it goes on; it does where this is absent."),
        key("firing", texts(), "Values of state that say so.").or(FIRING.to_vec()),
        key("resolved", texts(), "Values of state that say that it does not.").or(RESOLVED.to_vec()),
    ]
}

/// `[[serve.notify]]`.
pub fn notify() -> Vec<Key> {
    let events = Shape::List(Box::new(Shape::OneOf(NotifyEvent::ALL.map(NotifyEvent::word).into())));
    vec![
        key("url", Shape::Text, "Its address, without credentials.").required(),
        key("secret", Shape::Table(secret()), "Where the secret is that signs what it is told (HMAC-SHA256).")
            .required(),
        key("events", events, "What it is told.").or(NotifyEvent::ALL.map(NotifyEvent::word).to_vec()),
    ]
}
