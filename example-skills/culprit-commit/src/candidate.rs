//! A commit and what is known of it.

use std::collections::BTreeSet;

use negawatt_skill::changes::{Commit, FileDiff};
use negawatt_skill::code::FileOutline;

use crate::outline::Outline;
use crate::touched::{Touched, by_file};

/// A commit that could be the cause.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The commit.
    pub commit: Commit,
    /// What it did; absent where it was not fetched.
    pub diff: Option<Vec<FileDiff>>,
    /// The definitions that it touches, as far as known.
    pub touched: Vec<Touched>,
    /// Paths of files of which it is known what they defined after the commit.
    outlined: BTreeSet<String>,
}

impl Candidate {
    /// Nothing is known yet but the commit itself.
    pub fn new(commit: Commit) -> Candidate {
        Candidate { commit, diff: None, touched: Vec::new(), outlined: BTreeSet::new() }
    }

    /// Adds its diff.
    pub fn add_diff(&mut self, diff: Vec<FileDiff>) {
        self.touched = diff.iter().flat_map(|diff| by_file(diff, None)).collect();
        self.diff = Some(diff);
    }

    /// Adds what a file defined after the commit.
    pub fn add_outline(&mut self, path: &str, outline: &FileOutline) {
        let Some(diff) = self.diff.iter().flatten().find(|diff| diff.file.path == path) else { return };
        self.outlined.insert(path.to_owned());
        self.touched.retain(|touched| touched.path != path);
        self.touched.extend(by_file(diff, Some(&Outline::from(outline))));
    }

    /// Whether it is known what a file defined after the commit.
    pub fn has_outline(&self, path: &str) -> bool {
        self.outlined.contains(path)
    }

    /// Paths of its files, before a move as well.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.commit.files.iter().flat_map(|file| std::iter::once(&file.path).chain(&file.old_path)).map(String::as_str)
    }

    /// The first letters of its hash, as people say it.
    pub fn short(&self) -> &str {
        self.commit.id.get(..10).unwrap_or(&self.commit.id)
    }
}
