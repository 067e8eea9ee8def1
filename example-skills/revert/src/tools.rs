//! The tools, so that everything else can be tried on repositories that no host serves.

use negawatt_skill::changes::{self, Commit, FileDiff};
use negawatt_skill::precedents::{self, Precedent};
use negawatt_skill::{Error, Window, code};

/// What is asked of a repository.
pub trait Tools {
    /// `changes.list` of one repository.
    fn touching(&self, repository: &str, window: Window, paths: &[String]) -> Result<Vec<Commit>, Error>;
    /// `changes.diff`.
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error>;
    /// `code.read`; without a revision at the branch's tip.
    fn read(&self, repository: &str, path: &str, revision: Option<&str>) -> Result<String, Error>;
    /// `precedents.similar`.
    fn similar(&self, evidence: &[String], limit: u32) -> Result<Vec<Precedent>, Error>;
}

/// The tools of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Tools for Host {
    fn touching(&self, repository: &str, window: Window, paths: &[String]) -> Result<Vec<Commit>, Error> {
        changes::list(Some(repository), window, paths)
    }

    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        changes::diff(repository, id)
    }

    fn read(&self, repository: &str, path: &str, revision: Option<&str>) -> Result<String, Error> {
        code::read(repository, path, revision)
    }

    fn similar(&self, evidence: &[String], limit: u32) -> Result<Vec<Precedent>, Error> {
        precedents::similar(evidence, limit)
    }
}
