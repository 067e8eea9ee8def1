//! A runtime with skills under any name, and tools that remember what they were asked.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_casebook::{Case, CaseId, Casebook, Config, Event};
use negawatt_host::grants::{Grant, Grants, LimitsChange};
use negawatt_host::json::IncidentFile;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::code::{CodeMatch, FileOutline, SyntaxTree};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Error, Incident, Window};
use negawatt_host::{Code, Digest, Host, HostConfig, Mcp, Metrics, Origin, Scope, Skill, Tool, Tools};
use negawatt_package::{Package, pack};
use negawatt_planner::{
    Backtested, Catalog, Entry, Reach, ReplayError, Replayed, Runtime, SearchPlanner, Successor, Watcher,
};
use tokio_util::sync::CancellationToken;

use crate::common;

pub static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| Arc::new(Host::new(HostConfig::default()).unwrap()));

/// A component under another name, with other kinds.
#[derive(Clone, Copy)]
pub struct Card<'a> {
    pub component: &'a [u8],
    pub name: &'a str,
    pub consumes: &'a str,
    pub reads: &'a str,
    pub produces: &'a str,
}

impl Card<'_> {
    pub fn skill(&self) -> Skill {
        let manifest = Package::read(self.component).unwrap().manifest.text;
        let changed = manifest.lines().map(|line| {
            let (key, _) = line.split_once(':').unwrap_or((line, ""));
            match key {
                "name" => format!("name: {}", self.name),
                "  negawatt.consumes" => format!("{key}: \"{}\"", self.consumes),
                "  negawatt.reads" => format!("{key}: \"{}\"", self.reads),
                "  negawatt.produces" => format!("{key}: \"{}\"", self.produces),
                _ => line.to_owned(),
            }
        });
        let manifest = changed.collect::<Vec<_>>().join("\n") + "\n";
        Skill::read(pack(self.component, &manifest).unwrap(), Origin::Loaded).unwrap()
    }
}

/// A copy of `mischief` that consumes nothing.
pub fn mischief(name: &str) -> Card<'_> {
    let component = negawatt_test_guests::MISCHIEF;
    Card { component, name, consumes: "", reads: "", produces: "note change-point suspect" }
}

/// What the tools were asked.
#[derive(Default)]
pub struct Asked {
    pub scopes: Mutex<Vec<Scope>>,
    pub posted: Mutex<Vec<String>>,
}

/// Some samples for every metric but `never`, which never answers.
#[async_trait]
impl Metrics for Asked {
    async fn query(&self, scope: &Scope, selector: Selector, _: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        if selector.name == "never" {
            std::future::pending::<()>().await;
        }
        self.scopes.lock().unwrap().push(scope.clone());
        Ok(vec![Series { labels: Vec::new(), times: (0..100).collect(), values: vec![1.0; 100] }])
    }
}

#[async_trait]
impl Code for Asked {
    async fn search(&self, _: &Scope, _: String, _: String, _: Vec<String>) -> Answer<Vec<CodeMatch>> {
        Ok(Vec::new())
    }
    async fn read(&self, _: &Scope, _: String, _: String, _: Option<String>) -> Answer<String> {
        Ok(String::new())
    }
    async fn outline(&self, _: &Scope, _: String, _: String, _: Option<String>) -> Answer<FileOutline> {
        Ok(FileOutline { definitions: Vec::new(), comments: Vec::new() })
    }
    async fn tree(&self, _: &Scope, _: String, path: String, _: Option<String>) -> Answer<SyntaxTree> {
        Err(Error::NotFound(path))
    }
}

#[async_trait]
impl Mcp for Asked {
    async fn call(&self, _: &Scope, _: String, _: String, arguments: String) -> Answer<String> {
        self.posted.lock().unwrap().push(arguments);
        Ok("{}".to_owned())
    }
}

/// Everything that a case needs, in a folder of its own.
pub struct World {
    pub runtime: Runtime,
    pub asked: Arc<Asked>,
    pub book: Casebook,
    _folder: tempfile::TempDir,
}

/// The tools of the guests, with generous time, since tests share the machine.
pub fn grant(name: &str) -> Grant {
    let minute = Some(Duration::from_secs(60));
    let limits = LimitsChange { time: minute, compute: minute, tool_time: minute, ..LimitsChange::default() };
    Grant { limits, ..Grant::to(name, [Tool::Metrics, Tool::Code, Tool::Mcp]) }
}

pub fn catalog(cards: &[Card<'_>], grants: &[Grant]) -> Arc<Catalog> {
    let grants = Grants { grants: grants.to_vec(), limits: LimitsChange::default() };
    let mut catalog = Catalog::default();
    cards.iter().for_each(|card| catalog.add(card.skill(), &grants, &[]).unwrap());
    Arc::new(catalog)
}

impl World {
    pub fn new(cards: &[Card<'_>], grants: &[Grant]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let asked = Arc::<Asked>::default();
        let tools = Tools {
            metrics: Some(asked.clone()),
            code: Some(asked.clone()),
            mcp: Some(asked.clone()),
            ..Tools::default()
        };
        let runtime = Runtime {
            host: HOST.clone(),
            tools: Arc::new(tools),
            catalog: catalog(cards, grants),
            planner: Arc::new(SearchPlanner),
            neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
            reach: Reach::default(),
            fleet: HashMap::new(),
            config: Config { path: None, digest: Digest::of(b"") },
            budget: CaseLimits::default(),
            successor: Successor::default(),
        };
        World { runtime, asked, book: Casebook::open(&folder.path().join("casebook")).unwrap(), _folder: folder }
    }

    /// The world as another process finds it later, perhaps with other skills or grants.
    pub fn runtime(&self) -> Arc<Runtime> {
        let Runtime { host, tools, catalog, planner, neighbours, reach, fleet, config, budget, .. } = &self.runtime;
        Arc::new(Runtime {
            host: host.clone(),
            tools: tools.clone(),
            catalog: catalog.clone(),
            planner: planner.clone(),
            neighbours: neighbours.clone(),
            reach: *reach,
            fleet: fleet.clone(),
            config: config.clone(),
            budget: budget.clone(),
            successor: Successor::default(),
        })
    }

    pub async fn investigate(&self, incident: Incident, watcher: Watcher, cancel: CancellationToken) -> Case {
        let file = IncidentFile { incident, fingerprint: "f".into() };
        self.runtime().investigate(&self.book, file, watcher, cancel).await.unwrap()
    }

    /// A whole case of an incident with a title.
    pub async fn case(&self, title: &str) -> Case {
        self.investigate(incident(title), Arc::new(|_| {}), CancellationToken::new()).await
    }

    /// A case that is open, and of which nothing has been planned.
    pub async fn opened(&self, title: &str) -> CaseId {
        let cancel = CancellationToken::new();
        cancel.cancel();
        self.investigate(incident(title), Arc::new(|_| {}), cancel).await.id
    }

    /// The same world with an empty casebook.
    pub fn like(other: &World) -> World {
        let runtime = Arc::into_inner(other.runtime()).unwrap();
        World { runtime, asked: other.asked.clone(), ..World::new(&[], &[]) }
    }

    pub async fn replay(&self, case: &CaseId) -> Result<Replayed, ReplayError> {
        self.runtime().replay(&self.book, case, &CancellationToken::new()).await
    }

    pub async fn backtest(
        &self,
        case: &CaseId,
        candidate: &Entry,
        live: Option<&Tools>,
    ) -> Result<Backtested, ReplayError> {
        self.runtime().backtest(&self.book, case, candidate, live, &CancellationToken::new()).await
    }

    /// What an event refers to.
    pub fn blobs(&self, event: &Event) -> Vec<Vec<u8>> {
        let Event::Called(call) = event else { return Vec::new() };
        let digests = call.answers.iter().flat_map(|answer| [&answer.request, &answer.response]);
        digests.map(|digest| self.book.blob(digest).unwrap()).collect()
    }

    pub async fn resume(&self, case: &CaseId) -> Case {
        self.runtime().resume(&self.book, case, Arc::new(|_| {}), CancellationToken::new()).await.unwrap()
    }
}

pub fn incident(title: &str) -> Incident {
    Incident { title: title.to_owned(), ..common::incident() }
}

/// The skills of a case's steps with how they ended.
pub fn ended(case: &Case) -> Vec<(&str, negawatt_host::Status)> {
    let name = |skill: &'_ str| skill.len() - skill.split_once('@').map_or(0, |(_, version)| version.len() + 1);
    case.steps.iter().map(|step| (&step.planned.skill[..name(&step.planned.skill)], step.status())).collect()
}
