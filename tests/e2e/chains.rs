//! Different incidents take different chains: the planner asks only what the evidence so far makes worth asking, and stops when more
//! work cannot change the verdict.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use serde_json::{Value, json};

use crate::common::{investigate, write};

/// A plan: its skills by name in the order in which they ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Chain(Vec<String>);

impl Chain {
    fn of(answer: &Value) -> Chain {
        let name = |step: &Value| step["skill"].as_str().unwrap().split('@').next().unwrap().to_owned();
        Chain(answer["plan"].as_array().unwrap().iter().map(name).collect())
    }

    fn has(&self, skill: &str) -> bool {
        self.0.iter().any(|name| name == skill)
    }

    fn is_before(&self, first: &str, then: &str) -> bool {
        let place =
            |skill: &str| self.0.iter().position(|name| name == skill).unwrap_or_else(|| panic!("{skill}: {self:?}"));
        place(first) < place(then)
    }
}

fn generated(scenario: Scenario, seed: u64) -> (Value, Chain) {
    let folder = tempfile::tempdir().unwrap();
    generate(scenario, seed, folder.path()).unwrap();
    let answer = investigate(folder.path());
    let chain = Chain::of(&answer);
    (answer, chain)
}

/// A service that waits for a slower one; there are neither profiles nor a repository.
fn latency(folder: &Path) -> (Value, Chain) {
    let mut csv = String::from("time,service,value\n");
    for (seed, (service, before, after)) in
        [("shop", 0.20, 0.29), ("cart", 0.10, 0.19), ("search", 0.06, 0.06)].iter().enumerate()
    {
        for point in 0..288_usize {
            // A fixed pattern stands for noise; no step of it is as large as the change.
            let wave = ((point * 7919 + seed * 104_729) % 1009) as f64 / 1009.0 - 0.5;
            let level = if point < 180 { before } else { after };
            let (day, hour, minute) = (19 + point / 144, point % 144 / 6, point % 6 * 10);
            writeln!(csv, "2026-11-{day}T{hour:02}:{minute:02}:00Z,{service},{:.5}", level * (1.0 + 0.06 * wave))
                .unwrap();
        }
    }
    write(folder.join("metrics/request_seconds.csv"), &csv);
    write(folder.join("topology.csv"), "caller,callee\nshop,cart\nshop,search\n");
    let incident = json!({
        "kind": "regression", "title": "shop got slower", "service": "shop",
        "metric": { "name": "request_seconds", "labels": { "service": "shop" } },
        "window": { "start": "2026-11-19T00:00:00Z", "end": "2026-11-21T00:00:00Z" },
    });
    write(folder.join("incident.json"), &incident.to_string());
    write(
        folder.join("negawatt.toml"),
        "[casebook]\npath = \"casebook\"\n[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n\
         [sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n",
    );
    let answer = investigate(folder);
    let chain = Chain::of(&answer);
    (answer, chain)
}

/// Skills that look for causes: none of them is asked of a case that is dismissed.
const CAUSES: [&str; 8] = [
    "function-shift",
    "culprit-commit",
    "culprit-config",
    "service-rca",
    "schema-change",
    "logging-volume",
    "graphql-endpoints",
    "impact",
];

#[test]
fn six_kinds_of_incident_take_six_chains() {
    let (noise, of_noise) = generated(Scenario::Noise, 6_300);
    let (better, of_better) = generated(Scenario::Improvement, 6_300);
    let (spike, of_spike) = generated(Scenario::Spike, 6_300);
    let (commit, of_commit) = generated(Scenario::Commit, 6_300);
    let folder = tempfile::tempdir().unwrap();
    let (slow, of_slow) = latency(folder.path());
    let incident = json!({
        "kind": "opportunity", "title": "what could shop save?", "service": "shop",
        "window": { "start": "2026-11-19T00:00:00Z", "end": "2026-11-21T00:00:00Z" },
    });
    write(folder.path().join("incident.json"), &incident.to_string());
    let open = investigate(folder.path());
    let of_open = Chain::of(&open);

    let verdicts = [&noise, &better, &spike, &commit, &slow, &open].map(|answer| answer["verdict"].as_str().unwrap());
    assert_eq!(verdicts, ["dismissed", "dismissed", "dismissed", "regression", "regression", "inconclusive"]);
    let chains = [of_noise, of_better, of_spike, of_commit, of_slow, of_open];
    let different: BTreeSet<&Chain> = chains.iter().collect();
    assert_eq!(different.len(), chains.len(), "{chains:#?}");
    let [of_noise, of_better, of_spike, of_commit, of_slow, of_open] = &chains;
    // Nothing changed: only those who need no change to name a reason are asked, and nobody for a cause.
    assert!(of_noise.has("seasonality") && !of_noise.has("went-away"), "{of_noise:?}");
    // It changed for the better: that needs no excuse.
    assert!(!of_better.has("seasonality"), "{of_better:?}");
    assert!(of_spike.has("went-away"), "{of_spike:?}");
    for dismissed in [of_noise, of_better, of_spike] {
        assert!(CAUSES.iter().all(|skill| !dismissed.has(skill)), "{dismissed:?}");
    }
    // Localised to functions, then attributed; who needs functions waits for them.
    assert!(of_commit.is_before("function-shift", "culprit-commit"), "{of_commit:?}");
    assert!(of_commit.has("logging-volume"), "{of_commit:?}");
    // No functions are known: whoever needs them is not asked, and the services are.
    assert!(of_slow.has("service-rca") && !of_slow.has("logging-volume"), "{of_slow:?}");
    assert_eq!(slow["suspects"][0]["id"], "cart", "{slow:#}");
    // Nobody looks for opportunities yet.
    assert!(of_open.0.is_empty(), "{of_open:?}");
}
