//! The tool `model`.

use async_trait::async_trait;
use negawatt_package::Tool;
use serde::{Deserialize, Serialize};

use crate::bindings::negawatt::skill::model as interface;
use crate::call::CallState;
use crate::model::language_model::Message;
use crate::model::{Answer, Error};
use crate::scope::Scope;

/// A language model.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The model's answer, in which `most` tokens at most are read and written.
    async fn complete(
        &self,
        scope: &Scope,
        messages: Vec<Message>,
        schema: Option<String>,
        most: u32,
    ) -> Answer<Completion>;
}

/// What a model answered, and what that took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// Tokens that were read and written for it.
    pub tokens: u32,
}

impl interface::Host for CallState {
    async fn complete(&mut self, messages: Vec<Message>, schema: Option<String>) -> Answer<String> {
        let limit = self.envelope.limits.model_tokens;
        let most = limit.saturating_sub(self.model_tokens);
        if most == 0 {
            return Err(Error::OverBudget(format!("the {limit} tokens that a call of this skill may use are spent")));
        }
        let asked =
            self.ask(Tool::Model, "complete", (messages, schema), |tools, scope, (messages, schema)| async move {
                tools.language_model()?.complete(&scope, messages, schema, most).await
            });
        let completion = asked.await?;
        self.model_tokens = self.model_tokens.saturating_add(completion.tokens);
        Ok(completion.text)
    }
}
