//! Opening a repository, and reading from it at the tip of its branch.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::diff::blob::pipeline::{Mode, WorktreeRoots};
use gix::sec::Trust;
use gix::worktree::stack::state::attributes::Source;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::{Answer, Error};
use negawatt_host::text::printable;
use negawatt_host::{Scope, time};

use super::commits;
use super::derived::Derived;
use super::history::History;
use super::tree;
use crate::blocking::Stop;
use crate::describe::counted;

/// What is kept of decoded objects while one question is answered: trees of neighbouring commits are mostly the same.
const OBJECT_CACHE_BYTES: usize = 32 << 20;

/// A configured repository.
pub struct Repository {
    pub name: String,
    services: Vec<String>,
    branch: Option<Located<String>>,
    shared: gix::ThreadSafeRepository,
    pub derived: Arc<Derived>,
    history: Mutex<Option<Arc<History>>>,
    /// The object that its branch led to when it was read last, and the commit that this is.
    led: Mutex<Option<(ObjectId, ObjectId)>>,
}

/// A repository as one thread reads it, with its branch standing still.
pub struct Reader<'a> {
    pub repository: &'a Repository,
    pub git: gix::Repository,
    pub tip: ObjectId,
    pub stop: &'a Stop,
}

impl Repository {
    /// Opens a repository, bare or not, and checks that its branch has a commit. What is derived from its objects is kept in `derived`.
    pub fn open(
        name: &str,
        config: &negawatt_config::Repository,
        derived: Arc<Derived>,
    ) -> Result<Repository, ConfigError> {
        let path = &config.path;
        let help = "name the folder of a git repository, bare or not; a path is relative to this file";
        let shared = open(&path.value)
            .map_err(|error| path.error(format!("{} is not a git repository: {error}", path.value.display()), help))?;
        let repository = Repository {
            name: name.to_owned(),
            services: config.services.clone(),
            branch: config.branch.clone(),
            shared,
            derived,
            history: Mutex::default(),
            led: Mutex::default(),
        };
        let git = repository.shared.to_thread_local();
        repository.tip(&git).map_err(|problem| match &config.branch {
            Some(branch) => {
                branch.error(problem, format!("name a branch of the repository; it has: {}", branches(&git)))
            }
            None => path.error(problem, format!("add branch = \"…\"; the repository has: {}", branches(&git))),
        })?;
        Ok(repository)
    }

    /// Whether it holds code of a service of the case.
    pub fn belongs_to(&self, scope: &Scope) -> bool {
        self.services.is_empty() || self.services.iter().any(|service| scope.admits_service(service))
    }

    /// Reads it at the tip that its branch has now.
    pub fn reader<'a>(&'a self, stop: &'a Stop) -> Answer<Reader<'a>> {
        let mut git = self.shared.to_thread_local();
        git.object_cache_size(OBJECT_CACHE_BYTES);
        let tip = self.tip(&git).map_err(|problem| self.damaged(problem))?;
        Ok(Reader { repository: self, git, tip, stop })
    }

    /// An error of the repository itself, such as a missing object. What it is goes to the operator's log: it may name
    /// what is none of a skill's business.
    pub fn damaged(&self, error: impl std::fmt::Display) -> Error {
        let error = printable(&error.to_string());
        tracing::warn!(repository = self.name, "the repository cannot be read: {error}; `git fsck` says more");
        Error::Unavailable(format!("the repository {:?} cannot be read; the operator's log says why", self.name))
    }

    fn tip(&self, git: &gix::Repository) -> Result<ObjectId, String> {
        let Some(branch) = &self.branch else {
            let unread = |error| format!("HEAD cannot be read: {error}");
            let mut head = git.head().map_err(unread)?;
            let to = head.id().map(|id| id.detach());
            return self.led(to, || {
                let peeled = head.try_peel_to_id().map_err(unread)?;
                peeled.map(|id| id.detach()).ok_or_else(|| "HEAD has no commit yet".to_owned())
            });
        };
        let branch = &branch.value;
        // In full, so that no tag of the same name stands in for the branch.
        for name in [format!("refs/heads/{branch}"), format!("refs/remotes/{branch}"), branch.clone()] {
            if name.starts_with("refs/")
                && let Ok(Some(mut reference)) = git.try_find_reference(name.as_str())
            {
                let to = reference.try_id().map(|id| id.detach());
                return self.led(to, || {
                    let commit = reference.peel_to_commit();
                    commit
                        .map(|commit| commit.id)
                        .map_err(|error| format!("the branch {branch:?} cannot be read: {error}"))
                });
            }
        }
        Err(format!("there is no branch {branch:?}"))
    }

    /// The commit that a branch leads to: as it was found before as long as the branch leads `to` the same object, or is found now.
    fn led(&self, to: Option<ObjectId>, find: impl FnOnce() -> Result<ObjectId, String>) -> Result<ObjectId, String> {
        let known = || self.led.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, commit)) = known().filter(|(from, _)| Some(*from) == to) {
            return Ok(commit);
        }
        let commit = find()?;
        *known() = to.map(|to| (to, commit));
        Ok(commit)
    }
}

impl Reader<'_> {
    /// Compares contents as they are stored: without the repository's attributes there are no filters, no text conversions,
    /// and no external programs. Making it is not free; one serves for many commits.
    pub fn comparison(&self) -> Answer<gix::diff::blob::Platform> {
        let no_files = gix::index::State::new(self.git.object_hash());
        let attributes = self.git.attributes_only(&no_files, Source::IdMapping);
        let cache = attributes.and_then(|attributes| {
            gix::diff::resource_cache(&self.git, Mode::ToGit, attributes.detach(), WorktreeRoots::default())
        });
        cache.map_err(|error| self.repository.damaged(error))
    }

    /// How many commits and files there are, and who landed what last.
    pub fn describe(&self) -> Answer<String> {
        let history = self.history()?;
        let mut files = 0;
        let counted_files = tree::visit(self, self.tip, &tree::Filter::new(&[])?, &mut |_, _| {
            files += 1;
            Ok(true)
        });
        let files = match counted_files {
            Err(Error::OverBudget(_)) => format!("more than {}", counted(files, "file")),
            counted_files => counted_files.map(|()| counted(files, "file"))?,
        };
        let newest = history.newest();
        let newest = self.git.find_commit(newest).map_err(|error| self.repository.damaged(error))?;
        Ok(format!(
            "{}, newest {} by {}; {}{}",
            counted(history.len(), "commit"),
            time::rfc3339(commits::landed(&newest)),
            commits::author(&newest),
            files,
            if history.complete { "" } else { "; some commits cannot be read" },
        ))
    }

    /// All commits that the tip reaches; kept until the tip moves.
    pub fn history(&self) -> Answer<Arc<History>> {
        let known = || self.repository.history.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(history) = known().as_ref().filter(|history| history.tip == self.tip) {
            return Ok(history.clone());
        }
        let history = Arc::new(History::walk(self)?);
        if history.complete {
            *known() = Some(history.clone());
        }
        Ok(history)
    }

    /// The commit that a skill names by its full hash; only what the branch reaches is found.
    pub fn revision(&self, revision: &str) -> Answer<ObjectId> {
        let digits = self.git.object_hash().len_in_hex();
        let id = ObjectId::from_hex(revision.as_bytes()).ok().filter(|_| revision.len() == digits);
        let id = id
            .ok_or_else(|| Error::Invalid(format!("{revision:?} is not a full hash of {digits} hexadecimal digits")))?;
        if id != self.tip && !self.history()?.reaches(&id) {
            return Err(Error::NotFound(format!("the branch reaches no commit {id}")));
        }
        Ok(id)
    }
}

/// Opens with the rights of a stranger: settings that name programs do not count, whoever owns the folder, and neither do
/// the user's and the system's settings, the environment, and replaced objects. The cache of delta bases is that of git; a
/// single object may take 64 MiB.
fn open(path: &Path) -> Result<gix::ThreadSafeRepository, gix::Error> {
    let overrides = ["core.useReplaceRefs=false", "core.deltaBaseCacheLimit=96m", "gitoxide.objects.allocLimit=64m"];
    gix::open::Options::isolated().with(Trust::Reduced).config_overrides(overrides).open(path)
}

fn branches(git: &gix::Repository) -> String {
    let names = git.references().and_then(|references| {
        let names = references.local_branches()?.filter_map(Result::ok);
        Ok(names.map(|branch| branch.name().shorten().to_string()).take(20).collect::<Vec<_>>())
    });
    match names {
        Ok(names) if !names.is_empty() => names.join(", "),
        _ => "none".to_owned(),
    }
}
