//! The folder of a file: private, the user's own, and no link leads out of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions, OpenOptionsExt};
use rusqlite::{Connection, OpenFlags};
use rustix::process::geteuid;
use ulid::Ulid;

use crate::schema::{self, Schema};
use crate::{OpenError, Problem};

/// Opens the file in a folder, and makes both if they are not there. Also tells the file's full path.
pub(crate) fn open(folder: &Path, schema: &Schema) -> Result<(PathBuf, Connection), OpenError> {
    let told = |what: &'static str| move |error: std::io::Error| OpenError::Folder(format!("{what}: {error}"));
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Dir::create_ambient_dir_all(parent, ambient_authority()).map_err(told("cannot make the folder above"))?;
    }
    make(folder).map_err(told("cannot make it"))?;
    // Links on the way are the user's own business; from here on there are none.
    let folder = std::fs::canonicalize(folder).map_err(told("cannot find it"))?;
    let dir = Dir::open_ambient_dir(&folder, ambient_authority()).map_err(told("cannot open it"))?;
    let metadata = dir.dir_metadata().map_err(told("cannot look at it"))?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(OpenError::Folder("it belongs to another user; name a folder of your own".to_owned()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(OpenError::Folder("others can write to it; make it private (chmod 700)".to_owned()));
    }
    check(&dir, schema.file).map_err(OpenError::Folder)?;
    // Opened by SQLite alone: closing another handle of the file would drop the locks of this process on it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = folder.join(schema.file);
    let opened = Connection::open_with_flags(&file, flags).map_err(Problem::from).and_then(|mut connection| {
        schema::prepare(&mut connection, schema)?;
        Ok(connection)
    });
    match opened {
        Ok(connection) => Ok((file, connection)),
        Err(problem) => Err(OpenError::Store { file, problem }),
    }
}

/// Makes the folder, for the user alone.
fn make(folder: &Path) -> std::io::Result<()> {
    let (Some(name), parent) = (folder.file_name(), folder.parent()) else { return Ok(()) };
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut private = DirBuilder::new();
    private.mode(0o700);
    let parent = Dir::open_ambient_dir(parent, ambient_authority())?;
    match parent.create_dir_with(name, &private) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // SQLite syncs the folder of its files; this is the folder of that folder.
        made => made.and_then(|()| parent.open(".")?.sync_all()),
    }
}

/// Looks at what is there without opening it. If that is nothing, makes an empty file, for the user alone.
fn check(dir: &Dir, file: &str) -> Result<(), String> {
    let look = |name: &str| match dir.symlink_metadata(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some).map_err(|error| format!("cannot look at {name}: {error}")),
    };
    // The log first: whoever makes it has made the file before.
    let log = look(&format!("{file}-wal"))?.map_or(0, |metadata| metadata.len());
    let metadata = look(file)?;
    // SQLite removes a log without a file, and with it what was not yet moved from one to the other.
    if log != 0 && metadata.as_ref().is_none_or(|metadata| metadata.len() == 0) {
        return Err(format!(
            "{file} is empty or gone, but not {file}-wal beside it; restore it from a copy, or move both away"
        ));
    }
    let Some(metadata) = metadata else {
        return create(dir, file).map_err(|error| format!("cannot make {file} in it: {error}"));
    };
    if !metadata.is_file() {
        return Err(format!("{file} in it is not a file; move it away"));
    }
    if metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(format!(
            "{file} in it belongs to another user, or others can write to it; look where it comes from, then make it private (chmod 600)"
        ));
    }
    Ok(())
}

/// Makes an empty file that nobody else can read, not even for a moment; whoever is first makes it.
fn create(dir: &Dir, file: &str) -> std::io::Result<()> {
    let temporary = format!("{file}.{}", Ulid::generate());
    drop(dir.open_with(&temporary, OpenOptions::new().write(true).create_new(true).mode(0o600))?);
    let linked = dir.hard_link(&temporary, dir, file);
    dir.remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
