//! The tool `docs`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::docs as interface;
use crate::call::CallState;
use crate::model::Answer;
use crate::model::docs::DocMatch;
use crate::scope::Scope;

/// What was written down.
#[async_trait]
pub trait Docs: Send + Sync {
    /// Pages that hold the words, the best first.
    async fn search(&self, scope: &Scope, text: String) -> Answer<Vec<DocMatch>>;
    /// A whole page.
    async fn read(&self, scope: &Scope, id: String) -> Answer<String>;
}

impl interface::Host for CallState {
    async fn search(&mut self, text: String) -> Answer<Vec<DocMatch>> {
        self.ask(Tool::Docs, "search", (text,), |tools, scope, (text,)| async move {
            tools.docs()?.search(&scope, text).await
        })
        .await
    }

    async fn read(&mut self, id: String) -> Answer<String> {
        self.ask(Tool::Docs, "read", (id,), |tools, scope, (id,)| async move { tools.docs()?.read(&scope, id).await })
            .await
    }
}
