//! From the configuration to a runtime: sources, skills and their rights, the host, the casebook.

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use negawatt_casebook::Casebook;
use negawatt_config::{Config, FILE_NAME, Located};
use negawatt_host::grants::Grants;
use negawatt_host::limits::{CaseLimits, HostLimits};
use negawatt_host::model::Fleet;
use negawatt_host::scan::ScanError;
use negawatt_host::text::printable;
use negawatt_host::{Child, Digest, Host, HostConfig, Origin, Skill, Tools};
use negawatt_planner::{Catalog, CatalogError, Neighbours, Reach, Runtime, SearchPlanner, Successor};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::bundle::{BUNDLED, is_bundled};
use crate::error::CliError;

/// The word by which this program is told to compile a component for its parent, and to do nothing else.
pub const COMPILE: &str = "compile-component-for-parent";

/// The word by which this program is told to parse a source file for its parent, and to do nothing else.
pub const PARSE: &str = "parse-file-for-parent";

/// The word by which this program is told to run a command of the operator's under guard for its parent, and to do nothing else.
pub const GUARD: &str = "run-command-for-parent";

/// This very program, also where its file was replaced since.
const SELF: &str = "/proc/self/exe";

/// All that a command needs.
pub struct Setup {
    /// What cases share.
    pub runtime: Arc<Runtime>,
    /// What the operator said.
    pub config: Arc<Config>,
    /// Files in the skills paths that are not used, each with the reason.
    pub refused: Vec<(PathBuf, String)>,
}

impl Setup {
    /// Reads the configuration, the named one or `negawatt.toml` in the current folder, and sets everything up. Files that are
    /// no skills are told on standard error and not used.
    pub fn new(named: Option<&Path>) -> Result<Setup, CliError> {
        let setup = Setup::with(Config::find(named)?, named, None)?;
        for (file, reason) in &setup.refused {
            tracing::warn!("the skill {} is not used: {}", printable(&file.display().to_string()), printable(reason));
        }
        Ok(setup)
    }

    /// The same of a configuration, for a program that stays: what was set up before is used where it is as it was, and in place of skill files
    /// that are broken now. Skills are held, whatever becomes of their files.
    pub fn anew(config: Config, named: Option<&Path>, before: Option<(&Config, &Runtime)>) -> Result<Setup, CliError> {
        Setup::with(config, named, Some(before))
    }

    /// The same for what is answered from the record: nothing stands behind the tools unless it is to be asked `live`, and beside the
    /// skills that are used there are those that only have bytes which a case may have been run with.
    pub fn of_record(named: Option<&Path>, live: bool) -> Result<Setup, CliError> {
        let config = Config::find(named)?;
        let nobody: Neighbours = Arc::new(|_, _| Box::pin(async { Default::default() }));
        let behind = if live { sources(&config)? } else { (Tools::default(), nobody) };
        let (grants, mut refused) = (Grants::of(&config), Vec::new());
        let mut catalog = catalog(&config, &grants, &mut refused, None)?;
        for bundled in BUNDLED {
            if let Ok(skill) = Skill::read(bundled.wasm, Origin::Bundled) {
                catalog.keep(skill, &grants);
            }
        }
        for path in &config.skills.paths {
            for (_, read) in skill_files(path, &config)? {
                if let Ok(skill) = read().and_then(|component| loaded(component, &config)) {
                    catalog.keep(skill, &grants);
                }
            }
        }
        Setup::of(config, named, behind, catalog, Vec::new(), None)
    }

    fn with(
        config: Config,
        named: Option<&Path>,
        before: Option<Option<(&Config, &Runtime)>>,
    ) -> Result<Setup, CliError> {
        let behind = sources(&config)?;
        let mut refused = Vec::new();
        let keep = before.map(|before| Keep { before: before.map(|(_, runtime)| &*runtime.catalog) });
        let catalog = catalog(&config, &Grants::of(&config), &mut refused, keep)?;
        let same_host = before.flatten().filter(|(known, _)| known.host == config.host);
        let host = same_host.map(|(_, runtime)| runtime.host.clone());
        Setup::of(config, named, behind, catalog, refused, host)
    }

    fn of(
        config: Config,
        named: Option<&Path>,
        (tools, neighbours): (Tools, Neighbours),
        catalog: Catalog,
        refused: Vec<(PathBuf, String)>,
        host: Option<Arc<Host>>,
    ) -> Result<Setup, CliError> {
        let host = match host {
            Some(host) => host,
            None => Arc::new(Host::new(HostConfig {
                cache: cache_folder(),
                limits: config.host.over(HostLimits::default()),
                compiler: Some(compiler()),
            })?),
        };
        let fleet = config.fleet.iter().map(|(service, fleet)| {
            let fleet = Fleet {
                servers: fleet.servers,
                cores_per_server: fleet.cores_per_server,
                watts_per_core: fleet.watts_per_core,
            };
            (service.clone(), fleet)
        });
        let runtime = Runtime {
            host,
            tools: Arc::new(tools),
            catalog: Arc::new(catalog),
            planner: Arc::new(SearchPlanner),
            neighbours,
            reach: Reach { distance: config.case.distance, look_back: config.case.look_back },
            fleet: fleet.collect::<HashMap<_, _>>(),
            config: recorded(named),
            budget: config.case.limits.over(CaseLimits::default()),
            successor: Successor::default(),
        };
        Ok(Setup { runtime: Arc::new(runtime), config: Arc::new(config), refused })
    }

    /// The casebook of this configuration.
    pub fn casebook(&self) -> Result<Casebook, CliError> {
        open_casebook(&self.config)
    }
}

/// What stands behind the tools, and the topology as scopes ask it.
fn sources(config: &Config) -> Result<(Tools, Neighbours), CliError> {
    let sources = negawatt_sources::configure(config, Some(child(PARSE)))?;
    let neighbours = sources.neighbours;
    let neighbours: Neighbours = Arc::new(move |service, distance| {
        let neighbours = neighbours.clone();
        Box::pin(async move {
            neighbours.of(&service, distance).await.unwrap_or_else(|error| {
                tracing::warn!("the case is about {} alone: {}", printable(&service), printable(error.message()));
                Default::default()
            })
        })
    });
    Ok((sources.tools, neighbours))
}

/// This program, told to do one thing in a process of its own.
fn child(word: &str) -> Child {
    Child { program: SELF.into(), arguments: vec![word.into()] }
}

/// Runs commands under guard.
pub fn guard() -> Child {
    child(GUARD)
}

/// Parses in a process of its own.
pub fn parser() -> Child {
    child(PARSE)
}

/// Compiles in a process of its own.
pub fn compiler() -> Child {
    child(COMPILE)
}

/// The casebook of a configuration, without anything else.
pub fn casebook(named: Option<&Path>) -> Result<Casebook, CliError> {
    open_casebook(&Config::find(named)?)
}

pub fn open_casebook(config: &Config) -> Result<Casebook, CliError> {
    Ok(Casebook::open(&casebook_folder(config)?)?)
}

/// Where the casebook is, and what is kept beside it.
pub fn casebook_folder(config: &Config) -> Result<PathBuf, CliError> {
    match &config.casebook {
        Some(path) => Ok(path.value.clone()),
        None => xdg("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
            CliError::failure(
                "casebook",
                "neither XDG_STATE_HOME nor HOME is set, so there is no place for the casebook",
            )
            .help("set one of them, or name a folder: [casebook] path = \"casebook\"")
        }),
    }
}

/// Where compiled code is kept.
pub fn cache_folder() -> Option<PathBuf> {
    xdg("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("compiled"))
}

/// Our folder below one of the XDG base directories; a relative path in the environment is ignored, as the specification says.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = std::env::var_os(variable).map(PathBuf::from).filter(absolute);
    let home = || std::env::var_os("HOME").map(PathBuf::from).filter(absolute).map(|home| home.join(below_home));
    Some(named.or_else(home)?.join("negawatt"))
}

/// What the record keeps of the configuration.
fn recorded(named: Option<&Path>) -> negawatt_casebook::Config {
    let path = std::path::absolute(named.unwrap_or(Path::new(FILE_NAME))).ok().filter(|path| path.exists());
    let bytes = path.as_ref().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    negawatt_casebook::Config { path, digest: Digest::of(&bytes) }
}

/// Holds the bytes of skills, so that they can be compiled whatever becomes of their files.
#[derive(Clone, Copy)]
pub struct Keep<'a> {
    /// In place of a file that is broken now, what it was.
    before: Option<&'a Catalog>,
}

impl Keep<'_> {
    fn of(self, file: &Path) -> Option<Skill> {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let known = self.before?.entries().iter().find(|entry| entry.skill.file.as_ref() == Some(&file))?;
        Some(Skill::clone(&known.skill))
    }
}

/// The bundled skills, then those of the configured paths in order of names.
pub fn catalog(
    config: &Config,
    grants: &Grants,
    refused: &mut Vec<(PathBuf, String)>,
    keep: Option<Keep<'_>>,
) -> Result<Catalog, CliError> {
    let mut catalog = Catalog::default();
    if config.skills.bundled {
        for bundled in BUNDLED {
            let skill = Skill::read(bundled.wasm, Origin::Bundled).map_err(|error| {
                CliError::failure("bundled-skill", format!("the bundled skill {}: {error}", bundled.name))
            })?;
            catalog.add(skill, grants, &[]).map_err(|error| {
                CliError::failure("bundled-skill", format!("the bundled skill {}: {error}", bundled.name))
            })?;
        }
    }
    for path in &config.skills.paths {
        for (file, read) in skill_files(path, config)? {
            let mut add = |skill| catalog.add(skill, grants, &config.skills.replace).map_err(|error| error.to_string());
            let added = read().and_then(|component| loaded(component, config)).and_then(|skill| match keep {
                Some(_) => add(skill),
                None => add(skill.without_bytes(Arc::new(move || read().map(|component| component.wasm)))),
            });
            if let Err(reason) = added {
                // What it was is as good as before, where it still has its rights.
                if let Some(was) = keep.and_then(|keep| keep.of(&file)) {
                    let _ = add(was);
                }
                refused.push((file, reason));
            }
        }
    }
    Ok(catalog)
}

/// A skill from a file: a bundled one where its bytes are, and never one that only bears a bundled name.
pub fn loaded(component: Component, config: &Config) -> Result<Skill, String> {
    let skill = read_skill(component, config)?;
    let (name, replace) = (&skill.manifest.name, &config.skills.replace);
    let borrowed = skill.origin == Origin::Loaded && BUNDLED.iter().any(|bundled| bundled.name == name);
    if borrowed && !replace.contains(name) {
        return Err(CatalogError::Borrowed { name: name.clone() }.to_string());
    }
    Ok(skill)
}

/// A skill from a file, whatever its name is.
pub fn read_skill(component: Component, config: &Config) -> Result<Skill, String> {
    let skill = Skill::read(component.wasm, Origin::Loaded).map_err(|error| error.to_string())?;
    let mut skill = skill.published_by(&config.publishers);
    skill.file = Some(component.file);
    if is_bundled(skill.digest) {
        skill.origin = Origin::Bundled;
    }
    Ok(skill)
}

/// What was read of a file.
pub struct Component {
    /// Its bytes.
    pub wasm: Vec<u8>,
    /// The very file that they were read from, as [`negawatt_host::grants::file`] gives it, whatever bears its name since.
    pub file: PathBuf,
}

/// Reads a component, now or once more.
pub type ReadComponent = Arc<dyn Fn() -> Result<Component, String> + Send + Sync>;

/// The `.wasm` files of a skills path: the file itself, those of a folder, and `<skill>/<skill>.wasm` below it, which is where
/// `skill build` puts it.
pub fn skill_files(path: &Located<PathBuf>, config: &Config) -> Result<Vec<(PathBuf, ReadComponent)>, CliError> {
    let cannot = |error: std::io::Error| {
        path.error(format!("cannot be read: {error}"), "name a folder of skills or a .wasm file")
    };
    let metadata = std::fs::metadata(&path.value).map_err(cannot)?;
    let (folder, names) = if metadata.is_dir() {
        let folder = Dir::open_ambient_dir(&path.value, ambient_authority()).map_err(cannot)?;
        let mut names = Vec::new();
        for entry in folder.entries().map_err(cannot)? {
            let name = PathBuf::from(entry.map_err(cannot)?.file_name());
            let built = name.join(&name).with_extension("wasm");
            if name.extension().is_some_and(|extension| extension == "wasm") {
                names.push(name);
            } else if folder.metadata(&built).is_ok_and(|metadata| metadata.is_file()) {
                names.push(built);
            }
        }
        names.sort();
        (folder, names)
    } else {
        let parent = path.value.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.value.file_name().map(PathBuf::from).unwrap_or_default();
        (Dir::open_ambient_dir(parent, ambient_authority()).map_err(cannot)?, vec![name])
    };
    let at = if metadata.is_dir() {
        path.value.clone()
    } else {
        path.value.parent().map(Path::to_owned).unwrap_or_default()
    };
    let (folder, most) = (Arc::new(folder), component_bytes(config));
    let file = |name: PathBuf| -> (PathBuf, ReadComponent) {
        let folder = folder.clone();
        (at.join(&name), Arc::new(move || read_component(&folder, &name, most)))
    };
    Ok(names.into_iter().map(file).collect())
}

/// The most bytes that a component may have.
fn component_bytes(config: &Config) -> u64 {
    config.host.over(HostLimits::default()).component_bytes
}

/// Reads a component, bounded; what is no file (a pipe would wait for ever) is refused.
fn read_component(folder: &Dir, name: &Path, most: u64) -> Result<Component, String> {
    let read = || -> std::io::Result<(Component, u64)> {
        let no_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = folder.open_with(name, OpenOptions::new().read(true).custom_flags(no_waiting))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is not a file"));
        }
        let opened = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        let mut wasm = Vec::new();
        // One byte more than is allowed, so that what is too large is told as that.
        file.take(most.saturating_add(1)).read_to_end(&mut wasm)?;
        Ok((Component { wasm, file: opened }, metadata.len()))
    };
    let (component, length) = read().map_err(|error| format!("cannot be read: {error}"))?;
    let has = length.max(component.wasm.len() as u64);
    if has > most { Err(ScanError::Bytes { has, most }.to_string()) } else { Ok(component) }
}

/// Reads a component that somebody named.
pub fn read_named(path: &Path, config: &Config) -> Result<Component, String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or("it names no file")?;
    let folder =
        Dir::open_ambient_dir(parent, ambient_authority()).map_err(|error| format!("cannot be read: {error}"))?;
    read_component(&folder, Path::new(name), component_bytes(config))
}

/// A token that the first interrupt from the keyboard cancels; a second one ends the process as usual. An interrupt counts from when this
/// returns.
pub fn cancelled_by_ctrl_c() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    if let Ok(mut interrupts) = signal(SignalKind::interrupt()) {
        tokio::spawn(async move {
            interrupts.recv().await;
            cancel.cancel();
            interrupts.recv().await;
            std::process::exit(130);
        });
    }
    token
}
