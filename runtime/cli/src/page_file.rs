//! Where a page is written: whole, or not at all.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::CliError;

/// A file that a page goes to.
pub struct PageFile {
    path: PathBuf,
    /// The folder and the file that are meant where the path is a link.
    folder: PathBuf,
    file: PathBuf,
    /// Who may read it.
    mode: u32,
}

impl PageFile {
    /// Makes sure that it can be written, and writes nothing.
    pub fn at(path: &Path) -> Result<PageFile, CliError> {
        let refused = |what: &str| Err(CliError::bad_input("report", what).at(path.display()).help(NAME_A_FILE));
        // A page that is there is replaced by another of its name; of anything else nobody wants that.
        let there = std::fs::metadata(path);
        let file = match &there {
            Ok(there) if there.is_dir() => return refused("the page cannot be written: this is a folder"),
            Ok(there) if !there.is_file() => return refused("the page cannot be written: this is no regular file"),
            Ok(there) if there.len() > 0 && !is_page(path).map_err(|error| not_written(path, &error))? => {
                return refused("the page cannot be written: this file is there, and is no page");
            }
            Ok(_) => path.canonicalize().map_err(|error| not_written(path, &error))?,
            Err(_) => path.to_owned(),
        };
        let Some(folder) = file.parent().filter(|_| file.file_name().is_some()) else {
            return refused("the page cannot be written: this names no file");
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        // A page that was kept from others stays so.
        let mode = there.map_or(0o666, |there| there.permissions().mode() & 0o777);
        let file = PageFile { path: path.to_owned(), folder, file, mode };
        file.beside().map_err(|error| not_written(path, &error))?;
        Ok(file)
    }

    /// Writes the page, in the place of one that was there.
    pub fn write(&self, page: &str) -> Result<(), CliError> {
        let write = || {
            let mut file = self.beside()?;
            file.write_all(page.as_bytes())?;
            file.persist(&self.file).map_err(|error| error.error)
        };
        write().map(|_| ()).map_err(|error| not_written(&self.path, &error))
    }

    /// A file in the same folder, with the permissions of the one before, or of every file that this user makes: a page is there to be
    /// passed on.
    fn beside(&self) -> std::io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(".negawatt-").suffix(".html").permissions(Permissions::from_mode(self.mode));
        builder.tempfile_in(&self.folder)
    }
}

/// What every page begins with.
const PAGE: &[u8] = b"<!DOCTYPE html>";

/// Whether a file is a page.
fn is_page(path: &Path) -> std::io::Result<bool> {
    let mut begins = Vec::new();
    std::fs::File::open(path)?.take(PAGE.len() as u64).read_to_end(&mut begins)?;
    Ok(begins == PAGE)
}

const NAME_A_FILE: &str = "name a file in a folder that is there and that you can write to, such as report.html";

fn not_written(path: &Path, error: &std::io::Error) -> CliError {
    CliError::bad_input("report", format!("the page cannot be written: {error}")).at(path.display()).help(NAME_A_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_whole_and_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let file = PageFile::at(&path).unwrap();
        assert!(!path.exists(), "nothing is written before the case has run");
        for page in ["<!DOCTYPE html>one", "<!DOCTYPE html>two"] {
            file.write(page).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
        }
        let link = folder.path().join("link.html");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        PageFile::at(&link).unwrap().write("<!DOCTYPE html>three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "<!DOCTYPE html>three");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it stays as private");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn what_cannot_be_written_is_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("negawatt.toml");
        std::fs::write(&config, "[watch]").unwrap();
        for path in
            [config, folder.path().join("nowhere/page.html"), folder.path().to_owned(), "/dev/null".into(), "".into()]
        {
            let error = PageFile::at(&path).err().unwrap_or_else(|| panic!("{}", path.display()));
            assert!(error.bad_input && error.help.is_some(), "{error}");
            assert_eq!(error.place, Some(path.display().to_string()));
        }
    }
}
