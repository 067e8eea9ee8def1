//! Compiled code is kept, and never trusted when it is not ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use negawatt_host::{Host, HostConfig, Origin, Skill};
use negawatt_test_guests::MISCHIEF;

fn skill() -> Skill {
    Skill::read(MISCHIEF, Origin::Loaded).unwrap()
}

fn compile(cache: &Path) {
    Host::new(HostConfig { cache: Some(cache.to_owned()), ..HostConfig::default() })
        .unwrap()
        .compile(&skill())
        .unwrap();
}

fn entry(cache: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(cache).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| path.extension().is_some_and(|e| e == "cwasm"))
}

#[test]
fn code_is_compiled_once_and_kept_private() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    compile(&cache);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let entry = entry(&cache).unwrap();
    assert_eq!((mode(&entry), mode(&cache.join("key"))), (0o600, 0o600));
    let written = fs::metadata(&entry).unwrap().modified().unwrap();
    compile(&cache);
    assert_eq!(fs::metadata(&entry).unwrap().modified().unwrap(), written, "it was compiled again");
}

#[test]
fn a_changed_entry_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    compile(&cache);
    let entry = entry(&cache).unwrap();
    let good = fs::read(&entry).unwrap();
    for at in [0, 40, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&entry, &bad).unwrap();
        compile(&cache);
        assert_eq!(fs::read(&entry).unwrap().len(), good.len(), "it was compiled anew");
        assert_ne!(fs::read(&entry).unwrap(), bad);
    }
    fs::write(&entry, b"short").unwrap();
    compile(&cache);
}

#[test]
fn an_entry_under_another_key_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, theirs) = (folder.path().join("mine"), folder.path().join("theirs"));
    compile(&mine);
    compile(&theirs);
    let (mine, theirs) = (entry(&mine).unwrap(), entry(&theirs).unwrap());
    fs::copy(&theirs, &mine).unwrap();
    let before = fs::read(&mine).unwrap();
    compile(mine.parent().unwrap());
    assert_ne!(fs::read(&mine).unwrap(), before);
}

#[test]
fn a_folder_that_others_can_use_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    compile(&open);
    assert!(entry(&open).is_none());

    let private = folder.path().join("private");
    compile(&private);
    let link = folder.path().join("link");
    symlink(&private, &link).unwrap();
    let before = fs::read_dir(&private).unwrap().count();
    compile(&link);
    assert_eq!(fs::read_dir(&private).unwrap().count(), before);
}

#[test]
fn a_link_in_place_of_an_entry_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    compile(&cache);
    let entry = entry(&cache).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&entry, &elsewhere).unwrap();
    symlink(&elsewhere, &entry).unwrap();
    compile(&cache);
    assert!(fs::symlink_metadata(&entry).unwrap().is_file(), "the link was replaced by what was compiled anew");
}
