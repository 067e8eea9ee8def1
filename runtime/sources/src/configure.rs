//! The second stage of the tools: what the operator named is opened, and what is wrong with it is said at start.

use std::sync::Arc;

use negawatt_config::{Config, ConfigError};
use negawatt_host::{Child, Tools};

use crate::docs::MarkdownDocs;
use crate::egress::Egress;
use crate::git::Repositories;
use crate::profiles::FileProfiles;
use crate::records::Records;
use crate::topology::{CallGraph, Neighbours};

/// The sources of a configuration, open.
pub struct Configured {
    /// What stands behind the tools; the tools without a source are absent.
    pub tools: Tools,
    /// Which services belong to a case.
    pub neighbours: Neighbours,
}

/// Opens every source of a configuration. The first one that cannot be used is an error at its place. `parser` is the program that ends
/// up in [`parse_for_parent`](crate::parse_for_parent); without one, source files are parsed in this process, as in tests.
pub fn configure(config: &Config, parser: Option<Child>) -> Result<Configured, ConfigError> {
    let sources = &config.sources;
    let mut configured = Configured { tools: Tools::default(), neighbours: Neighbours::default() };
    let tools = &mut configured.tools;
    if let Some(source) = &sources.metrics {
        tools.metrics = Some(crate::metrics::configure(source)?);
    }
    if let Some(path) = &sources.profiles {
        tools.profiles = Some(Arc::new(FileProfiles::configure(path)?));
    }
    if !config.repositories.is_empty() {
        let repositories = Repositories::configure(&config.repositories, parser)?;
        tools.changes = Some(Arc::new(repositories.clone()));
        tools.code = Some(Arc::new(repositories));
    }
    if let Some(path) = &sources.configs {
        tools.configs = Some(Arc::new(Records::<crate::records::ConfigLine>::configure(path)?));
    }
    if let Some(path) = &sources.experiments {
        tools.experiments = Some(Arc::new(Records::<crate::records::ExperimentLine>::configure(path)?));
    }
    if let Some(path) = &sources.docs {
        tools.docs = Some(Arc::new(MarkdownDocs::configure(path)?));
    }
    if let Some(path) = &sources.topology {
        let (graph, neighbours) = CallGraph::configure(path)?;
        tools.topology = Some(Arc::new(graph));
        configured.neighbours = neighbours;
    }
    if let Some(egress) = Egress::configure(config)? {
        tools.http = Some(Arc::new(egress));
    }
    Ok(configured)
}
