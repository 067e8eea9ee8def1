//! The tool `topology`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::topology as interface;
use crate::call::CallState;
use crate::model::Answer;
use crate::model::topology::Edge;
use crate::scope::Scope;

/// Who calls whom.
#[async_trait]
pub trait Topology: Send + Sync {
    /// Calls between services of the case; of one of them, or all.
    async fn edges(&self, scope: &Scope, service: Option<String>) -> Answer<Vec<Edge>>;
}

impl interface::Host for CallState {
    async fn edges(&mut self, service: Option<String>) -> Answer<Vec<Edge>> {
        self.ask(Tool::Topology, "edges", (service,), |tools, scope, (service,)| async move {
            service.as_deref().map_or(Ok(()), |service| scope.admit_service(service))?;
            tools.topology()?.edges(&scope, service).await
        })
        .await
    }
}
