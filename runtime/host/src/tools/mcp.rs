//! The tool `mcp`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::mcp as interface;
use crate::call::CallState;
use crate::model::Answer;
use crate::scope::Scope;

/// Tools of other servers.
#[async_trait]
pub trait Mcp: Send + Sync {
    /// Calls a tool of a configured server.
    async fn call(&self, scope: &Scope, server: String, tool: String, arguments: String) -> Answer<String>;
}

impl interface::Host for CallState {
    async fn call(&mut self, server: String, tool: String, arguments: String) -> Answer<String> {
        self.ask(Tool::Mcp, "call", (server, tool, arguments), |tools, scope, (server, tool, arguments)| async move {
            tools.mcp()?.call(&scope, server, tool, arguments).await
        })
        .await
    }
}
