//! The tool `experiments`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::experiments as interface;
use crate::call::CallState;
use crate::model::experiments::Experiment;
use crate::model::{Answer, Window};
use crate::scope::Scope;

/// What was tried out.
#[async_trait]
pub trait Experiments: Send + Sync {
    /// Experiments in the case's services by rising start.
    async fn list(&self, scope: &Scope, window: Window, service: Option<String>) -> Answer<Vec<Experiment>>;
}

impl interface::Host for CallState {
    async fn list(&mut self, window: Window, service: Option<String>) -> Answer<Vec<Experiment>> {
        self.ask(Tool::Experiments, "list", (window, service), |tools, scope, (window, service)| async move {
            scope.admit_window(&window)?;
            service.as_deref().map_or(Ok(()), |service| scope.admit_service(service))?;
            tools.experiments()?.list(&scope, window, service).await
        })
        .await
    }
}
