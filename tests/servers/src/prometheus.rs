//! A Prometheus of its own for a test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{find, missing};

/// How to get it.
const INSTALL: &str = "apt-get install prometheus";

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
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).expect("the configuration can be written");
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0", "--log.format=json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus starts");
        let mut log = BufReader::new(process.stderr.take().expect("its log"));
        let (mut address, mut ready) = (None, false);
        let (mut all, mut line) = (String::new(), String::new());
        // Two of its tasks say these, now one first and now the other.
        let address = loop {
            line.clear();
            let more = log.read_line(&mut line).expect("its log is text") > 0;
            assert!(more, "prometheus ended: {all}");
            all.push_str(&line);
            if line.contains(r#""msg":"Listening on""#) {
                address = after(&line, r#""address":""#).map(str::to_owned);
            }
            ready |= line.contains("Server is ready");
            if let Some(address) = address.take_if(|_| ready) {
                break address;
            }
        };
        // A full pipe would hold it up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Prometheus { process, url: format!("http://{address}"), folder }
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

fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(key)?.1.split('"').next()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
