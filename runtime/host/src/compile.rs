//! Compiling what nobody vouches for, in a process of its own.
//!
//! A compiler is a large program, and what a component makes it do is hard to foresee. The code that the child returns is trusted.

use std::process::ExitCode;
use std::time::Duration;

use crate::child::{Bounds, Child, Failed, Unable, work_for_parent};
use crate::engine;
use crate::limits::HostLimits;

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

/// The argument that asks for code whose instructions are counted.
const COUNTED: &str = "counted";

/// Compiles a component in a child.
pub(crate) fn compile(child: &Child, wasm: &[u8], counted: bool, limits: &HostLimits) -> Result<Vec<u8>, CompileError> {
    let HostLimits { compile_time: time, compile_memory: memory, .. } = *limits;
    let words: &[&str] = if counted { &[COUNTED] } else { &[] };
    child.work(words, wasm, Bounds { memory, time, result: MAX_CODE_BYTES }).map_err(|failed| match failed {
        Failed::Start(why) => CompileError::Start(why),
        Failed::Time => CompileError::Time(time),
        Failed::Result => CompileError::Code,
        Failed::Refused(why) => CompileError::Refused(why),
        Failed::Crashed(how) => CompileError::Memory { memory, how },
    })
}

/// What the child does that compiles. `arguments` are those that [`Child`] added.
pub fn compile_for_parent(arguments: &[String]) -> ExitCode {
    work_for_parent(arguments, |words, wasm| {
        let counted = words.first().is_some_and(|word| word == COUNTED);
        let engine = engine::for_compiling(counted).map_err(|error| Unable::Fails(format!("{error:#}")))?;
        engine.precompile_component(&wasm).map_err(|error| Unable::Refuses(format!("{error:#}")))
    })
}
