//! Cases over a real host, with copies of the misbehaving skill.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_casebook::{Case, Casebook, Config};
use negawatt_host::grants::{Grant, Grants, LimitsChange};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Window};
use negawatt_host::{Digest, Host, HostConfig, Metrics, Origin, Scope, Skill, Tool, Tools};
use negawatt_package::{Package, pack};
use negawatt_planner::{Catalog, Reach, Runtime, SearchPlanner, Successor};
use negawatt_test_guests::MISCHIEF;
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

use crate::common::incident;

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));

/// Answers nobody until so many have asked: steps that run one after the other would never end.
struct Together(Barrier);

#[async_trait]
impl Metrics for Together {
    async fn query(&self, _: &Scope, _: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        self.0.wait().await;
        Ok(Vec::new())
    }
}

/// A runtime with copies of one skill under other names.
pub fn runtime(names: &[&str], together: usize, budget: CaseLimits) -> Arc<Runtime> {
    let manifest = Package::read(MISCHIEF).unwrap().manifest.text;
    let limits = LimitsChange {
        time: Some(Duration::from_secs(60)),
        compute: Some(Duration::from_secs(60)),
        ..LimitsChange::default()
    };
    let grant = Grant { limits, ..Grant::to("*", [Tool::Metrics]) };
    let grants = Grants { grants: vec![grant], limits: LimitsChange::default() };
    let mut catalog = Catalog::default();
    for name in names {
        let wasm = pack(MISCHIEF, &manifest.replace("name: mischief", &format!("name: {name}"))).unwrap();
        catalog.add(Skill::read(wasm, Origin::Loaded).unwrap(), &grants, &[]).unwrap();
    }
    Arc::new(Runtime {
        host: HOST.clone(),
        tools: Arc::new(Tools { metrics: Some(Arc::new(Together(Barrier::new(together)))), ..Tools::default() }),
        catalog: Arc::new(catalog),
        planner: Arc::new(SearchPlanner),
        neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
        reach: Reach::default(),
        fleet: HashMap::new(),
        config: Config { path: None, digest: Digest::of(b"") },
        budget,
        successor: Successor::default(),
    })
}

/// Investigates an incident with this title, which the skills take as what to do.
pub async fn investigate(runtime: &Arc<Runtime>, title: &str) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    let mut incident = incident();
    incident.title = title.to_owned();
    let file = IncidentFile { incident, fingerprint: "f".into() };
    runtime.investigate(&book, file, Arc::new(|_| {}), CancellationToken::new()).await.unwrap()
}
