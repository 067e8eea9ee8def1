//! What is fuzzed: for each thing that is read from outside, a function that takes any bytes and asserts what must hold of
//! them. A fuzzer calls these functions, and so does a test, with the corpus that is kept.
//!
//! They go through the doors that the program itself uses, not into its rooms: what is found here, a user could have met.

mod component;
mod data;
mod findings;
mod git;
mod outline;
mod shown;
mod signals;
mod skills;
mod texts;

pub use component::component;
pub use data::{csv, folded, pprof};
pub use findings::{findings, image};
pub use git::git_text;
pub use outline::outline;
pub use signals::{alertmanager, generic, grafana};
pub use skills::{MANIFEST, hostile_skill, plain_skill};
pub use texts::{config, incident, skill_md};

/// A function that takes any bytes, and panics where something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name: that of its file in `fuzz_targets`, and of its folder in `corpus`.
pub const TARGETS: [(&str, Target); 13] = [
    ("alertmanager", alertmanager),
    ("component", component),
    ("config", config),
    ("csv", csv),
    ("findings", findings),
    ("folded", folded),
    ("generic", generic),
    ("git_text", git_text),
    ("grafana", grafana),
    ("incident", incident),
    ("outline", outline),
    ("pprof", pprof),
    ("skill_md", skill_md),
];

/// Runs what is asynchronous, on a runtime that all targets share.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    use std::sync::LazyLock;
    use tokio::runtime::{Builder, Runtime};

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let built = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        built.unwrap_or_else(|error| panic!("no runtime: {error}"))
    });
    RUNTIME.block_on(work)
}
