//! Compiling what nobody vouches for: in a process of its own, under limits of the kernel and a kill timer.
//!
//! A compiler is a large program, and what a component makes it do is hard to foresee. Whatever that is, it ends with the child.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
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

/// The most compiled code that is taken from a child.
const MAX_CODE_BYTES: u64 = 1 << 30;

/// The most of a child's complaint that is read.
const MAX_COMPLAINT_BYTES: u64 = 4_000;

/// The argument that asks for code whose instructions are counted.
const COUNTED: &str = "counted";

impl Compiler {
    /// Compiles a component. The error says what went wrong, for whoever wrote the component.
    pub(crate) fn compile(&self, wasm: &[u8], counted: bool, limits: &HostLimits) -> Result<Vec<u8>, String> {
        let HostLimits { compile_time: time, compile_memory: memory, .. } = *limits;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(memory.to_string()).arg(seconds(time).to_string());
        if counted {
            command.arg(COUNTED);
        }
        command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the compiler cannot be started: {error}"))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the compiler cannot be talked to".to_owned());
        };
        let (send, done) = mpsc::channel();
        let received = std::thread::scope(|scope| {
            // A child that ends early leaves its input unread: that is told by how it ended.
            scope.spawn(move || drop(stdin.write_all(wasm)));
            let complaint = scope.spawn(move || read(stderr, MAX_COMPLAINT_BYTES));
            scope.spawn(move || drop(send.send(read(stdout, MAX_CODE_BYTES))));
            let code = done.recv_timeout(time);
            // Over or not: nothing of it is left, and the threads that listen to it end.
            let _ = child.kill();
            let ended = child.wait();
            let complaint = complaint.join().unwrap_or_default();
            (code, ended, complaint)
        });
        match received {
            (Err(_), ..) => Err(format!("compiling it took longer than {time:?}")),
            (Ok(code), Ok(status), _) if status.success() => Ok(code),
            // Without memory the child aborts; what it wrote then is for its developers.
            (_, Ok(status), _) if status.code().is_none() => {
                Err(format!("compiling it took more than {} MiB of memory, or crashed ({status})", memory >> 20))
            }
            (.., complaint) => Err(crate::text::shorten(String::from_utf8_lossy(&complaint).trim(), 1_000)),
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

/// What the child does: reads a component from standard input and writes its code to standard output. `arguments` are those
/// that [`Compiler`] added; the error is for standard error.
pub fn compile_for_parent(arguments: &[String]) -> Result<(), String> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).ok_or("it lacks a limit");
    let (memory, time) = (number(0)?, number(1)?);
    let counted = arguments.get(2).is_some_and(|word| word == COUNTED);
    // Processor time counts that of all threads.
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Cpu, time.saturating_mul(threads)),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("its limits cannot be set: {error}"))?;
    }
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm).map_err(|error| format!("it cannot be read: {error}"))?;
    let engine = engine::for_compiling(counted).map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&wasm).map_err(|error| format!("{error:#}"))?;
    std::io::stdout().lock().write_all(&code).map_err(|error| format!("its code cannot be passed on: {error}"))
}
