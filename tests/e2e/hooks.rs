//! What others say to `negawatt serve`, and how it knows that it was they; and what it tells others, until they have heard it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use negawatt_host::text::hex;
use negawatt_host::time;
use negawatt_signals::SigningSecret;
use negawatt_test_servers::{HttpServer, Request, Response};
use ring::hmac;
use serde_json::{Value, json as object};

use crate::common::case::case;
use crate::common::server::{Server, until};
use crate::common::{json, write, write_private};

const SECRET: &str = "what both of them know";

const ALERTMANAGER: &str = "/v1/webhooks/alertmanager";

/// A server without any source, with webhooks whose secret is in a file.
fn hooked(folder: &Path, webhooks: &str) -> Server {
    write_private(folder.join("secret"), SECRET);
    write(folder.join("negawatt.toml"), webhooks);
    Server::start(folder)
}

fn ago(seconds: i64) -> String {
    time::rfc3339(time::now() - seconds * 1_000_000)
}

fn alert(status: &str, service: &str, started: &str) -> Value {
    object!({
        "status": status, "labels": { "alertname": "CostIsUp", "service": service, "severity": "critical" },
        "annotations": {}, "startsAt": started, "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=cpu_cores+%3E+5&g0.tab=1", "fingerprint": "1a30",
    })
}

fn group(alerts: &Value) -> String {
    object!({ "version": "4", "groupKey": "{}", "truncatedAlerts": 7, "alerts": alerts }).to_string()
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

/// What was done, of a payload that was taken.
fn taken(server: &Server, path: &str, head: &str, body: &str) -> Value {
    let (status, _, answer) = server.ask_with("POST", path, head, body);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

/// The kind of the problem of a payload that was not taken.
fn refused(server: &Server, path: &str, head: &str, body: &str) -> (u16, String) {
    let (status, _, answer) = server.ask_with("POST", path, head, body);
    let problem: Value = serde_json::from_str(&answer).unwrap();
    assert!(!answer.contains(SECRET) && problem["help"].is_string(), "{answer}");
    (status, problem["type"].as_str().unwrap().trim_start_matches("urn:negawatt:").to_owned())
}

fn shown(server: &Server, head: &str, case: &Value) -> Value {
    let path = format!("/v1/cases/{}", case.as_str().unwrap());
    serde_json::from_str(&server.ask_with("GET", &path, head, "").2).unwrap()
}

#[test]
fn a_shared_secret_lets_its_sender_in_and_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = hooked(folder, "[serve.webhooks.alertmanager]\nsecret = { file = \"secret\" }\n");
    let arguments = ["token", "create", "--name", "ci", "--role", "operator", "--config", "negawatt.toml", "--json"];
    let token = json(folder, &arguments)["secret"].as_str().unwrap().to_owned();
    let body = group(&object!([alert("firing", "checkout", &ago(60))]));
    // Whoever has a token of the server still is not the sender.
    for head in ["", &bearer("something else"), &bearer(&token), &format!("Authorization: {SECRET}\r\n")] {
        assert_eq!(refused(&server, ALERTMANAGER, head, &body), (401, "signature".to_owned()), "{head}");
    }
    let head = bearer(SECRET);
    assert_eq!(taken(&server, ALERTMANAGER, &head, &body)["alerts"][0]["case"]["duplicate"], false);
    for (method, path) in [("GET", "/v1/cases"), ("POST", "/v1/incidents"), ("POST", "/v1/webhooks/grafana")] {
        assert_eq!(server.ask_with(method, path, &head, "{}").0, 401, "{path}: it is no token");
    }
    // The secret that is in the file counts, also where it was put there a moment ago.
    write_private(folder.join("secret"), "a newer one");
    assert_eq!(server.ask_with("POST", ALERTMANAGER, &head, &body).0, 401);
    assert_eq!(taken(&server, ALERTMANAGER, &bearer("a newer one"), &body)["alerts"][0]["case"]["duplicate"], true);
    let log = json(folder, &["audit", "list", "--config", "negawatt.toml", "--json"]).to_string();
    assert!(log.contains("webhook alertmanager") && log.contains("nobody") && !log.contains(SECRET), "{log}");
    // Strangers do not fill the disk with what they are refused.
    let refusals = || {
        let log = json(folder, &["audit", "list", "--limit", "9999", "--config", "negawatt.toml", "--json"]);
        log["entries"].as_array().unwrap().iter().filter(|entry| entry["who"] == "nobody").count()
    };
    for _ in 0..200 {
        assert_eq!(server.ask_with("POST", ALERTMANAGER, "", &body).0, 401);
    }
    assert!((20..100).contains(&refusals()), "{}", refusals());
}

#[test]
fn an_alert_is_known_by_its_beginning_and_a_bad_one_costs_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = hooked(folder.path(), "");
    let mut events = server.hear("/v1/events", "");
    let started = ago(1_800);
    let mut nameless = alert("firing", "", &started);
    nameless["labels"] = object!({ "alertname": "CostIsUp" });
    let (first, gone) = (alert("firing", "checkout", &started), alert("resolved", "cart", &started));
    let body = group(&object!([first, nameless, gone]));
    let answer = taken(&server, ALERTMANAGER, "", &body);
    let [one, other] = answer["alerts"].as_array().unwrap().as_slice() else { panic!("{answer:#}") };
    assert_eq!(
        (&one["state"], &one["case"]["duplicate"], &one["fingerprint"]),
        (&"firing".into(), &false.into(), &"alertmanager:1a30".into())
    );
    assert_eq!((&other["state"], &other["case"]), (&"resolved".into(), &Value::Null), "it never made a case");
    assert_eq!(answer["refused"][0]["pointer"], "/alerts/1/labels");
    assert!(answer["refused"][0]["help"].as_str().unwrap().contains("service_labels"), "{answer:#}");
    assert!(answer["notes"][0].as_str().unwrap().contains("left out 7 alerts"), "{answer:#}");
    let case = &one["case"]["case"];
    let incident = &shown(&server, "", case)["incident"];
    assert_eq!(
        (&incident["metric"]["name"], &incident["metric"]["worse"], &incident["severity"]),
        (&"cpu_cores".into(), &"up".into(), &"critical".into())
    );

    // The same one again is the same case, also once that has ended.
    server.events(case.as_str().unwrap());
    let again = taken(&server, ALERTMANAGER, "", &body);
    assert_eq!((&again["alerts"][0]["case"]["case"], &again["alerts"][0]["case"]["duplicate"]), (case, &true.into()));
    // What began anew is another one.
    let later = ago(60);
    let anew = taken(&server, ALERTMANAGER, "", &group(&object!([alert("firing", "checkout", &later)])));
    let second = &anew["alerts"][0]["case"];
    assert_eq!((second["case"] == *case, &second["duplicate"]), (false, &false.into()), "{anew:#}");
    server.events(second["case"].as_str().unwrap());

    // Each is told when it is over, which changes nothing.
    for (started, case) in [(&started, case), (&later, &second["case"])] {
        let before = shown(&server, "", case);
        let over = taken(&server, ALERTMANAGER, "", &group(&object!([alert("resolved", "checkout", started)])));
        let over = &over["alerts"][0];
        assert_eq!((&over["state"], &over["case"]["case"]), (&"resolved".into(), case));
        let told = events.next_of("resolved", |_| true);
        assert_eq!((&told["case"], &told["fingerprint"]), (case, &"alertmanager:1a30".into()));
        assert_eq!(shown(&server, "", case), before);
    }
    assert_eq!(server.ask("GET", "/v1/cases", "").1["cases"].as_array().unwrap().len(), 2);

    // Nothing of it can be taken: the sender is told.
    for (body, expected) in [
        (group(&object!([nameless])), (422, "payload")),
        (body.replace("\"4\"", "\"3\""), (400, "payload")),
        ("{".to_owned(), (400, "payload")),
    ] {
        assert_eq!(refused(&server, ALERTMANAGER, "", &body), (expected.0, expected.1.to_owned()), "{body}");
    }
}

fn signed(text: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes()).as_ref())
}

const GRAFANA: &str = "[serve.webhooks.grafana]
secret = { file = \"secret\" }
hmac = true
header = \"X-Grafana-Alerting-Signature\"
timestamp_header = \"X-Grafana-Alerting-Timestamp\"
";

#[test]
fn grafana_signs_what_it_sends_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let server = hooked(folder.path(), GRAFANA);
    let path = "/v1/webhooks/grafana";
    let mut alert = alert("firing", "search", &ago(60));
    alert["annotations"] = object!({
        "summary": "search answers slower", "negawatt_metric": "max by (service) (histogram_quantile(0.99, rate(latency_seconds_bucket[5m])))",
    });
    alert["generatorURL"] = "https://grafana.example/alerting/grafana/1afz29v7z/view?orgId=1".into();
    alert["values"] = object!({ "B": 0.44, "C": 1 });
    let body = object!({ "version": "1", "groupKey": "{}", "orgId": 1, "alerts": [alert] }).to_string();
    let now = time::now() / 1_000_000;
    let head = |time: i64, signature: &str| {
        format!("X-Grafana-Alerting-Signature: {signature}\r\nX-Grafana-Alerting-Timestamp: {time}\r\n")
    };
    let right = |time: i64| head(time, &signed(&format!("{time}:{body}")));
    for (head, body, why) in [
        (String::new(), body.as_str(), "nothing is signed"),
        (head(now, &signed(&body)), &body, "its time is not signed"),
        (head(now, &signed("")), &body, "something else is signed"),
        (right(now), &body.replace("search", "cart"), "something else is sent"),
        (right(now - 400), &body, "it is a copy of what was sent"),
        (head(now, &signed(&format!("{}:{body}", now - 400))), &body, "it is a copy with another time"),
        (bearer(SECRET), &body, "the secret is not sent"),
    ] {
        assert_eq!(refused(&server, path, &head, body), (401, "signature".to_owned()), "{why}");
    }
    let answer = taken(&server, path, &right(now), &body);
    let alert = &answer["alerts"][0];
    assert_eq!(
        (&alert["fingerprint"], &alert["notes"][0]),
        (&"grafana:1a30".into(), &"its values: B = 0.44, C = 1".into())
    );
    let incident = &shown(&server, "", &alert["case"]["case"])["incident"];
    assert_eq!((&incident["title"], &incident["service"]), (&"search answers slower".into(), &"search".into()));
    assert_eq!(incident["metric"]["transform"]["quantile"], 0.99, "{incident:#}");
}

const PAGER: &str = "[serve.webhooks.generic.pager]
secret = { file = \"secret\" }
hmac = true
severities = { P1 = \"critical\" }
[serve.webhooks.generic.pager.fields]
alerts = \"/events\"
title = \"/name\"
labels = \"/tags\"
metric = \"/metric\"
starts_at = \"/at\"
severity = \"/priority\"
fingerprint = \"/id\"
state = \"/state\"
";

#[test]
fn whatever_sends_json_is_read_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let server = hooked(folder.path(), PAGER);
    let path = "/v1/webhooks/generic/pager";
    let post = |events: Value| {
        let body = object!({ "events": events }).to_string();
        taken(&server, path, &format!("X-Hub-Signature-256: sha256={}\r\n", signed(&body)), &body)
    };
    let at = time::now() / 1_000_000 - 60;
    let event = |state: &str| {
        object!({
            "id": "ev-17", "name": "Cost of checkout", "at": at, "priority": "P1", "state": state,
            "tags": { "service": "checkout" }, "metric": "max by (service) (rate(cpu_seconds_total[5m])) > 5",
        })
    };
    let answer = post(object!([event("alerting"), { "id": "ev-18", "name": "Disk", "state": "unsure" }]));
    assert_eq!(answer["refused"][0]["pointer"], "/events/1/state", "{answer:#}");
    let case = &answer["alerts"][0]["case"];
    assert_eq!((&answer["alerts"][0]["fingerprint"], &case["duplicate"]), (&"generic:ev-17".into(), &false.into()));
    let incident = &shown(&server, "", &case["case"])["incident"];
    assert_eq!(
        (&incident["title"], &incident["severity"], &incident["metric"]["name"]),
        (&"Cost of checkout".into(), &"critical".into(), &"cpu_seconds_total".into())
    );
    assert_eq!(post(object!([event("open")]))["alerts"][0]["case"]["duplicate"], true);
    // One that does not say when it began is of the newest case of its time.
    let mut over = event("ok");
    over.as_object_mut().unwrap().remove("at");
    assert_eq!(post(object!([over]))["alerts"][0]["case"]["case"], case["case"]);
    let body = object!({ "events": [event("alerting")] }).to_string();
    for head in ["", "X-Hub-Signature-256: sha256=00\r\n", &bearer(SECRET)] {
        assert_eq!(refused(&server, path, head, &body), (401, "signature".to_owned()), "{head}");
    }
    assert_eq!(refused(&server, "/v1/webhooks/generic/pagers", "", &body), (404, "no-such-webhook".to_owned()));
}

/// Bytes that nobody guesses, as Standard Webhooks writes them.
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Whoever is told, and may be away.
struct Told {
    server: HttpServer,
    is_away: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Told {
    fn start() -> Told {
        let (is_away, requests) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<Request>>>::default());
        let (away, seen) = (is_away.clone(), requests.clone());
        let server = HttpServer::start(move |request| {
            seen.lock().unwrap().push(request.clone());
            let status = if away.load(Ordering::SeqCst) { 503 } else { 204 };
            Response { status, ..Response::json("") }
        });
        Told { server, is_away, requests }
    }

    /// What was told: the ids of each kind of notice of each proposal. Every one of them is signed.
    fn ids(&self) -> BTreeMap<(String, u64), Vec<String>> {
        let mut ids: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for request in self.requests.lock().unwrap().iter() {
            let header = |name: &str| {
                request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
            };
            let (id, time) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap());
            let signature = SigningSecret::parse(SIGNING).unwrap().sign(&id, time, &request.body);
            assert_eq!(header("webhook-signature"), signature);
            let body: Value = serde_json::from_str(&request.body).unwrap();
            assert_eq!((&body["version"], &body["id"]), (&"negawatt.v1".into(), &id.as_str().into()));
            let kind = body["type"].as_str().unwrap().to_owned();
            ids.entry((kind, body["data"]["proposal"].as_u64().unwrap_or(0))).or_default().push(id);
        }
        ids
    }

    /// Waits until something was told of a proposal, 0 for the case; gives the ids under which it was.
    fn of(&self, kind: &str, proposal: u64) -> Vec<String> {
        until(|| self.ids().remove(&(kind.to_owned(), proposal)))
    }
}

/// A case whose notices go there.
fn told_of(folder: &Path, told: &Told, more: &str) {
    write_private(folder.join("signing"), SIGNING);
    let notify = format!("[[serve.notify]]\nurl = \"{}/hook\"\nsecret = {{ file = \"signing\" }}\n", told.server.url());
    case(folder, "", &format!("{notify}{more}"));
}

#[test]
fn what_went_by_itself_when_its_forge_came_back_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = Told::start();
    told.is_away.store(false, Ordering::SeqCst);
    told_of(folder, &told, "[review]\nconfidence = 0.5\nseverity = \"critical\"\n");
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let server = Server::start(folder);
    let incident = std::fs::read_to_string(folder.join("incident.json")).unwrap();
    let (_, accepted) = server.ask("POST", "/v1/incidents", &incident);
    let case = accepted["case"].as_str().unwrap();
    server.events(case);
    let stage = || server.ask("GET", &format!("/v1/cases/{case}/proposals/1"), "").1["stage"].clone();
    assert_eq!(stage(), "approved", "it was let go, and its forge is away");
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    assert_eq!(server.ask("POST", "/v1/reviews/follow", "").0, 200);
    assert_eq!(stage(), "submitted");
    told.of("proposal", 1);
}

#[test]
fn others_are_told_until_they_have_heard_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = Told::start();
    told_of(folder, &told, "");
    let arguments = ["token", "create", "--name", "Ada", "--role", "reviewer", "--config", "negawatt.toml", "--json"];
    let head = bearer(json(folder, &arguments)["secret"].as_str().unwrap());
    let incident = std::fs::read_to_string(folder.join("incident.json")).unwrap();

    // Whoever is to be told is away, and then the server is killed.
    let server = Server::start(folder);
    let (status, _, accepted) = server.ask_with("POST", "/v1/incidents", &head, &incident);
    assert_eq!(status, 202, "{accepted}");
    let case = serde_json::from_str::<Value>(&accepted).unwrap()["case"].as_str().unwrap().to_owned();
    told.of("verdict", 0);
    let outbox = rusqlite::Connection::open(folder.join("casebook/outbox.db")).unwrap();
    let count = |which: &str| {
        let sql = format!("SELECT count(*) FROM notice WHERE state = 'waiting' AND {which}");
        outbox.query_row(&sql, (), |row| row.get::<_, u32>(0)).unwrap()
    };
    // What is being sent when it is killed comes again after half a minute.
    until(|| (count("attempts > 0") > 0).then_some(()));
    server.end("-KILL");
    let unheard = told.of("verdict", 0).len();

    // The next one tells it under the same id, and what the killed one had not come to.
    told.is_away.store(false, Ordering::SeqCst);
    let server = Server::start(folder);
    until(|| (told.of("verdict", 0).len() > unheard).then_some(()));
    told.of("review_needed", 1);
    told.of("review_needed", 2);
    let (status, _, approved) =
        server.ask_with("POST", &format!("/v1/cases/{case}/proposals/1/approve"), &head, "{\"text\": \"right\"}");
    assert_eq!(status, 200, "{approved}");
    told.of("proposal", 1);
    until(|| (count("true") == 0).then_some(()));
    assert_eq!(server.end("-TERM"), Some(0));

    // So does the one after it, which finds all of that told already.
    let server = Server::start(folder);
    let outcome = "{\"what\": \"merged\", \"proposal\": 1, \"text\": \"thanks\"}";
    let (status, _, answer) = server.ask_with("POST", &format!("/v1/cases/{case}/outcome"), &head, outcome);
    assert_eq!(status, 200, "{answer}");
    told.of("outcome", 1);
    until(|| (count("true") == 0).then_some(()));
    let all = told.ids();
    let kinds: Vec<_> = all.keys().map(|(kind, proposal)| (kind.as_str(), *proposal)).collect();
    assert_eq!(kinds, [("outcome", 1), ("proposal", 1), ("review_needed", 1), ("review_needed", 2), ("verdict", 0)]);
    for (what, ids) in &all {
        let first = &ids[0];
        assert!(ids.iter().all(|id| id == first) && first.starts_with(&case), "{what:?}: {ids:?}");
        // But for the one that was not heard, nothing is told twice.
        assert_eq!(ids.len(), if what.0 == "verdict" { unheard + 1 } else { 1 }, "{what:?}: {ids:?}");
    }
}
