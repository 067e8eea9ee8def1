//! From a real Prometheus over a real Alertmanager to a case with its culprit: a rule fires on a regression of now, and is resolved again.

use std::path::Path;

use negawatt_casegen::{Scenario, generate_until};
use negawatt_test_servers::{Alertmanager, Prometheus, openmetrics_of_csv};
use serde_json::Value;

use crate::common::server::{Server, until};
use crate::common::{write, write_private};

/// A case of one value every minute over eight hours, whose rise is clear of its noise: a rule looks five minutes back.
const SEED: u64 = 7_002;

const SECRET: &str = "what both of them know";

/// The values of a case's series, in their order.
fn values(folder: &Path, incident: &Value) -> Vec<f64> {
    let metric = incident["metric"]["name"].as_str().unwrap();
    let csv = std::fs::read_to_string(folder.join(format!("metrics/{metric}.csv"))).unwrap();
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let labels = incident["metric"]["labels"].as_object().unwrap();
    let is_it = |row: &Vec<&str>| labels.iter().all(|(name, value)| row[at(name)] == value.as_str().unwrap());
    let mut rows: Vec<_> = lines.filter(is_it).collect();
    rows.sort_by_key(|row| row[at("time")]);
    rows.iter().filter_map(|row| row[at("value")].parse().ok()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn an_alert_that_fires_on_a_regression_ends_in_its_culprit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let now = negawatt_host::time::now() / 1_000_000;
    let truth = generate_until(Scenario::Commit, SEED, now, folder).unwrap();
    std::fs::remove_file(folder.join("truth.json")).unwrap();
    let metrics = folder.join("metrics");
    let Some(prometheus) = Prometheus::with(&openmetrics_of_csv(&metrics).unwrap()) else { return };
    let incident: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("incident.json")).unwrap()).unwrap();
    let values = values(folder, &incident);
    std::fs::remove_dir_all(metrics).unwrap();

    // The server knows nothing of the incident but what it is told by the alert, and its history from where it came.
    let config = std::fs::read_to_string(folder.join("negawatt.toml")).unwrap();
    let files = "kind = \"files\"\npath = \"metrics\"";
    assert!(config.contains(files), "{config}");
    let config = config.replace(files, &format!("kind = \"prometheus\"\nurl = {:?}", prometheus.url()));
    let hook = "[serve.webhooks.alertmanager]\nsecret = { file = \"secret\" }\nlook_back = \"8h\"\n";
    write(folder.join("negawatt.toml"), &format!("{config}\n{hook}"));
    write_private(folder.join("secret"), SECRET);
    let server = Server::start(folder);
    let mut events = server.hear("/v1/events", "");

    let webhook = format!("http://{}/v1/webhooks/alertmanager", server.address);
    let Some(alertmanager) = Alertmanager::posting(&webhook, SECRET) else { return };
    let name = incident["metric"]["name"].as_str().unwrap();
    let labels = incident["metric"]["labels"].as_object().unwrap();
    let matchers: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expression = |threshold: f64| format!("{name}{{{}}} > {threshold}", matchers.join(","));
    let (before, after) = (mean(&values[..values.len() / 4]), mean(&values[values.len() - 20..]));
    assert!(after > 1.2 * before, "{before} {after}: the rule tells them apart");
    let service = [("severity", "critical"), ("service", incident["service"].as_str().unwrap())];
    prometheus.alert("CostIsUp", &expression((before + after) / 2.0), &service, &alertmanager);

    let accepted = events.next_of("accepted", |_| true);
    let case = accepted["case"].as_str().unwrap().to_owned();
    assert_eq!((&accepted["service"], &accepted["title"]), (&incident["service"], &"CostIsUp".into()));
    let ended = events.next_of("ended", |data| data["case"] == *case);
    assert_eq!(ended["verdict"], "regression");
    let shown = server.ask("GET", &format!("/v1/cases/{case}"), "").1;
    let culprit = truth.suspect.unwrap();
    assert_eq!(
        (&shown["suspects"][0]["id"], &shown["suspects"][0]["author"]),
        (&culprit.id.into(), &culprit.author.into()),
        "{shown:#}"
    );
    assert_eq!(
        (&shown["incident"]["severity"], &shown["incident"]["metric"]["name"]),
        (&"critical".into(), &name.into())
    );
    // It is told again and again while it lasts, which is the same case.
    let told = |text: &str| {
        let counter =
            "negawatt_http_requests_total{method=\"POST\",route=\"/v1/webhooks/alertmanager\",status=\"200\"} ";
        text.lines().find_map(|line| line.strip_prefix(counter)?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    until(|| (told(&server.ask_with("GET", "/metrics", "", "").2) >= 2.0).then_some(()));

    // What fired does not any more, which is told of the case, and changes nothing of it.
    prometheus.alert("CostIsUp", &expression(after * 1e6), &service, &alertmanager);
    events.next_of("resolved", |data| data["case"] == *case);
    let all = server.ask("GET", "/v1/cases", "").1;
    assert_eq!(all["cases"].as_array().unwrap().len(), 1, "{all:#}");
    assert_eq!(server.ask("GET", &format!("/v1/cases/{case}"), "").1["verdict"], "regression");
}
