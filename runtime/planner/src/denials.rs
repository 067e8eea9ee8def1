//! What tools refused: questions about what is outside of the case.

use negawatt_casebook::Called;
use negawatt_host::model::Error;

/// What a tool refused because it is outside of what the case is about, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The question, as `tool.function`.
    pub question: String,
    /// Why.
    pub message: String,
    /// How often.
    pub times: usize,
}

/// What was refused in a call, in order; the same refusal once.
pub fn refused(call: &Called) -> Vec<Refused> {
    let mut refused: Vec<Refused> = Vec::new();
    for answer in &call.answers {
        let Some(message) = answer.error.as_deref().and_then(Error::denial) else { continue };
        let question = format!("{}.{}", answer.tool, answer.function);
        match refused.iter_mut().find(|known| known.question == question && known.message == message) {
            Some(known) => known.times += 1,
            None => refused.push(Refused { question, message: message.to_owned(), times: 1 }),
        }
    }
    refused
}
