//! The tool `model`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
        // In a call that is replayed the record says when they are spent.
        if most == 0 && !self.is_replayed() {
            let error = Error::OverBudget(format!("the {limit} tokens that a call of this skill may use are spent"));
            return Err(self.refuse(Tool::Model, "complete", error));
        }
        // Of an answer that does not come, or does not fit, nobody knows what it took: all that it may have.
        let spent = Arc::new(AtomicU32::new(most));
        let taken = spent.clone();
        let asked =
            self.ask(Tool::Model, "complete", (messages, schema), |tools, scope, (messages, schema)| async move {
                let answered = tools.language_model().inspect_err(|_| taken.store(0, Relaxed))?;
                let completion = answered.complete(&scope, messages, schema, most).await?;
                taken.store(completion.tokens, Relaxed);
                Ok(completion)
            });
        let completion = asked.await;
        let spent = completion.as_ref().map_or(spent.load(Relaxed), |completion| completion.tokens);
        self.model_tokens = self.model_tokens.saturating_add(spent);
        Ok(completion?.text)
    }
}
