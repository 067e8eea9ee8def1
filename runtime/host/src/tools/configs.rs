//! The tool `configs`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::configs as interface;
use crate::call::CallState;
use crate::model::configs::ConfigChange;
use crate::model::{Answer, Window};
use crate::scope::Scope;

/// What changed in settings.
#[async_trait]
pub trait Configs: Send + Sync {
    /// Changes of the case's services by rising time.
    async fn history(&self, scope: &Scope, window: Window, keys: Vec<String>) -> Answer<Vec<ConfigChange>>;
}

impl interface::Host for CallState {
    async fn history(&mut self, window: Window, keys: Vec<String>) -> Answer<Vec<ConfigChange>> {
        self.ask(Tool::Configs, "history", (window, keys), |tools, scope, (window, keys)| async move {
            scope.admit_window(&window)?;
            tools.configs()?.history(&scope, window, keys).await
        })
        .await
    }
}
