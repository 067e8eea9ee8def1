//! The tool `profiles`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::profiles as interface;
use crate::call::CallState;
use crate::model::profiles::Profile;
use crate::model::{Answer, Window};
use crate::scope::Scope;

/// Where CPU time goes.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// The CPU samples of a service of the case, from files that begin in a window inside the scope.
    async fn query(&self, scope: &Scope, service: String, window: Window) -> Answer<Profile>;
}

impl interface::Host for CallState {
    async fn query(&mut self, service: String, window: Window) -> Answer<Profile> {
        self.ask(Tool::Profiles, "query", (service, window), |tools, scope, (service, window)| async move {
            scope.admit_window(&window)?;
            scope.admit_service(&service)?;
            tools.profiles()?.query(&scope, service, window).await
        })
        .await
    }
}
