//! Runs git: closed off from hooks, prompts, the environment and everybody's settings, bounded in time and output, and ended with all
//! that it started.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::error::quoted;

/// What of the environment git and what it starts (ssh, helpers of credentials) may know: where programs and the user's keys are.
const ENVIRONMENT: [&str; 8] =
    ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What stands above every settings file.
const SETTINGS: [&str; 6] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
];

/// The most bytes of memory of its own for git: a small patch can ask for a large file.
#[cfg(target_os = "linux")]
const MAX_MEMORY: u64 = 1 << 30;

/// The most bytes of a complaint that are kept.
const MAX_COMPLAINT: usize = 64 << 10;

/// Git, set up for one folder.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
    /// Settings of the system's place: those that the operator's file may change.
    defaults: Option<PathBuf>,
    /// Settings of the user's place.
    config: Option<PathBuf>,
    time: Duration,
}

/// How git ended.
#[derive(Debug)]
pub struct Output {
    /// Whether it did what it was asked to do.
    pub is_success: bool,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of, fit for a message.
    pub complaint: String,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("git cannot be started: {0}; is it installed?")]
    Start(std::io::Error),
    #[error("git was not done within {} s", .0.as_secs_f64())]
    Time(Duration),
    #[error("git printed more than {0} bytes")]
    Output(usize),
    #[error("git broke off: {0}")]
    Pipe(std::io::Error),
}

impl Git {
    /// Git in a folder, with no settings but the folder's own.
    pub fn at(folder: &Path, time: Duration) -> Git {
        Git { folder: folder.to_owned(), defaults: None, config: None, time }
    }

    /// With settings from files: the first as if the system's, the second as if the user's.
    pub fn with(self, defaults: &Path, config: Option<&Path>, time: Duration) -> Git {
        Git { defaults: Some(defaults.to_owned()), config: config.map(Path::to_owned), time, ..self }
    }

    /// Runs it with some input. `variables` are added to its environment; it may print `most` bytes.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        variables: &[(&str, &OsStr)],
        input: &[u8],
        most: usize,
    ) -> Result<Output, Failed> {
        let mut command = Command::new(crate::git());
        command.env_clear();
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let nothing = Path::new("/dev/null");
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_CONFIG_SYSTEM", self.defaults.as_deref().unwrap_or(nothing))
            .env("GIT_CONFIG_GLOBAL", self.config.as_deref().unwrap_or(nothing))
            .env("GIT_ATTR_NOSYSTEM", "1")
            .envs(variables.iter().copied());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(&self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, which is ended as one.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(Failed::Start)?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        // Before it is given anything to work on.
        limit_memory(group.0).map_err(Failed::Start)?;
        let output = tokio::time::timeout(self.time, talk(&mut child, input, most));
        let output = output.await.map_err(|_| Failed::Time(self.time))??;
        group.disarm();
        Ok(output)
    }
}

async fn talk(child: &mut Child, input: &[u8], most: usize) -> Result<Output, Failed> {
    let missing = || Failed::Pipe(std::io::ErrorKind::BrokenPipe.into());
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let send = async move {
        // Git that ends early leaves its input unread: that is told by how it ended.
        let _ = stdin.write_all(input).await;
        Ok(())
    };
    let receive = async {
        let mut bytes = Vec::new();
        stdout.take(most as u64 + 1).read_to_end(&mut bytes).await.map_err(Failed::Pipe)?;
        if bytes.len() > most { Err(Failed::Output(most)) } else { Ok(bytes) }
    };
    let complaint = async { complaint(stderr).await.map_err(Failed::Pipe) };
    let ((), stdout, complaint) = tokio::try_join!(send, receive, complaint)?;
    let status = child.wait().await.map_err(Failed::Pipe)?;
    Ok(Output { is_success: status.success(), stdout, complaint })
}

/// Reads to the end, so that nobody waits for room in a pipe, and keeps the beginning.
async fn complaint(mut from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(without_credentials(&quoted(&String::from_utf8_lossy(&kept))));
        }
        let room = MAX_COMPLAINT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

/// Git repeats addresses, and settings can put a password into one: between `://` and `@` nothing is left.
fn without_credentials(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown += before;
        shown += "://";
        let end = after.find(|c: char| c.is_whitespace() || "/'\"".contains(c)).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                shown += "…";
                &after[at..]
            }
            None => after,
        };
    }
    shown + rest
}

/// Bounds the memory of a process, where the system can do that for another one.
#[cfg(target_os = "linux")]
fn limit_memory(process: Option<Pid>) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};

    let limit = Rlimit { current: Some(MAX_MEMORY), maximum: Some(MAX_MEMORY) };
    // No process would be this one.
    process.map_or(Ok(()), |process| prlimit(Some(process), Resource::Data, limit).map(drop))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: Option<Pid>) -> std::io::Result<()> {
    Ok(())
}

/// Processes that are killed together where this is dropped before they are done.
struct Group(Option<Pid>);

impl Group {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Nobody is left to be told; who is gone already needs no end.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(time: Duration) -> Git {
        Git::at(&std::env::temp_dir(), time)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn what_it_prints_is_bounded_and_so_is_its_time() {
        let long = Duration::from_secs(60);
        let alias = |script: &str| ["-c".to_owned(), format!("alias.x=!{script}"), "x".to_owned()];
        let run = |time, script: &str, most| block_on(git(time).run(&alias(script), &[], b"in\n", most));
        let output = run(long, "cat; echo no >&2; false", 3).unwrap();
        assert!(!output.is_success);
        assert_eq!((output.stdout.as_slice(), output.complaint.as_str()), (&b"in\n"[..], "no"));
        assert!(matches!(run(long, "yes", 1_000), Err(Failed::Output(1_000))));
        // More than a pipe holds.
        let output = run(long, "head -c 1000000 /dev/zero >&2", 10).unwrap();
        assert!(output.is_success && output.complaint.chars().count() <= 300);
        assert!(matches!(run(Duration::from_millis(50), "while :; do :; done", 10), Err(Failed::Time(_))));
    }

    #[test]
    fn whoever_stops_it_stops_all_that_it_started() {
        use std::io::Read as _;

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // A child of git's child holds one end of a pipe, whose other end is read here: it ends when they all have.
        let script = format!("!exec 3>'{}'; echo here >&3; sh -c 'while :; do :; done'", pipe.display());
        let (say, said) = tokio::sync::oneshot::channel();
        let reader = std::thread::spawn(move || {
            let (mut pipe, mut first, mut rest) = (std::fs::File::open(pipe).unwrap(), [0; 5], Vec::new());
            pipe.read_exact(&mut first).unwrap();
            say.send(()).unwrap();
            pipe.read_to_end(&mut rest).unwrap();
            (first, rest)
        });
        let arguments = ["-c".to_owned(), format!("alias.x={script}"), "x".to_owned()];
        block_on(async {
            let git = git(Duration::from_secs(600));
            tokio::select! {
                output = git.run(&arguments, &[], b"", 10) => panic!("{output:?}"),
                started = said => started.unwrap(),
            }
        });
        assert_eq!(reader.join().unwrap(), (*b"here\n", vec![]));
    }

    #[test]
    fn neither_the_environment_nor_anybodys_settings_reach_it() {
        let output = block_on(git(Duration::from_secs(60)).run(&["config", "--list", "--name-only"], &[], b"", 10_000));
        let names = String::from_utf8(output.unwrap().stdout).unwrap();
        let set: Vec<_> = SETTINGS.iter().map(|setting| setting.split('=').next().unwrap().to_lowercase()).collect();
        assert!(names.lines().all(|name| set.contains(&name.to_lowercase())), "{names}");
    }

    #[test]
    fn addresses_without_credentials() {
        for (text, shown) in [
            ("fatal: 'https://u:secret@h/x' failed", "fatal: 'https://…@h/x' failed"),
            ("https://h/x and ssh://git@h", "https://h/x and ssh://…@h"),
            ("https://u:se@cret@h/x@y", "https://…@h/x@y"),
            ("no address, a@b", "no address, a@b"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}
