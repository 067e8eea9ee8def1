//! Compiled code is kept, and never trusted when it is not ours.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use negawatt_host::limits::HostLimits;
use negawatt_host::{Host, HostConfig, Origin, Skill};
use negawatt_test_guests::{MISCHIEF, READER, SENDER};

fn skill() -> Skill {
    Skill::read(MISCHIEF, Origin::Loaded).unwrap()
}

fn compile(cache: &Path) {
    host(cache, HostLimits::default()).compile(&skill()).unwrap();
}

fn host(cache: &Path, limits: HostLimits) -> Host {
    Host::new(HostConfig { cache: Some(cache.to_owned()), limits, ..HostConfig::default() }).unwrap()
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
    let written = fs::metadata(&entry).unwrap().ino();
    compile(&cache);
    assert_eq!(fs::metadata(&entry).unwrap().ino(), written, "it was compiled again");
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

#[test]
fn what_was_used_longest_ago_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let read = |wasm: &'static [u8]| Skill::read(wasm, Origin::Loaded).unwrap();
    let kept = |skill: &Skill| {
        let name = blake3::Hash::from_bytes(skill.digest.0).to_hex().to_string();
        let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
        let mut of = entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&name));
        of.next()
    };
    let size = |skill: &Skill| fs::metadata(kept(skill).unwrap()).unwrap().len();
    let [first, second, third] = [read(MISCHIEF), read(READER), read(SENDER)];
    let all = host(&cache, HostLimits::default());
    for (skill, hours) in [(&first, 3), (&second, 2)] {
        all.compile(skill).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(hours * 3_600);
        fs::File::open(kept(skill).unwrap()).unwrap().set_modified(long_ago).unwrap();
    }
    // Used again: now the other one is the oldest.
    host(&cache, HostLimits::default()).compile(&first).unwrap();
    all.compile(&third).unwrap();
    let compiled_bytes = size(&first) + size(&third);
    let just = host(&cache, HostLimits { compiled_bytes: compiled_bytes + size(&second), ..HostLimits::default() });
    fs::remove_file(kept(&third).unwrap()).unwrap();
    just.compile(&third).unwrap();
    assert!([&first, &second, &third].iter().all(|skill| kept(skill).is_some()), "there is room for all of them");
    fs::remove_file(kept(&third).unwrap()).unwrap();
    host(&cache, HostLimits { compiled_bytes, ..HostLimits::default() }).compile(&third).unwrap();
    assert!(kept(&second).is_none() && kept(&first).is_some() && kept(&third).is_some());
    fs::remove_file(kept(&third).unwrap()).unwrap();
    let none = host(&cache, HostLimits { compiled_bytes: 1, ..HostLimits::default() });
    none.compile(&third).unwrap();
    assert!(
        [&first, &second, &third].iter().all(|skill| kept(skill).is_none()),
        "what has no room is compiled and used"
    );
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_could_have_written_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    compile(&cache);
    let (entry, key) = (entry(&cache).unwrap(), cache.join("key"));
    for mode in [0o620, 0o602] {
        set_mode(&entry, mode);
        compile(&cache);
        assert_eq!(fs::metadata(&entry).unwrap().mode() & 0o777, 0o600, "it was compiled anew");
        set_mode(&key, mode);
        assert!(Host::check_cache(&cache).unwrap_err().contains("not a private file"));
        set_mode(&key, 0o600);
        assert_eq!(Host::check_cache(&cache), Ok(()));
    }
    // Only root can give something away; whoever else runs this cannot be given anything either.
    for (path, says) in [(&key, "not a private file"), (&cache, "belongs to another user")] {
        if chown(path, Some(12_345), None).is_ok() {
            assert!(Host::check_cache(&cache).unwrap_err().contains(says));
            chown(path, Some(fs::metadata(folder.path()).unwrap().uid()), None).unwrap();
        }
    }
    assert_eq!(Host::check_cache(&cache), Ok(()));
}

#[test]
fn what_is_no_key_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    assert_eq!(Host::check_cache(&cache), Ok(()));
    let key = cache.join("key");
    let good = fs::read(&key).unwrap();
    for wrong in [&good[..31], &[&good[..], &[0]].concat(), &[]] {
        fs::write(&key, wrong).unwrap();
        assert!(Host::check_cache(&cache).unwrap_err().contains("wrong length"));
    }
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&key, &elsewhere).unwrap();
    fs::write(&elsewhere, &good).unwrap();
    symlink(&elsewhere, &key).unwrap();
    assert!(Host::check_cache(&cache).is_err(), "a link is not followed");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert!(Host::check_cache(&cache).unwrap_err().contains("not a private file"));
    fs::remove_dir(&key).unwrap();
    assert_eq!(Host::check_cache(&cache), Ok(()));
    let names: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["key"], "nothing else is left");
}

#[test]
fn a_path_that_is_no_folder_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "").unwrap();
    symlink(folder.path(), &link).unwrap();
    for path in [&file, &link] {
        assert!(Host::check_cache(path).unwrap_err().contains("is not a folder"));
    }
    assert_eq!(Host::check_cache(Path::new("/")), Err("the cache folder has no name".to_owned()));
    assert_eq!(Host::check_cache(&folder.path().join("not/there/yet")), Ok(()));
}

#[test]
fn who_opens_a_new_folder_at_once_shares_its_key() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let cache = folder.path().join(n.to_string());
        let together = std::sync::Barrier::new(4);
        let open = || {
            together.wait();
            Host::check_cache(&cache)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Ok(())));
        });
    }
}
