//! Real servers for tests: started on free ports with temporary folders, stopped when dropped.
//!
//! Where a server's program is missing, its `start` gives `None` after a notice on standard error, and the test has nothing
//! to do; with `NEGAWATT_REQUIRE_SERVERS` in the environment it panics instead.

mod alertmanager;
mod git;
mod github;
mod http;
pub mod negawatt;
mod openmetrics;
mod prism;
mod prometheus;
mod repository;
mod started;

use std::io::Write as _;
use std::path::PathBuf;

pub use alertmanager::Alertmanager;
pub use git::GitDaemon;
pub use github::{Fault, GitHub, Pull, World};
pub use http::{HttpServer, Request, Response};
pub use openmetrics::{Sample, openmetrics, openmetrics_of_csv};
pub use prism::Prism;
pub use prometheus::Prometheus;
pub use repository::git;

/// The variable that makes a missing server a failure.
pub const REQUIRE: &str = "NEGAWATT_REQUIRE_SERVERS";

/// Whether every server must be there.
pub fn required() -> bool {
    std::env::var_os(REQUIRE).is_some_and(|value| !value.is_empty())
}

/// Says that a program is missing, and how to get it.
///
/// # Panics
///
/// Where every server is [`required`].
pub fn missing(program: &str, install: &str) {
    let notice = format!("the program {program:?} is not installed; {install}");
    assert!(!required(), "{notice}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the test harness, which hides what a test that passes has printed.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {notice}");
}

/// Where a program of the path is.
pub fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|file| file.is_file())
}
