//! What the program that carries a server gives it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Case, CaseId, Casebook, Proposal, Verdict};
use negawatt_planner::Runtime;
use serde_json::Value;

use crate::tell::ToolError;

/// Carries a case that has a verdict on, and gives it as it then stands; or says why it could not.
pub type CarryOn = Arc<dyn Fn(Case) -> Pin<Box<dyn Future<Output = Result<Case, String>> + Send>> + Send + Sync>;

/// A case as programs read it.
pub type Describe = Arc<dyn Fn(&Case) -> Value + Send + Sync>;

/// A proposal of a case as programs read it.
pub type DescribeProposal = Arc<dyn Fn(&Case, &Proposal) -> Value + Send + Sync>;

/// Hears of the cases of agents: how each begins and ends.
pub type Observe = Arc<dyn Fn(&Seen) + Send + Sync>;

/// What is seen of a case that an agent opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was opened.
    Opened(CaseId),
    /// It rests: with a verdict, which it had after so long, or without one.
    Ended(CaseId, Option<Verdict>, Duration),
}

/// Writes down what somebody does, before it is done; where that cannot be written down, it is not done. The error says why.
pub type Record = Arc<dyn Fn(Deed) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Something that somebody does, and that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What: the name of a tool, or `cancel`. A client wrote it.
    pub what: String,
    /// To what: the id of a case, or the service of an incident, as far as that was said. A client wrote it.
    pub to: String,
    /// What came of it.
    pub came: Came,
}

/// What came of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It is about to be done.
    Begun,
    /// It is not allowed.
    Refused,
    /// It was begun and did not succeed.
    Failed,
}

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
    /// Who hears of what is seen of cases.
    pub observe: Observe,
}

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// What they are called, for the record.
    pub name: String,
    /// Whether they may open cases and call skills; everybody who is let in may look.
    pub may_investigate: bool,
    /// Where what they do is written down; absent where that is nowhere, as for the user of this machine.
    pub record: Option<Record>,
}

impl Caller {
    /// Whoever started the program, and may do with it what they want.
    pub(crate) fn local() -> Caller {
        Caller { name: "the user of this machine".to_owned(), may_investigate: true, record: None }
    }

    /// Writes down what they do.
    pub(crate) async fn note(&self, deed: &Deed, came: Came) -> Result<(), ToolError> {
        let Some(record) = &self.record else { return Ok(()) };
        record(Deed { came, ..deed.clone() }).await.map_err(ToolError::new)
    }
}
