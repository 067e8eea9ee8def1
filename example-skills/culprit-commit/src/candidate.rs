//! A commit and what is known of it.

use std::collections::BTreeSet;

use negawatt_skill::changes::{Commit, FileDiff};
use negawatt_skill::code::FileOutline;

use crate::kind::{CommitKind, Effect, effects, of_commit};
use crate::outline::Outline;
use crate::touched::{Touched, by_file};

/// A commit that could be the cause.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The commit.
    pub commit: Commit,
    /// What it did; absent where it was not fetched.
    pub diff: Option<Vec<FileDiff>>,
    /// What it is as a whole, as far as known.
    pub kind: CommitKind,
    /// The definitions that it touches, as far as known.
    pub touched: Vec<Touched>,
    /// What each hunk does, by the files of the diff.
    effects: Vec<Vec<Effect>>,
    /// Paths of files of which it is known what they defined after the commit.
    outlined: BTreeSet<String>,
}

impl Candidate {
    /// Nothing is known yet but the commit itself.
    pub fn new(commit: Commit) -> Candidate {
        let kind = of_commit(&commit.files, None);
        Candidate { commit, diff: None, kind, touched: Vec::new(), effects: Vec::new(), outlined: BTreeSet::new() }
    }

    /// Adds its diff.
    pub fn add_diff(&mut self, diff: Vec<FileDiff>) {
        self.effects = diff.iter().map(effects).collect();
        self.kind = of_commit(&self.commit.files, Some((&diff, &self.effects)));
        let files = diff.iter().zip(&self.effects);
        self.touched = files.flat_map(|(diff, effects)| by_file(diff, effects, None)).collect();
        self.diff = Some(diff);
    }

    /// Adds what a file defined after the commit.
    pub fn add_outline(&mut self, path: &str, outline: &FileOutline) {
        let mut files = self.diff.iter().flatten().zip(&self.effects);
        let Some((diff, effects)) = files.find(|(diff, _)| diff.file.path == path) else { return };
        self.outlined.insert(path.to_owned());
        self.touched.retain(|touched| touched.path != path);
        self.touched.extend(by_file(diff, effects, Some(&Outline::from(outline))));
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
