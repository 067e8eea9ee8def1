//! Copies of a tree for commands to work in: files alone, without git.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use super::git::{Git, Side};
use super::launcher::NOBODY;

/// Within the folder: the files.
pub(crate) const TREE: &str = "tree";
/// What the command calls its home.
pub(crate) const HOME: &str = "home";
/// Where it keeps temporary files.
pub(crate) const TEMPORARY: &str = "tmp";

/// A folder that a command may do with what it likes. It is removed in the end.
pub(crate) struct Copy {
    folder: PathBuf,
    of_nobody: bool,
    files: BTreeMap<PathBuf, Print>,
}

/// What a file was: its kind, whether it can be run, and a digest of what is in it; absent where it cannot be read.
type Print = Option<(bool, bool, blake3::Hash)>;

impl Copy {
    /// Of one side, in a folder of its own within another.
    pub(crate) fn new(git: &Git, side: Side, within: &Path) -> Result<Copy, String> {
        let failed =
            |error: io::Error| format!("the copy for a command cannot be made in {}: {error}", within.display());
        let folder = tempfile::Builder::new().prefix("copy-").tempdir_in(within).map_err(failed)?.keep();
        let mut copy = Copy { folder, of_nobody: false, files: BTreeMap::new() };
        for part in [TREE, HOME, TEMPORARY] {
            fs::create_dir(copy.folder.join(part)).map_err(failed)?;
        }
        let tree = copy.folder.join(TREE);
        git.export(side, &tree)?;
        copy.files = git.files(side)?.into_iter().map(|path| (path.clone(), print(&tree.join(path)))).collect();
        // Where root may not do so, the command stays root, and that is said.
        copy.of_nobody = rustix::process::geteuid().is_root() && give(&copy.folder).is_ok();
        Ok(copy)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether all of it belongs to the user nobody.
    pub(crate) fn of_nobody(&self) -> bool {
        self.of_nobody
    }

    /// The files of the tree that are not any more what they were. Nothing may run in it.
    pub(crate) fn changed(&self) -> Vec<&Path> {
        let tree = self.folder.join(TREE);
        self.files
            .iter()
            .filter(|(path, was)| print(&tree.join(path)) != **was)
            .map(|(path, _)| path.as_path())
            .collect()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.folder).is_err() {
            // Folders that cannot be written to keep what is in them.
            let _ = each(&self.folder, |path, found| match found.is_dir() {
                true => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
                false => Ok(()),
            });
            // What stays now is left to whoever empties the scratch folder.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Gives a folder with all that is in it to the user nobody.
fn give(folder: &Path) -> io::Result<()> {
    each(folder, |path, _| lchown(path, Some(NOBODY), Some(NOBODY)))
}

/// Does something with a folder and then with all that is in it, without following links.
fn each(folder: &Path, work: impl Fn(&Path, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path)?;
        work(&path, &found)?;
        if found.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        }
    }
    Ok(())
}

fn print(path: &Path) -> Print {
    let found = fs::symlink_metadata(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    if found.is_symlink() {
        hasher.update(fs::read_link(path).ok()?.as_os_str().as_encoded_bytes());
    } else if found.is_file() {
        hasher.update_reader(fs::File::open(path).ok()?).ok()?;
    } else {
        return None;
    }
    Some((found.is_symlink(), found.mode() & 0o111 != 0, hasher.finalize()))
}
