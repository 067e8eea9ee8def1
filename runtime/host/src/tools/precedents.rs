//! The tool `precedents`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::precedents as interface;
use crate::call::CallState;
use crate::model::precedents::Precedent;
use crate::model::{Answer, EvidenceId};
use crate::scope::Scope;

/// Resolved cases.
#[async_trait]
pub trait Precedents: Send + Sync {
    /// Cases like this one with regard to some of its evidence.
    async fn similar(&self, scope: &Scope, evidence: Vec<EvidenceId>, limit: u32) -> Answer<Vec<Precedent>>;
}

impl interface::Host for CallState {
    async fn similar(&mut self, evidence: Vec<EvidenceId>, limit: u32) -> Answer<Vec<Precedent>> {
        self.ask(Tool::Precedents, "similar", (evidence, limit), |tools, scope, (evidence, limit)| async move {
            tools.precedents()?.similar(&scope, evidence, limit).await
        })
        .await
    }
}
