//! What can only be seen from inside: rows of a newer version, and a disk that refuses.

use negawatt_host::{Status, Tool};
use rusqlite::{Connection, TransactionBehavior};

use crate::*;

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;

fn book() -> (tempfile::TempDir, Casebook) {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    (folder, book)
}

#[test]
fn what_a_newer_version_wrote_is_kept_and_shown_and_not_continued() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    let id = log.case().id;
    log.append(planned([1])).unwrap();
    drop(log);
    let before = book.load(&id).unwrap();
    book.write(|to| {
        log::insert(to, book.tenant(), &id, 3, 30, "later", &[1, 2, 3])?;
        log::insert(to, book.tenant(), &id, 4, 40, "concluded", &[2, 0xff])
    })
    .unwrap();

    let case = book.load(&id).unwrap();
    let unknown = |name: &str, version, body: &[u8]| Unknown { name: name.into(), version, body: body.into() };
    assert_eq!(case.unknown, [(3, unknown("later", 1, &[1, 2, 3])), (4, unknown("concluded", 2, &[2, 0xff]))]);
    assert_eq!(Case { seq: 2, unknown: vec![], ..case }, before);
    assert_eq!(book.list(1).unwrap()[0].end, None);
    match book.resume(&id).unwrap_err() {
        CasebookError::NewerCase { case, event, version } => assert_eq!((case, &*event, version), (id, "later", 1)),
        error => panic!("{error}"),
    }
}

#[test]
fn a_case_that_a_newer_version_opened_is_listed() {
    let (_folder, book) = book();
    let known = book.open_case(opened("f")).unwrap().case().id;
    let id: CaseId = "01D39ZY06FGSCTVN4T2V9PKHFZ".parse().unwrap();
    book.write(|to| {
        let sql = "INSERT INTO case_index (id, fingerprint, window_start, window_end) VALUES (?, 'f', 0, 1)";
        to.execute(sql, [id.to_string()])?;
        log::insert(to, book.tenant(), &id, 1, 10, "opened", &[9])
    })
    .unwrap();
    let listed = book.list(10).unwrap();
    assert_eq!((listed[0].id, &listed[0].opened, listed[1].id), (id, &None, known));
    assert!(book.load(&id).unwrap().opened.is_none());
    assert!(matches!(book.resume(&id), Err(CasebookError::NewerCase { .. })));
}

#[test]
fn what_a_newer_version_wrote_is_no_damage_and_neither_compacted_nor_exported() {
    let (_folder, book) = book();
    let id = book.open_case(opened("f")).unwrap().case().id;
    book.write(|to| log::insert(to, book.tenant(), &id, 2, 30, "later", &[1, 2, 3])).unwrap();
    assert_eq!(book.check().unwrap().damage, []);
    // What it refers to is not known.
    for refused in [book.compact(Some(i64::MAX)).map(drop), book.export(std::io::sink(), None).map(drop)] {
        assert!(matches!(refused, Err(CasebookError::NewerCase { .. })), "{refused:?}");
    }
}

#[test]
fn a_missing_event_is_damage() {
    let (_folder, book) = book();
    let id = book.open_case(opened("f")).unwrap().case().id;
    book.write(|to| log::insert(to, book.tenant(), &id, 3, 30, "later", &[1])).unwrap();
    let error = book.load(&id).unwrap_err().to_string();
    assert!(error.contains("event 2 of case") && error.contains("restore it from a copy"), "{error}");
}

fn refused(book: &Casebook, change: impl Fn(&Connection), restore: impl Fn(&Connection), word: &str) {
    let mut log = book.open_case(opened("f")).unwrap();
    log.append(planned([1])).unwrap();
    let before = log.case().clone();
    change(&book.connection());
    let big: Vec<_> = (0..40).map(|n| answer(Tool::Code, n)).collect();
    let error = call(&mut log, 1, &outcome(Status::Ok, findings(), big.clone())).unwrap_err().to_string();
    assert!(error.contains(word) && error.contains("casebook.sqlite"), "{error}");
    assert_eq!(*log.case(), before);
    restore(&book.connection());
    assert_eq!(book.load(&before.id).unwrap(), before);
    call(&mut log, 1, &outcome(Status::Ok, findings(), big)).unwrap();
    assert_eq!(book.load(&before.id).unwrap(), *log.case());
}

#[test]
fn a_full_disk_loses_nothing() {
    let (_folder, book) = book();
    let pages = |connection: &Connection, count: i64| {
        connection.pragma_update_and_check(None, "max_page_count", count, |_| Ok(())).unwrap();
    };
    // Less than the file has means: no page more.
    refused(&book, |connection| pages(connection, 1), |connection| pages(connection, 1 << 30), "no room left");
}

#[test]
fn a_file_that_must_not_be_written_is_told() {
    let (_folder, book) = book();
    let only = |connection: &Connection, on: bool| connection.pragma_update(None, "query_only", on).unwrap();
    refused(&book, |connection| only(connection, true), |connection| only(connection, false), "cannot be written");
}

#[test]
fn a_lock_that_does_not_end_is_told() {
    let (_folder, book) = book();
    let other = std::cell::RefCell::new(Connection::open(book.file()).unwrap());
    let lock = |connection: &Connection| {
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        other.borrow().execute_batch("BEGIN IMMEDIATE").unwrap();
    };
    refused(&book, lock, |_| other.borrow().execute_batch("ROLLBACK").unwrap(), "kept it locked");
}

#[test]
fn an_error_in_the_middle_rolls_back() {
    let (_folder, book) = book();
    let id = book.open_case(opened("f")).unwrap().case().id;
    let failed = book.write(|to| {
        log::insert(to, book.tenant(), &id, 2, 20, "later", &[1])?;
        to.execute("SELECT nonsense", ())?;
        Ok(())
    });
    assert!(failed.is_err());
    assert_eq!(book.load(&id).unwrap().seq, 1);
    let mut connection = book.connection();
    assert!(connection.transaction_with_behavior(TransactionBehavior::Immediate).is_ok(), "nothing is left open");
}
