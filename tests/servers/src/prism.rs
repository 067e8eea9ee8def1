//! A server that an OpenAPI description is enough for: it holds requests against the description, and answers with its examples.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{find, missing};

/// How to get it, and the descriptions of GitHub.
const INSTALL: &str = "npm install --prefix <folder> @stoplight/prism-cli@5.14.2 @octokit/openapi@23.0.2, and put \
                       <folder>/node_modules/.bin into PATH";

/// A running Prism; it ends when it is dropped.
pub struct Prism {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Prism {
    /// Where GitHub's published descriptions are, installed beside Prism. `None` where one or the other is missing.
    pub fn github_descriptions() -> Option<PathBuf> {
        // <folder>/node_modules/.bin/prism
        let modules = find("prism").and_then(|program| Some(program.parent()?.parent()?.to_owned()));
        let folder = modules.map(|modules| modules.join("@octokit/openapi/generated")).filter(|folder| folder.is_dir());
        if folder.is_none() {
            missing("prism", INSTALL);
        }
        folder
    }

    /// One for a description, which is JSON: what it does not allow is an error.
    ///
    /// # Panics
    ///
    /// Where it cannot be started, or the text is no description.
    pub fn mocking(description: &str) -> Prism {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("openapi.json");
        fs::write(&file, description).expect("the description can be written");
        let mut process = Command::new("prism")
            .args(["mock", "--errors", "--host", "127.0.0.1", "--port", "0"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("prism starts");
        let mut log = BufReader::new(process.stdout.take().expect("its log"));
        let (mut all, mut line) = (String::new(), String::new());
        let url = loop {
            line.clear();
            let more = log.read_line(&mut line).expect("its log is text") > 0;
            assert!(more, "prism ended: {all}");
            all.push_str(&line);
            if let Some((_, url)) = line.split_once("Prism is listening on ") {
                break url.trim().to_owned();
            }
        };
        // A full pipe would hold it up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Prism { process, url, _folder: folder }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
