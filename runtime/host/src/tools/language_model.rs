//! The tool `model`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::model as interface;
use crate::call::CallState;
use crate::model::Answer;
use crate::model::language_model::Message;
use crate::scope::Scope;

/// A language model.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The model's answer.
    async fn complete(&self, scope: &Scope, messages: Vec<Message>, schema: Option<String>) -> Answer<String>;
}

impl interface::Host for CallState {
    async fn complete(&mut self, messages: Vec<Message>, schema: Option<String>) -> Answer<String> {
        self.ask(Tool::Model, "complete", (messages, schema), |tools, scope, (messages, schema)| async move {
            tools.language_model()?.complete(&scope, messages, schema).await
        })
        .await
    }
}
