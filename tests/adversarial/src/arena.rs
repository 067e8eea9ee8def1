//! Where attacks happen: a host with every limit on, tools over real files and repositories, things worth stealing beside them,
//! and an innocent neighbour.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_config::Config;
use negawatt_host::grants::{Grant, Grants, LimitsChange};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::*;
use negawatt_host::{
    Child, Envelope, Host, HostConfig, LoadError, Metrics, Origin, Outcome, Scope, Skill, Status, Tool, Tools,
};
use tempfile::TempDir;

use crate::components;
use crate::repository::{self, Hashes};

/// A word that is only where no skill may look. That it comes out of an attack is a failure, whatever else happened.
pub const BAIT: &str = "bait-0d1f";

/// The case's window: 5 January 2026, a whole day.
pub(crate) const WINDOW: Window = Window { start: 1_767_571_200_000_000, end: 1_767_657_600_000_000 };

/// Limits of every call; an attack that must be stopped by time has a shorter one of its own. All other times are such that
/// nothing but an attack reaches them on a busy machine.
pub(crate) const LIMITS: &str = "memory = \"16MiB\"\ntime = \"60s\"\ncompute = \"60s\"\ntool_time = \"60s\"\ntool_calls = 100\n\
    read_bytes = \"1MiB\"\nfindings = 64\nfinding_bytes = \"64KiB\"\nfindings_bytes = \"256KiB\"\ntext_bytes = \"32KiB\"\n\
    http_response_bytes = \"64KiB\"\nlinks = 16\nlog_lines = 100\nlog_bytes = \"16KiB\"\nhandles = 200\n";

/// Why there is no arena.
#[derive(Debug, thiserror::Error)]
#[error("the attacks cannot be prepared: {0}")]
pub struct ArenaError(pub(crate) String);

impl ArenaError {
    pub(crate) fn of(error: impl std::fmt::Display) -> ArenaError {
        ArenaError(error.to_string())
    }
}

/// Where attacks happen.
pub struct Arena {
    pub(crate) host: Arc<Host>,
    pub(crate) tools: Arc<Tools>,
    /// Commits that attacks name.
    pub(crate) hashes: Hashes,
    neighbour: Arc<Skill>,
    scope: Arc<Scope>,
    /// Holds the sources; others may be made in it.
    pub(crate) folder: TempDir,
}

/// The metrics of the files, and one that never answers.
struct Slow(Arc<dyn Metrics>);

#[async_trait]
impl Metrics for Slow {
    async fn query(&self, scope: &Scope, selector: Selector, window: Window, step: Option<u64>) -> Answer<Vec<Series>> {
        if selector.name == "never" {
            std::future::pending::<()>().await;
        }
        self.0.query(scope, selector, window, step).await
    }
}

impl Arena {
    /// Sets everything up in a temporary folder. With a compiler, skills are compiled in a process of their own.
    pub fn new(compiler: Option<Child>) -> Result<Arena, ArenaError> {
        let folder = tempfile::tempdir().map_err(ArenaError::of)?;
        let hashes = write_sources(folder.path())?;
        let file = folder.path().join("negawatt.toml");
        let config = Config::parse(SOURCES, &file).map_err(ArenaError::of)?;
        let mut tools = negawatt_sources::configure(&config, None).map_err(ArenaError::of)?.tools;
        tools.metrics = tools.metrics.map(|metrics| Arc::new(Slow(metrics)) as Arc<dyn Metrics>);
        let host = Host::new(HostConfig { compiler, ..HostConfig::default() });
        let neighbour = Skill::read(components::component("neighbour"), Origin::Loaded).map_err(ArenaError::of)?;
        let scope = Scope::of(&incident("cpu"), ["cart".to_owned()], 0);
        Ok(Arena {
            host: Arc::new(host.map_err(ArenaError::of)?),
            tools: Arc::new(tools),
            hashes,
            neighbour: Arc::new(neighbour),
            scope: Arc::new(scope),
            folder,
        })
    }

    /// The limits of a call: those of all, and some of its own.
    pub(crate) fn grants(&self, own: &str, granted: bool) -> Result<Grants, ArenaError> {
        let read = |text: &str| {
            let config = Config::parse(&format!("[limits]\n{text}"), Path::new("limits.toml"));
            config.map(|config| config.limits).map_err(ArenaError::of)
        };
        let (limits, own): (LimitsChange, LimitsChange) = (read(LIMITS)?, read(own)?);
        let tools = Tool::ALL.into_iter().filter(|tool| granted && *tool != Tool::Http);
        Ok(Grants { grants: vec![Grant { limits: own, ..Grant::to("*", tools) }], limits })
    }

    /// Reads and compiles a skill, as any that an operator loads.
    pub(crate) fn load(&self, wasm: Vec<u8>) -> Result<Arc<Skill>, LoadError> {
        let skill = Skill::read(wasm, Origin::Loaded)?;
        self.host.compile(&skill)?;
        Ok(Arc::new(skill))
    }

    /// Calls a skill of which the grants say what it may.
    pub(crate) async fn call(&self, skill: &Arc<Skill>, grants: &Grants, title: &str) -> Outcome {
        self.call_in(&self.host, skill, grants, title).await
    }

    /// Calls a skill in another host.
    pub(crate) async fn call_in(&self, host: &Arc<Host>, skill: &Arc<Skill>, grants: &Grants, title: &str) -> Outcome {
        self.call_with(host, self.tools.clone(), skill, grants, title).await
    }

    /// Calls a skill with other tools.
    pub(crate) async fn call_with(
        &self,
        host: &Arc<Host>,
        tools: Arc<Tools>,
        skill: &Arc<Skill>,
        grants: &Grants,
        title: &str,
    ) -> Outcome {
        let rights = match grants.rights(skill) {
            Ok(rights) => rights,
            Err(denial) => return Outcome::without_call(Status::Denied, denial.to_string()),
        };
        let mut envelope = Envelope::alone(incident(title), tools, rights.limits.clone());
        envelope.scope = self.scope.clone();
        envelope.case.seed = 7;
        host.call(skill, &rights, envelope).await
    }

    /// Calls the neighbour, who asks for its metric once.
    pub(crate) async fn ask_neighbour(&self) -> Result<Outcome, ArenaError> {
        Ok(self.call(&self.neighbour, &self.grants("", true)?, "an honest question").await)
    }
}

/// The case's incident.
pub(crate) fn incident(title: &str) -> Incident {
    Incident {
        kind: IncidentKind::Regression,
        title: title.to_owned(),
        service: "checkout".into(),
        metric: Some(Metric {
            name: "cpu".into(),
            labels: vec![Label { name: "service".into(), value: "checkout".into() }],
            worse: Direction::Up,
            transform: Transform::None,
            aggregate: None,
        }),
        window: WINDOW,
        severity: Severity::Medium,
    }
}

const SOURCES: &str = "\
[sources.metrics]\nkind = \"files\"\npath = \"data/metrics\"
[sources.profiles]\nkind = \"files\"\npath = \"data/profiles\"
[sources.configs]\nkind = \"files\"\npath = \"data/configs.jsonl\"
[sources.experiments]\nkind = \"files\"\npath = \"data/experiments.jsonl\"
[sources.topology]\nkind = \"files\"\npath = \"data/topology.csv\"
[sources.docs]\nkind = \"files\"\npath = \"data/docs\"
[repositories.shop]\npath = \"shop\"\nservices = [\"checkout\"]
[repositories.payroll]\npath = \"payroll\"\nservices = [\"payroll\"]\n";

/// Data of the case (the services `checkout` and `cart`) and of another (`payroll`), and a secret beside them.
fn write_sources(folder: &Path) -> Result<Hashes, ArenaError> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)).map_err(ArenaError::of)
    };
    let mut cpu = String::from("time,service,region,value\n");
    for half_hour in 0..48 {
        let time = WINDOW.start / 1_000_000 + half_hour * 1_800;
        for (service, region, value) in
            [("checkout", "north", 0.0125), ("cart", "north", 0.025), ("payroll", BAIT, 7.0), ("", BAIT, 9.0)]
        {
            cpu += &format!("{time},{service},{region},{value}\n");
        }
    }
    write("data/metrics/cpu.csv", &cpu)?;
    write("data/metrics.csv", &cpu)?;
    for (service, frame) in [("checkout", "cart::price"), ("payroll", BAIT)] {
        write(&format!("data/profiles/{service}/2026-01-05T01-00-00Z.folded"), &format!("main;{frame} 10\n"))?;
    }
    let entry = |service: &str, name: &str| {
        format!(
            "{{\"id\":\"{name}\",\"time\":\"2026-01-05T02:00:00Z\",\"service\":\"{service}\",\"key\":\"{name}\",\"before\":1,\"after\":2}}\n"
        )
    };
    write("data/configs.jsonl", &(entry("checkout", "batch") + &entry("payroll", BAIT)))?;
    let experiment = |service: &str, name: &str| {
        format!(
            "{{\"id\":\"{name}\",\"service\":\"{service}\",\"name\":\"{name}\",\"start\":\"2026-01-05T02:00:00Z\"}}\n"
        )
    };
    write("data/experiments.jsonl", &(experiment("checkout", "blue") + &experiment("payroll", BAIT)))?;
    write("data/topology.csv", &format!("caller,callee\ncheckout,cart\npayroll,{BAIT}\n{BAIT},bank\n"))?;
    write("data/docs/guide.md", "# Guide\n\nHow to check out.\n")?;
    write("data/secret.md", BAIT)?;
    write("secret.txt", BAIT)?;
    repository::write(folder)
}
