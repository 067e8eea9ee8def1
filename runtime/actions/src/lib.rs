//! What the host does outside, after guardrails and review: submits a proposal to a forge, in words made for its reader.

pub mod forge;
pub mod text;
