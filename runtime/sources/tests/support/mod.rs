//! What the tests share: a folder with a configuration, a scope, and git repositories made by the git program.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use negawatt_config::{Config, ConfigError};
use negawatt_host::Scope;
use negawatt_host::model::Window;
use negawatt_sources::{Configured, Examined, configure};

/// All of time.
pub const ALWAYS: Window = Window { start: i64::MIN, end: i64::MAX };

/// A temporary folder.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn try_configure(&self, toml: &str) -> Result<Configured, ConfigError> {
        configure(&Config::parse(toml, &self.path("negawatt.toml"))?, None)
    }

    pub fn configure(&self, toml: &str) -> Configured {
        self.try_configure(toml).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// What the sources of a configuration say of themselves.
pub fn examine(place: &Place, toml: &str) -> Vec<Examined> {
    let config = Config::parse(toml, &place.path("negawatt.toml")).unwrap_or_else(|error| panic!("{error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(negawatt_sources::examine(&config, Duration::from_secs(60)))
}

/// A scope of these services, of all of time.
pub fn scope(services: &[&str]) -> Scope {
    let services: BTreeSet<String> = services.iter().map(|service| (*service).to_owned()).collect();
    Scope { services, unlabelled: true, window: ALWAYS, everything: false }
}

/// A git repository made by the git program.
pub struct Git {
    pub folder: PathBuf,
}

impl Git {
    pub fn init(folder: PathBuf) -> Git {
        fs::create_dir_all(&folder).unwrap();
        let git = Git { folder };
        git.run(&["init", "-q", "--object-format=sha1", "-b", "main", "."]);
        git
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).args(arguments).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.folder);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ("GIT_COMMITTER_NAME", "Carl"),
            ("GIT_COMMITTER_EMAIL", "carl@example.com"),
        ] {
            command.env(name, value);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.bytes(arguments)).trim_end().to_owned()
    }

    pub fn bytes(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all that is in the folder; written ten minutes before it landed at `time`, in Unix seconds. Gives the hash.
    pub fn commit(&self, time: i64, message: &str) -> String {
        self.run(&["add", "-A"]);
        self.dated(time, &["commit", "-q", "--allow-empty", "-m", message]);
        self.run(&["rev-parse", "HEAD"])
    }

    pub fn dated(&self, time: i64, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command
            .env("GIT_AUTHOR_DATE", format!("@{} +0200", time - 600))
            .env("GIT_COMMITTER_DATE", format!("@{time} -0500"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A configuration with one repository.
pub fn one_repository(path: &Path) -> String {
    format!("[sources.changes]\nkind = \"git\"\npath = {:?}\n", path.display().to_string())
}
