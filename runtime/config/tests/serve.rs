//! `[serve]`: what a server is told, and mistakes with their places.

use std::path::Path;
use std::time::Duration;

use negawatt_config::{
    AlertMapping, Config, ConfigError, HttpOrigin, NotifyEvent, Secret, Sender, Serve, WatchSeverity, Worse,
};

fn parse(text: &str) -> Result<Serve, ConfigError> {
    Config::parse(text, Path::new("/etc/negawatt/negawatt.toml")).map(|config| config.serve)
}

fn sender(lines: &str) -> Result<Option<Sender>, ConfigError> {
    parse(&format!("[serve.webhooks.alertmanager]\n{lines}")).map(|serve| serve.webhooks.alertmanager.unwrap().sender)
}

#[test]
fn without_a_word_it_listens_to_this_machine_alone() {
    let serve = parse("").unwrap();
    assert_eq!(serve, Serve::default());
    assert_eq!(
        (serve.listen.value.to_string().as_str(), serve.listen.value.address.is_loopback()),
        ("127.0.0.1:7676", true)
    );
    assert_eq!(
        (serve.workers, serve.queue, serve.shutdown, serve.body, serve.rate, serve.patience),
        (None, 10_000, Duration::from_secs(20), 1 << 20, 100, Duration::from_secs(20))
    );
    assert_eq!((serve.connections, serve.streams, serve.stall), (1_024, 32, Duration::from_secs(30)));
    assert!(serve.hosts.is_empty() && serve.origins.is_empty() && serve.notify.is_empty());
    assert!(
        serve.webhooks.alertmanager.is_none() && serve.webhooks.grafana.is_none() && serve.webhooks.generic.is_empty()
    );
}

#[test]
fn everything_can_be_said() {
    let serve = parse(include_str!("whole.toml")).unwrap();
    assert_eq!((serve.workers, serve.listen.place.line > 0), (Some(4), true));
    assert_eq!((serve.connections, serve.streams, serve.stall), (2_048, 8, Duration::from_secs(10)));
    assert!(serve.hosts.contains("negawatt.example.com"));
    assert!(serve.origins.contains(&HttpOrigin::parse("https://console.example.com").unwrap()));
    let hook = serve.webhooks.alertmanager.unwrap();
    let from = hook.sender.unwrap();
    assert_eq!(from.secret.value, Secret::Environment("NEGAWATT_WEBHOOK_SECRET".into()));
    assert_eq!(
        (from.header.as_str(), from.hmac, from.timestamp_header.as_deref()),
        ("x-signature", true, Some("x-signature-time"))
    );
    let AlertMapping { service_labels, service, severities, severity, look_back, metrics, .. } = hook.mapping;
    assert_eq!((service_labels.len(), service.as_deref(), severity), (2, Some("checkout"), WatchSeverity::High));
    assert_eq!((severities["p1"], look_back), (WatchSeverity::Critical, Duration::from_secs(48 * 3_600)));
    assert_eq!((metrics[0].alert.as_str(), metrics[0].worse), ("Throughput*", Some(Worse::Down)));
    assert_eq!(serve.webhooks.generic["pager"].fields.firing, ["alerting"]);
    assert_eq!(
        (serve.notify[0].url.value.as_str(), serve.notify[0].events.len()),
        ("https://hooks.example.com/negawatt", 4)
    );
}

#[test]
fn who_sends_proves_it() {
    assert_eq!(sender("").unwrap(), None, "then a token of the server does");
    let plain = sender("secret = { env = \"S\" }").unwrap().unwrap();
    assert_eq!((plain.header.as_str(), plain.hmac), ("authorization", false));
    let signed = sender("secret = { file = \"s\" }\nhmac = true").unwrap().unwrap();
    assert_eq!((signed.header.as_str(), signed.hmac), ("x-hub-signature-256", true));
    assert_eq!(signed.secret.value, Secret::File("/etc/negawatt/s".into()));
    let named =
        sender("secret = { env = \"S\" }\nhmac = true\nheader = \"X-Grafana-Alerting-Signature\"").unwrap().unwrap();
    assert_eq!(named.header, "x-grafana-alerting-signature");
}

#[test]
fn what_is_told_is_everything_unless_somebody_says_otherwise() {
    let serve = parse("[[serve.notify]]\nurl = \"http://127.0.0.1:1/\"\nsecret = { env = \"S\" }").unwrap();
    assert_eq!(serve.notify[0].events, NotifyEvent::ALL.into());
}

#[test]
fn mistakes_have_their_place() {
    const NOTIFY: &str = "[[serve.notify]]\nurl = \"https://a.example/x\"\nsecret = { env = \"S\" }\n";
    for (text, line, says) in [
        ("[serve]\nlisten = \"localhost:7676\"", 2, "no address"),
        ("[serve]\nlisten = \"127.0.0.1\"", 2, "127.0.0.1:7676"),
        ("[serve]\nworkers = 2000", 2, "at most 1024"),
        ("[serve]\nconnections = 100000", 2, "at most 65536"),
        ("[serve]\nstall = \"2h\"", 2, "at most"),
        ("[serve]\nbody = \"1GiB\"", 2, "64MiB"),
        ("[serve]\nhosts = [\"a.example:80\"]", 2, "without a port"),
        ("[serve]\norigins = [\"https://a.example/page\"]", 2, "has a path"),
        ("[serve.webhooks.alertmanager]\nhmac = true", 2, "add secret"),
        ("[serve.webhooks.grafana]\nheader = \"x-key\"", 2, "add secret"),
        ("[serve.webhooks.grafana]\nsecret = { env = \"S\" }\ntimestamp_header = \"x-time\"", 3, "hmac = true"),
        ("[serve.webhooks.grafana]\nsecret = { env = \"S\" }\nheader = \"host\"", 3, "no header"),
        ("[serve.webhooks.alertmanager]\nsecret = \"hunter2\"", 2, "must be a table"),
        ("[serve.webhooks.alertmanager]\nlook_back = \"1000h\"", 2, "672h"),
        ("[serve.webhooks.alertmanager]\nseverities = { page = \"urgent\" }", 2, "\"critical\""),
        ("[[serve.webhooks.alertmanager.metrics]]\nalert = \"a\"", 1, "`metric` is missing"),
        ("[serve.webhooks.generic.Pager]\nfields = { title = \"/t\" }", 1, "no name of a webhook"),
        ("[serve.webhooks.generic.pager]\nservice = \"s\"", 1, "`fields` is missing"),
        ("[serve.webhooks.generic.pager]\nfields = { title = \"title\" }", 2, "\"/alert/title\""),
        ("[serve.webhooks.generic.pager]\nfields = { title = \"/a~2\" }", 2, "~1 stands for /"),
        ("[serve.webhooks.pagerduty]\nsecret = { env = \"S\" }", 1, "alertmanager, grafana, generic"),
        (&NOTIFY.repeat(2), 5, "two sections"),
        (&NOTIFY.replace("a.example", "u:hunter2@a.example"), 2, "sign with secret"),
        (&format!("{NOTIFY}events = [\"case\"]"), 4, "\"review_needed\""),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text}: {error}");
        let told = error.to_string();
        assert!(told.contains(says) && !told.contains("hunter2"), "{text}: {told}");
    }
}
