//! Files of an operator's data. A folder is opened once; names from outside are looked up in it, and no link is followed.

mod csv_line;
mod time;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
    /// When it was last written or renamed, or had its dates set: seconds and nanoseconds.
    changed: (i64, i64),
}

/// How long ago a file was written at least that has another stamp when it is written again: a clock's tick, with room for file
/// systems that count in seconds.
const SETTLED: Duration = Duration::from_secs(2);

impl Stamp {
    /// Whether what is read now is all that will ever be read under this stamp. One that was taken after `now`, of a file written long
    /// enough before it, cannot be that of two contents.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let age = self.modified.and_then(|modified| now.duration_since(modified).ok());
        age.is_some_and(|age| age > SETTLED)
    }
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
                Ok(Some(Stamp {
                    length: metadata.len(),
                    modified,
                    inode: metadata.ino(),
                    changed: (metadata.ctime(), metadata.ctime_nsec()),
                }))
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

#[cfg(test)]
pub mod tests {
    use std::fs;

    use negawatt_config::Place;

    use super::*;

    /// A folder as an operator names it.
    pub fn named(path: &Path) -> Located<PathBuf> {
        Located { value: path.to_owned(), place: Place::whole(Path::new("negawatt.toml")) }
    }

    /// Writes a file as if it had been written at a time.
    pub fn write_at(path: &Path, content: &str, modified: SystemTime) {
        fs::write(path, content).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    #[test]
    fn a_stamp_tells_what_was_written_from_what_is_being_written() {
        let place = tempfile::tempdir().unwrap();
        let (file, folder) = (place.path().join("a"), Folder::open(&named(place.path())).unwrap());
        let (now, second) = (SystemTime::now(), Duration::from_secs(1));
        let is_settled = |modified: SystemTime| {
            write_at(&file, "1", modified);
            folder.stamp("a").unwrap().unwrap().is_settled(now)
        };
        assert!(is_settled(now - 3 * second) && is_settled(SystemTime::UNIX_EPOCH));
        assert!(!is_settled(now - second) && !is_settled(now) && !is_settled(now + 3_600 * second));
    }

    #[test]
    fn a_file_with_the_dates_of_another_has_another_stamp() {
        let place = tempfile::tempdir().unwrap();
        let (file, folder) = (place.path().join("a"), Folder::open(&named(place.path())).unwrap());
        let stamp = || folder.stamp("a").unwrap().unwrap();
        write_at(&file, "1", SystemTime::UNIX_EPOCH);
        let first = stamp();
        assert_eq!(first, stamp());
        write_at(&place.path().join("b"), "2", SystemTime::UNIX_EPOCH);
        fs::rename(place.path().join("b"), &file).unwrap();
        let second = stamp();
        assert_ne!(first.inode, second.inode);
        // A clock ticks some hundred times a second.
        let is_told = (0..100_000).any(|_| {
            write_at(&file, "3", SystemTime::UNIX_EPOCH);
            stamp() != second
        });
        let third = stamp();
        assert!(is_told && (third.inode, third.modified) == (second.inode, second.modified));
    }
}
