//! Real repositories, and examinations of patches to them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use negawatt_actions::guard::{
    Check, Criterion, Examined, Kind, Launcher, Limits, Outcome, Proposal, Repository, Until, examine,
};

/// The program that stands for `negawatt`.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_negawatt-guard-launcher");

/// A repository and a scratch folder.
pub struct World {
    folder: tempfile::TempDir,
    pub repository: Repository,
    pub launcher: Launcher,
}

impl World {
    /// With these files in one commit on the branch `main`.
    pub fn new(files: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkout");
        fs::create_dir(&path).unwrap();
        fs::create_dir(folder.path().join("scratch")).unwrap();
        let launcher = Launcher { program: PROGRAM.into(), arguments: vec!["launch".into()], until: Until::default() };
        let world = World {
            folder,
            repository: Repository { path, branch: None, checks: Vec::new(), validation: None },
            launcher,
        };
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world.commit(files);
        world
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn checkout(&self) -> &Path {
        &self.repository.path
    }

    pub fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// Writes files and commits all that there is.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.checkout().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The program as a file of the repository, so that it is wherever a command runs.
    pub fn with_tool(self) -> World {
        fs::copy(PROGRAM, self.checkout().join("tool")).unwrap();
        self.commit(&[]);
        self
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.fsmonitor=false"])
            .args(arguments)
            .current_dir(self.checkout())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The patch that makes these changes; the checkout is as before.
    pub fn patch(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "--all", "--force"]);
        let patch = self.git(&["diff", "--cached", "--no-color"]);
        self.git(&["reset", "--quiet", "--hard"]);
        patch
    }

    /// Looks at a patch to files that the evidence names.
    pub fn examine(&self, patch: &str, named: &[&str]) -> Examined {
        let files = named.iter().map(|path| (*path).to_owned()).collect();
        let proposal = Proposal { patch: patch.to_owned(), files };
        let parses = |_: &str, _: Option<&str>, after: &str| match after.contains("syntax error") {
            true => Err("line 1 is no code".to_owned()),
            false => Ok(()),
        };
        let examined = examine(&self.repository, &proposal, &self.launcher, &parses, &self.scratch());
        assert_eq!(fs::read_dir(self.scratch()).unwrap().count(), 0, "the scratch folder is left as it was");
        let json = serde_json::to_string(&examined).unwrap();
        assert_eq!(serde_json::from_str::<Examined>(&json).unwrap(), examined, "{json}");
        for criterion in &examined.criteria {
            let is_printable = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
            assert!(is_printable(&criterion.detail) && criterion.detail.chars().count() <= 2_000, "{criterion:?}");
            assert!(criterion.output.as_deref().is_none_or(is_printable), "{criterion:?}");
        }
        examined
    }

    /// With one more check.
    pub fn check(mut self, name: &str, command: &[&str], change: impl FnOnce(&mut Check)) -> World {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let mut check =
            Check { name: name.to_owned(), kind: Kind::Check, command, programs: Vec::new(), limits: LIMITS };
        change(&mut check);
        self.repository.checks.push(check);
        self
    }
}

pub const LIMITS: Limits = Limits { time: Duration::from_secs(120), memory: 256 << 20, output: 10_000, network: false };

/// A repository with one file of a program, and a patch to it.
pub fn simple() -> (World, String) {
    let world = World::new(&[("src/cart.txt", "one\ntwo\nthree\n"), ("README.md", "x\n")]);
    let patch = world.patch(&[("src/cart.txt", "one\n2\nthree\n")]);
    (world, patch)
}

pub const NAMED: &[&str] = &["src/cart.txt"];

pub fn of<'a>(examined: &'a Examined, name: &str) -> &'a Criterion {
    examined.criteria.iter().find(|criterion| criterion.name == name).unwrap_or_else(|| panic!("{name}: {examined:?}"))
}

/// The detail of the criterion that failed, which must be this one; all after it that are configured were not looked at.
#[track_caller]
pub fn failed<'a>(examined: &'a Examined, name: &str) -> &'a Criterion {
    assert!(!examined.stands());
    let at = examined.criteria.iter().position(|criterion| criterion.outcome != Outcome::Passed).unwrap();
    assert_eq!(examined.criteria[at].name, name, "{examined:?}");
    assert_eq!(examined.criteria[at].outcome, Outcome::Failed);
    let why = format!("not looked at, since `{name}` failed");
    let later = &examined.criteria[at + 1..];
    let later = later.iter().filter(|criterion| criterion.outcome != Outcome::NotConfigured);
    assert!(later.clone().all(|c| c.outcome == Outcome::Skipped && c.detail == why), "{examined:?}");
    &examined.criteria[at]
}

/// Everything below a folder: bytes, mode and time of the last change.
pub fn everything(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let of = fs::symlink_metadata(&path).unwrap();
        let bytes = if of.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if of.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        found.insert(path, (bytes, of.mode(), of.mtime(), of.mtime_nsec()));
    }
    found
}

pub fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether the tests run as root, as they do where they are run for every change.
pub fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A launcher that has given root up. It is outside of the folders that only root may enter.
pub fn as_nobody(world: &World) -> Launcher {
    traversable(world);
    let program = world.folder().join("program");
    fs::copy(PROGRAM, &program).unwrap();
    let words = ["--reuid=65534", "--regid=65534", "--clear-groups"].map(Into::into).to_vec();
    let words = if root() { words } else { Vec::new() };
    let arguments = words.into_iter().chain([program.into_os_string(), "launch".into()]).collect();
    Launcher { program: "setpriv".into(), arguments, until: Until::default() }
}

/// A launcher that may make no namespaces.
pub fn without_namespaces() -> Launcher {
    let arguments = ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin", PROGRAM, "launch"].map(Into::into).to_vec();
    Launcher { program: "setpriv".into(), arguments, until: Until::default() }
}

/// With namespaces and without, as far as they can be taken away.
pub fn isolations() -> &'static [bool] {
    if root() { &[true, false] } else { &[true] }
}

/// Lets everybody enter the world's folder: temporary folders are their owner's.
pub fn traversable(world: &World) {
    for folder in [world.folder().to_owned(), world.scratch()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
