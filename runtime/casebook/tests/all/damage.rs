//! Damage is told, and what is there is left as it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;
use negawatt_casebook::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;

/// A closed casebook with a case in it.
fn closed() -> (tempfile::TempDir, PathBuf, Case) {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    record(&mut log).unwrap();
    let case = log.case().clone();
    drop(log);
    let file = book.file().to_owned();
    drop(book);
    assert!(!file.with_extension("sqlite-wal").exists(), "what is copied below is all there is");
    (folder, file, case)
}

fn problem(folder: &Path) -> Problem {
    match Casebook::open(folder) {
        Err(CasebookError::Store { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newer_casebook_is_left_as_it_is() {
    let (folder, file, _) = closed();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&file).unwrap();
    assert!(matches!(problem(folder.path()), Problem::Newer { found: 99, known: 6 }));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_newer_casebook_is_left_as_it_is_while_its_log_is_not_yet_moved() {
    let (folder, file, _) = closed();
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let log = file.with_extension("sqlite-wal");
    let before = (fs::read(&file).unwrap(), fs::read(&log).unwrap());
    assert!(!before.1.is_empty());
    assert!(matches!(problem(folder.path()), Problem::Newer { found: 99, known: 6 }));
    assert_eq!((fs::read(&file).unwrap(), fs::read(&log).unwrap()), before);
}

#[test]
fn a_database_of_something_else_is_left_as_it_is() {
    let folder = folder();
    let file = folder.path().join("casebook.sqlite");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    make_private(&file);
    let before = fs::read(&file).unwrap();
    assert!(matches!(problem(folder.path()), Problem::Foreign("a casebook")));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = folder();
    let file = folder.path().join("casebook.sqlite");
    let text = "dear diary\n".repeat(1000);
    fs::write(&file, &text).unwrap();
    make_private(&file);
    assert!(matches!(problem(folder.path()), Problem::Damaged(_)));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_log_without_its_file_is_not_thrown_away() {
    let folder = folder();
    let log = folder.path().join("casebook.sqlite-wal");
    fs::write(&log, "acknowledged").unwrap();
    for left_over in [false, true] {
        if left_over {
            fs::write(folder.path().join("casebook.sqlite"), "").unwrap();
        }
        assert!(matches!(Casebook::open(folder.path()), Err(CasebookError::Folder { .. })));
        assert_eq!(fs::read_to_string(&log).unwrap(), "acknowledged");
    }
}

#[test]
fn a_file_that_was_cut_off_is_told() {
    let (folder, file, case) = closed();
    let whole = fs::read(&file).unwrap();
    for part in 1..16 {
        let cut = &whole[..whole.len() * part / 16];
        fs::write(&file, cut).unwrap();
        let read = Casebook::open(folder.path()).and_then(|book| book.load(&case.id));
        match read {
            Ok(read) => assert_eq!(read, case),
            Err(CasebookError::Store { problem: Problem::Damaged(_), .. }) => {}
            Err(error) => panic!("{part}/16: {error}"),
        }
        assert_eq!(fs::read(&file).unwrap(), cut, "{part}/16");
    }
    let mut told = 0;
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    told += usize::from(Casebook::open(folder.path()).and_then(|book| book.load(&case.id)).is_err());
    assert_eq!(told, 1, "half a file cannot hold it");
}

#[test]
fn no_part_of_an_event_changes_unseen() {
    for change in [
        "body = CAST(substr(body, 1, length(body) - 1) || x'7f' AS BLOB)",
        "time = time + 1",
        "type = 'planned'",
        "tenant = 'x'",
    ] {
        let (folder, file, case) = closed();
        let raw = Connection::open(&file).unwrap();
        raw.execute_batch("DROP TRIGGER event_is_never_changed").unwrap();
        raw.execute(&format!("UPDATE event SET {change} WHERE seq = 3"), ()).unwrap();
        drop(raw);
        match Casebook::open(folder.path()).unwrap().load(&case.id) {
            Err(CasebookError::Store { problem: Problem::Damaged(what), .. }) => {
                assert!(what.contains("event 3"), "{what}")
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

/// Whatever byte is wrong: what is read is what was written, or an error.
#[test]
fn a_wrong_byte_never_gives_another_case() {
    let (folder, file, case) = closed();
    let whole = fs::read(&file).unwrap();
    let mut random = StdRng::seed_from_u64(6);
    let mut told = 0;
    for _ in 0..400 {
        let mut damaged = whole.clone();
        let at = random.random_range(0..damaged.len());
        damaged[at] ^= 1 << random.random_range(0..8);
        fs::write(&file, &damaged).unwrap();
        for suffix in ["sqlite-wal", "sqlite-shm", "sqlite-journal"] {
            let _ = fs::remove_file(file.with_extension(suffix));
        }
        let read = Casebook::open(folder.path()).and_then(|book| {
            let _ = book.list(10)?;
            let read = book.load(&case.id)?;
            for answer in read.steps.iter().flat_map(|step| &step.calls).flat_map(|call| &call.answers) {
                book.blob(&answer.request)?;
                book.blob(&answer.response)?;
            }
            Ok(read)
        });
        match read {
            Ok(read) => assert_eq!(read, case, "byte {at}"),
            Err(_) => told += 1,
        }
    }
    // Much of a file is free space, or an index that is not needed here.
    assert!(told > 0);
}
