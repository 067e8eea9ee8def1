//! A log that lost its end: what is read is what was acknowledged up to there, and the case goes on from it.

use std::fs;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::{Status, Tool};
use rusqlite::Connection;

/// A casebook as a power failure leaves it: most of it is in the log. Also what the case was after each acknowledged write.
fn left_behind() -> (Vec<u8>, Vec<u8>, Vec<Case>) {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    let mut states = vec![log.case().clone()];
    for n in 1..=6 {
        log.append(planned([n])).unwrap();
        states.push(log.case().clone());
        call(&mut log, n, &outcome(Status::Ok, findings(), vec![answer(Tool::Docs, n)])).unwrap();
        states.push(log.case().clone());
    }
    log.append(vec![accepted(1, 1, findings()), concluded()]).unwrap();
    states.push(log.case().clone());
    // Nobody has closed it yet.
    let (file, wal) = (book.file().to_owned(), book.file().with_extension("sqlite-wal"));
    (fs::read(file).unwrap(), fs::read(wal).unwrap(), states)
}

/// What is read of such a casebook, once it goes on.
fn goes_on(file: &[u8], wal: &[u8], case: &CaseId) -> Result<Case, CasebookError> {
    let folder = folder();
    let path = folder.path().join("casebook.sqlite");
    for (path, bytes) in [(path.clone(), file), (path.with_extension("sqlite-wal"), wal)] {
        fs::write(&path, bytes).unwrap();
        make_private(&path);
    }
    let book = Casebook::open(folder.path())?;
    let read = book.load(case)?;
    assert_eq!(book.check()?.damage, []);
    if read.end.is_none() {
        // Its owner is this very process, which lives on.
        Connection::open(&path).unwrap().execute("UPDATE lease SET held = 0", ()).unwrap();
        let mut log = book.resume(case)?;
        log.append(planned([99]))?;
        assert_eq!(log.case().seq, read.seq + 1);
    }
    Ok(read)
}

#[test]
fn a_log_that_was_cut_off_gives_what_was_acknowledged_before() {
    let (file, wal, states) = left_behind();
    let id = states[0].id;
    let (mut whole, mut earlier, mut none) = (0, 0, 0);
    for at in (0..wal.len()).step_by(997).chain([wal.len()]) {
        match goes_on(&file, &wal[..at], &id) {
            Ok(read) => {
                let known = states.iter().position(|state| *state == read).unwrap_or_else(|| panic!("{at}: {read:?}"));
                whole += usize::from(known + 1 == states.len());
                earlier += usize::from(known + 1 < states.len());
            }
            // So much is missing that the case was not opened yet, or the casebook not made.
            Err(CasebookError::NoSuchCase(_) | CasebookError::Folder { .. }) => none += 1,
            Err(error) => panic!("{at}: {error}"),
        }
    }
    assert!(whole >= 1 && earlier > 10 && none > 10, "{whole} {earlier} {none}");
}

#[test]
fn garbage_in_a_log_never_gives_another_case() {
    let (file, wal, states) = left_behind();
    let id = states[0].id;
    let mut damaged = 0;
    for at in (0..wal.len()).step_by(1_499) {
        let mut wrong = wal.clone();
        let end = (at + 300).min(wrong.len());
        wrong[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        match goes_on(&file, &wrong, &id) {
            Ok(read) => {
                assert!(states.contains(&read), "{at}");
                damaged += usize::from(read != states[states.len() - 1]);
            }
            Err(CasebookError::NoSuchCase(_) | CasebookError::Folder { .. } | CasebookError::Store { .. }) => {
                damaged += 1
            }
            Err(error) => panic!("{at}: {error}"),
        }
    }
    assert!(damaged > 10);
    // What comes behind the last write is none.
    let behind = [&wal[..], &b"dear diary\n".repeat(800)].concat();
    assert_eq!(goes_on(&file, &behind, &id).unwrap(), states[states.len() - 1]);
}
