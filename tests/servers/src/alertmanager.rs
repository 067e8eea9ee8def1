//! An Alertmanager of its own for a test.

use std::fs;
use std::process::{Child, Command};

use tempfile::TempDir;

use crate::started::started;
use crate::{find, missing};

/// What it is called by Debian, and by those who build it themselves.
const PROGRAMS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// How to get it.
const INSTALL: &str = "apt-get install prometheus-alertmanager";

/// A running Alertmanager with its data in a temporary folder; it ends when it is dropped.
pub struct Alertmanager {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Alertmanager {
    /// One that posts every alert to a webhook as soon as it hears of it, again every second, and once more when it is resolved. The
    /// secret is sent as `Authorization: Bearer`. `None` where the program is missing.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn posting(webhook: &str, secret: &str) -> Option<Alertmanager> {
        let Some(program) = PROGRAMS.into_iter().find_map(find) else {
            missing(PROGRAMS[0], INSTALL);
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("alertmanager.yml");
        let text = format!(
            "route: {{receiver: test, group_wait: 0s, group_interval: 1s, repeat_interval: 1s}}\n\
             receivers: [{{name: test, webhook_configs: [{{url: {webhook:?}, send_resolved: true, \
             http_config: {{authorization: {{credentials: {secret:?}}}}}}}]}}]\n"
        );
        fs::write(&file, text).expect("the configuration can be written");
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            // It has no peers.
            .arg("--cluster.listen-address=");
        let (process, address) = started(&mut command, "Completed loading of configuration file");
        Some(Alertmanager { process, address, _folder: folder })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
