//! Commits and the files that they touched.

use std::num::NonZero;
use std::thread;

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::diff::Rewrites;
use gix::diff::tree::recorder::Location;
use gix::diff::tree_with_rewrites::{ChangeRef, Options};
use gix::objs::{CommitRefIter, TreeRefIter};
use negawatt_host::model::changes::{ChangeKind, Commit, TouchedFile};
use negawatt_host::model::{Answer, Error, Timestamp, Window};

use super::diff::line_counts;
use super::history::micros;
use super::repository::Reader;
use super::text::{MAX_BODY_CHARS, MAX_LINE_CHARS, cut};
use super::tree::{self, Filter};

/// The most commits that one list has.
const MAX_COMMITS: usize = 20_000;

/// The most files of one commit that are given, in order of paths.
const MAX_FILES: usize = 5_000;

/// Threads that one list works with; more gain little and take the machine from others.
const MAX_THREADS: usize = 4;

/// A touched file with its contents before and after; `None` where there is none that could be compared by lines.
pub struct Touched {
    pub file: TouchedFile,
    pub before: Option<ObjectId>,
    pub after: Option<ObjectId>,
}

/// The commits of a window that touch what is asked for, the newest first.
pub fn list(reader: &Reader<'_>, window: &Window, filter: &Filter) -> Answer<Vec<Commit>> {
    let history = reader.history()?;
    let inside = history.inside(window);
    if inside.len() > MAX_COMMITS {
        return Err(Error::OverBudget(format!(
            "{} commits landed in the window, at most {MAX_COMMITS} are served; take a shorter one",
            inside.len()
        )));
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(inside.len() / 32 + 1);
    let answers: Vec<Answer<Vec<Commit>>> = thread::scope(|scope| {
        let work = |part: &'_ [(i64, ObjectId)]| {
            let reader = Reader { repository: reader.repository, git: reader.git.clone(), tip: reader.tip };
            let ids: Vec<ObjectId> = part.iter().map(|(_, id)| *id).collect();
            scope.spawn(move || ids.into_iter().filter_map(|id| described(&reader, id, filter).transpose()).collect())
        };
        let workers: Vec<_> = inside.chunks(inside.len().div_ceil(threads).max(1)).map(work).collect();
        let failed = |_| Err(Error::Internal("reading a commit failed; the log says more".to_owned()));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(failed)).collect()
    });
    Ok(answers.into_iter().collect::<Answer<Vec<_>>>()?.into_iter().flatten().collect())
}

/// A commit with its files; `None` where it touches nothing that is asked for.
fn described(reader: &Reader<'_>, id: ObjectId, filter: &Filter) -> Answer<Option<Commit>> {
    let mut touched = touched(reader, id)?;
    let asked = |touched: &Touched| {
        filter.holds(&touched.file.path) || touched.file.old_path.as_ref().is_some_and(|path| filter.holds(path))
    };
    if !filter.is_all() && !touched.iter().any(asked) {
        return Ok(None);
    }
    for touched in &mut touched {
        (touched.file.added, touched.file.removed) = line_counts(reader, touched)?;
    }
    let commit = reader.git.find_commit(id).map_err(|error| reader.repository.damaged(error))?;
    let written = fields(&commit).author().map_or(0, |author| author.seconds());
    let message = commit.message_raw_sloppy();
    let message = message.trim_ascii();
    let (subject, body) = message.split_at(message.find_byte(b'\n').unwrap_or(message.len()));
    Ok(Some(Commit {
        id: id.to_string(),
        repository: reader.repository.name.clone(),
        parents: fields(&commit).parent_ids().map(|parent| parent.to_string()).collect(),
        author: author(&commit),
        author_time: micros(written),
        time: landed(&commit),
        subject: cut(subject.trim_ascii_end(), MAX_LINE_CHARS),
        body: cut(body.trim_ascii(), MAX_BODY_CHARS),
        files: touched.into_iter().map(|touched| touched.file).collect(),
    }))
}

fn fields<'a>(commit: &'a gix::Commit<'_>) -> CommitRefIter<'a> {
    CommitRefIter::from_bytes(&commit.data, commit.id.kind())
}

/// `Name <email>`, as the commit has it.
pub fn author(commit: &gix::Commit<'_>) -> String {
    let Ok(author) = fields(commit).author() else { return String::new() };
    let author = author.trim();
    let part = |bytes: &BStr| cut(bytes, MAX_LINE_CHARS);
    format!("{} <{}>", part(author.name), part(author.email)).trim_start().to_owned()
}

/// When a commit landed: the committer's date.
pub fn landed(commit: &gix::Commit<'_>) -> Timestamp {
    micros(fields(commit).committer().map_or(0, |committer| committer.seconds()))
}

/// The files that a commit touched against its first parent, by path; all of its files for a root. Numbers of lines are
/// not counted yet. Where a shallow clone lacks the parent, nothing is known of the files, and none are given.
pub fn touched(reader: &Reader<'_>, id: ObjectId) -> Answer<Vec<Touched>> {
    let damaged = |error: gix::Error| reader.repository.damaged(error);
    let git = &reader.git;
    let commit = git.find_commit(id).map_err(damaged)?;
    let before = match fields(&commit).parent_ids().next() {
        None => git.empty_tree(),
        Some(parent) if git.has_object(parent) => git.find_tree(tree::root(reader, parent)?).map_err(damaged)?,
        Some(_) => return Ok(Vec::new()),
    };
    let after = git.find_tree(tree::root(reader, id)?).map_err(damaged)?;
    let mut cache = git.diff_resource_cache_for_tree_diff().map_err(damaged)?;
    let mut touched = Vec::new();
    let each = |change: ChangeRef<'_>| {
        touched.extend(file(&change));
        Ok(std::ops::ControlFlow::Continue(()))
    };
    gix::diff::tree_with_rewrites(
        TreeRefIter::from_bytes(&before.data, before.id.kind()),
        TreeRefIter::from_bytes(&after.data, after.id.kind()),
        &mut cache,
        &mut gix::diff::tree::State::default(),
        &git.objects,
        each,
        Options { location: Some(Location::Path), rewrites: Some(Rewrites::default()) },
    )
    .map_err(|error| reader.repository.damaged(error))?;
    touched.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    touched.truncate(MAX_FILES);
    Ok(touched)
}

/// A change of a file; `None` for folders, whose files come on their own.
fn file(change: &ChangeRef<'_>) -> Option<Touched> {
    let path = |path: &BStr| path.to_str_lossy().into_owned();
    let touched = |location: &BStr, old_path: Option<String>, kind, before, after| {
        let file = TouchedFile { path: path(location), old_path, kind, added: 0, removed: 0 };
        Some(Touched { file, before, after })
    };
    match *change {
        ChangeRef::Addition { entry_mode, .. } | ChangeRef::Deletion { entry_mode, .. } if entry_mode.is_tree() => None,
        ChangeRef::Modification { entry_mode, .. } if entry_mode.is_tree() => None,
        ChangeRef::Addition { location, entry_mode, id, .. } => {
            touched(location, None, ChangeKind::Added, None, entry_mode.is_blob_or_symlink().then_some(id))
        }
        ChangeRef::Deletion { location, entry_mode, id, .. } => {
            touched(location, None, ChangeKind::Deleted, entry_mode.is_blob_or_symlink().then_some(id), None)
        }
        ChangeRef::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            let before = previous_entry_mode.is_blob_or_symlink().then_some(previous_id);
            let after = entry_mode.is_blob_or_symlink().then_some(id);
            touched(location, None, ChangeKind::Modified, before, after)
        }
        ChangeRef::Rewrite { source_location, source_entry_mode, source_id, entry_mode, location, id, .. } => {
            if entry_mode.is_tree() {
                return None;
            }
            let before = source_entry_mode.is_blob_or_symlink().then_some(source_id);
            let after = entry_mode.is_blob_or_symlink().then_some(id);
            touched(location, Some(path(source_location)), ChangeKind::Renamed, before, after)
        }
    }
}
