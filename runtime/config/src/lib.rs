//! What an operator says in `negawatt.toml`, as plain values.
//!
//! Everything is optional: an empty file is valid. Everything is checked: a key that nobody knows, a wrong type, a size
//! that is none is a [`ConfigError`] with file, line, column, key, and what would be right. Whether a path exists is
//! checked by whoever opens it, with the [`Place`] that it carries.

mod place;
mod reader;
mod sections;
mod units;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use negawatt_package::Tool;
pub use place::{ConfigError, Located, Place};

/// The name of the file.
pub const FILE_NAME: &str = "negawatt.toml";

/// All that an operator says.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[sources.<tool>]`: what stands behind the tools.
    pub sources: Sources,
    /// `[repositories.<name>]`, and `[sources.changes]` as the one named `default`.
    pub repositories: BTreeMap<String, Repository>,
    /// `casebook.path`: the folder of the casebook; absent for the default.
    pub casebook: Option<Located<PathBuf>>,
    /// `[skills]`: which skills are loaded.
    pub skills: Skills,
    /// `[[grants]]`: who may use which tool.
    pub grants: Vec<Grant>,
    /// `[limits]`: what every call may spend unless a grant says otherwise.
    pub limits: Limits,
    /// `[fleet.services.<name>]`: what a service is worth.
    pub fleet: BTreeMap<String, FleetService>,
}

/// `[sources.*]`. The repositories of `changes` and `code` are in [`Config::repositories`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Time series.
    pub metrics: Option<MetricsSource>,
    /// A folder of `<service>/<start>.folded` and `.pb.gz`.
    pub profiles: Option<Located<PathBuf>>,
    /// A file of JSON lines, one change of a setting each.
    pub configs: Option<Located<PathBuf>>,
    /// A file of JSON lines, one experiment each.
    pub experiments: Option<Located<PathBuf>>,
    /// A CSV file with the columns `caller` and `callee`.
    pub topology: Option<Located<PathBuf>>,
    /// A folder of Markdown.
    pub docs: Option<Located<PathBuf>>,
}

/// What stands behind the tool `metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsSource {
    /// A folder of `<metric name>.csv`.
    Files(Located<PathBuf>),
    /// The address of a Prometheus: `http` or `https`, perhaps with a path, without credentials and without a slash at its end.
    Prometheus(Located<String>),
}

/// A local git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its folder, bare or not.
    pub path: Located<PathBuf>,
    /// The branch that counts; absent for HEAD.
    pub branch: Option<Located<String>>,
    /// The services whose code is in it; an empty list: of every service.
    pub services: Vec<String>,
}

/// `[skills]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skills {
    /// Folders of skills, and `.wasm` files.
    pub paths: Vec<Located<PathBuf>>,
    /// Whether the bundled skills are there too; true unless said otherwise.
    pub bundled: bool,
    /// Names of bundled skills that a file may take; it has no rights by default then.
    pub replace: Vec<String>,
}

impl Default for Skills {
    fn default() -> Self {
        Skills { paths: Vec::new(), bundled: true, replace: Vec::new() }
    }
}

/// One of `[[grants]]`: these skills may use these tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Where it is written.
    pub place: Place,
    /// Names of skills; `*` stands for any letters, also none.
    pub skill: String,
    /// Only for the component with this BLAKE3 digest.
    pub digest: Option<[u8; 32]>,
    /// The tools.
    pub tools: Vec<Tool>,
    /// Limits in place of the common ones.
    pub limits: Limits,
}

/// What one call may spend; what is absent stays as it is. Nothing is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories and tables together.
    pub memory: Option<Located<u64>>,
    /// Wall time, tools included.
    pub time: Option<Duration>,
    /// Time in the guest alone.
    pub compute: Option<Duration>,
    /// Calls of tools.
    pub tool_calls: Option<u32>,
    /// Bytes of answers from tools.
    pub read_bytes: Option<u64>,
    /// Findings.
    pub findings: Option<u32>,
    /// Bytes of one finding.
    pub finding_bytes: Option<u32>,
    /// Bytes of log lines.
    pub log_bytes: Option<u32>,
}

/// `[fleet.services.<name>]`. All are finite and not negative.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetService {
    /// Servers that run the service.
    pub servers: f64,
    /// Cores of one server.
    pub cores_per_server: f64,
    /// Watts that a busy core draws.
    pub watts_per_core: f64,
}

impl Config {
    /// Reads the file that was named; without a name, `negawatt.toml` in the current folder if there is one, and an empty
    /// configuration if there is none.
    pub fn find(named: Option<&Path>) -> Result<Config, ConfigError> {
        match named {
            Some(path) => Config::read(path),
            None if Path::new(FILE_NAME).exists() => Config::read(Path::new(FILE_NAME)),
            None => Config::parse("", Path::new(FILE_NAME)),
        }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let whole = |message: String, help: &str| ConfigError::new(&Place::whole(path), message, help);
        let bytes = std::fs::read(path).map_err(|error| {
            whole(format!("cannot be read: {error}"), "name a file that exists and may be read: --config negawatt.toml")
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            whole(format!("is not UTF-8: {error}"), "TOML is UTF-8; save the file in that encoding")
        })?;
        Config::parse(&text, path)
    }

    /// Reads the text of a file; `file` is where it stands, paths in it are relative to its folder.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        sections::config(text, file)
    }
}
