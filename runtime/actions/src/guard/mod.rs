//! Whether a proposed patch may be shown as a proposal.
//!
//! [`examine`] holds a patch against criteria, the cheap ones first, in a copy of the branch that ends with it; the user's repository is
//! only read. The first that fails withholds the patch, and says why. The order:
//!
//! | criterion | holds where |
//! |---|---|
//! | `applies` | the patch is a plain unified diff of text files, and git applies it to the tip of the branch and touches what the patch names |
//! | `parses` | every file that it leaves behind is text that its language's grammar reads, told by the caller |
//! | `right-issue` | it touches only files that the evidence names |
//! | `measurement-untouched` | it touches no test, benchmark, fixture, build setting or measuring call |
//! | the operator's | each command ends with 0 within its limits; a formatter leaves the files as they are |
//! | `validation` | the operator's command, run before and after in turn, prints numbers that are better, and not by chance |

mod copy;
mod examine;
mod git;
mod launcher;
mod measuring;
mod output;
mod patch;
mod paths;
mod run;
mod statistics;
mod until;
mod validation;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use examine::{Parses, examine};
pub use launcher::run_for_parent;
pub use run::Launcher;
pub use statistics::{median, relative};
pub use until::Until;

/// What is proposed. Nobody vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// A unified diff as `git diff` writes it, with the prefixes `a/` and `b/`.
    pub patch: String,
    /// The paths, from the root of the repository, that the evidence names.
    pub files: BTreeSet<String>,
}

/// Where it is to be applied, and what the operator wants to hold then.
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// A local repository, bare or not. It is only read.
    pub path: PathBuf,
    /// The branch; that of `HEAD` where absent.
    pub branch: Option<String>,
    /// What must succeed with the patch, in this order.
    pub checks: Vec<Check>,
    /// What must get better.
    pub validation: Option<Validation>,
}

/// A command that must succeed in a copy of the patched tree: no shell, no `.git`, and nothing of what another command built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name of the criterion.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Folders of programs that it needs and that need not be in reach of whom it is run as: it can read them, and their `bin`, or they
    /// themselves where they have none, come first in its `PATH`.
    pub programs: Vec<PathBuf>,
    /// What it may take.
    pub limits: Limits,
}

/// What a check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Formats, or says what is not: files of the tree that it changes are a failure.
    Formatter,
    /// Anything else.
    Check,
}

/// What a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time.
    pub time: Duration,
    /// Bytes of memory: of each process that it may write to, and of all together where they can be counted.
    pub memory: u64,
    /// Bytes of output that are kept of each run, from its beginning and its end; never more than 64 KiB.
    pub output: u64,
    /// Whether it may use the network.
    pub network: bool,
}

/// A command that measures. It prints a number on the last line of its standard output, in a unit of the operator's.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Folders of programs that it needs: see [`Check::programs`].
    pub programs: Vec<PathBuf>,
    /// How often it measures before and after, each, besides one run to warm up: 4 to 100. With fewer, no difference is
    /// beyond chance.
    pub runs: usize,
    /// Which numbers are better.
    pub better: Better,
    /// What one run may take.
    pub limits: Limits,
}

/// Which numbers are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Lower ones, as of times and sizes.
    Lower,
    /// Higher ones, as of rates.
    Higher,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// The full hash of the commit that the branch named; absent where the repository could not be read.
    pub base: Option<String>,
    /// The full hash of the patched tree; absent where the patch does not apply.
    pub tree: Option<String>,
    /// Every criterion, in the order of the examination.
    pub criteria: Vec<Criterion>,
    /// What the validation measured; absent where it did not get so far.
    pub measured: Option<Measured>,
}

impl Examined {
    /// Whether the patch may be shown: nothing failed.
    pub fn stands(&self) -> bool {
        self.criteria.iter().all(|criterion| criterion.outcome != Outcome::Failed)
    }
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Which one.
    pub name: String,
    /// Whether it holds.
    pub outcome: Outcome,
    /// Why, in one printable line of at most 2,000 characters.
    pub detail: String,
    /// What a command printed, in printable lines; its middle is left out where it is long.
    pub output: Option<String>,
}

/// Whether a criterion holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not: the patch is withheld.
    Failed,
    /// Nobody looked, since an earlier one failed.
    Skipped,
    /// The operator asks for none.
    NotConfigured,
}

/// What the validation measured, in the operator's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Which numbers are better.
    pub better: Better,
    /// Without the patch, in the order of the runs.
    pub before: Vec<f64>,
    /// With it.
    pub after: Vec<f64>,
    /// The change of the median, as a part of the median before; absent where that is 0.
    pub relative: Option<f64>,
    /// How probable numbers at least so much better would be if the patch changed nothing; above 0.
    pub p_value: f64,
}
