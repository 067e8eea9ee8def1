//! Compiled code, kept between runs.
//!
//! Loading native code is an act of trust. The folder belongs to the user alone (mode 0700, owner checked, no links followed),
//! and every entry ends with a keyed digest over all before it. An entry is mapped into memory, so that thousands cost only
//! the pages that run, and the digest is verified over those very pages. Who has the user's own rights could read the key and
//! write to the file under the map, and is out of scope. Where the folder cannot be trusted nothing is kept.
//!
//! The folder has a size: what was used longest ago makes room. A file that is removed stays with whoever mapped it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::skill::Digest;

const KEY_FILE: &str = "key";
const MAC_BYTES: usize = 32;
const EXTENSION: &str = ".cwasm";

/// A trusted folder of compiled code.
pub(crate) struct AotCache {
    dir: Dir,
    key: [u8; 32],
    /// The most bytes of its entries.
    most: u64,
}

impl AotCache {
    /// Opens the folder, and makes it if it is not there. The error says why it cannot be trusted.
    pub(crate) fn open(path: &Path, most: u64) -> Result<AotCache, String> {
        let told = |what: &str, error: std::io::Error| format!("{what} {}: {error}", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| told("cannot make the folder above", error))?;
        }
        let (parent, name) = path.parent().zip(path.file_name()).ok_or("the cache folder has no name")?;
        let parent = Dir::open_ambient_dir(parent, ambient_authority())
            .map_err(|error| told("cannot open the folder of", error))?;
        let mut private = DirBuilder::new();
        private.mode(0o700);
        match parent.create_dir_with(name, &private) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(told("cannot make", error)),
            _ => {}
        }
        // Looked at before it is opened and after: a link is refused, whoever made it.
        let found = parent.symlink_metadata(name).map_err(|error| told("cannot look at", error))?;
        if !found.is_dir() {
            return Err(format!("{} is not a folder", path.display()));
        }
        let dir = parent.open_dir(name).map_err(|error| told("cannot open", error))?;
        let opened = dir.dir_metadata().map_err(|error| told("cannot look at", error))?;
        if (opened.ino(), opened.dev()) != (found.ino(), found.dev()) {
            return Err(format!("{} was replaced while it was opened", path.display()));
        }
        if opened.uid() != geteuid().as_raw() {
            return Err(format!("{} belongs to another user", path.display()));
        }
        if opened.mode() & 0o077 != 0 {
            return Err(format!("{} can be read or written by others; make it private (chmod 700)", path.display()));
        }
        let key = key(&dir).map_err(|error| told("cannot read or write the key in", error))?;
        Ok(AotCache { dir, key, most })
    }

    /// Code that this engine compiled from these bytes before; `None` when it is not there or not to be trusted.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let file = open(&self.dir, &entry_name(engine, digest)).ok()?.into_std();
        if !self.is_ours(engine, digest, &file)? {
            tracing::warn!(%digest, "compiled code in the cache is damaged or not ours; it is compiled anew");
            return None;
        }
        // Which are in use is for making room alone.
        let _ = file.set_modified(SystemTime::now());
        // The file that was verified, whatever bears its name now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: this file was written by this user's process after compiling: the digest over it is keyed with a key that only
        // this user can read. It is private to this user, and never written after it got its name.
        unsafe { Component::deserialize_file(engine, path) }.ok()
    }

    /// Whether a file ends with the keyed digest of all before it; `None` where it cannot be read or is too short.
    fn is_ours(&self, engine: &Engine, digest: &Digest, file: &std::fs::File) -> Option<bool> {
        // SAFETY: the file is private to this user, and never written after it got its name.
        let entry = unsafe { memmap2::MmapOptions::new().populate().map(file) }.ok()?;
        let (code, mac) = entry.split_at_checked(entry.len().checked_sub(MAC_BYTES)?)?;
        // Compared in constant time by blake3's own equality.
        Some(self.mac(engine, digest, code) == blake3::Hash::from_bytes(mac.try_into().ok()?))
    }

    /// Keeps compiled code. Not being able to is no error: it is compiled again next time.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, code: &[u8]) {
        let name = entry_name(engine, digest);
        if let Err(error) = write(&self.dir, &name, &[code, self.mac(engine, digest, code).as_bytes()]) {
            tracing::warn!(%digest, %error, "compiled code cannot be kept");
        }
        if let Err(error) = self.make_room() {
            tracing::warn!(%error, "the folder of compiled code cannot be kept within its size");
        }
    }

    /// Removes what was used longest ago, until the rest is no more than may be kept.
    fn make_room(&self) -> std::io::Result<()> {
        let mut entries = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            // What was never finished is there as well; what somebody else removed meanwhile is not.
            let is_code = entry.file_name().to_str().is_some_and(|name| name.contains(EXTENSION));
            if let Some(metadata) = entry.metadata().ok().filter(|_| is_code) {
                entries.push((metadata.modified()?.into_std(), metadata.len(), entry));
            }
        }
        entries.sort_by_key(|(used, ..)| *used);
        let mut all = entries.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
        for (_, bytes, entry) in entries {
            if all <= self.most {
                break;
            }
            match entry.remove_file() {
                // Another process made room.
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => all -= bytes,
            }
        }
        Ok(())
    }

    /// Over the entry's name too, so that one skill's code cannot be passed off as another's.
    fn mac(&self, engine: &Engine, digest: &Digest, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(entry_name(engine, digest).as_bytes()).update(code);
        hasher.finalize()
    }
}

/// An entry belongs to one component and one engine configuration.
fn entry_name(engine: &Engine, digest: &Digest) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}{EXTENSION}", blake3::Hash::from_bytes(digest.0).to_hex(), hasher.finish())
}

/// The key of this folder, made at its first use.
fn key(dir: &Dir) -> std::io::Result<[u8; 32]> {
    let read = || {
        let mut key = Vec::new();
        open(dir, KEY_FILE)?.take(33).read_to_end(&mut key)?;
        key.try_into().map_err(|_| std::io::Error::other("the key has the wrong length; remove the folder"))
    };
    match read() {
        Ok(key) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let fresh: [u8; 32] = rand::random();
            let temporary = format!("key.{:016x}", rand::random::<u64>());
            create(dir, &temporary)?.write_all(&fresh)?;
            // Whoever links first wins; the others use that key.
            let linked = dir.hard_link(&temporary, dir, KEY_FILE);
            dir.remove_file(&temporary)?;
            match linked {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                _ => key(dir),
            }
        }
        Err(error) => Err(error),
    }
}

fn create(dir: &Dir, name: &str) -> std::io::Result<cap_std::fs::File> {
    dir.open_with(name, OpenOptions::new().write(true).create_new(true).mode(0o600))
}

/// Opens a regular file of ours; links are not followed.
fn open(dir: &Dir, name: &str) -> std::io::Result<cap_std::fs::File> {
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    let file = dir.open_with(name, OpenOptions::new().read(true).custom_flags(no_links))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(std::io::Error::other("not a private file"));
    }
    Ok(file)
}

/// Writes a file whole, or not at all.
fn write(dir: &Dir, name: &str, parts: &[&[u8]]) -> std::io::Result<()> {
    let temporary = format!("{name}.{:016x}", rand::random::<u64>());
    let mut file = create(dir, &temporary)?;
    let written =
        parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| dir.rename(&temporary, dir, name));
    if written.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = dir.remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::for_compiling;

    #[test]
    fn code_for_another_engine_has_another_name() {
        let name = |counted, bytes: &[u8]| entry_name(&for_compiling(counted).unwrap(), &Digest::of(bytes));
        assert_eq!(name(false, b"x"), name(false, b"x"));
        assert_ne!(name(false, b"x"), name(true, b"x"));
        assert_ne!(name(false, b"x"), name(false, b"y"));
    }
}
