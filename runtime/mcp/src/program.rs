//! What the program that carries a server gives it.

use std::pin::Pin;
use std::sync::Arc;

use negawatt_casebook::{Case, Casebook, Proposal};
use negawatt_planner::Runtime;
use serde_json::Value;

/// Carries a case that has a verdict on, and gives it as it then stands; or says why it could not.
pub type CarryOn = Arc<dyn Fn(Case) -> Pin<Box<dyn Future<Output = Result<Case, String>> + Send>> + Send + Sync>;

/// A case as programs read it.
pub type Describe = Arc<dyn Fn(&Case) -> Value + Send + Sync>;

/// A proposal of a case as programs read it.
pub type DescribeProposal = Arc<dyn Fn(&Case, &Proposal) -> Value + Send + Sync>;

/// What the program that carries a server gives it.
#[derive(Clone)]
pub struct Program {
    /// What cases share now: asked for each request, so that skills can be loaded anew.
    pub runtime: Arc<dyn Fn() -> Arc<Runtime> + Send + Sync>,
    /// Where cases are recorded.
    pub book: Casebook,
    /// What happens after a verdict: proposals, and what the operator lets be done with them.
    pub carry_on: CarryOn,
    /// A case as programs read it: what `negawatt case show --json` prints.
    pub describe: Describe,
    /// A proposal of a case as programs read it: an entry of what `negawatt review list --json` prints.
    pub proposal: DescribeProposal,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they are called, for the record.
    pub name: String,
    /// Whether they may open cases and call skills; everybody who is let in may look.
    pub may_investigate: bool,
}

impl Caller {
    /// Whoever started the program, and may do with it what they want.
    pub(crate) fn local() -> Caller {
        Caller { name: "the user of this machine".to_owned(), may_investigate: true }
    }
}
