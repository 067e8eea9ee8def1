//! A repository in memory.

use std::collections::BTreeMap;

use negawatt_skill::Error;
use negawatt_skill::changes::{BlameLine, ChangeKind, FileDiff, Hunk, TouchedFile};
use negawatt_skill::code::SyntaxTree;
use negawatt_skill::diff::{Sign, lines};
use negawatt_skill::patch::{Edit, File, section};
use negawatt_skill::rewrite::Tools;
use negawatt_skill::tree::Tree;

/// A line, and the commit that wrote it.
type Line = (String, String);

/// Files with their histories.
#[derive(Default)]
pub struct Repository {
    files: BTreeMap<String, Vec<Line>>,
    diffs: BTreeMap<String, Vec<FileDiff>>,
    /// What every question is answered, where it is refused.
    pub refuse: Option<Error>,
    /// What is answered for every tree, where it is not that of the file.
    pub answered: Option<SyntaxTree>,
    /// Whether nobody tells whose lines are.
    pub is_blameless: bool,
}

/// The columns that the host answers for a text.
pub fn columns(path: &str, text: &str) -> Result<SyntaxTree, Error> {
    let tree = negawatt_syntax::tree(path, text).map_err(|error| Error::OverBudget(error.to_string()))?;
    Ok(SyntaxTree {
        language: tree.language.to_owned(),
        text: text.to_owned(),
        kinds: tree.kinds,
        fields: tree.fields,
        node_kinds: tree.node_kinds,
        node_fields: tree.node_fields,
        node_parents: tree.node_parents,
        node_starts: tree.node_starts,
        node_ends: tree.node_ends,
        node_flags: tree.node_flags,
    })
}

/// The tree of a text, as skills see it.
pub fn tree(path: &str, text: &str) -> Tree {
    Tree::new(columns(path, text).expect("the host parses it")).expect("what the host answers is a tree")
}

/// The hunks of a patch's part.
fn hunks(section: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for line in section.split_inclusive('\n') {
        if let Some(head) = line.strip_prefix("@@ -") {
            let mut sides = head.split(' ').take(2).map(|side| {
                let (start, count) =
                    side.trim_start_matches('+').split_once(',').unwrap_or((side.trim_start_matches('+'), "1"));
                (start.parse().unwrap_or(0), count.parse().unwrap_or(0))
            });
            let (old, new) = (sides.next().unwrap_or((0, 0)), sides.next().unwrap_or((0, 0)));
            let (old_start, old_lines, new_start, new_lines) = (old.0, old.1, new.0, new.1);
            let (context, text) = (String::new(), String::new());
            hunks.push(Hunk { old_start, old_lines, new_start, new_lines, context, text });
        } else if let Some(hunk) = hunks.last_mut() {
            hunk.text.push_str(line);
        }
    }
    hunks
}

impl Repository {
    /// None yet.
    pub fn new() -> Repository {
        Repository::default()
    }

    /// Commits files as a commit of an id, each with all of its text.
    pub fn commit(mut self, id: &str, files: &[(&str, &str)]) -> Repository {
        for &(path, text) in files {
            let before = self.text(path);
            let kind = if before.is_empty() { ChangeKind::Added } else { ChangeKind::Modified };
            let part = section(Edit {
                before: (!before.is_empty()).then_some(File { path, text: &before }),
                after: Some(File { path, text }),
            });
            let hunks = hunks(&part.expect("files of a test are plain"));
            let signs = |wanted| hunks.iter().flat_map(lines).filter(|line| line.sign == wanted).count() as u32;
            let (added, removed) = (signs(Sign::Added), signs(Sign::Removed));
            let touched = TouchedFile { path: path.to_owned(), old_path: None, kind, added, removed };
            let old = self.files.remove(path).unwrap_or_default();
            self.files.insert(path.to_owned(), after(old, &hunks, text, id));
            let diff = FileDiff { file: touched, binary: false, hunks };
            self.diffs.entry(id.to_owned()).or_default().push(diff);
        }
        self
    }

    /// A file at the tip; empty where there is none.
    pub fn text(&self, path: &str) -> String {
        self.files.get(path).map(|lines| lines.iter().map(|(text, _)| text.as_str()).collect()).unwrap_or_default()
    }

    fn answer<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        self.refuse.clone().map_or(answer, Err)
    }
}

/// The lines of a file after a change, each with its commit.
fn after(old: Vec<Line>, hunks: &[Hunk], text: &str, id: &str) -> Vec<Line> {
    let new: Vec<&str> = text.split_inclusive('\n').collect();
    let written: Vec<usize> = hunks
        .iter()
        .flat_map(lines)
        .filter(|line| line.sign == Sign::Added)
        .filter_map(|line| Some(line.new? as usize - 1))
        .collect();
    let gone: Vec<usize> = hunks
        .iter()
        .flat_map(lines)
        .filter(|line| line.sign == Sign::Removed)
        .filter_map(|line| Some(line.old? as usize - 1))
        .collect();
    let mut kept = (0..).zip(old).filter(|(at, _)| !gone.contains(at)).map(|(_, line)| line);
    let mut line = |(at, text): (usize, &&str)| {
        if written.contains(&at) { ((*text).to_owned(), id.to_owned()) } else { kept.next().expect("it was there") }
    };
    new.iter().enumerate().map(&mut line).collect()
}

impl Tools for Repository {
    fn diff(&self, _: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        self.answer(self.diffs.get(id).cloned().ok_or_else(|| Error::NotFound(format!("there is no commit {id}"))))
    }

    fn blame(&self, _: &str, path: &str) -> Result<Vec<BlameLine>, Error> {
        if self.is_blameless {
            return Err(Error::Unavailable("nobody knows".into()));
        }
        let lines = self.files.get(path).ok_or_else(|| Error::NotFound(path.to_owned()))?;
        let line = |(line, (_, commit)): (u32, &Line)| BlameLine {
            line,
            commit: commit.clone(),
            author: String::new(),
            time: 0,
        };
        self.answer(Ok((1..).zip(lines).map(line).collect()))
    }

    fn tree(&self, _: &str, path: &str) -> Result<SyntaxTree, Error> {
        if !self.files.contains_key(path) {
            return Err(Error::NotFound(path.to_owned()));
        }
        self.answer(self.answered.clone().map_or_else(|| columns(path, &self.text(path)), Ok))
    }

    fn has(&self, _: &str, pattern: &str, folder: &str) -> Result<bool, Error> {
        let word = pattern.replace(r"\b", "");
        let mut files = self.files.keys().filter(|path| path.starts_with(folder));
        let has = |path: &String| negawatt_skill::rewrite::occurrences(&self.text(path), &word).next().is_some();
        self.answer(Ok(files.any(has)))
    }
}
