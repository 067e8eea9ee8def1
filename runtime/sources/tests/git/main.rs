//! Changes and code from real git repositories, through the tools' traits; compared with what the git program says.

mod code;
mod commits;
mod hostile;
mod kept;
#[path = "../../benches/history.rs"]
mod large;
mod limits;
mod repositories;
mod same_as_git;
#[path = "../support/mod.rs"]
mod support;

use std::future::Future;
use std::sync::Arc;

use negawatt_host::model::Window;
use negawatt_host::model::changes::{ChangeKind, Commit, TouchedFile};
use negawatt_host::{Changes, Code};
use support::{Place, scope};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn tools(place: &Place, toml: &str) -> (Arc<dyn Changes>, Arc<dyn Code>) {
    let tools = place.configure(toml).tools;
    (tools.changes.unwrap(), tools.code.unwrap())
}

fn list(changes: &Arc<dyn Changes>, window: Window) -> Vec<Commit> {
    run(changes.list(&scope(&[]), None, window, Vec::new())).unwrap()
}

fn file(path: &str, kind: ChangeKind, added: u32, removed: u32) -> TouchedFile {
    TouchedFile { path: path.to_owned(), old_path: None, kind, added, removed }
}
