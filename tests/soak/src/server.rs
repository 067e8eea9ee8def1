//! A `negawatt serve` that is started to be killed, and how it is asked.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::error::Result;
use serde_json::Value;

use crate::signal::Signal;

/// How long an answer may take; a server that was killed breaks the connection at once.
const ANSWER: Duration = Duration::from_secs(60);

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
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", "negawatt.toml"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut printed = BufReader::new(child.stdout.take().ok_or("its output is piped")?);
        std::thread::spawn(move || {
            let mut line = String::new();
            // One that is killed before says nothing.
            let _ = printed.read_line(&mut line);
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                let _ = signals.send(Signal::Listening(address.to_owned()));
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

    /// Its resident memory in bytes: `VmRSS` of `/proc/<pid>/status`, see proc(5). Nothing of one that is gone.
    pub fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
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

/// Asks a server; gives the status and the JSON that is answered. An error says that no whole answer came.
pub fn ask(address: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let read = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
    };
    read().ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, format!("it answers {answer:?}")))
}

/// Server-sent events, word by word, until the server ends them.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Those of a path.
    pub fn of(address: &str, path: &str) -> io::Result<Events> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        Ok(Events(BufReader::new(stream)))
    }
}

impl Iterator for Events {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(word) = line.trim_end().strip_prefix("event: ") {
                return Some(word.to_owned());
            }
        }
    }
}
