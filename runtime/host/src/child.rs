//! Work on what nobody vouches for, in a process of its own: under limits of the kernel and a kill timer, so that what it takes in time and
//! memory ends with the child, and what breaks it breaks nobody else.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The program that does such work: this one, called so that it ends up in [`work_for_parent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The program.
    pub program: PathBuf,
    /// What is said to it before what this module adds.
    pub arguments: Vec<OsString>,
}

/// What the work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of memory.
    pub memory: u64,
    /// Wall time.
    pub time: Duration,
    /// Bytes of the result.
    pub result: u64,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// There is no child, or it did not get what it needs.
    Start(String),
    /// It took too long.
    Time,
    /// The result is too large.
    Result,
    /// The child said what is wrong with what it was given.
    Refused(String),
    /// The child was ended by the kernel or gave up, as it does where it gets no memory.
    Crashed(String),
}

/// The most of a child's complaint that is read.
const MAX_COMPLAINT_BYTES: u64 = 4_000;

impl Child {
    /// What the child makes of an input. `words` tell it how.
    pub fn work(&self, words: &[&str], input: &[u8], bounds: Bounds) -> Result<Vec<u8>, Failed> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(bounds.memory.to_string()).arg(seconds(bounds.time).to_string()).args(words);
        command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Failed::Start(error.to_string()))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failed::Start("it cannot be talked to".to_owned()));
        };
        let (send, done) = mpsc::channel();
        let received = std::thread::scope(|scope| {
            // A child that ends early leaves its input unread: that is told by how it ended.
            scope.spawn(move || drop(stdin.write_all(input)));
            let complaint = scope.spawn(move || read(stderr, MAX_COMPLAINT_BYTES));
            scope.spawn(move || drop(send.send(read(stdout, bounds.result + 1))));
            let result = done.recv_timeout(bounds.time);
            // Over or not: nothing of it is left, and the threads that listen to it end.
            let _ = child.kill();
            let ended = child.wait();
            let complaint = complaint.join().unwrap_or_default();
            (result, ended, complaint)
        });
        match received {
            (Err(_), ..) => Err(Failed::Time),
            (Ok(result), ..) if result.len() as u64 > bounds.result => Err(Failed::Result),
            (Ok(result), Ok(status), _) if status.success() => Ok(result),
            // It says itself what is wrong, with its input or with its limits; else it aborts or panics, and what it wrote is
            // for its developers.
            (_, Ok(status), complaint) if [REFUSED, UNREADY].map(i32::from).map(Some).contains(&status.code()) => {
                let complaint = String::from_utf8_lossy(&complaint);
                let complaint = crate::text::shorten(complaint.trim(), 1_000);
                let is_refused = status.code() == Some(REFUSED.into());
                Err(if is_refused { Failed::Refused(complaint) } else { Failed::Start(complaint) })
            }
            (_, ended, _) => {
                Err(Failed::Crashed(ended.map_or_else(|error| error.to_string(), |status| status.to_string())))
            }
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn read(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What breaks off is told by how the child ended.
    let _ = from.take(most).read_to_end(&mut bytes);
    bytes
}

/// How the child ends where it refuses its input.
const REFUSED: u8 = 3;

/// How it ends where it does not get what it needs before it looks at its input.
const UNREADY: u8 = 4;

/// Why the child has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unable {
    /// What it was given cannot be worked on.
    Refuses(String),
    /// It cannot work at all.
    Fails(String),
}

/// What the child does: reads its input from standard input, and writes what `work` makes of it, told the words, to standard output, or why
/// there is nothing to standard error. `arguments` are those that [`Child`] added.
pub fn work_for_parent(
    arguments: &[String],
    work: impl FnOnce(&[String], Vec<u8>) -> Result<Vec<u8>, Unable>,
) -> ExitCode {
    let done = limit(arguments).map_err(|error| (UNREADY.into(), error)).and_then(|()| {
        let mut input = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut input);
        read.map_err(|error| (ExitCode::FAILURE, error.to_string()))?;
        work(arguments.get(2..).unwrap_or_default(), input).map_err(|unable| match unable {
            Unable::Refuses(why) => (REFUSED.into(), why),
            Unable::Fails(why) => (ExitCode::FAILURE, why),
        })
    });
    // Its parent reads it; where that is gone, nobody does.
    match done {
        Ok(result) => {
            let _ = std::io::stdout().lock().write_all(&result);
            ExitCode::SUCCESS
        }
        Err((code, error)) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            code
        }
    }
}

/// Takes its limits upon itself.
fn limit(arguments: &[String]) -> Result<(), String> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).ok_or("it lacks a limit");
    let (memory, time) = (number(0)?, number(1)?);
    // Processor time counts that of all threads. The parent's timer ends before it; this is for when there is no parent any more.
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Cpu, time.saturating_mul(threads).saturating_add(1)),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("its limits cannot be set: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_a_whole_one() {
        for (millis, whole) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (3_000, 3)] {
            assert_eq!(seconds(Duration::from_millis(millis)), whole);
        }
    }
}
