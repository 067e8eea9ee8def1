//! Caches, in the words of each language. Each is bounded.

pub mod go;
pub mod python;
pub mod rust;

use negawatt_skill::tree::Node;

use crate::signature::Signature;

/// Answers that a cache keeps.
pub const MOST: usize = 1024;

/// A function whose answers are to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a, 't> {
    /// The function.
    pub function: Node<'t>,
    /// Its name.
    pub name: &'t str,
    /// What it takes and gives.
    pub signature: &'a Signature<'t>,
}

impl<'t> Wanted<'_, 't> {
    /// Its parameters, as they are handed on.
    fn arguments(&self) -> String {
        self.signature.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ")
    }

    /// Its parameters as they are written, with their parentheses.
    fn parameters(&self) -> &'t str {
        self.function.child_by_field("parameters").map_or("()", Node::text)
    }

    /// Whether a parameter bears one of the names that a cache uses itself.
    fn has_name(&self, names: &[&str]) -> bool {
        self.signature.parameters.iter().any(|parameter| names.contains(&parameter.name))
    }
}
