//! Whatever sends JSON, by pointers into it; and incidents as we write them ourselves.

use negawatt_host::json::read_incident;
use negawatt_host::model::Timestamp;

use crate::SignalError;
use crate::alert::{Alert, Located, MOST_ALERTS, Received, Signal, State};
use crate::alertmanager::bounded;
use crate::mapping::{GenericMapping, given};
use crate::read::{At, LONGEST, LONGEST_TEXT, Read, parse};

/// Reads JSON by the pointers of an operator. The caller bounds the body; `now` ends the windows of incidents.
pub fn generic(body: &[u8], mapping: &GenericMapping, now: Timestamp) -> Result<Received, SignalError> {
    let value = parse(body)?;
    let whole = At::whole(&value);
    let alerts = match &mapping.fields.alerts {
        None => vec![whole],
        Some(pointer) => {
            let help = "send a list of alerts there, or correct fields.alerts in negawatt.toml";
            whole.pointed(pointer).ok_or_else(|| SignalError::new(pointer, "is missing", help))?.list()?
        }
    };
    let mut received = Received::default();
    bounded(&alerts, &mut received);
    for at in alerts.iter().take(MOST_ALERTS) {
        match alert(at, mapping).and_then(|alert| mapping.mapping.signal("generic", alert, now)) {
            Ok(signal) => received.signals.push(signal),
            Err(error) => received.refused.push(error),
        }
    }
    Ok(received)
}

fn alert(at: &At, mapping: &GenericMapping) -> Read<Alert> {
    let fields = &mapping.fields;
    let pointed = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| at.pointed(pointer));
    let text = |pointer: &Option<String>| pointed(pointer).map(|at| at.text(LONGEST)).transpose();
    let missing = || {
        SignalError::new(
            format!("{}{}", at.pointer, fields.title),
            "is missing",
            "send the title there, or correct fields.title in negawatt.toml",
        )
    };
    let title = at.pointed(&fields.title).ok_or_else(missing)?.text(LONGEST_TEXT)?;
    let metric = match pointed(&fields.metric) {
        Some(at) => Some(Located::of(at.text(LONGEST_TEXT)?, &at)),
        None => None,
    };
    Ok(Alert {
        pointer: at.pointer.clone(),
        name: title.clone(),
        labels: pointed(&fields.labels).map(|at| at.labels(LONGEST)).transpose()?.unwrap_or_default(),
        service: text(&fields.service)?.filter(|service| !service.is_empty()),
        metric,
        worse: None,
        expression: None,
        severity: text(&fields.severity)?,
        starts_at: pointed(&fields.starts_at).map(|at| at.time()).transpose()?.flatten(),
        state: state(at, mapping)?,
        fingerprint: text(&fields.fingerprint)?.and_then(given),
        notes: Vec::new(),
        title,
    })
}

fn state(at: &At, mapping: &GenericMapping) -> Read<State> {
    let fields = &mapping.fields;
    let Some(pointer) = &fields.state else { return Ok(State::Firing) };
    let (firing, resolved) = (fields.firing.join(", "), fields.resolved.join(", "));
    let help = format!(
        "send one of {firing}; or one of {resolved}; or name others with fields.firing and fields.resolved in negawatt.toml"
    );
    let Some(found) = at.pointed(pointer) else {
        return Err(SignalError::new(format!("{}{pointer}", at.pointer), "is missing", help));
    };
    let word = found.text(LONGEST)?;
    let is_in = |words: &[String]| words.iter().any(|known| known.eq_ignore_ascii_case(&word));
    match (is_in(&fields.firing), is_in(&fields.resolved)) {
        (true, _) => Ok(State::Firing),
        (_, true) => Ok(State::Resolved),
        _ => Err(found.error("says neither that it goes on nor that it does not", help)),
    }
}

/// Reads `incident.json`, which is one signal that begins with its window.
pub fn native(body: &[u8]) -> Result<Received, SignalError> {
    let help = "send incident.json, in UTF-8";
    let text = str::from_utf8(body).map_err(|error| SignalError::new("", format!("is not UTF-8: {error}"), help))?;
    let incident = read_incident(text).map_err(|error| {
        // Keys of an incident's own have neither dots nor slashes; a label's name may, and is told as it is.
        let is_path = !error.place.contains(' ');
        let pointer = if is_path { format!("/{}", error.place.replace('.', "/")) } else { String::new() };
        let message = if is_path { error.message } else { format!("{}: {}", error.place, error.message) };
        SignalError::new(pointer, message, help)
    })?;
    let signal = Signal {
        fingerprint: incident.fingerprint.clone(),
        starts_at: incident.incident.window.start,
        state: State::Firing,
        incident,
        notes: Vec::new(),
    };
    Ok(Received { signals: vec![signal], ..Received::default() })
}
