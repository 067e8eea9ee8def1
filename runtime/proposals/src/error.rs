//! What can go wrong with a proposal.

use negawatt_actions::forge::ForgeError;
use negawatt_casebook::{CaseId, CasebookError};

/// Why something could not be done with a proposal.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// The case has no proposal with this number.
    #[error("the case {case} has no proposal {number}; `negawatt review show {case}` lists them")]
    NoSuchProposal {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
    },
    /// The proposal stands elsewhere.
    #[error("the proposal {number} of case {case} is {stage}: {help}")]
    Misplaced {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
        /// Where it stands.
        stage: String,
        /// What can be done.
        help: String,
    },
    /// Somebody decided of it meanwhile, or the guard did.
    #[error("the proposal {number} of case {case} was decided of meanwhile; `negawatt review show {case}` says what")]
    Overtaken {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
    },
    /// A guardrail withholds it.
    #[error("the proposal {number} of case {case} is withheld: {criterion}: {detail}")]
    Withheld {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
        /// The criterion that does not hold.
        criterion: String,
        /// Why.
        detail: String,
    },
    /// It cannot be submitted as the operator configured things.
    #[error("the proposal {number} of case {case} cannot be submitted: {why}")]
    NoForge {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
        /// What is missing, and where to write it.
        why: String,
    },
    /// What a merge brought cannot be told.
    #[error("what the proposal {number} of case {case} brought cannot be told: {why}")]
    Unmeasured {
        /// The case.
        case: CaseId,
        /// The number.
        number: u32,
        /// Why.
        why: String,
    },
    /// The forge refused, or could not be reached.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The casebook could not be read or written.
    #[error(transparent)]
    Casebook(#[from] CasebookError),
}
