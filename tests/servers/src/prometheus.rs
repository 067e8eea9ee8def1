//! A Prometheus of its own for a test.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use tempfile::TempDir;

use crate::started::started;
use crate::{Alertmanager, find, missing};

/// How to get it.
const INSTALL: &str = "apt-get install prometheus";

/// Its configuration, in its folder.
const CONFIGURATION: &str = "prometheus.yml";

/// A running Prometheus with its data in a temporary folder; it ends when it is dropped.
pub struct Prometheus {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Prometheus {
    /// One that holds these samples (OpenMetrics text) and scrapes nothing. `None` where the program is missing.
    ///
    /// # Panics
    ///
    /// Where it cannot be started, or the text is not OpenMetrics.
    pub fn with(openmetrics: &str) -> Option<Prometheus> {
        let folder = Prometheus::installed()?;
        let input = folder.path().join("samples");
        fs::write(&input, openmetrics).expect("the samples can be written");
        // One block, rather than one for every two hours: each reads all samples again.
        let mut promtool = Command::new("promtool");
        promtool.args(["tsdb", "create-blocks-from", "--quiet", "--max-block-duration=876000h", "openmetrics"]);
        let output = promtool.arg(&input).arg(folder.path().join("data")).output().expect("promtool runs");
        assert!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
        Some(Prometheus::run(folder, "{}\n"))
    }

    /// One that scrapes `/metrics` of an address. `None` where the program is missing.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn scraping(target: SocketAddr, interval: Duration) -> Option<Prometheus> {
        let folder = Prometheus::installed()?;
        let configuration = format!(
            "scrape_configs: [{{job_name: test, scrape_interval: {0}ms, scrape_timeout: {0}ms, static_configs: [{{targets: [\"{target}\"]}}]}}]\n",
            interval.as_millis()
        );
        Some(Prometheus::run(folder, &configuration))
    }

    fn installed() -> Option<TempDir> {
        for program in ["prometheus", "promtool"] {
            if find(program).is_none() {
                missing(program, INSTALL);
                return None;
            }
        }
        Some(tempfile::tempdir().expect("a temporary folder"))
    }

    fn run(folder: TempDir, configuration: &str) -> Prometheus {
        let file = folder.path().join(CONFIGURATION);
        fs::write(&file, configuration).expect("the configuration can be written");
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.enable-lifecycle", "--rules.alert.resend-delay=1s"]);
        let (process, address) = started(&mut command, "Server is ready");
        Prometheus { process, url: format!("http://{address}"), folder }
    }

    /// Looks at a rule every second from now on, instead of those before, and tells an Alertmanager while its expression has a value. A
    /// rule of the same name as before goes on with what fires.
    ///
    /// # Panics
    ///
    /// Where it does not take the rule.
    pub fn alert(&self, name: &str, expression: &str, labels: &[(&str, &str)], alertmanager: &Alertmanager) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        let rules = format!(
            "groups: [{{name: test, rules: [{{alert: {name:?}, expr: {expression:?}, labels: {{{}}}}}]}}]\n",
            labels.join(", ")
        );
        let configuration = format!(
            "global: {{evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: [{:?}]}}]}}]}}\n",
            alertmanager.address()
        );
        for (file, text) in [("rules.yml", rules), (CONFIGURATION, configuration)] {
            fs::write(self.folder.path().join(file), text).expect("the configuration can be written");
        }
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let head =
            format!("POST /-/reload HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it is asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
