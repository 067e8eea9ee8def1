//! A git server for tests, which takes pushes from everybody.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::missing;

/// How to get it.
const INSTALL: &str = "install the whole of git (apt-get install git)";

/// `git daemon` on a free port of this machine; it ends when it is dropped.
pub struct GitDaemon {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl GitDaemon {
    /// Serves every repository of this machine. `None` where the program is missing.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn start() -> Option<GitDaemon> {
        let folder = Command::new("git").arg("--exec-path").output().ok()?;
        let folder = String::from_utf8_lossy(&folder.stdout).trim_end().to_owned();
        let program = Path::new(&folder).join("git-daemon");
        if !program.is_file() {
            missing("git daemon", INSTALL);
            return None;
        }
        // The daemon cannot tell which port it took: it is started for each connection, as inetd does.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let Ok(output) = stream.try_clone() else { continue };
                let mut daemon = Command::new(&program);
                daemon.args(["--inetd", "--export-all", "--enable=receive-pack", "--log-destination=none"]);
                daemon.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
                daemon.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stderr(Stdio::null());
                let daemon = daemon.stdin(OwnedFd::from(stream)).stdout(OwnedFd::from(output)).spawn();
                // One after the other is enough for a test.
                daemon.and_then(|mut daemon| daemon.wait()).expect("git daemon runs");
            }
        });
        Some(GitDaemon { address, stop, thread: Some(thread) })
    }

    /// The address of a repository.
    pub fn url(&self, repository: &Path) -> String {
        format!("git://{}{}", self.address, repository.display())
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
