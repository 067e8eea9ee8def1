//! What other systems send.

use std::sync::LazyLock;

use negawatt_config::{Config, FILE_NAME};
use negawatt_host::json;
use negawatt_signals::{GenericMapping, Mapping, Received, SignalError};
use serde_json::Value;

use crate::shown::assert_shown;

/// When it is sent.
const NOW: i64 = 1_795_072_200_000_000;

const SAID: &str = "
[serve.webhooks.alertmanager]
metrics = [{ alert = \"M*\", metric = \"resident_bytes > 5\" }]
[serve.webhooks.generic.pager]
fields = { alerts = \"/events\", title = \"/name\", labels = \"/tags\", metric = \"/metric\", starts_at = \"/at\", severity = \"/priority\", fingerprint = \"/id\", state = \"/state\" }
";

struct Said {
    alerts: Mapping,
    generic: GenericMapping,
}

fn said() -> &'static Said {
    static SAID_ONCE: LazyLock<Said> = LazyLock::new(|| {
        let config = Config::parse(SAID, FILE_NAME.as_ref()).unwrap_or_else(|error| panic!("{error}"));
        let webhooks = config.serve.webhooks;
        let alerts = webhooks.alertmanager.map(|webhook| Mapping::of(&webhook.mapping));
        let generic = webhooks.generic.get("pager").map(GenericMapping::of);
        let (Some(Ok(alerts)), Some(Ok(generic))) = (alerts, generic) else { panic!("the configuration is wrong") };
        Said { alerts, generic }
    });
    &SAID_ONCE
}

/// What Alertmanager sends.
pub fn alertmanager(bytes: &[u8]) {
    assert_received(bytes, negawatt_signals::alertmanager(bytes, &said().alerts, NOW));
}

/// What Grafana sends.
pub fn grafana(bytes: &[u8]) {
    assert_received(bytes, negawatt_signals::grafana(bytes, &said().alerts, NOW));
}

/// What is read by pointers.
pub fn generic(bytes: &[u8]) {
    assert_received(bytes, negawatt_signals::generic(bytes, &said().generic, NOW));
}

/// A mistake names a field and what to do; what is read is an incident, which is written and read again.
fn assert_received(bytes: &[u8], received: Result<Received, SignalError>) {
    let Received { signals, refused, notes } = match received {
        Ok(received) => received,
        Err(error) => return assert_error(&error, bytes),
    };
    refused.iter().for_each(|error| assert_error(error, bytes));
    notes.iter().for_each(|note| assert_shown(note));
    for signal in signals {
        let incident = &signal.incident.incident;
        assert!(
            incident.window.start < incident.window.end
                && !incident.service.is_empty()
                && !signal.fingerprint.is_empty()
        );
        assert!(incident.title.chars().count() <= 200);
        assert_shown(&incident.title);
        let written = json::incident(incident).to_string();
        match json::read_incident(&written) {
            Ok(again) => assert_eq!(again, signal.incident),
            Err(error) => panic!("{written} was made and cannot be read: {error}"),
        }
    }
}

fn assert_error(error: &SignalError, bytes: &[u8]) {
    assert!(!error.message.is_empty() && !error.help.is_empty(), "{error:?}");
    assert_shown(&error.message);
    // What is missing has no place of its own, but what it should be in has.
    if let (Some((above, _)), Ok(value)) = (error.pointer.rsplit_once('/'), serde_json::from_slice::<Value>(bytes)) {
        let is_there = |pointer: &str| value.pointer(pointer).is_some();
        assert!(is_there(above) || error.pointer.starts_with("/events"), "{error:?} names a field that is not there");
    }
}
