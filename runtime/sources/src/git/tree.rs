//! Files of a commit's tree. Paths are looked up in trees only.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::objs::tree::EntryMode;
use negawatt_host::Scope;
use negawatt_host::model::{Answer, Error};

use super::commits::landed;
use super::repository::Reader;
use crate::MAX_NAMES;

/// The largest file that is read, searched or compared line by line.
pub const MAX_BLOB_BYTES: u64 = 8 << 20;

/// The deepest folder that is visited.
const MAX_DEPTH: usize = 128;

/// The most files and folders that one visit comes by: trees that name each other many times have no end.
const MAX_VISITED: usize = 1_000_000;

/// Files and folders that a skill asks for; none means all.
pub struct Filter(Vec<String>);

impl Filter {
    /// Checks the paths: relative, no `.` or `..`. A slash at the end of a folder may be there.
    pub fn new(paths: &[String]) -> Answer<Filter> {
        if paths.len() > MAX_NAMES {
            return Err(Error::Invalid(format!("{} paths, at most {MAX_NAMES} are served; name folders", paths.len())));
        }
        let checked = paths.iter().map(|path| {
            let path = path.strip_suffix('/').unwrap_or(path);
            components(path).map(drop)?;
            Ok(path.to_owned())
        });
        Ok(Filter(checked.collect::<Answer<_>>()?))
    }

    /// Whether everything is asked for.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file is asked for, or a folder with all that it holds.
    pub fn holds(&self, path: &str) -> bool {
        self.is_all() || self.0.iter().any(|wanted| is_at_or_below(path, wanted))
    }

    /// Whether something in a folder may be asked for.
    fn reaches_into(&self, folder: &str) -> bool {
        self.holds(folder) || self.0.iter().any(|wanted| is_at_or_below(wanted, folder))
    }
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The parts of a path from outside.
fn components(path: &str) -> Answer<impl Iterator<Item = &str>> {
    if path.is_empty() || path.contains('\0') || path.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        return Err(Error::Invalid(format!(
            "{path:?} is not a path of a repository: relative, with `/`, without `.` and `..`"
        )));
    }
    Ok(path.split('/'))
}

/// The text of a file at a revision, or at the tip; of a link, where it points to. What is not UTF-8 is replaced.
///
/// A revision may have landed before the scope's window: the code as it was then is what a change is compared with. One
/// that landed at its end or later is [`Error::Denied`].
pub fn read(reader: &Reader<'_>, scope: &Scope, path: &str, revision: Option<&str>) -> Answer<String> {
    text(reader, path, find(reader, scope, path, revision)?)
}

/// The file that [`read`] reads under the same conditions.
pub fn find(reader: &Reader<'_>, scope: &Scope, path: &str, revision: Option<&str>) -> Answer<ObjectId> {
    let commit = revision.map_or(Ok(reader.tip), |revision| reader.revision(revision))?;
    if revision.is_some() {
        let found = reader.git.find_commit(commit).map_err(|error| reader.repository.damaged(error))?;
        if landed(&found) >= scope.window.end {
            return Err(Error::Denied(format!("the commit {commit} landed after the window of the case")));
        }
    }
    entry(reader, path, commit)
}

/// The text of the file that was found at a path.
pub fn text(reader: &Reader<'_>, path: &str, id: ObjectId) -> Answer<String> {
    Ok(String::from_utf8_lossy(&bytes(reader, path, id)?).into_owned())
}

/// The bytes of a file of a commit.
pub fn file(reader: &Reader<'_>, path: &str, commit: ObjectId) -> Answer<Vec<u8>> {
    bytes(reader, path, entry(reader, path, commit)?)
}

fn bytes(reader: &Reader<'_>, path: &str, id: ObjectId) -> Answer<Vec<u8>> {
    blob(reader, id)?.ok_or_else(|| Error::OverBudget(format!("{path:?} has more than {} MiB", MAX_BLOB_BYTES >> 20)))
}

/// The file or link at a path of a commit.
fn entry(reader: &Reader<'_>, path: &str, commit: ObjectId) -> Answer<ObjectId> {
    let missing = || Error::NotFound(format!("there is no file {path:?} in commit {commit}"));
    let mut tree = Some(root(reader, commit)?);
    let mut found = None;
    for name in components(path)? {
        let here = tree.take().ok_or_else(missing)?;
        let here = reader.git.find_tree(here).map_err(|error| reader.repository.damaged(error))?;
        let entry = here.find_entry(name.as_bytes()).ok_or_else(missing)?;
        tree = entry.mode().is_tree().then(|| entry.object_id());
        found = Some((entry.mode(), entry.object_id()));
    }
    let (mode, id) = found.ok_or_else(missing)?;
    if mode.is_tree() {
        return Err(Error::Invalid(format!("{path:?} is a folder; search lists what is in it")));
    }
    if mode.is_commit() {
        return Err(Error::NotFound(format!("{path:?} is a submodule; its files are in another repository")));
    }
    Ok(id)
}

/// The root folder of a commit.
pub fn root(reader: &Reader<'_>, commit: ObjectId) -> Answer<ObjectId> {
    let tree = reader.git.find_commit(commit).and_then(|commit| Ok(commit.tree_id()?.detach()));
    tree.map_err(|error| reader.repository.damaged(error))
}

/// The bytes of a file; `None` where it is too large.
pub fn blob(reader: &Reader<'_>, id: ObjectId) -> Answer<Option<Vec<u8>>> {
    reader.stop.check()?;
    match reader.git.find_blob(id) {
        Ok(mut blob) => Ok((blob.data.len() as u64 <= MAX_BLOB_BYTES).then(|| blob.take_data())),
        // Beyond what may be allocated. Asking for the size first would cost every other file a walk of its deltas.
        Err(_) if reader.git.find_header(id).is_ok_and(|header| header.size() > MAX_BLOB_BYTES) => Ok(None),
        Err(error) => Err(reader.repository.damaged(error)),
    }
}

/// How many bytes a file has.
pub fn size(reader: &Reader<'_>, id: ObjectId) -> Answer<u64> {
    Ok(reader.git.find_header(id).map_err(|error| reader.repository.damaged(error))?.size())
}

/// Calls `visit` with every file that is asked for, in order of paths, until it says `false`. Submodules are left out.
/// [`Error::OverBudget`] after [`MAX_VISITED`] files and folders.
pub fn visit(
    reader: &Reader<'_>,
    commit: ObjectId,
    filter: &Filter,
    visit: &mut impl FnMut(&str, ObjectId) -> Answer<bool>,
) -> Answer<()> {
    let root = root(reader, commit)?;
    Walk { reader, filter, visit, left: MAX_VISITED }.folder(root, "", 0).map(drop)
}

/// A visit on its way.
struct Walk<'a, V> {
    reader: &'a Reader<'a>,
    filter: &'a Filter,
    visit: &'a mut V,
    /// Files and folders that it may still come by.
    left: usize,
}

impl<V: FnMut(&str, ObjectId) -> Answer<bool>> Walk<'_, V> {
    fn folder(&mut self, folder: ObjectId, prefix: &str, depth: usize) -> Answer<bool> {
        let reader = self.reader;
        reader.stop.check()?;
        let tree = reader.git.find_tree(folder).map_err(|error| reader.repository.damaged(error))?;
        let mut entries: Vec<(&BStr, EntryMode, ObjectId)> = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|error| reader.repository.damaged(error))?;
            entries.push((entry.inner.filename, entry.mode(), entry.object_id()));
        }
        self.left = self.left.checked_sub(entries.len()).ok_or_else(|| {
            Error::OverBudget(format!("there are more than {MAX_VISITED} files and folders; name fewer paths"))
        })?;
        for (name, mode, id) in entries {
            let path = format!("{prefix}{}", name.to_str_lossy());
            let go_on = match mode {
                mode if mode.is_tree() => {
                    depth >= MAX_DEPTH
                        || !self.filter.reaches_into(&path)
                        || self.folder(id, &format!("{path}/"), depth + 1)?
                }
                mode if mode.is_commit() => true,
                _ => !self.filter.holds(&path) || (self.visit)(&path, id)?,
            };
            if !go_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_checked() {
        for path in ["", "/etc/passwd", "..", "a/../b", "./a", "a//b", "a/", "a\0b"] {
            assert!(components(path).is_err(), "{path}");
        }
        for path in ["a", "a/b", "--output=x", "...", "-", "a b", ":(top)a", "ä"] {
            assert!(components(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn filters_hold_files_and_folders() {
        let filter = Filter::new(&["src/".into(), "a/b.rs".into()]).unwrap();
        for (path, held) in
            [("src", true), ("src/x/y", true), ("srcs", false), ("a/b.rs", true), ("a", false), ("a/b.rs2", false)]
        {
            assert_eq!(filter.holds(path), held, "{path}");
        }
        assert!(filter.reaches_into("a") && !filter.reaches_into("b") && filter.reaches_into("src/x"));
        assert!(Filter::new(&[]).unwrap().holds("x"));
        assert!(Filter::new(&["../x".into()]).is_err());
        assert!(Filter::new(&vec!["a".into(); MAX_NAMES]).is_ok());
        assert!(matches!(Filter::new(&vec!["a".into(); MAX_NAMES + 1]), Err(Error::Invalid(_))));
    }
}
