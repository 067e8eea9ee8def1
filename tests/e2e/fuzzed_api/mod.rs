//! The API against its own description: whatever `schemathesis` makes of that is answered within it, and never with a failure of the
//! server.

use std::path::Path;
use std::process::Command;

use negawatt_test_servers::{find, missing};
use serde_json::Value;

use crate::common::case::{self, case};
use crate::common::server::Server;
use crate::common::{investigate, json, write};

/// How to get it.
const INSTALL: &str =
    "python3 -m venv <folder> && <folder>/bin/pip install schemathesis==4.32.5, and put <folder>/bin into PATH";

/// More requests a second than anybody sends, and a webhook of each form.
const SECTIONS: &str = "\
[serve]
rate = 100000
workers = 1
[serve.webhooks.alertmanager]
[serve.webhooks.generic.pager]
fields = { title = \"/title\", service = \"/service\" }
";

#[test]
fn whatever_is_asked_is_answered_as_described() {
    let Some(schemathesis) = find("schemathesis") else { return missing("schemathesis", INSTALL) };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", SECTIONS);
    let answer = investigate(folder);
    assert_eq!((&answer["verdict"], answer["mitigations"].is_array()), (&"regression".into(), true));
    let token = ["token", "create", "--name", "Ada", "--role", "admin", "--config", "negawatt.toml", "--json"];
    let token = json(folder, &token)["secret"].as_str().unwrap().to_owned();

    let server = Server::start(folder);
    let asked = folder.join("asked");
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/fuzzed_api/schemathesis.toml");
    std::fs::create_dir(&asked).unwrap();
    std::fs::copy(configuration, asked.join("schemathesis.toml")).unwrap();
    write(asked.join("cases.dict"), &format!("\"{}\"\n", case::id(&answer)));
    let output = Command::new(schemathesis)
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .arg(format!("http://{}/v1/openapi.json", server.address))
        .current_dir(&asked)
        .env("NEGAWATT_TOKEN", &token)
        .output()
        .unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{error}");

    // What it is worth: that it came past the limits, and to where something is.
    let told = |path: &str| server.ask_with("GET", path, &format!("Authorization: Bearer {token}\r\n"), "").2;
    let answered = answered(&told("/metrics"));
    let count = |fits: &dyn Fn(&Answered) -> bool| -> u64 {
        answered.iter().filter(|one| fits(one)).map(|one| one.count).sum()
    };
    let (all, too_many) = (count(&|_| true), count(&|one| one.status == "429"));
    assert!(all > 500 && too_many * 10 < all, "{too_many} of {all} were too many: {answered:?}");
    assert_eq!(count(&|one| one.status.starts_with('5')), 0, "{answered:?}");
    let described: Value = serde_json::from_str(&told("/v1/openapi.json")).unwrap();
    let left_out = |route: &str| ["/mcp", "/v1/tokens/{token}/revoke"].contains(&route);
    for (route, methods) in described["paths"].as_object().unwrap().iter().filter(|(route, _)| !left_out(route)) {
        for method in methods.as_object().unwrap().keys() {
            let asked = |one: &Answered| one.route == *route && one.method.eq_ignore_ascii_case(method);
            assert!(count(&asked) > 0, "nobody asked {method} {route}: {answered:?}");
            let found = |one: &Answered| asked(one) && one.status == "200";
            assert!(method != "get" || count(&found) > 0, "nothing was found at {route}: {answered:?}");
        }
    }
}

#[derive(Debug)]
struct Answered {
    method: String,
    route: String,
    status: String,
    count: u64,
}

/// The requests that a server has counted, by what its metrics say.
fn answered(metrics: &str) -> Vec<Answered> {
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("negawatt_http_requests_total{"));
    let one = |line: &str| {
        let (labels, count) = line.rsplit_once("} ").unwrap();
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("{name}: {line}"));
            rest.split_once('"').unwrap().0.to_owned()
        };
        Answered {
            method: label("method"),
            route: label("route"),
            status: label("status"),
            count: count.parse().unwrap(),
        }
    };
    lines.map(one).collect()
}
