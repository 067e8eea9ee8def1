//! Which process owns a case, and whether it still lives.

use std::fmt;

use rustix::system::uname;

/// A process of some machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The machine's name, for people.
    pub host: String,
    /// The number of the process.
    pub pid: u32,
    /// Which numbers of processes can be compared with its own: one boot of one kernel, one namespace. Empty: not known.
    pub(crate) machine: String,
    /// When it started, in ticks since the boot: numbers are given again. 0: not known.
    pub(crate) started: i64,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the process {} on {}", self.pid, self.host)
    }
}

impl Owner {
    /// This process.
    pub(crate) fn this() -> Owner {
        let pid = std::process::id();
        Owner {
            host: uname().nodename().to_string_lossy().into_owned(),
            pid,
            machine: machine().unwrap_or_default(),
            started: stat(pid).map_or(0, |stat| stat.started),
        }
    }

    /// Whether it certainly lives no more. A process of another machine, or of one that cannot be asked, may live.
    pub(crate) fn is_dead(&self) -> bool {
        let comparable = !self.machine.is_empty() && machine().as_ref() == Some(&self.machine) && self.started != 0;
        // Without an entry of its own in /proc this process would take every other for dead.
        comparable
            && stat(std::process::id()).is_some()
            && stat(self.pid).is_none_or(|stat| stat.gone || stat.started != self.started)
    }
}

/// What the kernel says of a process.
struct Stat {
    /// It has ended, and nobody has asked how.
    gone: bool,
    started: i64,
}

/// Linux's `/proc/<pid>/stat` (proc_pid_stat(5)); `None` where there is no such process, or no such file system.
fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The second field is the program's name in parentheses, which may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let gone = matches!(fields.next()?, "Z" | "X" | "x");
    let started = fields.nth(18)?.parse().ok()?;
    Some(Stat { gone, started })
}

/// This boot of this kernel, and the namespace of process numbers.
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    #[test]
    fn a_process_lives_until_it_ends() {
        assert!(!Owner::this().is_dead());
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let started = stat(child.id()).unwrap().started;
        let owner = Owner { pid: child.id(), started, ..Owner::this() };
        assert!(!owner.is_dead());
        assert!(Owner { started: started - 1, ..owner.clone() }.is_dead(), "its number was given again");
        assert!(!Owner { started: started - 1, machine: "elsewhere".into(), ..owner.clone() }.is_dead());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(owner.is_dead());
    }

    #[test]
    fn an_ended_process_that_nobody_asked_after_is_dead() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let owner = Owner { pid: child.id(), started: stat(child.id()).unwrap().started, ..Owner::this() };
        child.kill().unwrap();
        // Seen to have ended, and left there: its entry stays until `wait` below.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&child)), options).unwrap();
        assert!(owner.is_dead());
        child.wait().unwrap();
    }
}
