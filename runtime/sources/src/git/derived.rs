//! What was derived from objects of git, which never change.
//!
//! All repositories keep it together, within one limit. Reading does not check an object against its id, so a repository's word counts for
//! itself alone: its name is in every key.

use std::sync::Arc;

use gix::ObjectId;
use negawatt_host::model::changes::Commit;
use negawatt_host::model::{Answer, Error};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::commits;
use super::repository::Reader;
use crate::kept::Kept;

/// The most bytes of answers that are kept.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The most bytes of commits that are kept.
const MAX_COMMIT_BYTES: usize = 64 << 20;

/// What an answer follows from, whatever the branch is now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Basis {
    /// A file's contents, of which something is made by a language's grammar.
    Text { blob: ObjectId, made: &'static str, language: &'static str },
    /// A commit, compared with its first parent.
    Commit(ObjectId),
    /// The history of a file's lines.
    Lines { tip: ObjectId, path: String, first_line: u32, lines: u32 },
    /// A commit's files at or below some paths, searched for a pattern.
    Files { tip: ObjectId, pattern: String, paths: Vec<String> },
}

/// What all repositories keep, by their names.
pub struct Derived {
    /// Answers, encoded.
    answers: Kept<(String, Basis), Arc<[u8]>>,
    commits: Kept<(String, ObjectId), Option<Arc<Commit>>>,
}

impl Derived {
    pub fn new() -> Derived {
        Derived { answers: Kept::new(MAX_ANSWER_BYTES), commits: Kept::new(MAX_COMMIT_BYTES) }
    }
}

impl Basis {
    /// Bytes of its texts.
    fn bytes(&self) -> usize {
        match self {
            Basis::Text { .. } | Basis::Commit(_) => 0,
            Basis::Lines { path, .. } => path.len(),
            Basis::Files { pattern, paths, .. } => {
                pattern.len() + paths.iter().map(|path| size_of::<String>() + path.len()).sum::<usize>()
            }
        }
    }
}

impl Reader<'_> {
    /// What follows from objects, as it was made before or is made now, told with whether it would be the same at any time.
    pub fn derived<T: Serialize + DeserializeOwned>(
        &self,
        basis: Basis,
        make: impl Fn() -> Answer<(T, bool)>,
    ) -> Answer<T> {
        // A key is there twice.
        let key_bytes = 2 * (self.repository.name.len() + basis.bytes());
        let defect = |error: postcard::Error| Error::Internal(format!("an answer cannot be kept: {error}"));
        let encoded = self.repository.derived.answers.get(&(self.repository.name.clone(), basis), || {
            let (value, is_known) = make()?;
            let encoded: Arc<[u8]> = postcard::to_allocvec(&value).map_err(defect)?.into();
            let bytes = is_known.then_some(encoded.len() + key_bytes);
            Ok::<_, Error>((encoded, bytes))
        })?;
        postcard::from_bytes(&encoded).map_err(defect)
    }

    /// A commit as it was described before, or is now, told with whether nothing is missing in it; `None` where it cannot be read.
    pub fn commit(
        &self,
        id: ObjectId,
        mut describe: impl FnMut() -> Answer<Option<(Commit, bool)>>,
    ) -> Answer<Option<Arc<Commit>>> {
        self.repository.derived.commits.get(&(self.repository.name.clone(), id), || {
            let Some((commit, is_whole)) = describe()? else { return Ok::<_, Error>((None, None)) };
            let bytes = is_whole.then(|| commits::bytes(&commit) + 2 * self.repository.name.len());
            Ok((Some(Arc::new(commit)), bytes))
        })
    }
}
