//! What an operator says in `negawatt.toml`, as plain values.
//!
//! Everything is optional: an empty file is valid. Everything is checked: a key that nobody knows, a wrong type, a size
//! that is none is a [`ConfigError`] with file, line, column, key, and what would be right. Whether a path exists is
//! checked by whoever opens it, with the [`Place`] that it carries.

mod actions;
mod addresses;
mod grants;
pub mod limits;
mod link;
mod origin;
mod place;
mod reader;
mod review;
mod sections;
mod serve;
mod shape;
mod telemetry;
mod trust;
mod units;
mod url;
mod watch;
mod webhooks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use actions::{BetterNumbers, CheckCommand, CommandLimits, Forge, ValidationCommand};
pub use addresses::AddressRange;
pub use grants::{DEFAULT_METHODS, Grant, Injection, SecretGrant, is_reserved_header};
pub use limits::{CaseLimits, CaseLimitsChange, Fuel, HostLimits, HostLimitsChange, Limits, LimitsChange};
pub use link::CaseLink;
pub use negawatt_package::Tool;
pub use origin::HttpOrigin;
pub use place::{ConfigError, Located, Place};
pub use review::{Learn, Review, ReviewRule};
pub use serve::{Listen, Notify, NotifyEvent, Serve};
pub use shape::schema;
pub use telemetry::{LogForm, Telemetry};
pub use trust::Secret;
pub use units::{duration, write_duration, write_size};
pub use watch::{
    LabelMatcher, LabelOperation, Watch, WatchAggregate, WatchOperation, WatchSeverity, WatchTransform, WatchedSeries,
    Worse,
};
pub use webhooks::{AlertMapping, AlertMetric, AlertWebhook, GenericFields, GenericWebhook, Sender, Webhooks};

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
    /// `[publishers.<name>]`: the Ed25519 public keys whose signatures name a publisher.
    pub publishers: BTreeMap<String, [u8; 32]>,
    /// `[secrets.<name>]`: where the host finds them.
    pub secrets: BTreeMap<String, Located<Secret>>,
    /// `[limits]`: what every call may spend unless a grant says otherwise.
    pub limits: LimitsChange,
    /// `[host]`: what all skills together may use, and what is accepted as a skill.
    pub host: HostLimitsChange,
    /// `[case]`: what a case may spend, and how far it may look.
    pub case: Case,
    /// `[watch]`: which series are watched; absent where nothing is said of it.
    pub watch: Option<Watch>,
    /// `[review]`: which proposals a person decides of.
    pub review: Review,
    /// `[learn]`: how far outcomes may move that.
    pub learn: Learn,
    /// `[serve]`: where a server listens, what it hears, and whom it tells.
    pub serve: Serve,
    /// `[telemetry]`: where traces go, and how the log is written.
    pub telemetry: Telemetry,
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
    /// Commands that must succeed with a proposed patch, in this order.
    pub checks: Vec<CheckCommand>,
    /// A command whose numbers a proposed patch must make better.
    pub validation: Option<ValidationCommand>,
    /// Where proposals go.
    pub forge: Option<Forge>,
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

/// `[case]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// What a case may spend.
    pub limits: CaseLimitsChange,
    /// `distance`: calls between services, in the topology, that the case's scope reaches from the incident's service; absent
    /// for all that are reachable.
    pub distance: Option<u32>,
    /// `look_back`: how far before the window skills may look; absent for as long again as the window, and 28 days for bundled
    /// skills.
    pub look_back: Option<Duration>,
}

impl Config {
    /// How long the guard's commands may take for all proposals of a case together: as the operator says, or else an hour, and as long as the
    /// commands of any one repository may take for a proposal.
    pub fn guard_time(&self) -> Duration {
        let of = |repository: &Repository| {
            // A check that fails is run without the patch too; a validation runs on both sides, and once more to warm up.
            let checks = repository.checks.iter().map(|check| check.limits.time.saturating_mul(2));
            let validation = repository.validation.iter().map(|validation| {
                let runs = u32::try_from(validation.runs).unwrap_or(u32::MAX).saturating_add(1).saturating_mul(2);
                validation.limits.time.saturating_mul(runs)
            });
            checks.chain(validation).fold(Duration::ZERO, Duration::saturating_add)
        };
        let longest = || self.repositories.values().map(of).fold(review::GUARD_TIME, Duration::max);
        self.review.guard_time.unwrap_or_else(longest)
    }

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
