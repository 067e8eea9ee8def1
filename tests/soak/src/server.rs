//! A `negawatt serve` that is started to be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;

use negawatt_test_servers::negawatt;
use serde_json::Value;

use crate::error::Result;
use crate::signal::Signal;

/// The program that is tried, and where it keeps compiled skills.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// Compiled skills, which all its processes share.
    pub cache: PathBuf,
}

impl Program {
    /// It, in a folder with a configuration.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .current_dir(folder)
            .env("XDG_CACHE_HOME", &self.cache)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("TMPDIR", folder.join("tmp"))
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NEGAWATT_LOG")
            .stdin(Stdio::null());
        command
    }

    /// The JSON that it prints where it succeeds.
    pub fn json(&self, folder: &Path, arguments: &[&str]) -> Result<Value> {
        let output = self.command(folder).args(arguments).arg("--json").output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}\n{said}", output.status).into());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{arguments:?} prints no JSON: {error}").into())
    }

    /// Starts a server. That it listens, and where, is told as soon as it says so; what it logs is added to a file.
    pub fn serve(&self, folder: &Path, signals: Sender<Signal>) -> Result<Server> {
        let log = std::fs::File::options().create(true).append(true).open(folder.join("server.log"))?;
        let mut command = self.command(folder);
        let mut child = command.args(negawatt::SERVE).stdout(Stdio::piped()).stderr(log).spawn()?;
        let printed = child.stdout.take().ok_or("its output is piped")?;
        std::thread::spawn(move || {
            // One that is killed before says nothing.
            if let Ok(address) = negawatt::listening(printed) {
                let _ = signals.send(Signal::Listening(address));
            }
        });
        Ok(Server { child })
    }
}

/// A server. It is killed when it is forgotten.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL; it may be gone already.
    pub fn kill(mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// SIGTERM, and how it ends.
    pub fn end(mut self) -> Result<ExitStatus> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
