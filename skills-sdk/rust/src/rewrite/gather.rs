//! The commits that are suspected, and what of them still stands at the branch's tip.

use std::collections::BTreeSet;

use super::Language;
use crate::changes::{self, BlameLine, ChangeKind, FileDiff};
use crate::code::{self, SyntaxTree};
use crate::commits::serves;
use crate::diff::{Sign, bounded, lines};
use crate::frames::is_of;
use crate::gather::Purse;
use crate::suspects::Accused;
use crate::tree::{Node, Tree};
use crate::{Case, Error};

/// The tools that tell of code at the branch's tip, so that what looks at it can be tried with repositories made in memory.
pub trait Tools {
    /// `changes.diff`.
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error>;
    /// `changes.blame` of a whole file.
    fn blame(&self, repository: &str, path: &str) -> Result<Vec<BlameLine>, Error>;
    /// `code.tree` at the tip.
    fn tree(&self, repository: &str, path: &str) -> Result<SyntaxTree, Error>;
    /// Whether `code.search` finds a pattern in the files of a folder, or of all where its path is empty.
    fn has(&self, repository: &str, pattern: &str, folder: &str) -> Result<bool, Error>;
}

/// The tools of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Tools for Host {
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        changes::diff(repository, id)
    }

    fn blame(&self, repository: &str, path: &str) -> Result<Vec<BlameLine>, Error> {
        changes::blame(repository, path, 1, u32::MAX)
    }

    fn tree(&self, repository: &str, path: &str) -> Result<SyntaxTree, Error> {
        code::tree(repository, path, None)
    }

    fn has(&self, repository: &str, pattern: &str, folder: &str) -> Result<bool, Error> {
        let folders = if folder.is_empty() { Vec::new() } else { vec![folder.to_owned()] };
        code::search(repository, pattern, &folders).map(|matches| !matches.is_empty())
    }
}

/// Files of a commit that are looked into; of its diff, files and bytes that are looked at.
const MOST_FILES: usize = 6;
const MOST_OF_COMMIT: usize = 200;
const MOST_BYTES: usize = 400_000;

/// Which functions got slower, by the frames of profiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    /// Frames whose share rose, each with its part of the greatest rise, and the id of the evidence.
    risen: Vec<(String, f64, String)>,
}

impl Heat {
    /// As the case shows it; cold where it has no functions.
    pub fn of(case: &Case) -> Heat {
        let rise = |before: f64, after: f64| Some(after - before).filter(|rise| rise.is_finite() && *rise > 0.0);
        let risen: Vec<_> = case
            .function_shifts()
            .filter_map(|shift| Some((shift.name.clone(), rise(shift.before, shift.after)?, shift.id.to_owned())))
            .collect();
        let most = risen.iter().map(|(_, rise, _)| *rise).fold(0.0, f64::max);
        Heat { risen: risen.into_iter().map(|(name, rise, id)| (name, rise / most, id)).collect() }
    }

    /// How sure it is that a function of a file got slower, from 0 to 1; a small part of the rise counts as such.
    pub fn tie(&self, name: &str, path: &str) -> f64 {
        let ties = self.risen.iter().map(|(frame, part, _)| part.sqrt() * is_of(frame, &[], name, path));
        ties.fold(0.0, f64::max)
    }

    /// The ids of the evidence that it was made of.
    pub fn evidence(&self) -> impl Iterator<Item = &str> {
        self.risen.iter().map(|(_, _, id)| id.as_str())
    }

    /// How well a file's name goes with the frames.
    fn of_file(&self, path: &str) -> f64 {
        let stem = path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or("");
        let is_near = |frame: &str| frame.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == stem);
        self.risen.iter().filter(|(frame, ..)| is_near(frame)).map(|(_, part, _)| *part).fold(0.0, f64::max)
    }
}

/// A file at the branch's tip that a suspected commit touched.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path.
    pub path: String,
    /// Its language.
    pub language: Language,
    /// Its text and tree.
    pub tree: Tree,
    /// Its lines, from 1, that the commit wrote and that still stand.
    pub added: BTreeSet<u32>,
    /// What the commit did to it.
    pub diff: FileDiff,
}

impl File {
    /// Whether the commit wrote a line of a node: of its first one, where it goes over several.
    pub fn is_added(&self, node: Node<'_>) -> bool {
        self.added.contains(&node.first_line())
    }
}

/// The files of a commit that still stand, those that tie it to the regression first. A cancelled case ends the work; what cannot be had
/// is passed over, and so are tests, what others wrote, and files that the grammar cannot read whole.
pub fn files(
    tools: &dyn Tools,
    purse: &mut Purse,
    repository: &str,
    of: &Accused<'_>,
    heat: &Heat,
) -> Result<Vec<File>, Error> {
    let Some(diffs) = purse.ask(|| tools.diff(repository, of.id))? else { return Ok(Vec::new()) };
    let is_code = |diff: &&FileDiff| {
        let file = &diff.file;
        !diff.binary
            && file.kind != ChangeKind::Deleted
            && serves(&file.path)
            && Language::of_path(&file.path).is_some()
    };
    let mut likely: Vec<&FileDiff> = bounded(&diffs, MOST_OF_COMMIT, MOST_BYTES).filter(is_code).collect();
    let rank =
        |diff: &FileDiff| f64::from(of.files.contains(&diff.file.path.as_str())) * 2.0 + heat.of_file(&diff.file.path);
    likely.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    let mut found = Vec::new();
    for diff in likely.into_iter().take(MOST_FILES) {
        let path = &diff.file.path;
        let Some(columns) = purse.ask(|| tools.tree(repository, path))? else { continue };
        // A host that answers nonsense is no reason to give up the others.
        let Ok(tree) = Tree::new(columns) else { continue };
        let Some(language) = Language::of(&tree).filter(|_| !tree.root().has_error()) else { continue };
        let added = match purse.ask(|| tools.blame(repository, path))? {
            Some(blamed) => blamed.iter().filter(|line| line.commit == of.id).map(|line| line.line).collect(),
            None => by_text(diff, &tree),
        };
        found.push(File { path: path.clone(), language, tree, added, diff: diff.clone() });
    }
    Ok(found)
}

/// Lines that read as those that a commit wrote, where nobody tells whose they are.
fn by_text(diff: &FileDiff, tree: &Tree) -> BTreeSet<u32> {
    let all = diff.hunks.iter().flat_map(lines).filter(|line| line.sign == Sign::Added).map(|line| line.text.trim());
    let added: BTreeSet<&str> = all.filter(|text| text.len() > 3).collect();
    (1..).zip(tree.text().lines()).filter(|(_, text)| added.contains(text.trim())).map(|(line, _)| line).collect()
}
