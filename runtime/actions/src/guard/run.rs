//! Runs a command of the operator's under guard: the side of the parent.
//!
//! The parent starts the program again, so that it ends up in [`run_for_parent`](super::run_for_parent), and holds one end of a socket that
//! is the child's standard input. Over it the child tells what protection is in force and how the command ended; that it is closed tells
//! the child to end, and everything that it started with it.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use negawatt_config::{write_duration, write_size};
use negawatt_text::{printable, shorten};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::Limits;
use super::copy::Copy;
use super::output::{Kept, drain};
use super::until::{Over, Until};

/// The program that puts a command under guard: this one, called so that it ends up in [`run_for_parent`](super::run_for_parent).
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// What is said to it before what this module adds.
    pub arguments: Vec<OsString>,
    /// Until when commands may run.
    pub until: Until,
}

/// What the child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// The folder that it may write to; within it those that it works in, calls its home and keeps temporary files in.
    pub(super) folder: PathBuf,
    /// Folders of programs, which it sees elsewhere where it has namespaces of its own.
    pub(super) programs: Vec<PathBuf>,
    pub(super) path: String,
    pub(super) memory: u64,
    pub(super) network: bool,
    /// Whether it gets namespaces of its own.
    pub(super) isolated: bool,
    /// Whether it becomes the user nobody.
    pub(super) as_nobody: bool,
}

/// What the child tells, a line of JSON each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    /// The machine allows no namespaces.
    NotIsolated(String),
    /// The command cannot be started.
    Unable(String),
    /// It ended.
    Ended(Ended),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Its processes had more memory than they may.
    Memory,
    /// It took too long.
    Time,
    /// Nothing may run any more.
    Over(Over),
}

impl fmt::Display for Ended {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Code(code) => write!(to, "it ended with the code {code}"),
            Ended::Signal(signal) => match Signal::from_named_raw(*signal) {
                Some(Signal::XFSZ) => {
                    write!(to, "it wrote a file of more than {}", write_size(super::launcher::MAX_FILE_BYTES))
                }
                _ => write!(to, "it was ended by the signal {signal}"),
            },
            Ended::Memory => write!(to, "it took more memory than it may"),
            Ended::Time => write!(to, "it took longer than it may"),
            Ended::Over(over) => write!(to, "it was ended before its time: {over}"),
        }
    }
}

/// A command that was run.
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// Under which guard, in words.
    pub(super) guard: String,
    /// Both outputs, as they came.
    pub(super) output: String,
    /// The last line of its standard output that is not blank.
    pub(super) last_line: String,
}

/// How long the rest of a command may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a command in a copy. An error says why it could not be run.
pub(super) fn run(
    launcher: &Launcher,
    command: &[String],
    programs: &[PathBuf],
    copy: &Copy,
    limits: &Limits,
) -> Result<Ran, String> {
    if let Some(missing) = programs.iter().find(|folder| !folder.is_dir()) {
        return Err(format!("`programs` names {}, which is no folder", missing.display()));
    }
    // What others have there is not the command's to see.
    let hidden = |folder: &&PathBuf| folder.canonicalize().is_ok_and(|folder| Path::new("/tmp").starts_with(folder));
    if let Some(wide) = programs.iter().find(hidden) {
        return Err(format!(
            "`programs` names {}, in which temporary files of others are: name a folder below",
            wide.display()
        ));
    }
    if let Some(over) = launcher.until.over() {
        return Err(format!("it was not run: {over}"));
    }
    let path = std::env::var_os("PATH").and_then(|path| path.into_string().ok());
    let mut order = Order {
        command: command.to_vec(),
        folder: copy.folder().to_owned(),
        programs: programs.to_vec(),
        path: path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        memory: limits.memory,
        network: limits.network,
        isolated: true,
        as_nobody: copy.of_nobody(),
    };
    match start(launcher, &order, limits)? {
        Err(why) if !limits.network => Err(format!(
            "this machine lets nobody take the network away from a command ({why}): allow user namespaces (the settings \
             kernel.unprivileged_userns_clone and user.max_user_namespaces, and those of AppArmor or the container), or run as root with \
             the capability CAP_SYS_ADMIN, or let the command use the network"
        )),
        Err(_) => {
            order.isolated = false;
            start(launcher, &order, limits)?.map_err(|why| format!("the command cannot be started: {why}"))
        }
        Ok(ran) => Ok(ran),
    }
}

/// Runs a command as ordered; the inner error says why it cannot be isolated.
fn start(launcher: &Launcher, order: &Order, limits: &Limits) -> Result<Result<Ran, String>, String> {
    let failed = |why: &dyn fmt::Display| {
        format!("the command cannot be started: {}", shorten(&printable(&why.to_string()), 600))
    };
    let json = serde_json::to_string(order).map_err(|error| failed(&error))?;
    let (ours, theirs) = UnixStream::pair().map_err(|error| failed(&error))?;
    let listened = ours.try_clone().map_err(|error| failed(&error))?;
    let mut command = Command::new(&launcher.program);
    command
        .args(&launcher.arguments)
        .args([super::launcher::FIRST, &json])
        .env_clear()
        .current_dir("/")
        .process_group(0);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    // Our copy of the child's end goes with it.
    drop(command);
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(&"it cannot be talked to"));
    };
    let all = Arc::new(Mutex::new(Kept::new(limits.output)));
    let of_stdout = Arc::new(Mutex::new(Kept::new(4_096)));
    let (send, told) = mpsc::channel();
    let (drained, both) = mpsc::channel();
    // Threads that nobody has to wait for: what a command leaves behind on a machine without namespaces may hold its output open.
    let until = launcher.until.clone();
    std::thread::spawn(move || {
        let _ = send.send(listen(listened));
        until.wake();
    });
    let (send, (one, other)) = (drained.clone(), (all.clone(), of_stdout.clone()));
    std::thread::spawn(move || {
        drain(stdout, &[&one, &other]);
        let _ = send.send(());
    });
    let one = all.clone();
    std::thread::spawn(move || {
        drain(stderr, &[&one]);
        let _ = drained.send(());
    });
    let (told, too_long) = match launcher.until.wait(limits.time, || told.try_recv().ok()) {
        Some(told) => (told, None),
        None => {
            let why = launcher.until.over().map_or(Ended::Time, Ended::Over);
            // It ends what it started, as it would if this process were gone.
            let _ = ours.shutdown(Shutdown::Write);
            (told.recv_timeout(GRACE).unwrap_or_default(), Some(why))
        }
    };
    // Nothing of it is left, or what is left ends now.
    let _ = Pid::from_raw(child.id().cast_signed()).map(|group| kill_process_group(group, Signal::KILL));
    let status = child.wait().map_err(|error| failed(&error))?;
    for _ in 0..2 {
        let _ = both.recv_timeout(GRACE);
    }
    let ended = match (too_long, told) {
        (Some(why), _) => why,
        (None, Some(Told::Ended(ended))) => ended,
        (None, Some(Told::NotIsolated(why))) => return Ok(Err(printable(&why))),
        (None, Some(Told::Unable(why))) => return Err(failed(&why)),
        (None, None) => return Err(failed(&format!("its launcher ended with {status}"))),
    };
    let kept =
        |kept: &Mutex<Kept>, what: fn(&Kept) -> String| what(&kept.lock().unwrap_or_else(PoisonError::into_inner));
    let (output, last_line) = (kept(&all, Kept::text), kept(&of_stdout, Kept::last_line));
    Ok(Ok(Ran { ended, guard: guard(order, limits), output, last_line }))
}

/// The first that the child tells, which is the reason of what follows, at the end of it.
fn listen(from: UnixStream) -> Option<Told> {
    let lines = BufReader::new(from.take(64 << 10)).lines();
    let mut told = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).ok());
    let first = told.next();
    told.for_each(drop);
    first.flatten()
}

/// What was in force, in words.
fn guard(order: &Order, limits: &Limits) -> String {
    let user = match (order.as_nobody, rustix::process::geteuid().is_root()) {
        (true, _) => "as the user nobody",
        (false, true) => "as root, since its files cannot be given to the user nobody",
        (false, false) => "as the user of negawatt, without rights beyond that",
    };
    let around = match (order.isolated, order.network) {
        (true, false) => "without network, in namespaces that end with it, able to write to its copy alone",
        (true, true) => "with network, in namespaces that end with it, able to write to its copy alone",
        (false, _) => "with network and able to write where its user may, since this machine allows it no namespaces",
    };
    let (time, memory) = (write_duration(limits.time), write_size(limits.memory));
    let of = if order.isolated { "for all its processes" } else { "for each process" };
    format!("run {user}, {around}, for at most {time}, with {memory} of memory {of}")
}
