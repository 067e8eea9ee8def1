//! Files of an operator's data. A folder is opened once; names from outside are looked up in it, and no link is followed.

mod csv_line;
mod time;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::Error;
use negawatt_host::text::printable;

pub use csv_line::{TextOfCsv, line_of};
pub use time::parse as parse_time;

/// The largest file of data that is read.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// A mistake in an operator's data: which file, which line, what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), Line(*line))]
pub struct DataError {
    /// The key of the configuration that names the source.
    pub key: String,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub message: String,
}

struct Line(u64);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 0 { write!(f, ":{}", self.0) } else { Ok(()) }
    }
}

/// What a skill learns of it: that its tool has no answer. Paths and contents may be from outside of its scope; they go to
/// the operator's log.
impl From<DataError> for Error {
    fn from(error: DataError) -> Error {
        let tool = error.key.split('.').nth(1).unwrap_or("the tool");
        tracing::warn!(tool, "the source cannot be read: {}", printable(&error.to_string()));
        Error::Unavailable(format!("the source of {tool} cannot be read; the operator's log says why"))
    }
}

/// Which version of a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// An open folder.
pub struct Folder {
    dir: Dir,
    /// How it is called in messages.
    shown: PathBuf,
    /// The key of the configuration that names it.
    key: String,
}

impl Folder {
    /// Opens the folder that an operator named.
    pub fn open(path: &Located<PathBuf>) -> Result<Folder, ConfigError> {
        let dir = Dir::open_ambient_dir(&path.value, ambient_authority()).map_err(|error| {
            path.error(
                format!("the folder {} cannot be opened: {error}", path.value.display()),
                "name a folder that exists; a path is relative to this file",
            )
        })?;
        Ok(Folder { dir, shown: path.value.clone(), key: path.place.key.clone() })
    }

    /// How a name in it is called in messages.
    pub fn shown(&self, name: impl AsRef<Path>) -> PathBuf {
        // As the operator wrote it: not every file of the current folder with `./`.
        if self.shown == Path::new(".") { name.as_ref().to_owned() } else { self.shown.join(name) }
    }

    /// An error about a file in it.
    pub fn error(&self, name: impl AsRef<Path>, line: u64, message: impl Into<String>) -> DataError {
        DataError { key: self.key.clone(), file: self.shown(name), line, message: message.into() }
    }

    /// A folder in it; `None` where there is none. The name must be one that [`is_plain`].
    pub fn folder(&self, name: &str) -> Result<Option<Folder>, DataError> {
        match self.dir.symlink_metadata(name) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(self.error(name, 0, "is not a folder; links are not followed")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error(name, 0, error.to_string())),
        }
        let dir = self.dir.open_dir(name).map_err(|error| self.error(name, 0, error.to_string()))?;
        Ok(Some(Folder { dir, shown: self.shown(name), key: self.key.clone() }))
    }

    /// The names in it, sorted, with whether each is a folder; names that are not UTF-8 and links are left out.
    pub fn names(&self) -> Result<Vec<(String, bool)>, DataError> {
        let failed = |error: io::Error| self.error("", 0, error.to_string());
        let mut names = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if let (Ok(name), false) = (entry.file_name().into_string(), kind.is_symlink()) {
                names.push((name, kind.is_dir()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Which version of a file is there; `None` where there is none.
    pub fn stamp(&self, name: &str) -> Result<Option<Stamp>, DataError> {
        match self.dir.symlink_metadata(name) {
            Ok(metadata) if !metadata.is_file() => Err(self.error(name, 0, "is not a file; links are not followed")),
            Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
                Err(self.error(name, 0, format!("has more than {} MiB", MAX_FILE_BYTES >> 20)))
            }
            Ok(metadata) => {
                let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
                Ok(Some(Stamp { length: metadata.len(), modified }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(name, 0, error.to_string())),
        }
    }

    /// The bytes of a file; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DataError> {
        if self.stamp(name)?.is_none() {
            return Ok(None);
        }
        let failed = |error: io::Error| self.error(name, 0, error.to_string());
        let mut bytes = Vec::new();
        self.dir.open(name).map_err(failed)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(bytes))
    }
}

/// One file that an operator named.
pub struct DataFile {
    folder: Folder,
    name: String,
}

impl DataFile {
    /// Opens the folder of the file that an operator named; the file must be there.
    pub fn open(path: &Located<PathBuf>) -> Result<DataFile, ConfigError> {
        let help = "name a file that exists; a path is relative to this file";
        let name = path.value.file_name().and_then(|name| name.to_str());
        let Some(name) = name else {
            return Err(path.error(format!("{} is not the name of a file", path.value.display()), help));
        };
        let parent = path.value.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = Folder::open(&Located { value: parent.to_owned(), place: path.place.clone() })?;
        let file = DataFile { folder, name: name.to_owned() };
        match file.folder.stamp(name) {
            Ok(Some(_)) => Ok(file),
            Ok(None) => Err(path.error(format!("there is no file {}", path.value.display()), help)),
            Err(error) => Err(path.error(error.to_string(), help)),
        }
    }

    /// Its bytes.
    pub fn read(&self) -> Result<Vec<u8>, DataError> {
        self.folder.read(&self.name)?.ok_or_else(|| self.error(0, "is no longer there"))
    }

    /// An error about it.
    pub fn error(&self, line: u64, message: impl Into<String>) -> DataError {
        self.folder.error(&self.name, line, message)
    }
}

/// Whether a word from outside may be the name of a file or folder: one component, nothing hidden.
pub fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
