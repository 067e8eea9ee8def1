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
        let effects = self.envelope.effects.clone();
        self.ask(Tool::Mcp, "call", (server, tool, arguments), |tools, scope, (server, tool, arguments)| async move {
            let mcp = tools.mcp()?;
            // Nobody here knows what a tool of another server does: each call of one counts as an effect outside.
            if let Some(effects) = effects {
                effects.intend(&format!("mcp {server}/{tool}")).await?;
            }
            mcp.call(&scope, server, tool, arguments).await
        })
        .await
    }
}
