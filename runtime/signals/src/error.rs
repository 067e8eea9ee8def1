//! What is wrong with what somebody sent.

use serde::Serialize;

/// What is wrong with what somebody sent, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {message}; {help}", place(pointer))]
pub struct SignalError {
    /// The field, as a JSON pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl SignalError {
    /// An error about a field.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> SignalError {
        SignalError { pointer: pointer.into(), message: message.into(), help: help.into() }
    }
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the whole text" } else { pointer }
}
