//! `negawatt doctor`: checks the configuration, reaches every source and forge, and says what each can answer.

mod json;
mod sandbox;
mod text;

pub use sandbox::sandbox;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use negawatt_config::{Config, FILE_NAME};
use negawatt_host::grants::{Denial, Grants};
use negawatt_host::{Host, HostConfig, Origin, Tool};
use negawatt_planner::Catalog;
use negawatt_proposals::{Probed, probe};
use negawatt_sources::{Examined, examine};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::Look;
use crate::setup;

/// What was found.
struct Diagnosis {
    /// The configuration; `None` where there is none.
    config: Option<PathBuf>,
    sources: Vec<Examined>,
    forges: Vec<Probed>,
    skills: Skills,
    /// Tools without a source, with the skills that would use them.
    without_source: Vec<(Tool, Vec<String>)>,
    /// Whether skills can be run on this machine at all.
    sandbox: Result<(), CliError>,
    /// The folder of the casebook.
    casebook: Result<PathBuf, CliError>,
    /// The folder of compiled code.
    cache: Result<PathBuf, String>,
    fleet: Vec<Fleet>,
}

/// Skills, and those that cannot run.
#[derive(Default)]
struct Skills {
    bundled: usize,
    loaded: usize,
    /// Paths that cannot be read.
    unreadable: Vec<CliError>,
    /// Files that are not used, each with the reason.
    refused: Vec<(PathBuf, String)>,
    /// Skills that import what they were not granted.
    denied: Vec<Denial>,
}

/// A service with a worth.
struct Fleet {
    service: String,
    cores: f64,
    /// Whether a source knows it; `None` where no source knows services by name.
    is_known: Option<bool>,
}

/// Examines a configuration, the named one or `negawatt.toml` in the current folder, and prints what was found. A source or
/// a forge may take so many seconds to answer.
///
/// What does not work fails the command for people and for scripts that look at nothing else. A program that reads the object is
/// told by it, and the command has done what it was asked for: on failure it would have to print no object at all.
pub async fn doctor(named: Option<&Path>, wait: u64, as_json: bool) -> Result<(), CliError> {
    let diagnosis = Diagnosis::of(&Config::find(named)?, named, Duration::from_secs(wait)).await?;
    if as_json {
        write_out(&json_text(&diagnosis.json()));
        return Ok(());
    }
    write_out(&diagnosis.text(&Look::of_stdout()));
    failed(diagnosis.failures())
}

/// An error where something that is configured does not work.
pub fn failed(failures: usize) -> Result<(), CliError> {
    match failures {
        0 => Ok(()),
        1 => Err(CliError::failure("doctor", "one thing that is configured does not work")),
        failures => Err(CliError::failure("doctor", format!("{failures} things that are configured do not work"))),
    }
}

/// What was found, as a server shows it.
pub async fn shown(named: Option<&Path>, patience: Duration, as_json: bool) -> Result<String, CliError> {
    let diagnosis = Diagnosis::of(&Config::find(named)?, named, patience).await?;
    Ok(if as_json { diagnosis.json().to_string() } else { diagnosis.text(&Look::PLAIN) })
}

impl Diagnosis {
    async fn of(config: &Config, named: Option<&Path>, patience: Duration) -> Result<Diagnosis, CliError> {
        let (sources, forges) = tokio::join!(examine(config, patience), probe(config, patience));
        let (skills, catalog) = Skills::of(config)?;
        let mut without_source = Vec::new();
        for tool in Tool::ALL.into_iter().filter(|tool| example(*tool).is_some()) {
            if !sources.iter().any(|source| source.tools.contains(&tool)) {
                let skills = catalog.entries().iter().map(|entry| &entry.skill);
                let using = skills.filter(|skill| skill.imports.tools.contains(&tool));
                without_source.push((tool, using.map(|skill| skill.manifest.name.clone()).collect()));
            }
        }
        let known: BTreeSet<&String> =
            sources.iter().flat_map(|source| source.outcome.iter().flat_map(|described| &described.services)).collect();
        let fleet = config.fleet.iter().map(|(service, fleet)| Fleet {
            service: service.clone(),
            cores: fleet.servers * fleet.cores_per_server,
            is_known: (!known.is_empty()).then(|| known.contains(service)),
        });
        let fleet = fleet.collect();
        let cache = setup::cache_folder().ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".to_owned());
        Ok(Diagnosis {
            config: Some(named.unwrap_or(Path::new(FILE_NAME)).to_owned()).filter(|path| path.exists()),
            sources,
            forges,
            skills,
            without_source,
            sandbox: Host::new(HostConfig::default()).map(drop).map_err(CliError::from),
            casebook: setup::open_casebook(config).map(|book| book.file().parent().unwrap_or(book.file()).to_owned()),
            cache: cache.and_then(|folder| Host::check_cache(&folder).map(|()| folder)),
            fleet,
        })
    }

    /// How many things are configured and do not work. A cache that cannot be used costs time and nothing else.
    fn failures(&self) -> usize {
        let Skills { unreadable, refused, denied, .. } = &self.skills;
        self.sources.iter().filter(|source| source.outcome.is_err()).count()
            + self.forges.iter().filter(|forge| forge.outcome.is_err()).count()
            + usize::from(self.sandbox.is_err())
            + usize::from(self.casebook.is_err())
            + unreadable.len()
            + refused.len()
            + denied.len()
    }
}

impl Skills {
    /// The skills of a configuration, and what is wrong with its grants or limits. As many skills are read as can be.
    fn of(config: &Config) -> Result<(Skills, Catalog), CliError> {
        let mut skills = Skills::default();
        let mut readable = config.clone();
        readable.skills.paths.retain(|path| match setup::skill_files(path, config) {
            Ok(_) => true,
            Err(error) => {
                skills.unreadable.push(error);
                false
            }
        });
        let catalog = setup::catalog(&readable, &Grants::of(config), &mut skills.refused, None)?;
        for entry in catalog.entries() {
            match entry.skill.origin {
                Origin::Bundled => skills.bundled += 1,
                Origin::Loaded => skills.loaded += 1,
            }
            if let Err(denial) = &entry.rights {
                skills.denied.push(denial.clone());
            }
        }
        Ok((skills, catalog))
    }
}

/// What an operator writes to give a tool a source; nothing where a grant is enough, or where no source of this version stands behind
/// it.
fn example(tool: Tool) -> Option<String> {
    let (section, keys) = match tool {
        Tool::Metrics => ("sources.metrics", "kind = \"prometheus\", url = \"http://127.0.0.1:9090\""),
        Tool::Profiles => ("sources.profiles", "kind = \"files\", path = \"profiles\""),
        Tool::Changes | Tool::Code => ("sources.changes", "kind = \"git\", path = \"repo\""),
        Tool::Configs => ("sources.configs", "kind = \"files\", path = \"configs.jsonl\""),
        Tool::Experiments => ("sources.experiments", "kind = \"files\", path = \"experiments.jsonl\""),
        Tool::Topology => ("sources.topology", "kind = \"files\", path = \"topology.csv\""),
        Tool::Docs => ("sources.docs", "kind = \"files\", path = \"docs\""),
        Tool::Http | Tool::Precedents | Tool::Model | Tool::Mcp => return None,
    };
    Some(format!("add [{section}] {keys}"))
}
