//! What the likeliest commits did, file by file, within what a call may spend.

use super::History;
use crate::changes::{self, Commit, FileDiff};
use crate::diff::bounded;
use crate::gather::Purse;
use crate::{Error, Window, code, log};

/// The tools that tell of commits, so that what looks into them can be tried with histories made in memory.
pub trait Tools {
    /// `changes.list` of all repositories.
    fn list(&self, window: Window) -> Result<Vec<Commit>, Error>;
    /// `changes.diff`.
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error>;
    /// `code.read`.
    fn read(&self, repository: &str, path: &str, revision: &str) -> Result<String, Error>;
    /// A line for whoever reads the case.
    fn warn(&self, _: &str) {}
}

/// The tools of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Tools for Host {
    fn list(&self, window: Window) -> Result<Vec<Commit>, Error> {
        changes::list(None, window, &[])
    }

    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        changes::diff(repository, id)
    }

    fn read(&self, repository: &str, path: &str, revision: &str) -> Result<String, Error> {
        code::read(repository, path, Some(revision))
    }

    fn warn(&self, text: &str) {
        log::warn(text);
    }
}

/// Files of one commit that are looked at, and bytes of what it did to them.
pub const MOST_OF_COMMIT: usize = 200;
const MOST_BYTES: usize = 400_000;
/// Files that are read, of all commits together.
const MOST_FILES: usize = 20;

/// Asks for the file of a diff as it was after the commit; absent where it cannot be had, or enough were read.
pub type Text<'a> = &'a mut dyn FnMut() -> Result<Option<String>, Error>;

/// What is found in the diffs of commits, by commit, in the order in which they are given; those in which nothing is found are left out.
///
/// `look` is shown one file's diff at a time. A cancelled case ends the work; what cannot be had is passed over.
pub fn look_into<T, I: IntoIterator<Item = T>>(
    tools: &dyn Tools,
    purse: &mut Purse,
    history: &History,
    order: impl IntoIterator<Item = usize>,
    mut look: impl FnMut(&FileDiff, Text<'_>) -> Result<I, Error>,
) -> Result<Vec<(usize, Vec<T>)>, Error> {
    let (mut all, mut files_left) = (Vec::new(), MOST_FILES);
    for at in order {
        let Some(commit) = history.commits.get(at) else { continue };
        let Some(diffs) = purse.ask(|| tools.diff(&commit.repository, &commit.id))? else { continue };
        let mut found = Vec::new();
        for diff in bounded(&diffs, MOST_OF_COMMIT, MOST_BYTES) {
            let mut text = || {
                let Some(left) = files_left.checked_sub(1) else { return Ok(None) };
                files_left = left;
                purse.ask(|| tools.read(&commit.repository, &diff.file.path, &commit.id))
            };
            found.extend(look(diff, &mut text)?);
        }
        if !found.is_empty() {
            all.push((at, found));
        }
    }
    Ok(all)
}
