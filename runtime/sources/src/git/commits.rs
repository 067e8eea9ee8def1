//! Commits and the files that they touched.

use std::collections::HashSet;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::diff::Rewrites;
use gix::diff::blob::Platform;
use gix::diff::tree::recorder::Location;
use gix::diff::tree_with_rewrites::{ChangeRef, Options};
use gix::objs::{CommitRefIter, TreeRefIter};
use negawatt_host::model::changes::{ChangeKind, Commit, TouchedFile};
use negawatt_host::model::{Answer, Error, Timestamp, Window};

use super::diff::line_counts;
use super::history::micros;
use super::repository::Reader;
use super::text::{MAX_BODY_CHARS, MAX_LINE_CHARS, MAX_PATH_CHARS, cut};
use super::tree::{self, Filter, MAX_BLOB_BYTES, size};
use super::work::{MAX_COMMIT_BYTES, Work};

/// The most commits that one list has.
const MAX_COMMITS: usize = 20_000;

/// The most files of one commit that are given, in order of paths.
const MAX_FILES: usize = 5_000;

/// The most bytes of their paths, so that no commit is more than one list has.
const MAX_GIVEN_PATH_BYTES: usize = 1 << 20;

/// The most changes of one commit that are looked at, folders counted, and the most bytes of their paths: trees that name
/// each other many times have more paths than anybody can walk. Of a commit with more, no files are given.
const MAX_CHANGES: usize = 200_000;
const MAX_PATH_BYTES: usize = 64 << 20;

/// The changes after which it is looked whether anybody still waits.
const CHANGES_BETWEEN_LOOKS: usize = 1_000;

/// The most deleted files that are compared with as many added ones for renames.
const MAX_RENAMES: usize = 100;

/// Threads that one list works with; more gain little and take the machine from others.
const MAX_THREADS: usize = 4;

/// A touched file with its contents before and after; `None` where there is none that could be compared by lines.
pub struct Touched {
    pub file: TouchedFile,
    pub before: Option<ObjectId>,
    pub after: Option<ObjectId>,
}

/// The commits of a window that touch what is asked for, the newest first. No commit fails the list: of what cannot be
/// read, or is too much [`Work`] to compare, the numbers of lines stay 0, renames are found by equal contents only, or
/// there are no files; a commit that cannot be read itself is left out.
pub fn list(reader: &Reader<'_>, window: &Window, filter: &Filter, work: &Work) -> Answer<Vec<Commit>> {
    let history = reader.history()?;
    let inside = history.inside(window);
    if inside.len() > MAX_COMMITS {
        return Err(Error::OverBudget(format!(
            "{} commits landed in the window, at most {MAX_COMMITS} are served; take a shorter one",
            inside.len()
        )));
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(inside.len() / 32 + 1);
    let asked =
        |file: &TouchedFile| filter.holds(&file.path) || file.old_path.as_ref().is_some_and(|path| filter.holds(path));
    let is_asked = |commit: &Commit| filter.is_all() || commit.files.iter().any(asked);
    let answers: Vec<Answer<Vec<Arc<Commit>>>> = thread::scope(|scope| {
        let start = |part: &'_ [(i64, ObjectId)]| {
            let reader = Reader { repository: reader.repository, git: reader.git.clone(), ..*reader };
            let ids: Vec<ObjectId> = part.iter().map(|(_, id)| *id).collect();
            scope.spawn(move || {
                let mut cache = None;
                let mut commits = Vec::new();
                for id in ids {
                    let commit = reader.commit(id, || {
                        let cache = match &mut cache {
                            Some(cache) => cache,
                            none => none.insert(reader.comparison()?),
                        };
                        or_nothing(described(&reader, cache, id, work).map(Some), &mut true)
                    })?;
                    if let Some(commit) = commit.filter(|commit| is_asked(commit)) {
                        work.give(bytes(&commit))?;
                        commits.push(commit);
                    }
                }
                Ok(commits)
            })
        };
        let workers: Vec<_> = inside.chunks(inside.len().div_ceil(threads).max(1)).map(start).collect();
        let failed = |_| Err(Error::Internal("reading a commit failed; the log says more".to_owned()));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(failed)).collect()
    });
    let commits = answers.into_iter().collect::<Answer<Vec<_>>>()?.into_iter().flatten();
    Ok(commits.map(|commit| Commit::clone(&commit)).collect())
}

/// About how many bytes a commit takes of an answer, and of the memory of whoever reads it.
pub fn bytes(commit: &Commit) -> usize {
    let file =
        |file: &TouchedFile| size_of::<TouchedFile>() + file.path.len() + file.old_path.as_ref().map_or(0, String::len);
    let parents = commit.parents.iter().map(|parent| size_of::<String>() + parent.len()).sum::<usize>();
    let texts = [&commit.id, &commit.repository, &commit.author, &commit.subject, &commit.body];
    let texts = texts.into_iter().map(String::len).sum::<usize>();
    size_of::<Commit>() + parents + texts + commit.files.iter().map(file).sum::<usize>()
}

/// Nothing in the place of what cannot be read, and the whole is no longer whole.
fn or_nothing<T: Default>(answer: Answer<T>, is_whole: &mut bool) -> Answer<T> {
    match answer {
        Err(Error::Unavailable(_)) => {
            *is_whole = false;
            Ok(T::default())
        }
        answer => answer,
    }
}

/// A commit with its files, and whether nothing that an answer has otherwise is missing.
fn described(reader: &Reader<'_>, cache: &mut Platform, id: ObjectId, work: &Work) -> Answer<(Commit, bool)> {
    let mut is_whole = true;
    let mut touched = or_nothing(touched(reader, cache, id, work), &mut is_whole)?;
    let mut left = MAX_COMMIT_BYTES;
    for touched in &mut touched {
        (touched.file.added, touched.file.removed) =
            or_nothing(line_counts(reader, touched, work, &mut left), &mut is_whole)?;
    }
    let commit = reader.git.find_commit(id).map_err(|error| reader.repository.damaged(error))?;
    let written = fields(&commit).author().map_or(0, |author| author.seconds());
    let message = commit.message_raw_sloppy();
    let message = message.trim_ascii();
    let (subject, body) = message.split_at(message.find_byte(b'\n').unwrap_or(message.len()));
    let commit = Commit {
        id: id.to_string(),
        repository: reader.repository.name.clone(),
        parents: fields(&commit).parent_ids().map(|parent| parent.to_string()).collect(),
        author: author(&commit),
        author_time: micros(written),
        time: landed(&commit),
        subject: cut(subject.trim_ascii_end(), MAX_LINE_CHARS),
        body: cut(body.trim_ascii(), MAX_BODY_CHARS),
        files: touched.into_iter().map(|touched| touched.file).collect(),
    };
    Ok((commit, is_whole && !work.is_exhausted()))
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
pub fn touched(reader: &Reader<'_>, cache: &mut Platform, id: ObjectId, work: &Work) -> Answer<Vec<Touched>> {
    reader.stop.check()?;
    let damaged = |error: gix::Error| reader.repository.damaged(error);
    let git = &reader.git;
    let commit = git.find_commit(id).map_err(damaged)?;
    let before = match fields(&commit).parent_ids().next() {
        None => git.empty_tree(),
        Some(parent) if git.has_object(parent) => git.find_tree(tree::root(reader, parent)?).map_err(damaged)?,
        Some(_) => return Ok(Vec::new()),
    };
    let after = git.find_tree(tree::root(reader, id)?).map_err(damaged)?;
    let Some(mut touched) = changes(reader, cache, &before, &after, None)? else { return Ok(Vec::new()) };
    if let Some(rewrites) = rewrites(reader, &touched, work) {
        touched = changes(reader, cache, &before, &after, Some(rewrites))?.unwrap_or_default();
    }
    touched.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    let mut left = MAX_GIVEN_PATH_BYTES;
    let fits = |touched: &&Touched| {
        let bytes = touched.file.path.len() + touched.file.old_path.as_ref().map_or(0, String::len);
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let given = touched.iter().take(MAX_FILES).take_while(fits).count();
    touched.truncate(given);
    Ok(touched)
}

/// How renames are looked for; `None` where there can be none. Similar contents are sought where comparing all that was
/// deleted with all that was added is not too much work; else equal ones only.
fn rewrites(reader: &Reader<'_>, touched: &[Touched], work: &Work) -> Option<Rewrites> {
    let deleted: HashSet<ObjectId> = touched.iter().filter(|t| t.after.is_none()).filter_map(|t| t.before).collect();
    let added: HashSet<ObjectId> = touched.iter().filter(|t| t.before.is_none()).filter_map(|t| t.after).collect();
    if deleted.is_empty() || added.is_empty() {
        return None;
    }
    // What is equal is found without being read.
    let (from, to) = (deleted.difference(&added), added.difference(&deleted));
    let (froms, tos) = (from.clone().count(), to.clone().count());
    let few = froms.saturating_mul(tos) <= MAX_RENAMES * MAX_RENAMES;
    let size = |id: &ObjectId| size(reader, *id).unwrap_or(MAX_BLOB_BYTES);
    let bytes = || from.map(size).sum::<u64>() * tos as u64 + to.map(size).sum::<u64>() * froms as u64;
    let similar = few && (froms == 0 || tos == 0 || work.take(&mut MAX_COMMIT_BYTES.clone(), bytes()));
    Some(Rewrites { percentage: similar.then_some(0.5), limit: MAX_RENAMES, ..Rewrites::default() })
}

/// The files that differ between two trees; `None` where there are too many.
fn changes(
    reader: &Reader<'_>,
    cache: &mut Platform,
    before: &gix::Tree<'_>,
    after: &gix::Tree<'_>,
    rewrites: Option<Rewrites>,
) -> Answer<Option<Vec<Touched>>> {
    let git = &reader.git;
    let mut touched = Vec::new();
    let (mut changes, mut path_bytes) = (0, 0);
    let mut ended = Ok(());
    let each = |change: ChangeRef<'_>| {
        changes += 1;
        path_bytes += change.location().len();
        if changes % CHANGES_BETWEEN_LOOKS == 0 {
            ended = reader.stop.check();
        }
        touched.extend(file(&change));
        let goes_on = changes <= MAX_CHANGES && path_bytes <= MAX_PATH_BYTES && ended.is_ok();
        Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    };
    let walked = gix::diff::tree_with_rewrites(
        TreeRefIter::from_bytes(&before.data, before.id.kind()),
        TreeRefIter::from_bytes(&after.data, after.id.kind()),
        cache,
        &mut gix::diff::tree::State::default(),
        &git.objects,
        each,
        Options { location: Some(Location::Path), rewrites },
    );
    cache.clear_resource_cache();
    ended?;
    if changes > MAX_CHANGES || path_bytes > MAX_PATH_BYTES {
        return Ok(None);
    }
    walked.map_err(|error| reader.repository.damaged(error))?;
    Ok(Some(touched))
}

/// A change of a file; `None` for folders, whose files come on their own.
fn file(change: &ChangeRef<'_>) -> Option<Touched> {
    let path = |path: &BStr| cut(path, MAX_PATH_CHARS);
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
