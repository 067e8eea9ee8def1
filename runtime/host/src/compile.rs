//! Compiling what nobody vouches for: in a process of its own, under limits of the kernel and a kill timer.
//!
//! A compiler is a large program, and what a component makes it do is hard to foresee: what it takes in time and memory ends with
//! the child. The code that the child returns is trusted.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::engine;
use crate::limits::HostLimits;

/// The program that compiles: this one, called so that it ends up in [`compile_for_parent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// The program.
    pub program: PathBuf,
    /// What is said to it before what this module adds.
    pub arguments: Vec<OsString>,
}

/// Why a component was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// There is no child to compile it.
    #[error("the compiler cannot be started: {0}")]
    Start(String),
    /// It took too long.
    #[error("compiling it took longer than {0:?}; an operator can raise [host] compile_time")]
    Time(Duration),
    /// The child was ended by the kernel or gave up, as it does where it gets no memory.
    #[error(
        "compiling it took more than {} MiB of memory, or crashed the compiler ({how}); an operator can raise [host] compile_memory", memory >> 20
    )]
    Memory {
        /// Bytes that it may use.
        memory: u64,
        /// How the child ended.
        how: String,
    },
    /// The code is larger than anybody wants to load.
    #[error("its compiled code has more than {} MiB; make it smaller", MAX_CODE_BYTES >> 20)]
    Code,
    /// It is no component that can be compiled.
    #[error("it is not a skill: {0}")]
    Refused(String),
}

/// The most compiled code that is taken from a child.
const MAX_CODE_BYTES: u64 = 1 << 30;

/// The most of a child's complaint that is read.
const MAX_COMPLAINT_BYTES: u64 = 4_000;

/// The argument that asks for code whose instructions are counted.
const COUNTED: &str = "counted";

impl Compiler {
    /// Compiles a component.
    pub(crate) fn compile(&self, wasm: &[u8], counted: bool, limits: &HostLimits) -> Result<Vec<u8>, CompileError> {
        let HostLimits { compile_time: time, compile_memory: memory, .. } = *limits;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(memory.to_string()).arg(seconds(time).to_string());
        if counted {
            command.arg(COUNTED);
        }
        command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| CompileError::Start(error.to_string()))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(CompileError::Start("it cannot be talked to".to_owned()));
        };
        let (send, done) = mpsc::channel();
        let received = std::thread::scope(|scope| {
            // A child that ends early leaves its input unread: that is told by how it ended.
            scope.spawn(move || drop(stdin.write_all(wasm)));
            let complaint = scope.spawn(move || read(stderr, MAX_COMPLAINT_BYTES));
            scope.spawn(move || drop(send.send(read(stdout, MAX_CODE_BYTES + 1))));
            let code = done.recv_timeout(time);
            // Over or not: nothing of it is left, and the threads that listen to it end.
            let _ = child.kill();
            let ended = child.wait();
            let complaint = complaint.join().unwrap_or_default();
            (code, ended, complaint)
        });
        match received {
            (Err(_), ..) => Err(CompileError::Time(time)),
            (Ok(code), ..) if code.len() as u64 > MAX_CODE_BYTES => Err(CompileError::Code),
            (Ok(code), Ok(status), _) if status.success() => Ok(code),
            // It says itself what is wrong, with a component or with its limits; else it aborts or panics, and what it wrote is
            // for its developers.
            (_, Ok(status), complaint) if [REFUSED, UNREADY].map(i32::from).map(Some).contains(&status.code()) => {
                let complaint = String::from_utf8_lossy(&complaint);
                let complaint = crate::text::shorten(complaint.trim(), 1_000);
                let is_refused = status.code() == Some(REFUSED.into());
                Err(if is_refused { CompileError::Refused(complaint) } else { CompileError::Start(complaint) })
            }
            (_, ended, _) => {
                let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(CompileError::Memory { memory, how })
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

/// How the child ends where the component cannot be compiled.
const REFUSED: u8 = 3;

/// How it ends where it does not get what it needs before it looks at the component.
const UNREADY: u8 = 4;

/// What the child does: reads a component from standard input and writes its code to standard output, or why it cannot to
/// standard error. `arguments` are those that [`Compiler`] added.
pub fn compile_for_parent(arguments: &[String]) -> ExitCode {
    let compiled = match limit(arguments) {
        Ok(()) => compile(arguments.get(2).is_some_and(|word| word == COUNTED)),
        Err(error) => Err((UNREADY.into(), error)),
    };
    // Its parent reads it; where that is gone, nobody does.
    match compiled {
        Ok(code) => {
            let _ = std::io::stdout().lock().write_all(&code);
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

/// The code, or how to end and what to say.
fn compile(counted: bool) -> Result<Vec<u8>, (ExitCode, String)> {
    let failed = |error: String| (ExitCode::FAILURE, error);
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm).map_err(|error| failed(error.to_string()))?;
    let engine = engine::for_compiling(counted).map_err(|error| failed(format!("{error:#}")))?;
    engine.precompile_component(&wasm).map_err(|error| (REFUSED.into(), format!("{error:#}")))
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
