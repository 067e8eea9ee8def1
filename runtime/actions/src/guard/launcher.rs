//! Runs a command of the operator's under guard: the side of the child.
//!
//! The program is started three times. The first makes namespaces; the second, the first process in them, closes them off, and watches over
//! what runs there: when it ends, the kernel ends the rest. The third takes the limits upon itself, becomes a user without rights, and turns
//! into the command. Where a machine allows no namespaces, the first watches, and what a command leaves behind becomes its child.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions};
use rustix::process::{getpid, kill_process, set_child_subreaper, set_dumpable_behavior, setrlimit, wait};

use super::copy::{HOME, TEMPORARY, TREE};
use super::run::{Ended, Order, Told};

mod isolate;
mod memory;

/// What the parent says first.
pub(super) const FIRST: &str = "begin";
const WATCH: &str = "watch";
const COMMAND: &str = "command";

/// The largest file that a command may write.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

/// The most processes and threads of a command.
const MAX_PROCESSES: u64 = 4_096;

/// The user and the group of nobody.
pub(super) const NOBODY: u32 = 65_534;

/// What the child does: runs a command under guard for its parent. `arguments` are those that [`Launcher`](super::Launcher) added. To be
/// called before there are threads.
pub fn run_for_parent(arguments: &[String]) -> ExitCode {
    // The third one's standard input is another before it fails to turn into the command.
    let Ok(parent) = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3) else { return ExitCode::FAILURE };
    let told = match read(arguments) {
        Err(why) => Told::Unable(why),
        Ok((stage, order)) => match stage {
            FIRST if order.isolated => begin(arguments, &order),
            FIRST | WATCH => watch(arguments, &order),
            _ => become_command(&order),
        },
    };
    tell(&parent, &told);
    // What is not told must not look like a command that succeeded.
    if matches!(told, Told::Ended(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(arguments: &[String]) -> Result<(&'static str, Order), String> {
    let [stage, order] = arguments else { return Err("a launcher needs two arguments".to_owned()) };
    let stage =
        [FIRST, WATCH, COMMAND].into_iter().find(|known| known == stage).ok_or("a launcher does not know its task")?;
    let order: Order =
        serde_json::from_str(order).map_err(|error| format!("a launcher cannot read its order: {error}"))?;
    // Only root can become another user.
    let as_nobody = order.as_nobody && (stage != FIRST || rustix::process::geteuid().is_root());
    Ok((stage, Order { as_nobody, ..order }))
}

/// Tells the parent, at the other end.
fn tell(parent: impl AsFd, told: &Told) {
    let Ok(line) = serde_json::to_string(told) else { return };
    let line = line + "\n";
    let mut rest = line.as_bytes();
    // Where the parent is gone, nobody reads it.
    while let Ok(count @ 1..) = rustix::io::write(&parent, rest) {
        rest = &rest[count..];
    }
}

/// This program again, with another task. Its path may lie where nothing is seen any more.
fn again(arguments: &[String], stage: &str, order: &Order) -> io::Result<Command> {
    let all: Vec<_> = std::env::args_os().skip(1).collect();
    let before = all.len().saturating_sub(arguments.len());
    let mut command = Command::new("/proc/self/exe");
    command.args(&all[..before]).arg(stage).arg(serde_json::to_string(order)?);
    Ok(command)
}

/// The first: makes namespaces, and starts the second in them.
fn begin(arguments: &[String], order: &Order) -> Told {
    if let Err(why) = isolate::leave(order.network) {
        return Told::NotIsolated(why);
    }
    match again(arguments, WATCH, order).and_then(|mut command| command.status()) {
        // It has told how.
        Ok(status) if status.success() => std::process::exit(0),
        Ok(status) => Told::Unable(format!("what watches over it ended with {status}")),
        Err(error) => Told::NotIsolated(error.to_string()),
    }
}

/// The second: starts the command, and waits for it or for the parent's end.
fn watch(arguments: &[String], order: &Order) -> Told {
    let ready = if order.isolated {
        isolate::enter(order)
    } else {
        set_child_subreaper(Some(getpid())).map_err(|error| Told::NotIsolated(error.to_string()))
    };
    if let Err(told) = ready {
        return told;
    }
    // What runs under guard must not get at what guards it.
    let hidden = set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(io::Error::from);
    let command = match hidden.and_then(|()| again(arguments, COMMAND, order)?.process_group(0).spawn()) {
        Ok(command) => command,
        Err(error) => return Told::Unable(error.to_string()),
    };
    let Some(command) = Pid::from_raw(command.id().cast_signed()) else {
        return Told::Unable("it has no number".to_owned());
    };
    let isolated = order.isolated;
    std::thread::spawn(move || {
        let _ = io::stdin().read(&mut [0]);
        end(isolated, command);
    });
    if isolated {
        let most = order.memory;
        std::thread::spawn(move || {
            memory::wait_for_more_than(most);
            tell(io::stdin(), &Told::Ended(Ended::Memory));
            end(true, command);
        });
    }
    let ended = loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => {
                break status.exit_status().map(Ended::Code).or(status.terminating_signal().map(Ended::Signal));
            }
            // Another one, that its parent left behind.
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => break None,
        }
    };
    if !isolated {
        end_children();
    }
    ended.map_or_else(|| Told::Unable("it was lost".to_owned()), Told::Ended)
}

/// Ends the command before its time.
fn end(isolated: bool, command: Pid) {
    if isolated {
        std::process::exit(0);
    }
    // The rest follows when this one was waited for.
    let _ = kill_process(command, Signal::KILL);
}

/// Ends all that the command left behind: whoever loses its parent becomes a child of this process.
fn end_children() {
    let own = std::process::id().to_string();
    loop {
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // Its number, its name in parentheses, which may hold any of them, its state, its parent.
            let parent = stat.rsplit_once(") ").and_then(|(_, facts)| facts.split(' ').nth(1));
            if parent == Some(&*own)
                && let Some(child) = process.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?))
            {
                let _ = kill_process(child, Signal::KILL);
            }
        }
        // Without children of its own it is over.
        if wait(WaitOptions::empty()).is_err_and(|error| error != rustix::io::Errno::INTR) {
            return;
        }
    }
}

/// The third: turns into the command.
fn become_command(order: &Order) -> Told {
    let [program, arguments @ ..] = order.command.as_slice() else {
        return Told::Unable("the command is empty".to_owned());
    };
    if let Err(why) = limit(order) {
        return Told::Unable(why);
    }
    let folder = if order.isolated { Path::new(isolate::PLACE) } else { &order.folder };
    let seen = order.programs.iter().enumerate();
    let seen = seen.map(|(number, path)| if order.isolated { isolate::place_of(number) } else { path.clone() });
    let folders = seen.map(|path| Some(path.join("bin")).filter(|bin| bin.is_dir()).unwrap_or(path));
    let path = match std::env::join_paths(folders.chain(std::env::split_paths(&order.path))) {
        Ok(path) => path,
        Err(error) => return Told::Unable(format!("`programs`: {error}")),
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.join(TREE)).stdin(Stdio::null()).env_clear();
    command
        .env("PATH", path)
        .env("LANG", "C.UTF-8")
        .env("HOME", folder.join(HOME))
        .env("TMPDIR", folder.join(TEMPORARY));
    if order.as_nobody {
        command.gid(NOBODY).uid(NOBODY);
    }
    let error = command.exec();
    let is_denied = order.as_nobody && error.kind() == io::ErrorKind::PermissionDenied;
    let hint = if is_denied { "; it runs as the user nobody, who must be able to reach and to run it" } else { "" };
    Told::Unable(format!("{program}: {error}{hint}"))
}

/// Takes limits upon itself, and gives its rights up.
fn limit(order: &Order) -> Result<(), String> {
    if order.isolated && !order.as_nobody {
        isolate::give_up_rights()?;
    }
    let failed = |error| format!("its limits cannot be set: {error}");
    rustix::thread::set_no_new_privs(true).map_err(failed)?;
    for (resource, most) in [
        // What a process may write to, without the address space that some runtimes reserve.
        (Resource::Data, order.memory),
        (Resource::Fsize, MAX_FILE_BYTES),
        (Resource::Nproc, MAX_PROCESSES),
        (Resource::Core, 0),
    ] {
        // Not above what the whole program may.
        let most = rustix::process::getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(failed)?;
    }
    Ok(())
}
