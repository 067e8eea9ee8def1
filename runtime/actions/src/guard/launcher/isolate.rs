//! Namespaces of the kernel: without them a command could reach the network, write where its user may, and leave processes behind.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};
use rustix::fs::CWD;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::mount::{mount, mount_bind, mount_change, mount_remount, move_mount, open_tree};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink};
use rustix::process::{getegid, geteuid};

use super::super::run::{Order, Told};

/// Sockets of services that act for whoever may open them, without a network.
const SERVICES: [&str; 5] = ["/run/user", "/run/dbus", "/run/docker.sock", "/run/containerd", "/run/podman"];

/// Where the copy is, in the namespaces: the same for all, since the length of a path can be measured, and where everybody can enter.
pub(super) const PLACE: &str = "/tmp/negawatt";

const PROGRAMS: &str = "/tmp/negawatt-programs";

/// Where a folder of programs is, in the namespaces.
pub(super) fn place_of(programs: usize) -> PathBuf {
    Path::new(PROGRAMS).join(programs.to_string())
}

/// Leaves the namespaces of the parent: the next child is the first process of new ones.
pub(super) fn leave(network: bool) -> Result<(), String> {
    let mut flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC;
    flags.set(CloneFlags::CLONE_NEWNET, !network);
    if geteuid().is_root() {
        return unshare(flags).map_err(|error| format!("unshare: {error}"));
    }
    // Who is not root may do so as the root of a namespace of users.
    enter_users(flags, 0)
}

/// A namespace of users in which this user has a number, and whatever else.
fn enter_users(more: CloneFlags, number: u32) -> Result<(), String> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER | more).map_err(|error| format!("unshare: {error}"))?;
    let write = |file: &str, text: &str| fs::write(file, text).map_err(|error| format!("{file}: {error}"));
    // Refused where it was denied before, and then as good.
    let _ = write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", &format!("{number} {user} 1"))?;
    write("/proc/self/gid_map", &format!("{number} {group} 1"))
}

/// What makes a command that does not become nobody lose the rights of [`leave`]: an inner namespace of users, to which what guards
/// the command does not belong. It has its own number there, where the outer one makes it 0.
pub(super) fn give_up_rights() -> Result<(), String> {
    let map = fs::read_to_string("/proc/self/uid_map").map_err(|error| format!("/proc/self/uid_map: {error}"))?;
    let numbers: Vec<u32> = map.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    enter_users(CloneFlags::empty(), if let [0, outside, 1] = numbers[..] { outside } else { 0 })
}

/// Closes the namespaces off, as their first process: nothing outside of the folder can be written to, only own processes are seen, and
/// the only network is the loopback.
pub(super) fn enter(order: &Order) -> Result<(), Told> {
    if !order.network {
        raise_loopback().map_err(|error| Told::NotIsolated(format!("the loopback: {error}")))?;
    }
    let failed = |what: &'static str| move |error: rustix::io::Errno| Told::NotIsolated(format!("{what}: {error}"));
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).map_err(failed("mounting"))?;
    let plain = MountFlags::NOSUID | MountFlags::NODEV;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let folder = open_tree(CWD, &order.folder, flags).map_err(failed("mounting the copy"))?;
    let unread = |error| Told::NotIsolated(format!("/proc/self/mountinfo: {error}"));
    for mounted in mounted().map_err(unread)? {
        mounted.close().map_err(failed("making mounts read-only"))?;
    }
    mount("proc", "/proc", "proc", plain | MountFlags::NOEXEC, None).map_err(failed("mounting /proc"))?;
    for service in SERVICES {
        cover(Path::new(service)).map_err(failed("covering a service"))?;
    }
    // As the command would see them where they are: they can only be read by now, and what is hidden below them stays hidden. Before what
    // lies in /tmp is covered. A machine that allows namespaces and not these does not run the command without any.
    let unseen = |folder: &Path, why: &dyn std::fmt::Display| {
        Told::Unable(format!("`programs`: {} cannot be shown to it: {why}", folder.display()))
    };
    let open = |folder: &PathBuf| {
        open_tree(CWD, folder, flags | OpenTreeFlags::AT_RECURSIVE).map_err(|error| unseen(folder, &error))
    };
    let programs = order.programs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    // Programs that know no TMPDIR write to these.
    let size = CString::new(format!("mode=1777,size={}", order.memory));
    let size = size.map_err(|error| Told::NotIsolated(error.to_string()))?;
    for folder in ["/tmp", "/dev/shm"].into_iter().filter(|folder| Path::new(folder).is_dir()) {
        mount("tmpfs", folder, "tmpfs", plain, size.as_c_str())
            .map_err(failed("mounting a folder for temporary files"))?;
    }
    for ((number, programs), folder) in programs.into_iter().enumerate().zip(&order.programs) {
        let place = place_of(number);
        // Whatever the mask of this user is, the command's must get there.
        let made =
            fs::create_dir_all(&place).and_then(|()| fs::set_permissions(PROGRAMS, fs::Permissions::from_mode(0o755)));
        made.map_err(|error| unseen(folder, &error))?;
        move_mount(programs, c"", CWD, &place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .map_err(|error| unseen(folder, &error))?;
    }
    fs::create_dir(PLACE).map_err(|error| Told::NotIsolated(format!("{PLACE}: {error}")))?;
    move_mount(folder, c"", CWD, PLACE, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(failed("mounting the copy"))
}

/// Puts nothing in the place of something.
fn cover(path: &Path) -> rustix::io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => mount("tmpfs", path, "tmpfs", MountFlags::RDONLY, c"mode=755"),
        Ok(_) => mount_bind("/dev/null", path),
        Err(_) => Ok(()),
    }
}

/// A place where something is mounted.
struct Mounted {
    path: PathBuf,
    flags: MountFlags,
}

impl Mounted {
    /// From a line of `mountinfo`.
    fn read(line: &str) -> Option<Mounted> {
        let mut fields = line.split(' ').skip(4);
        let path = unescape(fields.next()?);
        let flags = fields.next()?.split(',').map(|option| match option {
            "ro" => MountFlags::RDONLY,
            "nosuid" => MountFlags::NOSUID,
            "nodev" => MountFlags::NODEV,
            "noexec" => MountFlags::NOEXEC,
            "noatime" => MountFlags::NOATIME,
            "nodiratime" => MountFlags::NODIRATIME,
            "relatime" => MountFlags::RELATIME,
            "nosymfollow" => MountFlags::NOSYMFOLLOW,
            _ => MountFlags::empty(),
        });
        Some(Mounted { path, flags: flags.collect() })
    }

    /// Makes it read-only, with all else as it is.
    fn close(&self) -> rustix::io::Result<()> {
        if self.flags.contains(MountFlags::RDONLY) {
            return Ok(());
        }
        match mount_remount(&self.path, self.flags | MountFlags::BIND | MountFlags::RDONLY, c"") {
            // No mount is found there: it lies under another one, or in a folder that this user cannot enter.
            Err(
                rustix::io::Errno::NOENT
                | rustix::io::Errno::NOTDIR
                | rustix::io::Errno::ACCESS
                | rustix::io::Errno::INVAL,
            ) => Ok(()),
            done => done,
        }
    }
}

fn mounted() -> io::Result<Vec<Mounted>> {
    Ok(fs::read_to_string("/proc/self/mountinfo")?.lines().filter_map(Mounted::read).collect())
}

/// A path of `mountinfo`, in which blanks and backslashes are octal.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let octal = if byte == b'\\' { after.get(..3) } else { None };
        let octal = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&bytes))
}

/// Raises the loopback of a new network, which is down: programs talk to themselves. A message of rtnetlink(7).
fn raise_loopback() -> io::Result<()> {
    const NEW_LINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const UP: u32 = 1;
    const LENGTH: u32 = 32;
    let mut message = Vec::new();
    message.extend(LENGTH.to_ne_bytes());
    message.extend([NEW_LINK, REQUEST_AND_ACKNOWLEDGE].map(u16::to_ne_bytes).concat());
    // Its number among messages, and the kernel as whom it is for.
    message.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    // Any family and type; the loopback is the first of every network; up, and nothing else is changed.
    message.extend([0_u32, 1, UP, UP].map(u32::to_ne_bytes).concat());
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::sendto(&socket, &message, SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 256];
    let (_, length) = rustix::net::recv(&socket, answer.as_mut_slice(), RecvFlags::empty())?;
    let code = answer[..length].get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes);
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel gives no answer")),
    }
}
