//! What a casebook promises, through its public face.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::model::Window;
use negawatt_host::{Digest, Status, Tool};
use rusqlite::Connection;
use tempfile::TempDir;

fn book() -> (TempDir, Casebook) {
    let folder = folder();
    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    (folder, book)
}

fn problem<T: std::fmt::Debug>(result: Result<T, CasebookError>) -> Problem {
    match result {
        Err(CasebookError::Store { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// The file behind a casebook's back.
fn raw(book: &Casebook) -> Connection {
    Connection::open(book.file()).unwrap()
}

#[test]
fn what_was_recorded_is_read_again_by_anybody() {
    let (folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    record(&mut log).unwrap();
    let case = log.case().clone();
    drop((log, book));

    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    assert_eq!(book.load(&case.id).unwrap(), case);
    assert_eq!(case.opened.as_deref(), Some(&opened("f")));
    assert_eq!((case.steps.len(), case.board.len()), (10, findings().len()));
    assert_eq!(case.step("s1").unwrap().accepted.as_ref().unwrap()[0], "e1");
    assert_eq!(case.step("s4").unwrap().status(), Status::Trap);
    assert_eq!(case.step("s10").unwrap().status(), Status::Skipped, "it was planned and not called");
    assert_eq!(case.evidence("e4").unwrap().tools, BTreeSet::from([Tool::Metrics, Tool::Changes]));
    assert_eq!(case.evidence("e4").unwrap().evidence.finding, findings()[3]);
    assert_eq!(case.concluded().map(|concluded| concluded.verdict), Some(Verdict::Dismissed));
    assert_eq!((case.usage.skill_calls, case.usage.tool_calls), (8, 9 * 11));
    assert_eq!((case.usage.read_bytes, case.usage.peak_memory_bytes), (9 * 4096, 65536));

    let call = case.step("s2").unwrap().last_call().unwrap();
    for (n, answered) in (2..).zip(&call.answers) {
        let expected = answer(answered.tool, n);
        assert_eq!(book.blob(&answered.request).unwrap(), expected.request);
        assert_eq!(book.blob(&answered.response).unwrap(), expected.response);
        assert_eq!(answered.error, expected.error);
    }
}

#[test]
fn equal_answers_are_kept_once() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    log.append(planned(1..=2)).unwrap();
    for n in 1..=2 {
        call(&mut log, n, &outcome(Status::Ok, vec![], vec![answer(Tool::Docs, 7), answer(Tool::Docs, 7)])).unwrap();
    }
    let (rows, stored): (i64, i64) = raw(&book)
        .query_row("SELECT count(*), max(length(body)) FROM blob", (), |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(rows, 2);
    assert!(stored < 100, "200 times the same words take {stored} bytes");
}

#[test]
fn an_answer_that_was_removed_or_damaged_is_named() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    log.append(planned([1])).unwrap();
    call(&mut log, 1, &outcome(Status::Ok, vec![], vec![answer(Tool::Docs, 7)])).unwrap();
    let asked = log.case().steps[0].calls[0].answers[0].clone();
    let other = zstd::bulk::compress(b"question 8", 3).unwrap();
    raw(&book).execute("UPDATE blob SET body = ? WHERE digest = ?", (other, asked.request.0)).unwrap();
    assert!(matches!(problem(book.blob(&asked.request)), Problem::Damaged(_)));
    raw(&book).execute("DELETE FROM blob", ()).unwrap();
    assert!(matches!(book.blob(&asked.response), Err(CasebookError::NoBlob(digest)) if digest == asked.response));
}

#[test]
fn a_batch_is_recorded_whole_or_not_at_all() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    let before = log.case().clone();
    let unrecorded = AnswerRef {
        tool: Tool::Docs,
        function: "read".into(),
        request: Digest::of(b"never"),
        response: Digest::of(b"recorded"),
        error: None,
        wall_us: 1,
    };
    let mut batch = Batch::from(planned([1]));
    let outcome = outcome(Status::Ok, vec![], vec![answer(Tool::Docs, 7)]);
    batch.push_call("s1", 1, &outcome, Vec::new());
    let called = Called {
        step: "s1".into(),
        attempt: 2,
        status: Status::Ok,
        message: None,
        usage: Default::default(),
        log: vec![],
        answers: vec![unrecorded],
        findings: vec![],
        extra: vec![],
    };
    batch.push(Event::Called(called.into()));
    let error = log.append(batch).unwrap_err();
    assert!(error.to_string().contains("not recorded"), "{error}");
    assert_eq!(*log.case(), before);
    assert_eq!(book.load(&before.id).unwrap(), before);
    let blobs: i64 = raw(&book).query_row("SELECT count(*) FROM blob", (), |row| row.get(0)).unwrap();
    assert_eq!(blobs, 0);
    log.append(planned([1])).unwrap();
}

#[test]
fn events_that_cannot_come_next_are_refused() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    let refused = |log: &mut CaseLog, event: Event, word: &str| {
        let error = log.append(event).unwrap_err();
        assert!(matches!(error, CasebookError::Misplaced { .. }) && error.to_string().contains(word), "{error}");
    };
    refused(&mut log, Event::Opened(opened("f").into()), "opened before");
    refused(&mut log, accepted(1, 1, findings()), "no step s1");
    refused(&mut log, planned([1, 2, 1]), "s1 was planned before");
    log.append(planned([1, 2])).unwrap();
    refused(&mut log, planned([2]), "s2 was planned before");
    refused(&mut log, accepted(1, 1, findings()), "not called");
    let ok = outcome(Status::Ok, findings(), vec![]);
    let mut again = Batch::default();
    again.push_call("s1", 2, &ok, Vec::new());
    assert!(log.append(again).unwrap_err().to_string().contains("call 1 of step s1 is recorded as number 2"));
    call(&mut log, 1, &ok).unwrap();
    call(&mut log, 2, &ok).unwrap();
    log.append(accepted(1, 1, findings())).unwrap();
    refused(&mut log, accepted(1, 50, findings()), "accepted before");
    refused(&mut log, accepted(2, 3, findings()), "evidence e3 already");
    assert!(call(&mut log, 1, &ok).unwrap_err().to_string().contains("were accepted before it was called"));
    let unknown = Unknown { name: "proposed".into(), version: 1, body: vec![1] };
    refused(&mut log, Event::Unknown(unknown), "cannot write");
    log.append(concluded()).unwrap();
    refused(&mut log, concluded(), "has ended");
    refused(&mut log, planned([3]), "has ended");
    assert_eq!(book.load(&log.case().id).unwrap(), *log.case());
}

#[test]
fn sqlite_itself_refuses_to_change_the_past() {
    let (_folder, book) = book();
    book.open_case(opened("f")).unwrap();
    for sql in ["UPDATE event SET time = 0", "DELETE FROM event"] {
        assert!(raw(&book).execute(sql, ()).unwrap_err().to_string().contains("append-only"));
    }
}

#[test]
fn a_case_has_one_owner() {
    let (folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    let id = log.case().id;
    let other = Casebook::open(&folder.path().join("casebook")).unwrap();
    match other.resume(&id).unwrap_err() {
        CasebookError::Owned { case, owner, since, until } => {
            assert_eq!((case, owner.pid), (id, std::process::id()));
            assert_eq!(i128::from(until - since), LEASE.as_micros() as i128);
        }
        error => panic!("{error}"),
    }
    assert_eq!(other.load(&id).unwrap(), *log.case(), "reading needs no lease");

    log.append(planned([1])).unwrap();
    log.release().unwrap();
    let mut next = other.resume(&id).unwrap();
    assert_eq!(next.opened(), &opened("f"));
    next.append(planned([2])).unwrap();
    drop(next);
    assert_eq!(book.resume(&id).unwrap().case().steps.len(), 2);
}

#[test]
fn who_lost_the_lease_writes_nothing_more() {
    let (_folder, book) = book();
    let mut slow = book.open_case(opened("f")).unwrap();
    let id = slow.case().id;
    raw(&book).execute("UPDATE lease SET until = 1", ()).unwrap();
    let mut next = book.resume(&id).unwrap();
    next.append(planned([1])).unwrap();
    assert!(matches!(slow.append(planned([1])), Err(CasebookError::TakenOver { .. })));
    // Giving back what was lost takes nothing from the new owner.
    drop(slow);
    assert!(matches!(book.resume(&id), Err(CasebookError::Owned { .. })));
    next.append(planned([2])).unwrap();
    assert_eq!(book.load(&id).unwrap(), *next.case());
}

#[test]
fn an_owner_that_is_only_slow_keeps_its_case() {
    let (_folder, book) = book();
    let mut slow = book.open_case(opened("f")).unwrap();
    raw(&book).execute("UPDATE lease SET until = 1", ()).unwrap();
    slow.append(Batch::default()).unwrap();
    assert!(matches!(book.resume(&slow.case().id), Err(CasebookError::Owned { .. })));
}

#[test]
fn a_second_writer_of_a_log_is_noticed() {
    let (_folder, book) = book();
    let mut log = book.open_case(opened("f")).unwrap();
    let raw = raw(&book);
    raw.execute("INSERT INTO event SELECT case_id, 2, type, version, tenant, time, body, digest FROM event", ())
        .unwrap();
    assert!(matches!(problem(log.append(planned([1]))), Problem::Damaged(_)));
    assert!(matches!(problem(book.load(&log.case().id)), Problem::Damaged(_)), "the row is not what its digest says");
}

#[test]
fn the_newest_case_is_listed_first() {
    let (_folder, book) = book();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            let mut log = book.open_case(opened(&format!("f{n}"))).unwrap();
            match n {
                1 => record(&mut log).unwrap(),
                2 => log.append(Event::Cancelled(Cancelled { reason: "enough".into(), wall_ms: 3 })).unwrap(),
                _ => {}
            }
            log.case().id
        })
        .collect();
    let listed = book.list(4).unwrap();
    assert_eq!(listed.iter().map(|case| case.id).collect::<Vec<_>>(), [ids[4], ids[3], ids[2], ids[1]]);
    assert_eq!(listed[0].opened.as_deref(), Some(&opened("f4")));
    assert!(listed[0].end.is_none() && matches!(listed[2].end, Some(End::Cancelled(_))));
    assert!(matches!(&listed[3].end, Some(End::Concluded(_))) && listed[3].ended_at >= Some(listed[3].opened_at));
}

#[test]
fn cases_are_found_by_the_beginning_of_their_id() {
    let (_folder, book) = book();
    let first = book.open_case(opened("f")).unwrap().case().id;
    let text = first.to_string();
    for prefix in [&text[..1], &text[..8], &text, &text.to_lowercase()] {
        assert_eq!(book.find(prefix).unwrap(), first, "{prefix}");
    }
    let second = book.open_case(opened("f")).unwrap().case().id;
    let CasebookError::Ambiguous { cases, .. } = book.find(&text[..1]).unwrap_err() else { panic!() };
    assert_eq!(cases, [second, first]);
    assert_eq!(book.find(&text).unwrap(), first);
    assert!(matches!(book.find("7ZZZ"), Err(CasebookError::NoSuchCase(_))));
    for nonsense in ["", "%", "'", "~", &"0".repeat(27)] {
        assert!(matches!(book.find(nonsense), Err(CasebookError::NotACaseId(_))), "{nonsense}");
    }
}

#[test]
fn cases_are_found_by_fingerprint() {
    let (_folder, book) = book();
    let window = |start, end| Window { start, end };
    assert_eq!(book.latest("f").unwrap(), None);
    let mut first = book.open_case(opened("f")).unwrap();
    let id = first.case().id;
    for (asked, found) in [
        (window(1_999_999, 3_000_000), Some(id)),
        (window(2_000_000, 3_000_000), None),
        (window(0, 1_000_000), None),
        (window(0, 1_000_001), Some(id)),
    ] {
        assert_eq!(book.find_open("f", &asked).unwrap(), found, "{asked:?}");
        assert_eq!(book.find_overlapping("f", &asked).unwrap(), found, "{asked:?}");
    }
    let within = window(1_200_000, 1_300_000);
    assert_eq!(book.find_open("g", &within).unwrap(), None);
    first.append(concluded()).unwrap();
    assert_eq!(book.find_open("f", &within).unwrap(), None);
    assert_eq!(book.find_overlapping("f", &within).unwrap(), Some(id), "also once it has ended");
    assert_eq!(book.latest("f").unwrap(), Some(id));
    let second = book.open_case(opened("f")).unwrap();
    assert_eq!(book.latest("f").unwrap(), Some(second.case().id));
}

#[test]
fn tenants_see_nothing_of_each_other() {
    let (_folder, book) = book();
    let other = book.for_tenant("acme");
    let mut log = other.open_case(opened("f")).unwrap();
    record(&mut log).unwrap();
    let case = log.case().clone();
    drop(log);
    assert_eq!(other.load(&case.id).unwrap(), case);
    assert!(book.list(10).unwrap().is_empty());
    assert_eq!(book.latest("f").unwrap(), None);
    assert!(matches!(book.find(&case.id.to_string()), Err(CasebookError::NoSuchCase(_))));
    assert!(matches!(book.load(&case.id), Err(CasebookError::NoSuchCase(_))));
    assert!(matches!(book.resume(&case.id), Err(CasebookError::NoSuchCase(_))));
    let asked = case.steps[0].calls[0].answers[0].request;
    assert!(matches!(book.blob(&asked), Err(CasebookError::NoBlob(_))));
}

#[test]
fn connections_write_different_cases_at_the_same_time() {
    let folder = folder();
    let path = folder.path().join("casebook");
    // Each opens for itself, as processes would; the first of them makes the casebook.
    let write = || {
        let book = Casebook::open(&path).unwrap();
        let mut log = book.open_case(opened("f")).unwrap();
        record(&mut log).unwrap();
        log.case().clone()
    };
    let cases: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(write)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let book = Casebook::open(&path).unwrap();
    assert_eq!(book.list(10).unwrap().len(), 6);
    for case in cases {
        assert_eq!(book.load(&case.id).unwrap(), case);
    }
}

#[test]
fn a_handle_is_shared_by_threads() {
    let (_folder, book) = book();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| book.open_case(opened("f")).unwrap().append(planned([1])).unwrap());
        }
    });
    assert_eq!(book.list(10).unwrap().len(), 4);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_private() {
    let (folder, book) = book();
    let _log = book.open_case(opened("f")).unwrap();
    let path = folder.path().join("casebook");
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap().path();
        assert_eq!(mode(&entry), 0o600, "{}", entry.display());
    }
    let nested = folder.path().join("a/b/c");
    Casebook::open(&nested).unwrap();
    assert_eq!(mode(&nested), 0o700);
}

#[test]
fn what_others_can_write_is_not_used() {
    let (folder, book) = book();
    let file = book.file().to_owned();
    drop(book);
    let path = folder.path().join("casebook");
    let refused = |word: &str| match Casebook::open(&path).unwrap_err() {
        CasebookError::Folder { folder, what } => assert!(folder == path && what.contains(word), "{what}"),
        error => panic!("{error}"),
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
    refused("chmod 700");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Casebook::open(&path).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    refused("chmod 600");
    fs::rename(&file, folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), &file).unwrap();
    refused("not a file");
}

#[test]
fn a_file_that_is_there_where_the_folder_should_be_is_kept() {
    let folder = folder();
    let path = folder.path().join("casebook");
    fs::write(&path, "mine").unwrap();
    assert!(matches!(Casebook::open(&path), Err(CasebookError::Folder { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}
