//! Runs the built program as a user would, in folders of its own.

pub mod case;
pub mod exposition;
pub mod github;
pub mod noise;
pub mod page;
pub mod server;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program, with its state below `folder`. Compiled skills are shared by the tests of one process.
pub fn negawatt(folder: &Path) -> Command {
    program(folder, env!("CARGO_BIN_EXE_negawatt"))
}

/// Where compiled skills are kept.
pub fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
}

/// Another program, which may start it.
pub fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(folder)
        .env("XDG_CACHE_HOME", cache())
        .env("XDG_STATE_HOME", folder.join(".state"))
        .env("NO_COLOR", "1")
        // What is printed depends on where.
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .env_remove("NEGAWATT_LOG")
        .stdin(Stdio::null());
    command
}

/// What it printed and how it ended.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    negawatt(folder).args(arguments).output().unwrap()
}

/// What a command that succeeds prints to people.
pub fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The one JSON object of a command that succeeds.
pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// The JSON error of a command that fails, and its exit code; standard output must be empty.
pub fn json_error(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let last = said.trim_end().lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said}"));
    for key in ["code", "message", "where", "help"] {
        assert!(error.get(key).is_some(), "{key} is absent: {error}");
    }
    (output.status.code().unwrap(), error)
}

/// Investigates the case in a folder.
pub fn investigate(folder: &Path) -> Value {
    json(folder, &["investigate", "incident.json", "--config", "negawatt.toml", "--json"])
}

/// Runs the program under a shell's conditions; `$@` is the program with its arguments.
pub fn under(folder: &Path, conditions: &str, arguments: &[&str]) -> Command {
    let negawatt = negawatt(folder);
    let mut shell = program(folder, "sh");
    shell.arg("-c").arg(conditions).arg(negawatt.get_program()).args(arguments);
    shell
}

/// A file that its owner alone can read, such as one with a secret.
pub fn write_private(path: impl AsRef<Path>, text: &str) {
    write(&path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Ended with its test, however that ends.
pub struct Running(pub Child);

impl Running {
    /// As from the keyboard; how it ended then.
    pub fn interrupt(&mut self) -> ExitStatus {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), rustix::process::Signal::INT).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
    }
}
