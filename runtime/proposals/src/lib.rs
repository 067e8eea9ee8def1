//! From a case's mitigations to proposals that are guarded, reviewed, submitted and followed.
//!
//! [`propose`] ranks what skills propose and asks the guard of each; a person decides ([`decide`]) unless the operator's thresholds let it go
//! by itself ([`person`]); [`submit`] brings an approved one to its forge; [`follow`] asks what became of it; [`probe`] asks forges whether they
//! would take one. [`carry_on`] takes all steps that need nobody, and tells of what waits for somebody. All of it is in the case's log: a step
//! outside is written down before it is taken, and one that was stopped is taken up again.

mod carry;
mod decide;
mod error;
mod examinations;
mod examine;
mod follow;
mod gate;
mod lines;
mod probe;
mod rank;
mod reader;
mod recovery;
mod saving;
mod stats;
mod submit;
mod tally;
mod thresholds;
mod tip;

use std::path::PathBuf;
use std::sync::Arc;

use negawatt_actions::guard::Launcher;
use negawatt_casebook::{Case, Proposal};
use negawatt_config::Config;

pub use carry::{carry_on, is_left, is_unguarded, take_up};
pub use decide::{Word, decide, outcome};
pub use error::ProposalError;
pub use examinations::Examinations;
pub use examine::{files, propose};
pub use follow::{Followed, Observed, follow};
pub use gate::person;
pub use probe::{Probed, Trouble, probe};
pub use rank::ranked;
pub use stats::{Counts, Stats, Times, VERDICTS};
pub use submit::submit;
pub use tally::{Every, PERIODS, Skill, Tally};
pub use thresholds::Thresholds;

/// Whether a file still parses: see [`negawatt_actions::guard::Parses`].
pub type Parses = Arc<dyn Fn(&str, Option<&str>, &str) -> Result<(), String> + Send + Sync>;

/// Tells whoever the operator named of a proposal: that it waits for a person, or why it could not be submitted by itself. It may block. An
/// error says why nobody was told; then it is told again.
pub type Tell = Arc<dyn Fn(&Case, &Proposal, Option<&str>) -> Result<(), String> + Send + Sync>;

/// What proposals are handled with.
#[derive(Clone)]
pub struct Desk {
    /// What the operator said.
    pub config: Arc<Config>,
    /// How commands are put under guard.
    pub launcher: Launcher,
    /// Whether files parse.
    pub parses: Parses,
    /// A folder for scratch copies.
    pub scratch: PathBuf,
    /// What the guard said of what was proposed before.
    pub examinations: Examinations,
    /// Who is told; absent where nobody is.
    pub tell: Option<Tell>,
}

impl Desk {
    /// The same, with the time that the guard has for one case, from now on.
    fn for_one_case(&self) -> Desk {
        let until = self.launcher.until.within(self.config.guard_time());
        Desk { launcher: Launcher { until, ..self.launcher.clone() }, ..self.clone() }
    }
}
