//! Changes of a text: which bytes become what.

use std::ops::Range;

use crate::Error;

/// Replacements of ranges of one text, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// None yet.
    pub fn new() -> Edits {
        Edits::default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a text in place of a range of bytes.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// Puts a text before a byte. Of several at the same byte, the one that was asked for first comes first.
    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Takes over all of others.
    pub fn append(&mut self, others: Edits) {
        self.0.extend(others.0);
    }

    /// The text after all of them; `invalid` where two want the same bytes, or one wants what is not in the text or is half a character.
    pub fn apply(&self, text: &str) -> Result<String, Error> {
        let mut sorted: Vec<&(Range<usize>, String)> = self.0.iter().collect();
        // Stable; what is inserted where a range begins comes before it.
        sorted.sort_by_key(|(range, _)| (range.start, range.end));
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (range, new) in sorted {
            let kept = text.get(at..range.start).filter(|_| text.get(range.clone()).is_some());
            let Some(kept) = kept else {
                return Err(Error::Invalid(format!(
                    "an edit of the bytes {} to {} does not fit into a text of {} that is changed up to byte {at}",
                    range.start,
                    range.end,
                    text.len()
                )));
            };
            changed += kept;
            changed += new;
            at = range.end;
        }
        changed += text.get(at..).unwrap_or_default();
        Ok(changed)
    }
}

/// Patches.
#[cfg(feature = "patch")]
impl Edits {
    /// What they do to a file, as a unified diff in git's form; empty where nothing changes. `invalid` also where a file is none that
    /// a patch may name or hold.
    pub fn patch(&self, path: &str, text: &str) -> Result<String, Error> {
        use crate::patch::{Edit, File, section};

        let new = self.apply(text)?;
        section(Edit { before: Some(File { path, text }), after: Some(File { path, text: &new }) })
            .map_err(|unfit| Error::Invalid(unfit.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(all: &[(usize, usize, &str)]) -> Edits {
        Edits(all.iter().map(|&(start, end, text)| (start..end, text.to_owned())).collect())
    }

    #[test]
    fn edits_come_in_any_order() {
        for (all, expected) in [
            (&[][..], "abcdef"),
            (&[(4, 6, "Y"), (0, 2, "X")], "XcdY"),
            (&[(6, 6, "!"), (0, 0, "1"), (0, 0, "2")], "12abcdef!"),
            (&[(2, 4, "X"), (2, 2, "<"), (4, 4, ">")], "ab<X>ef"),
            (&[(0, 6, "")], ""),
        ] {
            assert_eq!(edits(all).apply("abcdef").as_deref(), Ok(expected), "{all:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let backwards = (Range { start: 4, end: 2 }, String::new());
        for (all, text) in [
            (edits(&[(0, 3, ""), (2, 4, "")]), "abcdef"),
            (edits(&[(0, 3, ""), (1, 1, "x")]), "abcdef"),
            (edits(&[(0, 3, ""), (0, 3, "")]), "abcdef"),
            (edits(&[(5, 7, "")]), "abcdef"),
            (edits(&[(7, 7, "x")]), "abcdef"),
            (edits(&[(1, 1, "x")]), "é"),
            (edits(&[(0, 1, "x")]), "é"),
            (Edits(vec![backwards]), "abcdef"),
        ] {
            assert!(matches!(all.apply(text), Err(Error::Invalid(_))), "{all:?}");
        }
    }

    #[cfg(feature = "patch")]
    #[test]
    fn a_patch_shows_what_changes() {
        let patch = edits(&[(2, 3, "x")]).patch("a.py", "1\n2\n3\n").unwrap();
        assert_eq!(patch, "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n");
        assert_eq!(edits(&[]).patch("a.py", "1\n").as_deref(), Ok(""));
        assert!(edits(&[]).patch("../a.py", "1\n").is_err());
    }
}
