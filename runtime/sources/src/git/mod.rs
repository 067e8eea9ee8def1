//! The tools `changes` and `code` from local git repositories.
//!
//! What a repository holds is untrusted, and so is what a skill asks. Nothing in a repository is run (no hooks, filters,
//! text conversions or external diffs), its configuration is read as that of a stranger, `GIT_*` variables do not count,
//! and files are looked up in trees only, never in the file system.

mod blame;
mod commits;
mod context;
mod derived;
mod diff;
mod history;
mod repository;
mod search;
mod syntax;
mod text;
mod tree;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_config::ConfigError;
use negawatt_host::model::changes::{BlameLine, Commit, FileDiff};
use negawatt_host::model::code::{CodeMatch, FileOutline, SyntaxTree};
use negawatt_host::model::{Answer, Error, Window};
use negawatt_host::{Changes, Child, Code, Scope};

use crate::blocking::{Stop, blocking};
use crate::describe::Described;
use derived::Derived;
use repository::Repository;
pub use syntax::{parse_for_parent, parses};

/// The configured repositories by name.
#[derive(Clone)]
pub struct Repositories {
    by_name: Arc<BTreeMap<String, Arc<Repository>>>,
    /// Parses source files.
    parser: Option<Child>,
}

impl Repositories {
    pub fn configure(
        config: &BTreeMap<String, negawatt_config::Repository>,
        parser: Option<Child>,
    ) -> Result<Repositories, ConfigError> {
        let derived = Arc::new(Derived::new());
        let open = |(name, config): (&String, &negawatt_config::Repository)| {
            Ok((name.clone(), Arc::new(Repository::open(name, config, derived.clone())?)))
        };
        let by_name = Arc::new(config.iter().map(open).collect::<Result<_, _>>()?);
        Ok(Repositories { by_name, parser })
    }

    /// What the one that was configured by this name can answer.
    pub fn describe(&self, name: &str, stop: &Stop) -> Answer<Described> {
        let repository =
            self.by_name.get(name).ok_or_else(|| Error::NotFound(format!("there is no repository {name:?}")))?;
        repository.reader(stop)?.describe().map(Described::text)
    }

    /// One repository of the case.
    fn one(&self, scope: &Scope, name: &str) -> Answer<Arc<Repository>> {
        crate::answers("git");
        let repository = self.by_name.get(name).ok_or_else(|| {
            let known: Vec<_> = self.of_case(scope).iter().map(|repository| repository.name.clone()).collect();
            Error::NotFound(format!("there is no repository {name:?}; the case has: {}", known.join(", ")))
        })?;
        if !repository.belongs_to(scope) {
            return Err(Error::Denied(format!("the repository {name:?} holds code of other services than the case's")));
        }
        Ok(repository.clone())
    }

    /// All repositories of the case.
    fn of_case(&self, scope: &Scope) -> Vec<Arc<Repository>> {
        crate::answers("git");
        self.by_name.values().filter(|repository| repository.belongs_to(scope)).cloned().collect()
    }
}

#[async_trait]
impl Changes for Repositories {
    async fn list(
        &self,
        scope: &Scope,
        repository: Option<String>,
        window: Window,
        paths: Vec<String>,
    ) -> Answer<Vec<Commit>> {
        let repositories = match repository {
            Some(name) => vec![self.one(scope, &name)?],
            None => self.of_case(scope),
        };
        blocking(move |stop| {
            let filter = tree::Filter::new(&paths)?;
            let work = work::Work::new();
            let mut commits = Vec::new();
            for repository in repositories {
                commits.extend(commits::list(&repository.reader(stop)?, &window, &filter, &work)?);
            }
            // Stable: of one repository, commits of the same second stay in the order of their history.
            commits.sort_by_key(|commit| std::cmp::Reverse(commit.time));
            Ok(commits)
        })
        .await
    }

    async fn diff(&self, scope: &Scope, repository: String, id: String) -> Answer<Vec<FileDiff>> {
        let (repository, scope) = (self.one(scope, &repository)?, scope.clone());
        blocking(move |stop| diff::of_commit(&repository.reader(stop)?, &scope, &id)).await
    }

    async fn blame(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        first_line: u32,
        lines: u32,
    ) -> Answer<Vec<BlameLine>> {
        let repository = self.one(scope, &repository)?;
        blocking(move |stop| blame::lines(&repository.reader(stop)?, &path, first_line, lines)).await
    }
}

#[async_trait]
impl Code for Repositories {
    async fn search(
        &self,
        scope: &Scope,
        repository: String,
        pattern: String,
        paths: Vec<String>,
    ) -> Answer<Vec<CodeMatch>> {
        let repository = self.one(scope, &repository)?;
        blocking(move |stop| search::lines(&repository.reader(stop)?, &pattern, &paths)).await
    }

    async fn read(&self, scope: &Scope, repository: String, path: String, revision: Option<String>) -> Answer<String> {
        let (repository, scope) = (self.one(scope, &repository)?, scope.clone());
        blocking(move |stop| tree::read(&repository.reader(stop)?, &scope, &path, revision.as_deref())).await
    }

    async fn outline(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        revision: Option<String>,
    ) -> Answer<FileOutline> {
        let (repository, scope, parser) = (self.one(scope, &repository)?, scope.clone(), self.parser.clone());
        blocking(move |stop| {
            let (reader, revision) = (repository.reader(stop)?, revision.as_deref());
            syntax::File { reader: &reader, scope: &scope, path: &path, revision }.outline(parser.as_ref())
        })
        .await
    }

    async fn tree(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        revision: Option<String>,
    ) -> Answer<SyntaxTree> {
        let (repository, scope, parser) = (self.one(scope, &repository)?, scope.clone(), self.parser.clone());
        blocking(move |stop| {
            let (reader, revision) = (repository.reader(stop)?, revision.as_deref());
            syntax::File { reader: &reader, scope: &scope, path: &path, revision }.tree(parser.as_ref())
        })
        .await
    }
}
