//! Tells the operator's command of proposals.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use negawatt_casebook::{Case, Proposal};
use negawatt_host::text::printable;
use negawatt_proposals::Tell;

use crate::review::described;

/// How long the command may take to hear of a proposal.
const HEARING: Duration = Duration::from_secs(10);

/// Tells a command, on its standard input, of a proposal that waits for a person or could not be submitted by itself, and waits for it a little.
/// The patch and what commands printed are left out.
pub fn by(command: Vec<String>) -> Option<Tell> {
    let (program, arguments) = command.split_first()?;
    let (program, arguments) = (program.clone(), arguments.to_vec());
    let tell = move |case: &Case, proposal: &Proposal, trouble: Option<&str>| {
        let mut told = described(case, proposal);
        for key in ["patch", "checks", "measured"] {
            told.as_object_mut().map(|all| all.remove(key));
        }
        told["trouble"] = trouble.into();
        hear(&program, &arguments, format!("{told}\n"))
    };
    Some(Arc::new(tell))
}

fn hear(program: &str, arguments: &[String], told: String) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
    let (send, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let done = command.spawn().and_then(|mut child| {
            let written = child.stdin.take().map(|mut stdin| stdin.write_all(told.as_bytes()));
            let status = child.wait()?;
            match written {
                // One that does not listen says by its end how it went.
                Some(Err(error)) if error.kind() != ErrorKind::BrokenPipe => Err(error),
                _ => Ok(status),
            }
        });
        // Whoever does not wait any more is not told.
        let _ = send.send(done);
    });
    match heard.recv_timeout(HEARING) {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program}: {status}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => {
            // It heard of it: to tell it again and again would be worse.
            tracing::warn!("{} takes more than {HEARING:?} to hear of a proposal", printable(program));
            Ok(())
        }
    }
}
